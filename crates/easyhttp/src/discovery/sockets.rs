//! The multicast sockets, on every interface.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use easyhttp_proto::datagram::GROUP;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use crate::interfaces::{self, Interface};

/// How long the answers to a question take at the most.
const ANSWERS: Duration = Duration::from_millis(500);

/// Where the group is heard. Where the system allows it, the socket takes only
/// what is sent to the group: of the devices that share the port, a unicast
/// datagram reaches one, and it may be meant for another.
const GROUP_ADDRESS: Ipv4Addr = if cfg!(unix) { GROUP } else { Ipv4Addr::UNSPECIFIED };

/// One socket that hears the group, and one for each interface that speaks.
pub(super) struct Sockets {
    port: u16,
    /// The interfaces that the user chose. Empty: all of them.
    names: Vec<String>,
    listener: UdpSocket,
    /// Hears the answers of Python devices while we ask, and when it was opened.
    /// They come to the group's port, where only the socket that was opened
    /// last gets them.
    latest: Option<(UdpSocket, Instant)>,
    speakers: Vec<Speaker>,
}

/// Speaks on one interface, and hears the answers to that.
///
/// Answers go to its own port: the group's port may be shared by several
/// devices of one host, and a unicast datagram reaches only one of them.
struct Speaker {
    interface: Interface,
    socket: UdpSocket,
}

impl Sockets {
    pub(super) fn open(port: u16, names: Vec<String>) -> io::Result<Self> {
        let listener = open_listener(GROUP_ADDRESS, port)?;
        let mut sockets = Self { port, names, listener, latest: None, speakers: Vec::new() };
        sockets.refresh();
        Ok(sockets)
    }

    /// Follows interfaces that appear, vanish or change their address, and says
    /// whether there are new ones.
    pub(super) fn refresh(&mut self) -> bool {
        let interfaces = match interfaces::list(&self.names) {
            Ok(interfaces) => interfaces,
            Err(error) => {
                tracing::warn!(%error, "cannot list the network interfaces");
                return false;
            }
        };
        // Not for longer: a Python device of this host wants its own answers.
        self.latest.take_if(|(_, opened)| opened.elapsed() > ANSWERS);
        let mut has_new = false;
        self.leave(&interfaces);
        for interface in interfaces {
            if self.speakers.iter().any(|speaker| speaker.interface == interface) {
                continue;
            }
            let name = interface.name.clone();
            match self.join(interface) {
                Ok(speaker) => {
                    self.speakers.push(speaker);
                    has_new = true;
                }
                Err(error) => tracing::debug!(name, %error, "no multicast on this interface"),
            }
        }
        has_new
    }

    /// Forgets the interfaces that are not among these. A membership of one that
    /// vanished would count for ever; Linux allows 20 of a socket.
    fn leave(&mut self, interfaces: &[Interface]) {
        let gone = |speaker: &mut Speaker| !interfaces.contains(&speaker.interface);
        for Speaker { interface, .. } in self.speakers.extract_if(.., gone) {
            if interfaces.iter().all(|other| other.index != interface.index) {
                let membership = InterfaceIndexOrAddress::Index(interface.index);
                let listener = socket2::SockRef::from(&self.listener);
                let _ = listener.leave_multicast_v4_n(&GROUP, &membership);
            }
        }
    }

    /// Hears the group on an interface, and opens a socket that speaks there.
    fn join(&self, interface: Interface) -> io::Result<Speaker> {
        let membership = InterfaceIndexOrAddress::Index(interface.index);
        match socket2::SockRef::from(&self.listener).join_multicast_v4_n(&GROUP, &membership) {
            Ok(()) => {}
            // Still joined from before its address changed.
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            // Linux allows 20 of a socket. It can still speak there, and hear
            // whoever answers.
            Err(error) => tracing::warn!(
                name = interface.name, %error, "does not hear the group on this interface"
            ),
        }
        let socket = into_tokio(open_speaker(&interface)?)?;
        Ok(Speaker { interface, socket })
    }

    /// Sends to the group on every interface. What an interface does not take
    /// is lost, as any datagram may be.
    pub(super) fn announce(&mut self, datagram: &[u8], asks: bool) {
        if asks {
            let latest = open_listener(Ipv4Addr::UNSPECIFIED, self.port).ok();
            self.latest = latest.map(|socket| (socket, Instant::now()));
        }
        for Speaker { interface, socket } in &self.speakers {
            if let Err(error) = send(socket, datagram, (GROUP, self.port).into()) {
                tracing::debug!(name = interface.name, %error, "cannot announce");
            }
        }
    }

    pub(super) fn answer(&self, to: SocketAddr, datagram: &[u8]) {
        let Some(Speaker { socket, .. }) = self.speakers.first() else { return };
        if let Err(error) = send(socket, datagram, to) {
            tracing::debug!(%to, %error, "cannot answer");
        }
    }

    /// The next datagram from any socket.
    pub(super) async fn receive(&self, buffer: &mut [u8]) -> (usize, SocketAddr) {
        poll_fn(|cx| {
            let speakers = self.speakers.iter().map(|speaker| &speaker.socket);
            let latest = self.latest.iter().map(|(socket, _)| socket);
            for socket in std::iter::once(&self.listener).chain(latest).chain(speakers) {
                if let Poll::Ready(received) = poll_receive(socket, cx, buffer) {
                    return Poll::Ready(received);
                }
            }
            Poll::Pending
        })
        .await
    }
}

/// Sends at once. tokio's own method does not on a socket that has just been
/// opened: its runtime has not heard yet that the socket can send.
fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
    socket2::SockRef::from(socket).send_to(datagram, &to.into())
}

/// A datagram from one socket. Errors are of datagrams sent before (a port
/// that was closed), and say nothing about the next one.
fn poll_receive(
    socket: &UdpSocket,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<(usize, SocketAddr)> {
    loop {
        let mut buffer = ReadBuf::new(buffer);
        match std::task::ready!(socket.poll_recv_from(cx, &mut buffer)) {
            Ok(from) => return Poll::Ready((buffer.filled().len(), from)),
            Err(error) => tracing::debug!(%error, "a datagram was lost"),
        }
    }
}

/// Sends a goodbye on every interface, without a runtime. What is not taken at
/// once is lost.
pub(super) fn say_goodbye(datagram: &[u8], port: u16, names: &[String]) {
    for interface in interfaces::list(names).unwrap_or_default() {
        let said = open_speaker(&interface).and_then(|socket| {
            socket.set_nonblocking(true)?;
            socket.send_to(datagram, &SocketAddr::from((GROUP, port)).into())
        });
        if let Err(error) = said {
            tracing::debug!(name = interface.name, %error, "cannot say goodbye");
        }
    }
}

/// A socket that speaks to the group on one interface.
fn open_speaker(interface: &Interface) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_multicast_if_v4(&interface.address)?;
    socket.set_multicast_ttl_v4(1)?;
    socket.set_multicast_loop_v4(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
    Ok(socket)
}

fn open_listener(address: Ipv4Addr, port: u16) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    // Several devices of one host listen here, those of other languages too.
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
    socket.set_reuse_port(true)?;
    // Only what the interfaces that we joined on bring.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    socket.set_multicast_all_v4(false)?;
    socket.bind(&SocketAddr::from((address, port)).into())?;
    into_tokio(socket)
}

fn into_tokio(socket: Socket) -> io::Result<UdpSocket> {
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}
