//! When to announce, whom to answer, whom to greet.
//!
//! A state machine: datagrams and the time go in, what to do comes out of
//! [`Discovery::poll`]. Whoever drives it calls `poll` until it gives nothing,
//! and again after each datagram and at [`Discovery::next_wakeup`].

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::DeviceId;
use crate::datagram::{Datagram, Kind};
use crate::peers::{Heard, Peer, PeerTable, Source};

/// When a device that has just started announces itself. The first ones make
/// it known at once, the later ones outlast lost packets.
const BURST: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1500),
    Duration::from_millis(3000),
    Duration::from_millis(7000),
];

/// How long a series must have run before a search begins it anew: a program
/// may ask for an unknown device as often as it likes.
const SEARCH_PAUSE: Duration = Duration::from_secs(2);

/// How often a device announces itself while there are few.
const INTERVAL: Duration = Duration::from_secs(5);

/// What each known device adds to the interval, so that the network as a whole
/// stays below about ten datagrams a second however many they are.
const INTERVAL_PER_PEER: Duration = Duration::from_millis(100);

/// By how much intervals vary in either direction, in percent, so that devices
/// that started together do not stay in step.
const JITTER_PERCENT: u64 = 20;

/// How long after each failed PING a Python device is greeted again. It
/// announces itself before it answers.
const GREETING_PAUSES: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// How many datagrams are answered at once, and how many a second after that.
const ANSWERS: u32 = 20;

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send these bytes to the group, on every interface.
    Announce(Vec<u8>),
    /// Send these bytes to this address.
    Answer(SocketAddr, Vec<u8>),
    /// PING this device, and report by [`Discovery::greeted`]. It learns
    /// devices from their requests only.
    Greet(DeviceId),
    /// Tell the user that this device has appeared.
    Joined(DeviceId),
    /// Tell the user that this device said goodbye.
    Left(Peer),
    /// Tell the user that another device uses our id, from this address.
    DuplicateId(SocketAddr),
}

/// The discovery of one device.
#[derive(Debug)]
pub struct Discovery {
    id: DeviceId,
    port: Option<u16>,
    boot: u32,
    random: Random,
    burst: Option<Burst>,
    next_announce: Duration,
    greetings: Vec<Greeting>,
    answers: Bucket,
    duplicate: Option<SocketAddr>,
    actions: VecDeque<Action>,
}

#[derive(Debug)]
struct Burst {
    started: Duration,
    step: usize,
}

#[derive(Debug)]
struct Greeting {
    id: DeviceId,
    attempt: usize,
    due: Duration,
}

impl Discovery {
    /// Starts to announce `id` as answering on `port`, or to look around
    /// without being found if there is no port. `entropy` seeds the boot
    /// number and all jitter.
    pub fn new(id: DeviceId, port: Option<u16>, entropy: u64, now: Duration) -> Self {
        let mut random = Random(entropy);
        let boot = random.next() as u32;
        let mut discovery = Self {
            id,
            port,
            boot,
            random,
            burst: None,
            next_announce: now,
            greetings: Vec::new(),
            answers: Bucket { tokens: ANSWERS, filled: now },
            duplicate: None,
            actions: VecDeque::new(),
        };
        discovery.search(now);
        discovery
    }

    /// Announces in a quick series again, so that whoever is there answers. A
    /// series that has just begun goes on instead.
    pub fn search(&mut self, now: Duration) {
        let is_recent = |burst: &Burst| now < burst.started + SEARCH_PAUSE;
        if !self.burst.as_ref().is_some_and(is_recent) {
            self.burst = Some(Burst { started: now, step: 0 });
            self.next_announce = now;
        }
    }

    /// Takes a datagram that came from `from`.
    pub fn receive(
        &mut self,
        now: Duration,
        from: SocketAddr,
        bytes: &[u8],
        peers: &mut PeerTable,
    ) {
        // The group is shared: what is not ours means nothing.
        let Ok(datagram) = Datagram::decode(bytes) else { return };
        if datagram.id == self.id {
            self.hear_own_id(from, &datagram);
            return;
        }
        match (datagram.kind, datagram.port) {
            (Kind::Bye, _) => {
                if let Some(peer) = peers.leave(datagram.id, from.ip(), datagram.boot) {
                    self.greetings.retain(|greeting| greeting.id != datagram.id);
                    self.actions.push_back(Action::Left(peer));
                }
            }
            (Kind::Announce, None) => self.answer(now, from),
            (Kind::Answer, None) => {}
            (kind, Some(port)) => {
                let at = SocketAddr::new(from.ip(), port);
                let heard = peers.hear(now, datagram.id, at, Source::Found);
                let restarted = peers.booted(datagram.id, datagram.boot);
                if heard == Heard::New {
                    self.actions.push_back(Action::Joined(datagram.id));
                }
                let is_news = restarted || matches!(heard, Heard::New | Heard::NewAddress);
                match datagram.boot {
                    Some(_) if is_news && kind == Kind::Announce => self.answer(now, from),
                    None if is_news => self.greet(now, datagram.id),
                    _ => {}
                }
            }
        }
    }

    /// Reports what came of [`Action::Greet`].
    pub fn greeted(&mut self, now: Duration, id: DeviceId, answered: bool) {
        let Some(index) = self.greetings.iter().position(|greeting| greeting.id == id) else {
            return;
        };
        let greeting = &mut self.greetings[index];
        match GREETING_PAUSES.get(greeting.attempt) {
            Some(pause) if !answered => {
                greeting.attempt += 1;
                greeting.due = now + *pause;
            }
            _ => _ = self.greetings.swap_remove(index),
        }
    }

    /// What to do now; `peers` is how many devices are known.
    pub fn poll(&mut self, now: Duration, peers: usize) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        if let Some(greeting) = self.greetings.iter_mut().find(|greeting| greeting.due <= now) {
            // Not again before its outcome is reported.
            greeting.due = Duration::MAX;
            return Some(Action::Greet(greeting.id));
        }
        if self.next_announce <= now {
            self.schedule(now, peers);
            return Some(Action::Announce(self.datagram(Kind::Announce)));
        }
        None
    }

    /// When [`Discovery::poll`] has something to do at the latest, provided
    /// that it has just given nothing.
    pub fn next_wakeup(&self) -> Duration {
        self.greetings.iter().map(|greeting| greeting.due).fold(self.next_announce, Duration::min)
    }

    /// The datagram to send to the group when leaving, if anybody was told
    /// that we are there.
    pub fn goodbye(&self) -> Option<Vec<u8>> {
        self.port.map(|_| self.datagram(Kind::Bye))
    }

    fn datagram(&self, kind: Kind) -> Vec<u8> {
        Datagram::new(kind, self.id, self.port, Some(self.boot)).encode()
    }

    /// Either our own datagram came back, or somebody else has our id.
    fn hear_own_id(&mut self, from: SocketAddr, datagram: &Datagram) {
        let is_own = datagram.boot == Some(self.boot);
        // Those who only look around share nothing with a device.
        if !is_own && datagram.port.is_some() && self.duplicate != Some(from) {
            self.duplicate = Some(from);
            self.actions.push_back(Action::DuplicateId(from));
        }
    }

    fn answer(&mut self, now: Duration, to: SocketAddr) {
        if self.port.is_some() && self.answers.take(now) {
            self.actions.push_back(Action::Answer(to, self.datagram(Kind::Answer)));
        }
    }

    /// Has a Python device PINGed, which makes it register us.
    fn greet(&mut self, now: Duration, id: DeviceId) {
        if self.port.is_some() {
            self.greetings.retain(|greeting| greeting.id != id);
            self.greetings.push(Greeting { id, attempt: 0, due: now });
        }
    }

    /// Sets the time of the next announcement.
    fn schedule(&mut self, now: Duration, peers: usize) {
        if let Some(burst) = &mut self.burst {
            burst.step += 1;
            if let Some(offset) = BURST.get(burst.step) {
                let due = burst.started + self.random.jitter(*offset);
                // Jitter may not turn two steps round.
                self.next_announce = due.max(now + Duration::from_millis(1));
                return;
            }
            self.burst = None;
        }
        // Those who only look around have asked often enough.
        self.next_announce = match self.port {
            Some(_) => {
                let crowd = INTERVAL_PER_PEER * u32::try_from(peers).unwrap_or(u32::MAX);
                now + self.random.jitter(INTERVAL.max(crowd))
            }
            None => Duration::MAX,
        };
    }
}

/// How many answers may still be given.
#[derive(Debug)]
struct Bucket {
    tokens: u32,
    filled: Duration,
}

impl Bucket {
    fn take(&mut self, now: Duration) -> bool {
        let interval = Duration::from_secs(1) / ANSWERS;
        while self.tokens < ANSWERS && self.filled + interval <= now {
            self.tokens += 1;
            self.filled += interval;
        }
        if self.tokens == ANSWERS {
            self.filled = now;
        }
        let has_token = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        has_token
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): enough for jitter, not for secrets.
#[derive(Debug)]
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn jitter(&mut self, duration: Duration) -> Duration {
        let percent = 100 - JITTER_PERCENT + self.next() % (2 * JITTER_PERCENT + 1);
        duration * u32::try_from(percent).unwrap_or(100) / 100
    }
}
