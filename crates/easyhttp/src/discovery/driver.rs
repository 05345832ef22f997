//! Drives the state machine: what arrives goes in, what it wants is done.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::{Action, Discovery, Received};
use easyhttp_proto::limits;
use easyhttp_proto::peers::Source;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Input;
use super::alarm::Alarm;
use super::dns_sd::Looks;
use super::leads::Leads;
use super::pings::Pings;
use super::proofs::Proofs;
use super::sockets::Sockets;
use super::watch::Watch;
use crate::counters::Count;
use crate::node::Node;
use crate::peer::Peer;

/// How far the clocks must part for the machine to have slept.
const SLEPT: Duration = Duration::from_secs(3);

/// What the task of discovery has.
pub(super) struct Driver {
    machine: Discovery,
    proofs: Proofs,
    node: Arc<Node>,
    sockets: Sockets,
    inputs: mpsc::UnboundedReceiver<Input>,
    pings: Pings,
    leads: Leads,
    dns_sd: Option<Looks>,
}

impl Driver {
    pub(super) fn new(
        machine: Discovery,
        node: Arc<Node>,
        sockets: Sockets,
        inputs: mpsc::UnboundedReceiver<Input>,
        reports: mpsc::UnboundedSender<Input>,
        leads: Leads,
        dns_sd: Option<Looks>,
    ) -> Self {
        let pings = Pings::new(Arc::clone(&node), reports);
        let proofs = Proofs::new(node.secure.clone());
        Self { machine, proofs, node, sockets, inputs, pings, leads, dns_sd }
    }

    /// Runs until `stop`.
    pub(super) async fn run(mut self, stop: CancellationToken) {
        let mut buffer = [0; limits::DATAGRAM_READ];
        let mut alarm = Alarm::new();
        let mut watch = Watch::new(self.node.now());
        let mut clocks = Clocks::now();
        loop {
            self.look(&mut watch, clocks.have_slept());
            self.act();
            let due = self.machine.next_wakeup().min(self.sockets.due()).min(watch.due());
            tokio::select! {
                (length, from) = self.sockets.receive(&mut buffer) => {
                    self.receive(from, &buffer[..length]);
                }
                Some(input) = self.inputs.recv() => self.take(input),
                () = watch.told() => {}
                () = alarm.ring(self.node.now(), due) => {}
                () = stop.cancelled() => break,
            }
        }
    }

    /// Looks at the network, if it is time.
    fn look(&mut self, watch: &mut Watch, has_slept: bool) {
        let now = self.node.now();
        self.sockets.close_late(now);
        if now < watch.due() && !has_slept {
            return;
        }
        let seen = self.sockets.refresh();
        watch.looked(now, seen.are_others);
        if let Some(dns_sd) = &mut self.dns_sd {
            dns_sd.are_restless(watch.is_restless(now));
        }
        if seen.has_new || has_slept {
            self.machine.network_changed(now);
            self.leads.network_changed();
        }
    }

    fn receive(&mut self, from: SocketAddr, bytes: &[u8]) {
        // The group is shared: what is not ours means nothing.
        let Ok(datagram) = Datagram::decode(bytes) else {
            return self.node.counters.refuse(Count::DatagramMalformed, from);
        };
        if !self.proofs.admit(from, &datagram) {
            return self.node.counters.refuse(Count::DatagramUnauthenticated, from);
        }
        let now = self.node.now();
        let mut peers = self.node.peers();
        let received = self.machine.receive(now, from, &datagram, &mut peers);
        self.node.count_crowd(&peers, from);
        drop(peers);
        match received {
            Received::Ignored => self.node.counters.refuse(Count::DatagramIgnored, from),
            _ if datagram.kind != Kind::Bye => self.node.heard(datagram.id),
            _ => {}
        }
    }

    fn take(&mut self, input: Input) {
        let (now, machine) = (self.node.now(), &mut self.machine);
        match input {
            Input::Search => machine.search(now),
            Input::Suspect(id) => machine.suspect(now, id),
            Input::Lead(at, source) if is_told(source) && !self.sockets.is_near(at.ip()) => {
                tracing::debug!(%at, ?source, "an address on another network was ignored");
            }
            Input::Lead(at, source) => machine.lead(at, source),
            Input::Pinged(id, pinged) => machine.pinged(now, id, pinged, &mut self.node.peers()),
            Input::Probed(id, at, probed) => {
                machine.probed(now, id, at, probed, &mut self.node.peers());
            }
            Input::Asked(at, answered) => {
                let answered = answered.as_ref();
                let answered = answered.map(|(id, version)| (*id, version.as_deref()));
                machine.asked(now, at, answered, &mut self.node.peers());
            }
            // Whoever asked may be gone.
            Input::Report(report) => _ = report.send(self.sockets.report()),
        }
    }

    /// Does all that the state machine wants done now.
    fn act(&mut self) {
        loop {
            let now = self.node.now();
            let action = self.machine.poll(now, &mut self.node.peers());
            let Some(action) = action else { return };
            match action {
                Action::Announce(datagram) => {
                    if datagram.asks {
                        self.sockets.await_answers(now);
                    }
                    self.sockets.announce(&self.proofs.prove(datagram, None));
                }
                Action::Answer(to, datagram) => {
                    self.sockets.answer(to, &self.proofs.prove(datagram, Some(to)));
                }
                Action::Ping(id) => self.pings.ping(id),
                Action::Probe(id, at) => self.pings.probe(id, at),
                Action::Ask { at, source } => self.pings.ask(at, source),
                Action::Introduce(by) => self.pings.introduce(by),
                Action::Joined(id) => self.node.joined(id),
                Action::Left(peer) => self.node.left(Peer::new(&peer, now)),
                Action::Lost(peer) => self.node.lost(Peer::new(&peer, now)),
                Action::Moved { id, from, .. } => self.node.moved(id, from),
                Action::DuplicateId(there) => self.duplicate_id(there),
                _ => {}
            }
        }
    }

    fn duplicate_id(&self, there: SocketAddr) {
        // A datagram of our last run may have led us to ourselves.
        let is_here = self.sockets.has_address(there.ip()) && self.node.port == Some(there.port());
        if !is_here {
            self.node.duplicate_id(self.sockets.own_address(there), there);
        }
    }
}

/// Whether others say where a device is: anybody on the network can.
fn is_told(source: Source) -> bool {
    matches!(source, Source::Introduced | Source::Advertised)
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

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{Ipv4Addr, TcpListener};

    use super::*;
    use crate::EasyHttpAsync;
    use crate::lock::lock;

    #[tokio::test]
    async fn what_others_say_leads_to_no_other_program_of_this_machine() {
        let device = EasyHttpAsync::builder().port(0).discovery_port(0).random_id();
        let device = device.start().await.unwrap();
        let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (told, named) = (listen(), listen());
        {
            let running = lock(&device.node.discovery);
            let inputs = &running.as_ref().unwrap().inputs;
            for (at, source) in
                [(&told, Source::Advertised), (&told, Source::Introduced), (&named, Source::Added)]
            {
                inputs.send(Input::Lead(at.local_addr().unwrap(), source)).ok().unwrap();
            }
        }
        // The last one was asked, so the others were not.
        let accepted = tokio::task::spawn_blocking(move || named.accept());
        accepted.await.unwrap().unwrap();
        told.set_nonblocking(true).unwrap();
        assert_eq!(told.accept().unwrap_err().kind(), ErrorKind::WouldBlock);
    }
}
