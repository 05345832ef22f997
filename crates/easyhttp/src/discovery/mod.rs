//! The task that drives the state machine of discovery.

mod sockets;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use easyhttp_proto::discovery::{Action, Discovery, Pinged, Probed};
use easyhttp_proto::{DeviceId, limits};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::call::Purpose;
use crate::error::{Error, Result, StartError};
use crate::node::Node;
use crate::peer::Peer;

use sockets::Sockets;

/// Discovery that runs, until this is dropped. Dropping it says goodbye at once:
/// the runtime may be about to end.
pub(crate) struct Running {
    inputs: mpsc::UnboundedSender<Input>,
    started: tokio::time::Instant,
    goodbye: Option<Vec<u8>>,
    port: u16,
    interfaces: Vec<String>,
    _stop: DropGuard,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(goodbye) = &self.goodbye {
            sockets::say_goodbye(goodbye, self.port, &self.interfaces);
        }
    }
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

/// How far the clocks must part for the machine to have slept.
const SLEPT: Duration = Duration::from_secs(3);

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
    let machine = Discovery::new(node.id, node.port, entropy, node.now())
        .with_interval(node.settings.announce_interval);
    let goodbye = machine.goodbye();
    let driver = Driver {
        machine,
        node: Arc::clone(node),
        sockets,
        inputs: received,
        reports: inputs.clone(),
    };
    node.tasks.spawn_service(driver.run(stop.clone()));
    Ok(Running {
        inputs,
        started: tokio::time::Instant::now(),
        goodbye,
        port,
        interfaces: node.settings.interfaces.clone(),
        _stop: stop.drop_guard(),
    })
}

/// Two clocks, of which one stands still while the machine sleeps.
struct Clocks {
    awake: Instant,
    all: SystemTime,
}

impl Clocks {
    fn now() -> Self {
        Self { awake: Instant::now(), all: SystemTime::now() }
    }

    /// Whether the machine has slept since this was asked last. Somebody who
    /// sets the clock looks the same, and does no harm.
    fn have_slept(&mut self) -> bool {
        let before = std::mem::replace(self, Self::now());
        let awake = self.awake.duration_since(before.awake);
        let all = self.all.duration_since(before.all).unwrap_or_default();
        all > awake + SLEPT
    }
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
        let mut clocks = Clocks::now();
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.act();
            let wakeup = self.machine.next_wakeup().saturating_sub(self.node.now());
            tokio::select! {
                (length, from) = self.sockets.receive(&mut buffer) => {
                    self.receive(from, &buffer[..length]);
                }
                Some(input) = self.inputs.recv() => self.take(input),
                _ = look.tick() => {
                    if self.sockets.refresh() | clocks.have_slept() {
                        self.machine.network_changed(self.node.now());
                    }
                }
                () = tokio::time::sleep(wakeup) => {}
                () = stop.cancelled() => break,
            }
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
            Input::Pinged(id, pinged) => {
                self.machine.pinged(now, id, pinged, &mut self.node.peers());
            }
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
        self.node.tasks.spawn_until_stop(async move {
            let mut outcome = Pinged::Refused;
            for at in node.addresses(id) {
                match node.ping_at(id, at, limits::CHECK, Purpose::Check).await {
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
        self.node.tasks.spawn_until_stop(async move {
            let old = node.addresses(id).into_iter().next().filter(|old| *old != at);
            let recheck = async {
                match old {
                    Some(old) => node.ping_at(id, old, RECHECK, Purpose::Probe).await.is_ok(),
                    None => false,
                }
            };
            let check = node.ping_at(id, at, limits::CHECK, Purpose::Probe);
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
