//! The whole of discovery: whatever is heard, from wherever and whenever, and
//! whatever PINGs come to, it neither panics nor spins nor grows, and it does
//! not let go of an address that works.
//!
//! An input is a script of one event a line: how many milliseconds later, what,
//! at which address, and a datagram or an id. So a find can be read:
//!
//! ```text
//! 0 datagram 10.0.0.1:37020 {"type":8,"id":"AB3F9Z","port":5000}
//! 12 answered
//! 40000 suspect - AB3F9Z
//! ```
#![no_main]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::datagram::Datagram;
use easyhttp_proto::discovery::{Action, Discovery, Pinged, Probed};
use easyhttp_proto::peers::{Peer, PeerTable, Source};
use easyhttp_proto::{DeviceId, limits};
use libfuzzer_sys::fuzz_target;

/// How many peers the table holds: few enough for a script to fill it.
const CAPACITY: usize = 32;

/// More than is ever to be done at one time: the table is smaller.
const ACTIONS: usize = 1000;

/// How many PINGs may be under way: 16 to silent devices and 16 to older ones.
const PINGS: usize = 32;

/// How many addresses may be asked who is there.
const ASKS: usize = 32;

/// How long a PING takes that nobody answers.
const PING: Duration = Duration::from_secs(5);

/// How often the device wakes up between two events. If more happens in that
/// time, the machine sleeps.
const WAKEUPS: usize = 50;

/// No device that can be found is silent for longer.
const SILENCE: Duration = Duration::from_secs(60);

fuzz_target!(|script: &str| {
    // One that can be found, and one that only looks around.
    for port in [Some(5000), None] {
        let mut device = Device::new(port, script.len() as u64);
        device.act();
        for line in script.lines() {
            // A line that says nothing leaves out nothing but itself.
            let _ = device.take(line);
        }
        device.advance(Duration::from_secs(60));
    }
});

struct Device {
    id: DeviceId,
    port: Option<u16>,
    now: Duration,
    peers: PeerTable,
    machine: Discovery,
    /// The PINGs and probes that are under way, each with the time of its end.
    pings: VecDeque<(Duration, DeviceId)>,
    probes: VecDeque<(Duration, DeviceId, SocketAddr)>,
    /// The addresses that are asked who is there, likewise.
    asks: VecDeque<(Duration, SocketAddr)>,
    /// How many devices the user added: the limit of the table is not for them.
    added: usize,
}

impl Device {
    fn new(port: Option<u16>, entropy: u64) -> Self {
        let id = "SELF22".parse().expect("six letters and digits");
        let now = Duration::ZERO;
        Self {
            id,
            port,
            now,
            peers: PeerTable::new(id, CAPACITY),
            machine: Discovery::new(id, port, entropy, now),
            pings: VecDeque::new(),
            probes: VecDeque::new(),
            asks: VecDeque::new(),
            added: 0,
        }
    }

    /// Lets the event of a line happen, if it names one.
    fn take(&mut self, line: &str) -> Option<()> {
        let mut words = line.splitn(4, ' ');
        let pause: u32 = words.next()?.parse().ok()?;
        let event = words.next()?;
        let at = words.next().and_then(|at| at.parse().ok());
        let rest = words.next().unwrap_or_default();
        let id = rest.parse().ok();

        self.advance(Duration::from_millis(pause.into()));
        match event {
            "datagram" => self.hear(at?, rest.as_bytes()),
            "search" => self.machine.search(self.now),
            "network" => self.machine.network_changed(self.now),
            "suspect" => self.machine.suspect(self.now, id?),
            "answered" => self.pinged(Pinged::Answered)?,
            "refused" => self.pinged(Pinged::Refused)?,
            "silent" => self.pinged(Pinged::Silent)?,
            "there" => self.probed(Probed::There)?,
            "both" => self.probed(Probed::Both)?,
            "nowhere" => self.probed(Probed::Nowhere)?,
            "named" => self.machine.lead(at?, Source::Added),
            "remembered" => self.machine.lead(at?, Source::Remembered),
            "introduced" => self.machine.lead(at?, Source::Introduced),
            "swept" => self.machine.lead(at?, Source::Swept),
            "here" => self.asked(Some(id?))?,
            "nobody" => self.asked(None)?,
            // What requests, calls and the user change in the table.
            "request" => _ = self.peers.hear(self.now, id?, at?, Source::Learned),
            "confirm" => _ = self.peers.confirm(self.now, id?, at?),
            "fail" => self.peers.fail(id?, at?),
            "mismatch" => self.peers.mismatch(id?, at?),
            "remove" => _ = self.peers.remove(id?),
            "add" => {
                self.peers.add(self.now, id?, at?);
                self.added += 1;
            }
            _ => return None,
        }
        self.act();
        Some(())
    }

    fn hear(&mut self, from: SocketAddr, datagram: &[u8]) {
        let in_use = |peer: &Peer| {
            let first = peer.addresses().first().filter(|first| first.verified);
            first.map(|first| (peer.id, first.at))
        };
        let before: Vec<_> = self.peers.iter().filter_map(in_use).collect();
        if let Ok(datagram) = Datagram::decode(datagram) {
            self.machine.receive(self.now, from, &datagram, &mut self.peers);
        }
        for (id, at) in before {
            // It may have said goodbye, or have made room.
            if let Some(peer) = self.peers.get(id).filter(|peer| peer.is_present) {
                assert_eq!(in_use(peer), Some((id, at)), "a datagram replaced what works");
            }
        }
    }

    /// The PING that has been under way for longest ends.
    fn pinged(&mut self, pinged: Pinged) -> Option<()> {
        let (_, id) = self.pings.pop_front()?;
        self.machine.pinged(self.now, id, pinged, &mut self.peers);
        Some(())
    }

    fn probed(&mut self, probed: Probed) -> Option<()> {
        let (_, id, at) = self.probes.pop_front()?;
        self.machine.probed(self.now, id, at, probed, &mut self.peers);
        Some(())
    }

    fn asked(&mut self, answered: Option<DeviceId>) -> Option<()> {
        let (_, at) = self.asks.pop_front()?;
        let answered = answered.map(|id| (id, Some("0.4.0")));
        self.machine.asked(self.now, at, answered, &mut self.peers);
        Some(())
    }

    /// Lets time pass, as whoever drives the state machine does.
    fn advance(&mut self, pause: Duration) {
        let until = self.now + pause;
        for _ in 0..WAKEUPS {
            let wakeup = self.machine.next_wakeup().min(self.next_end());
            if until <= wakeup {
                break;
            }
            self.now = self.now.max(wakeup);
            self.end_pings();
            self.act();
        }
        self.now = until;
        self.end_pings();
        self.act();
    }

    /// When the next PING ends by itself.
    fn next_end(&self) -> Duration {
        let ping = self.pings.front().map_or(Duration::MAX, |ping| ping.0);
        let probe = self.probes.front().map_or(Duration::MAX, |probe| probe.0);
        let ask = self.asks.front().map_or(Duration::MAX, |ask| ask.0);
        ping.min(probe).min(ask)
    }

    /// Nobody has answered in time.
    fn end_pings(&mut self) {
        while self.pings.front().is_some_and(|ping| ping.0 <= self.now) {
            self.pinged(Pinged::Silent);
        }
        while self.probes.front().is_some_and(|probe| probe.0 <= self.now) {
            self.probed(Probed::Nowhere);
        }
        while self.asks.front().is_some_and(|ask| ask.0 <= self.now) {
            self.asked(None);
        }
    }

    /// Does all that the state machine wants done now, and looks whether that
    /// was right.
    fn act(&mut self) {
        let mut actions = 0;
        while let Some(action) = self.machine.poll(self.now, &mut self.peers) {
            self.perform(action);
            actions += 1;
            assert!(actions <= ACTIONS, "`poll` does not come to an end");
        }
        let wakeup = self.machine.next_wakeup();
        assert!(self.now < wakeup, "it would spin: it is {:?}, and it wants {wakeup:?}", self.now);
        assert!(self.port.is_none() || wakeup <= self.now + SILENCE, "it falls silent");
        assert!(self.pings.len() <= PINGS, "{} PINGs are under way", self.pings.len());
        assert!(self.asks.len() <= ASKS, "{} addresses are asked", self.asks.len());
        assert!(self.peers.len() <= CAPACITY + self.added, "{} peers", self.peers.len());
        assert!(self.peers.get(self.id).is_none(), "it is its own peer");
        for peer in self.peers.iter() {
            assert!(peer.addresses().len() <= limits::ADDRESSES, "too many addresses: {peer:?}");
        }
    }

    fn perform(&mut self, action: Action) {
        match action {
            Action::Ping(id) => self.pings.push_back((self.now + PING, id)),
            Action::Probe(id, at) => self.probes.push_back((self.now + PING, id, at)),
            Action::Ask { at, .. } => self.asks.push_back((self.now + PING, at)),
            Action::Announce(datagram) | Action::Answer(_, datagram) => {
                assert_eq!((datagram.id, datagram.port), (self.id, self.port));
            }
            _ => {}
        }
    }
}
