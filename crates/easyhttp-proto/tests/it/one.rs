//! One device, fed by hand.

use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::{Action, Discovery, Pinged};
use easyhttp_proto::peers::{PeerTable, Source};
use easyhttp_proto::{DeviceId, limits};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

/// A device and its table of peers.
pub(crate) struct One {
    pub(crate) discovery: Discovery,
    pub(crate) peers: PeerTable,
}

impl One {
    pub(crate) fn new() -> Self {
        let discovery = Discovery::new(id("SELF22"), Some(5000), 1, SECONDS(0));
        let peers = PeerTable::new(id("SELF22"), limits::PEERS);
        let mut one = Self { discovery, peers };
        one.act(SECONDS(0));
        one
    }

    pub(crate) fn hear(
        &mut self,
        now: Duration,
        from: &str,
        kind: Kind,
        who: &str,
        boot: Option<u32>,
    ) -> Vec<Action> {
        let asks = boot.is_some() && kind == Kind::Announce;
        let datagram = Datagram::new(kind, id(who), Some(5000), boot).asking(asks);
        self.discovery.receive(now, at(from), &datagram, &mut self.peers);
        // An answer waits for a few milliseconds.
        self.act(now + Duration::from_millis(20))
    }

    /// A device says goodbye, and answers no more.
    pub(crate) fn hear_last(
        &mut self,
        now: Duration,
        from: &str,
        who: &str,
        boot: u32,
    ) -> Vec<Action> {
        let mut actions = self.hear(now, from, Kind::Bye, who, Some(boot));
        self.discovery.pinged(now, id(who), Pinged::Refused, &mut self.peers);
        actions.extend(self.act(now));
        actions
    }

    /// What it does after a lead at which `FRND22` answers.
    pub(crate) fn follow(&mut self, at_text: &str, source: Source) -> Vec<Action> {
        let now = SECONDS(0);
        let at = at(at_text);
        self.discovery.lead(at, source);
        assert!(self.act(now).contains(&Action::Ask { at, source }));
        self.discovery.asked(now, at, Some((id("FRND22"), None)), &mut self.peers);
        self.act(now)
    }

    /// What it does now, apart from announcing itself.
    pub(crate) fn act(&mut self, now: Duration) -> Vec<Action> {
        let actions = std::iter::from_fn(|| self.discovery.poll(now, &mut self.peers));
        actions.filter(|action| !matches!(action, Action::Announce { .. })).collect()
    }
}

pub(crate) fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

pub(crate) fn at(text: &str) -> SocketAddr {
    text.parse().unwrap()
}
