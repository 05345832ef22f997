//! Datagrams to a discovery group, from whoever a test wants to be.

use std::net::{Ipv4Addr, UdpSocket};

use socket2::{Domain, Socket, Type};

/// The group of the EasyHTTP devices.
pub(crate) const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 106);

/// Sends a datagram to the group on the loopback interface.
pub(crate) fn multicast(discovery_port: u16, datagram: impl AsRef<[u8]>) {
    speaker().send_to(datagram.as_ref(), (GROUP, discovery_port)).unwrap();
}

/// A socket that speaks on the loopback interface.
pub(crate) fn speaker() -> UdpSocket {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
    socket.set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
    socket.bind(&std::net::SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
    socket.into()
}
