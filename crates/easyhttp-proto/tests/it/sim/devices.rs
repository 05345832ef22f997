//! What runs on the hosts of a simulated network: our own device, and one that
//! behaves as the Python package 0.4.0a6 does.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::datagram::{Datagram, PORT};
use easyhttp_proto::discovery::{Action, Discovery, Pinged, Probed};
use easyhttp_proto::limits;
use easyhttp_proto::peers::{Heard, Peer, PeerTable, Source};
use serde_json::{Value, json};

use super::parts::{Device, Found, GROUP, Output};

/// From where both kinds of device speak. Ours hears the answers there as well.
const SPEAKER_PORT: u16 = 49152;

/// How often our device tries the leads that last.
const LEADS_AGAIN: Duration = Duration::from_secs(3);

/// Our own device: the protocol's state machines, driven as the library does.
pub(super) struct Ours {
    id: DeviceId,
    discovery: Discovery,
    peers: PeerTable,
    checks: Vec<Check>,
    probes: Vec<Probe>,
    pings: VecDeque<Output>,
    /// The leads that last, and when they are given next.
    leads: Vec<(SocketAddr, Source)>,
    next_leads: Duration,
    told: Vec<Action>,
}

/// PINGs to all addresses of a device, one after the other.
struct Check {
    id: DeviceId,
    at: SocketAddr,
    /// Where it may be as well.
    others: VecDeque<SocketAddr>,
    /// What the PINGs so far have come to.
    outcome: Pinged,
}

/// PINGs to a new address of a device, and to the one in use.
struct Probe {
    id: DeviceId,
    new: SocketAddr,
    old: Option<SocketAddr>,
    is_new: Option<bool>,
    is_old: Option<bool>,
}

impl Ours {
    pub(super) fn new(id: DeviceId, port: Option<u16>, entropy: u64, now: Duration) -> Self {
        Self {
            id,
            discovery: Discovery::new(id, port, entropy, now),
            peers: PeerTable::new(id, limits::PEERS),
            checks: Vec::new(),
            probes: Vec::new(),
            pings: VecDeque::new(),
            leads: Vec::new(),
            next_leads: Duration::MAX,
            told: Vec::new(),
        }
    }

    fn datagram(to: SocketAddr, bytes: Vec<u8>) -> Output {
        Output::Datagram { from_port: SPEAKER_PORT, to, bytes }
    }

    fn probe(&mut self, id: DeviceId, new: SocketAddr) {
        let old = self.address_of(id).filter(|old| *old != new);
        let is_old = if old.is_some() { None } else { Some(false) };
        self.probes.push(Probe { id, new, old, is_new: None, is_old });
        let addresses = [Some(new), old].into_iter().flatten();
        self.pings.extend(addresses.map(|at| Output::Ping { asked: Some(id), at }));
    }

    /// Whether the PING that has ended was one of a probe.
    fn probe_ended(
        &mut self,
        now: Duration,
        asked: DeviceId,
        at: SocketAddr,
        found: Found,
    ) -> bool {
        // The first that still waits for this address.
        let is_it = |probe: &Probe| {
            let is_new = probe.new == at && probe.is_new.is_none();
            let is_old = probe.old == Some(at) && probe.is_old.is_none();
            probe.id == asked && (is_new || is_old)
        };
        let Some(index) = self.probes.iter().position(is_it) else { return false };
        let probe = &mut self.probes[index];
        let answered = matches!(found, Found::Device(found) if found == asked);
        *(if at == probe.new { &mut probe.is_new } else { &mut probe.is_old }) = Some(answered);
        if let (Some(is_new), Some(is_old)) = (probe.is_new, probe.is_old) {
            let probed = match (is_new, is_old) {
                (true, false) => Probed::There,
                (true, true) => Probed::Both,
                (false, _) => Probed::Nowhere,
            };
            let new = probe.new;
            self.probes.swap_remove(index);
            self.discovery.probed(now, asked, new, probed, &mut self.peers);
        }
        true
    }

    /// PINGs the device wherever it may be, the best address first.
    fn check(&mut self, now: Duration, id: DeviceId) {
        let addresses = self.peers.get(id).map(|peer| peer.addresses()).unwrap_or_default();
        let others = addresses.iter().map(|address| address.at).collect();
        self.check_elsewhere(now, id, others, Pinged::Refused);
    }

    fn check_elsewhere(
        &mut self,
        now: Duration,
        id: DeviceId,
        mut others: VecDeque<SocketAddr>,
        outcome: Pinged,
    ) {
        let Some(at) = others.pop_front() else {
            return self.discovery.pinged(now, id, outcome, &mut self.peers);
        };
        self.checks.push(Check { id, at, others, outcome });
        self.pings.push_back(Output::Ping { asked: Some(id), at });
    }
}

impl Device for Ours {
    fn listens_on(&self, port: u16) -> bool {
        port == PORT || port == SPEAKER_PORT
    }

    fn network_changed(&mut self, now: Duration) {
        self.discovery.network_changed(now);
    }

    fn hear(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]) {
        if let Ok(datagram) = Datagram::decode(bytes) {
            self.discovery.receive(now, from, &datagram, &mut self.peers);
        }
    }

    fn answer_ping(&mut self, now: Duration, sender: (DeviceId, SocketAddr)) -> Option<DeviceId> {
        if self.peers.hear(now, sender.0, sender.1, Source::Learned) == Heard::Joined {
            self.told.push(Action::Joined(sender.0));
        }
        Some(self.id)
    }

    fn ping_ended(&mut self, now: Duration, asked: Option<DeviceId>, at: SocketAddr, found: Found) {
        let Some(asked) = asked else {
            let answered = match found {
                Found::Device(id) => Some((id, Some("0.4.0"))),
                Found::Refused | Found::Nobody => None,
            };
            return self.discovery.asked(now, at, answered, &mut self.peers);
        };
        if self.probe_ended(now, asked, at, found) {
            return;
        }
        let check = self.checks.iter().position(|check| check.id == asked && check.at == at);
        let check = check.map(|index| self.checks.remove(index));
        match found {
            Found::Device(found) if found == asked => {
                if self.peers.confirm(now, asked, at) {
                    self.told.push(Action::Joined(asked));
                }
                return self.discovery.pinged(now, asked, Pinged::Answered, &mut self.peers);
            }
            Found::Device(_) => self.peers.mismatch(asked, at),
            Found::Refused | Found::Nobody => self.peers.fail(asked, at),
        }
        if let Some(Check { others, outcome, .. }) = check {
            // Where nobody answers somebody may be, whatever other addresses say.
            let is_silent = matches!(found, Found::Nobody);
            let outcome = if is_silent { Pinged::Silent } else { outcome };
            self.check_elsewhere(now, asked, others, outcome);
        }
    }

    fn add_peer(&mut self, now: Duration, id: DeviceId, at: SocketAddr) {
        self.peers.add(now, id, at);
    }

    fn take_lead(&mut self, now: Duration, at: SocketAddr, source: Source) {
        self.discovery.lead(at, source);
        if matches!(source, Source::Added | Source::Remembered) {
            self.leads.push((at, source));
            self.next_leads = now + LEADS_AGAIN;
        }
    }

    fn introduces(&self) -> Vec<SocketAddr> {
        self.peers.iter().filter_map(|peer| Some(peer.addresses().first()?.at)).collect()
    }

    fn wake(&mut self, now: Duration) -> Option<Output> {
        if self.next_leads <= now {
            self.next_leads = now + LEADS_AGAIN;
            self.leads.iter().for_each(|(at, source)| self.discovery.lead(*at, *source));
        }
        loop {
            if let Some(ping) = self.pings.pop_front() {
                return Some(ping);
            }
            match self.discovery.poll(now, &mut self.peers)? {
                Action::Announce(datagram) => {
                    return Some(Self::datagram(GROUP, datagram.encode()));
                }
                Action::Answer(to, datagram) => {
                    return Some(Self::datagram(to, datagram.encode()));
                }
                Action::Ping(asked) => self.check(now, asked),
                Action::Ask { at, .. } => return Some(Output::Ping { asked: None, at }),
                Action::Introduce(at) => return Some(Output::Introduce { at }),
                Action::Probe(asked, at) => self.probe(asked, at),
                news => self.told.push(news),
            }
        }
    }

    fn next_wakeup(&self) -> Duration {
        self.discovery.next_wakeup().min(self.next_leads)
    }

    fn goodbye(&self) -> Option<Output> {
        self.discovery.goodbye().map(|bye| Self::datagram(GROUP, bye.encode()))
    }

    fn address_of(&self, id: DeviceId) -> Option<SocketAddr> {
        Some(self.peers.get(id)?.addresses().first()?.at)
    }

    fn peer(&self, id: DeviceId) -> Option<Peer> {
        self.peers.get(id).cloned()
    }

    fn known(&self) -> Vec<DeviceId> {
        self.peers.iter().map(|peer| peer.id).collect()
    }

    fn told(&self) -> &[Action] {
        &self.told
    }
}

/// A Python device. It announces itself every 30 s from an ephemeral port,
/// answers DISCOVERY without adding the sender, adds and PINGs whoever answers
/// its own, learns whoever PINGs it, and never changes what it has learned.
pub(super) struct Python {
    id: DeviceId,
    port: u16,
    answers_from: Duration,
    next_announce: Duration,
    known: BTreeMap<DeviceId, SocketAddr>,
    outputs: VecDeque<Output>,
}

impl Python {
    const INTERVAL: Duration = Duration::from_secs(30);

    pub(super) fn new(id: DeviceId, port: u16, now: Duration, answers_after: Duration) -> Self {
        Self {
            id,
            port,
            answers_from: now + answers_after,
            next_announce: now,
            known: BTreeMap::new(),
            outputs: VecDeque::new(),
        }
    }

    fn datagram(&self, number: u8, to: SocketAddr) -> Output {
        let (id, port) = (self.id, self.port);
        let json = json!({"version": "0.4.0-alpha.6", "type": number, "id": id, "port": port});
        Output::Datagram { from_port: SPEAKER_PORT, to, bytes: json.to_string().into_bytes() }
    }
}

impl Device for Python {
    fn listens_on(&self, port: u16) -> bool {
        port == PORT
    }

    fn network_changed(&mut self, _: Duration) {}

    fn hear(&mut self, _: Duration, from: SocketAddr, bytes: &[u8]) {
        let message: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let Some(Ok(id)) = message["id"].as_str().map(str::parse) else { return };
        if id == self.id {
            return;
        }
        if message["type"] == 8 {
            let ack = self.datagram(9, SocketAddr::new(from.ip(), PORT));
            self.outputs.push_back(ack);
        } else if message["type"] == 9 {
            let port = message["port"].as_u64().unwrap_or(5000);
            let claimed = SocketAddr::new(from.ip(), u16::try_from(port).unwrap());
            let at = *self.known.entry(id).or_insert(claimed);
            self.outputs.push_back(Output::Ping { asked: Some(id), at });
        }
    }

    fn answer_ping(&mut self, now: Duration, sender: (DeviceId, SocketAddr)) -> Option<DeviceId> {
        if now < self.answers_from {
            return None;
        }
        self.known.entry(sender.0).or_insert(sender.1);
        Some(self.id)
    }

    fn ping_ended(&mut self, _: Duration, _: Option<DeviceId>, _: SocketAddr, _: Found) {}

    fn add_peer(&mut self, _: Duration, id: DeviceId, at: SocketAddr) {
        self.known.insert(id, at);
    }

    fn take_lead(&mut self, _: Duration, _: SocketAddr, _: Source) {}

    fn introduces(&self) -> Vec<SocketAddr> {
        Vec::new()
    }

    fn wake(&mut self, now: Duration) -> Option<Output> {
        if self.next_announce <= now {
            self.next_announce = now + Self::INTERVAL;
            self.outputs.push_back(self.datagram(8, GROUP));
        }
        self.outputs.pop_front()
    }

    fn next_wakeup(&self) -> Duration {
        self.next_announce
    }

    fn goodbye(&self) -> Option<Output> {
        None
    }

    fn address_of(&self, id: DeviceId) -> Option<SocketAddr> {
        self.known.get(&id).copied()
    }

    fn peer(&self, _: DeviceId) -> Option<Peer> {
        None
    }

    fn known(&self) -> Vec<DeviceId> {
        self.known.keys().copied().collect()
    }

    fn told(&self) -> &[Action] {
        &[]
    }
}
