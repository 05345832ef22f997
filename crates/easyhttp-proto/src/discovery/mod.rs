//! When to announce, whom to answer, whom to greet.
//!
//! A state machine: datagrams and the time go in, what to do comes out of
//! [`Discovery::poll`]. Whoever drives it calls `poll` until it gives nothing,
//! and again after each datagram and at [`Discovery::next_wakeup`].

mod action;
mod announcements;
mod answers;
mod bucket;
mod departed;
mod duplicates;
mod fresh;
mod greetings;
mod leads;
mod pings;
mod presence;
mod probes;
mod random;

use alloc::collections::VecDeque;
use core::net::SocketAddr;
use core::time::Duration;

use crate::DeviceId;
use crate::datagram::{Datagram, Kind};
use crate::peers::{Goodbye, Heard, PeerTable, Source, with_port};

use announcements::Announcements;
use answers::{Answers, Due};
use departed::Departed;
use duplicates::Duplicates;
use greetings::Greetings;
use leads::Leads;
use pings::{Pings, Reason};
use presence::{Presence, Verdict};
use probes::Probes;
use random::Random;

pub use action::{Action, Probed};
pub use fresh::FreshId;
pub use presence::Pinged;

/// What became of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// It is of this device itself, or was taken as a hint.
    Taken,
    /// It says what cannot be, or means nothing now, or there is no room for it.
    Ignored,
}

/// The discovery of one device.
#[derive(Debug)]
pub struct Discovery {
    id: DeviceId,
    port: Option<u16>,
    boot: u32,
    random: Random,
    announcements: Announcements,
    answers: Answers,
    greetings: Greetings,
    presence: Presence,
    probes: Probes,
    leads: Leads,
    pings: Pings,
    departed: Departed,
    duplicates: Duplicates,
    actions: VecDeque<Action>,
}

impl Discovery {
    /// Starts to announce `id` as answering on `port`, or to look around
    /// without being found if there is no port. `entropy` seeds the boot
    /// number and all jitter.
    pub fn new(id: DeviceId, port: Option<u16>, entropy: u64, now: Duration) -> Self {
        let mut random = Random::new(entropy);
        Self {
            id,
            port,
            boot: random.next() as u32,
            random,
            announcements: Announcements::new(now, port.is_some()),
            answers: Answers::new(now),
            greetings: Greetings::default(),
            presence: Presence::new(now),
            probes: Probes::default(),
            leads: Leads::new(now),
            pings: Pings::default(),
            departed: Departed::default(),
            duplicates: Duplicates::default(),
            actions: VecDeque::new(),
        }
    }

    /// The same, announcing itself this often while there are few.
    pub fn with_interval(mut self, interval: Duration) -> Self {
        self.announcements.set_interval(interval);
        self
    }

    /// Announces and asks in a quick series again. One that has just begun goes
    /// on instead.
    pub fn search(&mut self, now: Duration) {
        self.announcements.search(now);
    }

    /// Takes a datagram that came from `from`, and says whether it meant something.
    pub fn receive(
        &mut self,
        now: Duration,
        from: SocketAddr,
        datagram: &Datagram,
        peers: &mut PeerTable,
    ) -> Received {
        if datagram.id == self.id {
            self.hear_own_id(now, from, datagram);
            return Received::Taken;
        }
        let received = match (datagram.kind, datagram.port) {
            (Kind::Bye, _) => self.hear_goodbye(now, from, datagram, peers),
            (_, Some(port)) => {
                let at = with_port(from, port);
                self.hear_device(now, at, datagram, peers)
            }
            // It only looks around.
            (_, None) => Received::Taken,
        };
        if let Some(to) = answers::wanted(from, datagram)
            && self.port.is_some()
        {
            self.answers.add(now, to, peers.len(), &mut self.random);
        }
        received
    }

    /// Reports what came of [`Action::Ping`].
    pub fn pinged(&mut self, now: Duration, id: DeviceId, pinged: Pinged, peers: &mut PeerTable) {
        self.pings.ended(id);
        self.greetings.ended(now, id, pinged == Pinged::Answered);
        self.presence.ended(now, id, pinged);
        if pinged == Pinged::Answered
            && let Some(peer) = peers.see(now, id)
        {
            self.presence.hear(peer);
        }
    }

    /// Reports what came of [`Action::Probe`]: whether the device answered at
    /// the new address, and whether it still does at the old one.
    pub fn probed(
        &mut self,
        now: Duration,
        id: DeviceId,
        at: SocketAddr,
        found: Probed,
        peers: &mut PeerTable,
    ) {
        self.probes.ended(now, id, at, found, peers, &mut self.actions);
    }

    /// Takes the hint that some device may be at `at`, of which `source` tells.
    /// Whoever is there is asked, unless it is a peer that is here; the others
    /// are forgotten, so what is to last is given again every few seconds.
    pub fn lead(&mut self, at: SocketAddr, source: Source) {
        self.leads.add(at, source);
    }

    /// Reports what came of [`Action::Ask`]: who answered, if anybody did, and
    /// which version it speaks.
    pub fn asked(
        &mut self,
        now: Duration,
        at: SocketAddr,
        answered: Option<(DeviceId, Option<&str>)>,
        peers: &mut PeerTable,
    ) {
        let Some(source) = self.leads.ended(at) else { return };
        let Some((id, version)) = answered else { return };
        if id == self.id {
            // Other leads may well lead to ourselves.
            if source == Source::Found && self.duplicates.is_to_tell(now, at) {
                self.actions.push_back(Action::DuplicateId(at));
            }
            return;
        }
        let heard = peers.hear(now, id, at, source);
        if heard == Heard::Ignored {
            return;
        }
        if peers.get(id).is_some_and(|peer| peer.addresses().iter().all(|a| !a.verified)) {
            peers.confirm(now, id, at);
        }
        if heard == Heard::Joined {
            // We may never hear it: its silence is to be noticed as soon as that
            // of others.
            peers.describe(id, Some(self.announcements.shortest_interval()), version);
            self.actions.push_back(Action::Joined(id));
            if source != Source::Introduced {
                self.actions.push_back(Action::Introduce(at));
            }
        }
        if let Some(peer) = peers.get(id) {
            self.presence.hear(peer);
        }
        self.probes.hear(now, id, at, peers);
    }

    /// Reports that the interfaces or their addresses have changed: others are
    /// told at once.
    pub fn network_changed(&mut self, now: Duration) {
        self.announcements.begin_burst(now);
    }

    /// Reports that a request to this device got no answer: it is checked at
    /// once.
    pub fn suspect(&mut self, now: Duration, id: DeviceId) {
        self.presence.suspect(now, id);
    }

    /// What to do now.
    pub fn poll(&mut self, now: Duration, peers: &mut PeerTable) -> Option<Action> {
        if let Some(action) = self.actions.pop_front() {
            return Some(action);
        }
        while self.pings.may_start(Reason::Greeting)
            && let Some(id) = self.greetings.poll(now)
        {
            if self.pings.start(id, Reason::Greeting) {
                return Some(Action::Ping(id));
            }
        }
        if let Some((id, at)) = self.probes.poll(now, peers) {
            return Some(Action::Probe(id, at));
        }
        if let Some((at, source)) = self.leads.poll(now, peers) {
            return Some(Action::Ask { at, source });
        }
        while let Some(verdict) =
            self.presence.poll(now, self.pings.may_start(Reason::Check), peers)
        {
            match verdict {
                Verdict::Check(id) if self.pings.start(id, Reason::Check) => {
                    return Some(Action::Ping(id));
                }
                Verdict::Check(_) => {}
                Verdict::Lost(peer) => {
                    self.greetings.forget(peer.id);
                    return Some(Action::Lost(peer));
                }
                Verdict::Left(peer) => {
                    self.greetings.forget(peer.id);
                    self.departed.add(now, peer.id, peer.boot);
                    return Some(Action::Left(peer));
                }
            }
        }
        match self.answers.poll(now) {
            Some(Due::One(to)) => return Some(Action::Answer(to, self.datagram(Kind::Answer))),
            Some(Due::All) => {
                return Some(Action::Announce(self.datagram(Kind::Announce)));
            }
            None => {}
        }
        let asks = self.announcements.poll(now, peers.len(), &mut self.random)?;
        self.answers.announced(now);
        Some(Action::Announce(self.datagram(Kind::Announce).asking(asks)))
    }

    /// When [`Discovery::poll`] has something to do at the latest, provided
    /// that it has just given nothing.
    pub fn next_wakeup(&self) -> Duration {
        // Where no more may be greeted, the end of a PING wakes us.
        let greetings = match self.pings.may_start(Reason::Greeting) {
            true => self.greetings.next_wakeup(),
            false => Duration::MAX,
        };
        self.announcements
            .next_wakeup()
            .min(greetings)
            .min(self.answers.next_wakeup())
            .min(self.presence.next_wakeup(self.pings.may_start(Reason::Check)))
            .min(self.probes.next_wakeup())
            .min(self.leads.next_wakeup())
    }

    /// The datagram to send to the group when leaving, as announcements are, if anybody was told
    /// that we are there.
    pub fn goodbye(&self) -> Option<Datagram> {
        self.port.map(|_| self.datagram(Kind::Bye))
    }

    fn datagram(&self, kind: Kind) -> Datagram {
        let seconds = self.announcements.interval().as_secs_f64() as u16;
        Datagram::new(kind, self.id, self.port, Some(self.boot)).every(seconds.max(1))
    }

    fn hear_device(
        &mut self,
        now: Duration,
        at: SocketAddr,
        datagram: &Datagram,
        peers: &mut PeerTable,
    ) -> Received {
        let Datagram { id, boot, .. } = *datagram;
        if self.departed.contains(now, id, boot) {
            return Received::Ignored;
        }
        let heard = peers.hear(now, id, at, Source::Found);
        if heard == Heard::Ignored {
            return Received::Ignored;
        }
        let interval = datagram.every.map(|every| Duration::from_secs(every.max(1).into()));
        peers.describe(id, interval, datagram.version.as_deref());
        peers.hear_boot(now, id, at, boot);
        if let Some(peer) = peers.get(id) {
            self.presence.hear(peer);
        }
        self.probes.hear(now, id, at, peers);
        if heard == Heard::Joined {
            self.actions.push_back(Action::Joined(id));
        }
        // Older devices learn us from a request alone.
        if boot.is_none() && self.port.is_some() {
            let is_new = heard != Heard::Known;
            self.greetings.hear(now, id, is_new, datagram.kind == Kind::Announce);
        }
        Received::Taken
    }

    fn hear_goodbye(
        &mut self,
        now: Duration,
        from: SocketAddr,
        datagram: &Datagram,
        peers: &mut PeerTable,
    ) -> Received {
        match peers.leave(now, datagram.id, from, datagram.boot) {
            Goodbye::Likely => self.presence.say_goodbye(now, datagram.id),
            Goodbye::OneOfTwo => self.departed.add(now, datagram.id, datagram.boot),
            // Each goodbye comes on every network, by IPv4 and IPv6.
            Goodbye::Ignored if self.departed.contains(now, datagram.id, datagram.boot) => {}
            Goodbye::Ignored => return Received::Ignored,
        }
        Received::Taken
    }

    /// Either our own datagram came back, or somebody else has our id.
    fn hear_own_id(&mut self, now: Duration, from: SocketAddr, datagram: &Datagram) {
        // A goodbye may be our own from before a restart.
        if datagram.boot == Some(self.boot) || datagram.kind == Kind::Bye {
            return;
        }
        let Some(port) = datagram.port else {
            // Somebody asks whether its new id is taken. Nobody else answers that.
            if datagram.asks && self.port.is_some() {
                self.answers.add(now, from, 0, &mut self.random);
            }
            return;
        };
        let there = with_port(from, port);
        if self.duplicates.is_to_ask(now, there) {
            self.leads.add(there, Source::Found);
        }
    }
}
