//! The multicast sockets: a pair for each interface and address family.

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use super::network::{Family, Network, into_tokio};
use super::report::{self, InterfaceState};
use crate::counters::{Count, Counters};
use crate::interfaces::{Interface, is_private};

/// How long the answers to a question take at the most.
const ANSWERS: Duration = Duration::from_millis(500);

/// The sockets of discovery.
pub(super) struct Sockets {
    network: Network,
    links: Vec<Link>,
    /// What there was to be used at the last look.
    wanted: Vec<(Interface, Family)>,
    /// Hears the answers of Python devices while we ask, and until when. They come
    /// to the group's port, where only the socket that was opened last gets them.
    latest: Option<(UdpSocket, Duration)>,
    counters: Arc<Counters>,
}

/// What a look at the interfaces has shown.
pub(super) struct Seen {
    /// Whether they, or their addresses, are others than at the last look.
    pub(super) are_others: bool,
    /// Whether there is one that is used from now on.
    pub(super) has_new: bool,
}

/// One interface, as IPv4 or IPv6 sees it.
struct Link {
    interface: Interface,
    family: Family,
    /// Hears what is sent to the group on this interface. Each has its own: so
    /// it is known where a datagram came in, and Linux allows a socket no more
    /// than 20 memberships.
    listener: UdpSocket,
    /// Speaks on this interface, and hears the answers to that. They go to its
    /// own port: the group's port may be shared by several devices of one host,
    /// and a unicast datagram reaches only one of them.
    speaker: UdpSocket,
    sent: u64,
    heard: u64,
    problem: Option<io::Error>,
}

impl Sockets {
    /// Opens them on all interfaces that there are by now.
    pub(super) fn open(network: Network, counters: Arc<Counters>) -> io::Result<Self> {
        // Says at once whether the port can be used at all.
        drop(network.open_answers()?);
        let (links, wanted, latest) = Default::default();
        let mut sockets = Self { network, links, wanted, latest, counters };
        sockets.refresh();
        Ok(sockets)
    }

    /// Follows interfaces that appear, vanish or change their address.
    pub(super) fn refresh(&mut self) -> Seen {
        let wanted = match self.network.links() {
            Ok(wanted) => wanted,
            Err(error) => {
                tracing::warn!(%error, "cannot list the network interfaces");
                return Seen { are_others: false, has_new: false };
            }
        };
        let are_others = wanted != self.wanted;
        self.wanted.clone_from(&wanted);
        self.links.retain(|link| wanted.iter().any(|(there, family)| link.is_of(there, *family)));
        let mut has_new = false;
        for (interface, family) in wanted {
            let mut links = self.links.iter_mut();
            if let Some(link) = links.find(|link| link.is_of(&interface, family)) {
                link.interface = interface;
                continue;
            }
            let name = interface.name.clone();
            match Link::open(interface, family, &self.network) {
                Ok(link) => {
                    self.links.push(link);
                    has_new = true;
                }
                Err(error) => tracing::debug!(name, %error, "no multicast on this interface"),
            }
        }
        // Others take the address that they hear of first, so IPv4 speaks first.
        self.links.sort_by_key(|link| (link.interface.index, matches!(link.family, Family::V6(_))));
        Seen { are_others, has_new }
    }

    /// When [`close_late`](Self::close_late) has something to close.
    pub(super) fn due(&self) -> Duration {
        self.latest.as_ref().map_or(Duration::MAX, |(_, until)| *until)
    }

    /// Closes what is not to be open for longer: a Python device of this host
    /// wants its own answers.
    pub(super) fn close_late(&mut self, now: Duration) {
        self.latest.take_if(|(_, until)| *until <= now);
    }

    /// Hears for a while what others answer to the port of the group.
    pub(super) fn await_answers(&mut self, now: Duration) {
        let latest = self.network.open_answers().and_then(into_tokio);
        self.latest = latest.ok().map(|socket| (socket, now + ANSWERS));
    }

    /// Sends to the group on every interface. What an interface does not take
    /// is lost, as any datagram may be.
    pub(super) fn announce(&mut self, datagram: &[u8]) {
        for link in &mut self.links {
            let group = self.network.group(&link.interface, link.family);
            link.problem = send(&link.speaker, datagram, group).err();
            match &link.problem {
                None => link.sent += 1,
                Some(error) => {
                    tracing::debug!(name = link.interface.name, %error, "cannot announce");
                }
            }
        }
    }

    /// Sends to one address.
    pub(super) fn answer(&self, to: SocketAddr, datagram: &[u8]) {
        let mut links = self.links.iter().filter(|link| link.can_reach(to));
        let is_near = |link: &&Link| link.interface.is_on_link(to.ip());
        let Some(link) = links.clone().find(is_near).or_else(|| links.next()) else { return };
        if let Err(error) = send(&link.speaker, datagram, to) {
            tracing::debug!(%to, %error, "cannot answer");
        }
    }

    /// The next datagram from any socket, if it comes from the network behind
    /// its interface: the group does not cross a router, so what comes from
    /// elsewhere is forged.
    pub(super) async fn receive(&mut self, buffer: &mut [u8]) -> (usize, SocketAddr) {
        let counters = &*self.counters;
        poll_fn(|cx| {
            for Link { interface, listener, speaker, heard, .. } in &mut self.links {
                let is_near = |from: SocketAddr| interface.is_on_link(from.ip());
                for socket in [listener, speaker] {
                    if let Poll::Ready(received) =
                        poll_receive(socket, cx, buffer, counters, is_near)
                    {
                        *heard += 1;
                        return Poll::Ready(received);
                    }
                }
            }
            let Some((socket, _)) = &self.latest else { return Poll::Pending };
            let is_near = |from: SocketAddr| {
                self.links.iter().any(|link| link.interface.is_on_link(from.ip()))
            };
            poll_receive(socket, cx, buffer, counters, is_near)
        })
        .await
    }

    /// Our own address on the network where `other` is.
    pub(super) fn own_address(&self, other: SocketAddr) -> Option<IpAddr> {
        self.links.iter().find_map(|link| link.interface.address_beside(other))
    }

    /// Whether a request to `address` stays among neighbours: on one of our links,
    /// or on a private network. Otherwise anybody here could have us send requests
    /// to hosts of the internet, or to other programs of this one.
    pub(super) fn is_near(&self, address: IpAddr) -> bool {
        let links = || self.links.iter().map(|link| &link.interface);
        let is_on_link = || links().any(|link| !link.is_loopback && link.is_on_link(address));
        is_private(address) || is_on_link()
    }

    /// Whether `address` is one of ours.
    pub(super) fn has_address(&self, address: IpAddr) -> bool {
        self.links.iter().any(|link| link.interface.addresses().any(|own| own == address))
    }

    /// What is done on each interface of this machine, and to what effect.
    pub(super) fn report(&self) -> Vec<report::Interface> {
        let interfaces = self.network.interfaces().unwrap_or_default();
        interfaces.into_iter().map(|interface| self.report_on(interface)).collect()
    }

    fn report_on(&self, interface: Interface) -> report::Interface {
        let links = || self.links.iter().filter(|link| link.interface.index == interface.index);
        let problem = links().find_map(|link| link.problem.as_ref());
        let state = match (self.network.why_skipped(&interface), problem) {
            (Some(reason), _) => InterfaceState::Skipped(reason),
            (None, Some(problem)) => InterfaceState::Failing(problem.to_string()),
            (None, None) if links().next().is_none() => {
                InterfaceState::Failing("the group cannot be joined".to_owned())
            }
            (None, None) => InterfaceState::Used,
        };
        report::Interface {
            addresses: interface.addresses().collect(),
            sent: links().map(|link| link.sent).sum(),
            heard: links().map(|link| link.heard).sum(),
            name: interface.name,
            state,
        }
    }
}

impl Link {
    fn open(interface: Interface, family: Family, network: &Network) -> io::Result<Self> {
        let listener = into_tokio(network.open_listener(&interface, family)?)?;
        let speaker = into_tokio(network.open_speaker(&interface, family)?)?;
        Ok(Self { interface, family, listener, speaker, sent: 0, heard: 0, problem: None })
    }

    fn is_of(&self, interface: &Interface, family: Family) -> bool {
        let own = (&self.interface.name, self.interface.index, self.family);
        own == (&interface.name, interface.index, family)
    }

    fn can_reach(&self, to: SocketAddr) -> bool {
        match (self.family, to) {
            (Family::V4(_), SocketAddr::V4(_)) => true,
            (Family::V6(_), SocketAddr::V6(to)) => to.scope_id() == self.interface.index,
            _ => false,
        }
    }
}

/// Sends at once. tokio's own method does not on a socket that has just been
/// opened: its runtime has not heard yet that the socket can send.
fn send(socket: &UdpSocket, datagram: &[u8], to: SocketAddr) -> io::Result<usize> {
    socket2::SockRef::from(socket).send_to(datagram, &to.into())
}

/// A datagram from one socket, if its sender is one to be heard. Errors are of
/// datagrams sent before (a port that was closed), and say nothing about the
/// next one.
fn poll_receive(
    socket: &UdpSocket,
    cx: &mut Context<'_>,
    buffer: &mut [u8],
    counters: &Counters,
    is_heard: impl Fn(SocketAddr) -> bool,
) -> Poll<(usize, SocketAddr)> {
    loop {
        let mut buffer = ReadBuf::new(buffer);
        match std::task::ready!(socket.poll_recv_from(cx, &mut buffer)) {
            Ok(from) if is_heard(from) => return Poll::Ready((buffer.filled().len(), from)),
            Ok(from) => counters.refuse(Count::DatagramOffLink, from),
            Err(error) => tracing::debug!(%error, "a datagram was lost"),
        }
    }
}
