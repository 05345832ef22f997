//! The sockets of discovery, and the task that drives its state machine.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use easyhttp_proto::datagram::GROUP;
use easyhttp_proto::discovery::{Action, Discovery, Pinged, Probed};
use easyhttp_proto::{DeviceId, limits};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::call::Purpose;
use crate::error::{Error, Result, StartError};
use crate::interfaces::{self, Interface};
use crate::node::Node;
use crate::peer::Peer;

/// Discovery that runs, until this is dropped.
pub(crate) struct Running {
    inputs: mpsc::UnboundedSender<Input>,
    started: tokio::time::Instant,
    _stop: DropGuard,
}

/// What reaches the task from elsewhere in the device.
enum Input {
    Search,
    Suspect(DeviceId),
    Pinged(DeviceId, Pinged),
    Probed(DeviceId, SocketAddr, Probed),
}

/// How often the interfaces are looked at.
const LOOK: Duration = Duration::from_millis(500);

/// How long the answers to a question take at the most.
const ANSWERS: Duration = Duration::from_millis(500);

/// Where the group is heard. Where the system allows it, the socket takes only
/// what is sent to the group: of the devices that share the port, a unicast
/// datagram reaches one, and it may be meant for another.
const GROUP_ADDRESS: Ipv4Addr = if cfg!(unix) { GROUP } else { Ipv4Addr::UNSPECIFIED };

/// How long a PING of a check, or of a new address, may take.
const CHECK: Duration = Duration::from_secs(1);

/// How long a device that may have moved has to answer at its old address. One
/// that is there answers in milliseconds.
const RECHECK: Duration = Duration::from_millis(300);

impl Running {
    /// Asks at once who is there.
    pub(crate) fn search(&self) {
        let _ = self.inputs.send(Input::Search);
    }

    /// Checks a device that did not answer.
    pub(crate) fn suspect(&self, id: DeviceId) {
        let _ = self.inputs.send(Input::Suspect(id));
    }

    pub(crate) fn running_for(&self) -> Duration {
        self.started.elapsed()
    }
}

/// Opens the sockets and starts to look for others.
pub(crate) fn start(node: &Arc<Node>) -> Result<Running> {
    let port = node.settings.discovery_port;
    let failed = |source| StartError::Discovery { port, source };
    let _runtime = node.tasks.runtime().enter();
    let sockets = Sockets::open(port, node.settings.interfaces.clone()).map_err(failed)?;
    let entropy = getrandom::u64().map_err(StartError::Randomness)?;
    let (inputs, received) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let driver = Driver {
        machine: Discovery::new(node.id, node.port, entropy, node.now())
            .with_interval(node.settings.announce_interval),
        node: Arc::clone(node),
        sockets,
        inputs: received,
        reports: inputs.clone(),
    };
    node.tasks.spawn_service(driver.run(stop.clone()));
    Ok(Running { inputs, started: tokio::time::Instant::now(), _stop: stop.drop_guard() })
}

/// Drives the state machine: what arrives goes in, what it wants is done.
struct Driver {
    machine: Discovery,
    node: Arc<Node>,
    sockets: Sockets,
    inputs: mpsc::UnboundedReceiver<Input>,
    /// Brings what PINGs came to.
    reports: mpsc::UnboundedSender<Input>,
}

impl Driver {
    async fn run(mut self, stop: CancellationToken) {
        let mut buffer = [0; limits::DATAGRAM_READ];
        let mut look = tokio::time::interval(LOOK);
        loop {
            self.act();
            let wakeup = self.machine.next_wakeup().saturating_sub(self.node.now());
            tokio::select! {
                (length, from) = self.sockets.receive(&mut buffer) => {
                    self.receive(from, &buffer[..length]);
                }
                Some(input) = self.inputs.recv() => self.take(input),
                _ = look.tick() => {
                    if self.sockets.refresh() {
                        self.machine.network_changed(self.node.now());
                    }
                }
                () = tokio::time::sleep(wakeup) => {}
                () = stop.cancelled() => break,
            }
        }
        if let Some(goodbye) = self.machine.goodbye() {
            self.sockets.announce(&goodbye, false);
        }
    }

    fn receive(&mut self, from: SocketAddr, bytes: &[u8]) {
        let now = self.node.now();
        self.machine.receive(now, from, bytes, &mut self.node.peers());
    }

    fn take(&mut self, input: Input) {
        let now = self.node.now();
        match input {
            Input::Search => self.machine.search(now),
            Input::Suspect(id) => self.machine.suspect(now, id),
            Input::Pinged(id, pinged) => self.machine.pinged(now, id, pinged),
            Input::Probed(id, at, probed) => {
                self.machine.probed(now, id, at, probed, &mut self.node.peers());
            }
        }
    }

    /// Does all that the state machine wants done now.
    fn act(&mut self) {
        loop {
            let now = self.node.now();
            let action = self.machine.poll(now, &mut self.node.peers());
            let Some(action) = action else { return };
            match action {
                Action::Announce { datagram, asks } => self.sockets.announce(&datagram, asks),
                Action::Answer(to, datagram) => self.sockets.answer(to, &datagram),
                Action::Ping(id) => self.ping(id),
                Action::Probe(id, at) => self.probe(id, at),
                Action::Joined(id) => self.node.joined(id),
                Action::Left(peer) => self.node.left(Peer::new(&peer, now)),
                Action::Lost(peer) => self.node.lost(Peer::new(&peer, now)),
                Action::Moved { id, from, .. } => self.node.moved(id, from),
                Action::DuplicateId(from) => self.node.duplicate_id(from),
                _ => {}
            }
        }
    }

    /// PINGs a device wherever it may be.
    fn ping(&self, id: DeviceId) {
        let (node, reports) = (Arc::clone(&self.node), self.reports.clone());
        self.node.tasks.spawn(async move {
            let mut outcome = Pinged::Refused;
            for at in node.addresses(id) {
                match node.ping_at(id, at, CHECK, Purpose::Check).await {
                    Ok(()) => {
                        outcome = Pinged::Answered;
                        break;
                    }
                    Err(Error::WrongDevice { .. } | Error::Protocol { .. }) => {}
                    Err(Error::Unreachable { source, .. })
                        if source.kind() == io::ErrorKind::ConnectionRefused => {}
                    // Where nobody answers somebody may be.
                    Err(_) => outcome = Pinged::Silent,
                }
            }
            let _ = reports.send(Input::Pinged(id, outcome));
        });
    }

    /// PINGs a device at an address from which it was heard, and at the one in
    /// use.
    fn probe(&self, id: DeviceId, at: SocketAddr) {
        let (node, reports) = (Arc::clone(&self.node), self.reports.clone());
        self.node.tasks.spawn(async move {
            let old = node.addresses(id).into_iter().next().filter(|old| *old != at);
            let recheck = async {
                match old {
                    Some(old) => node.ping_at(id, old, RECHECK, Purpose::Probe).await.is_ok(),
                    None => false,
                }
            };
            let check = node.ping_at(id, at, CHECK, Purpose::Probe);
            let (is_new, is_old) = tokio::join!(check, recheck);
            let probed = match (is_new.is_ok(), is_old) {
                (true, false) => Probed::There,
                (true, true) => Probed::Both,
                (false, _) => Probed::Nowhere,
            };
            let _ = reports.send(Input::Probed(id, at, probed));
        });
    }
}

/// One socket that hears the group, and one for each interface that speaks.
struct Sockets {
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
    fn open(port: u16, names: Vec<String>) -> io::Result<Self> {
        let listener = open_listener(GROUP_ADDRESS, port)?;
        let mut sockets = Self { port, names, listener, latest: None, speakers: Vec::new() };
        sockets.refresh();
        Ok(sockets)
    }

    /// Follows interfaces that appear, vanish or change their address, and says
    /// whether there are new ones.
    fn refresh(&mut self) -> bool {
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
        self.speakers.retain(|speaker| interfaces.contains(&speaker.interface));
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

    /// Hears the group on an interface, and opens a socket that speaks there.
    fn join(&self, interface: Interface) -> io::Result<Speaker> {
        let membership = InterfaceIndexOrAddress::Index(interface.index);
        match socket2::SockRef::from(&self.listener).join_multicast_v4_n(&GROUP, &membership) {
            // Still joined from before its address changed.
            Err(error) if error.kind() != io::ErrorKind::AddrInUse => return Err(error),
            _ => {}
        }
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_multicast_if_v4(&interface.address)?;
        socket.set_multicast_ttl_v4(1)?;
        socket.set_multicast_loop_v4(true)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
        Ok(Speaker { interface, socket: into_tokio(socket)? })
    }

    /// Sends to the group on every interface. What an interface does not take
    /// is lost, as any datagram may be.
    fn announce(&mut self, datagram: &[u8], asks: bool) {
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

    fn answer(&self, to: SocketAddr, datagram: &[u8]) {
        let Some(Speaker { socket, .. }) = self.speakers.first() else { return };
        if let Err(error) = send(socket, datagram, to) {
            tracing::debug!(%to, %error, "cannot answer");
        }
    }

    /// The next datagram from any socket.
    async fn receive(&self, buffer: &mut [u8]) -> (usize, SocketAddr) {
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
