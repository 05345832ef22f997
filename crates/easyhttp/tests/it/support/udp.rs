//! Datagrams to a discovery group, from whoever a test wants to be.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use socket2::{Domain, Socket, Type};

use super::PATIENCE;

/// The group of the EasyHTTP devices.
pub(crate) const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 106);

/// Sends a datagram to the group on the loopback interface.
pub(crate) fn multicast(discovery_port: u16, datagram: impl AsRef<[u8]>) {
    speaker().send_to(datagram.as_ref(), (GROUP, discovery_port)).unwrap();
}

/// A socket that speaks on the loopback interface.
pub(crate) fn speaker() -> UdpSocket {
    speaker_at(Ipv4Addr::LOCALHOST)
}

/// The same, from another address of this machine.
pub(crate) fn speaker_at(address: Ipv4Addr) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
    socket.into()
}

/// A socket that hears what is said to the group on the loopback interface, as devices do.
pub(crate) fn listener(discovery_port: u16) -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    #[cfg(unix)]
    socket.set_reuse_port(true).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, discovery_port)).into()).unwrap();
    socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    socket.into()
}

/// Whether a datagram has come that was not read yet.
pub(crate) fn is_waiting(socket: &UdpSocket) -> bool {
    socket.set_nonblocking(true).unwrap();
    let is_waiting = socket.peek(&mut [0]).is_ok();
    socket.set_nonblocking(false).unwrap();
    is_waiting
}
