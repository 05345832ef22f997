//! The table of the devices that are known.
//!
//! What datagrams and requests claim is a hint: it enters the table as a
//! candidate address. Only an answer from the device itself, received at an
//! address, makes that address the one in use.

mod peer;
mod twins;

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::net::{Ipv4Addr, SocketAddr, SocketAddrV6};
use core::time::Duration;

use crate::DeviceId;
use crate::pushes::Mark;

pub use peer::{Address, Peer, Remembers, Source};

/// What hearing of a device changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Heard {
    /// The device is here now, and was not before.
    Joined,
    /// The device was here, but not at this address.
    NewAddress,
    /// Nothing new.
    Known,
    /// It was not believed: it is this device itself, its address cannot be
    /// one, or the table is full of devices that count more.
    Ignored,
}

/// What a goodbye may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Goodbye {
    /// The device may be gone: it is to be asked.
    Likely,
    /// One of two devices with this id is gone, and the other one is here.
    OneOfTwo,
    /// Nothing.
    Ignored,
}

/// The table of the devices that are known. `now` is the time since any fixed
/// point, by a clock that never goes back.
#[derive(Debug, Clone)]
pub struct PeerTable {
    own: DeviceId,
    capacity: usize,
    peers: BTreeMap<DeviceId, Peer>,
    dropped: u64,
    refused: u64,
}

impl PeerTable {
    /// An empty table of the device `own`, which never enters it.
    pub fn new(own: DeviceId, capacity: usize) -> Self {
        Self { own, capacity, peers: BTreeMap::new(), dropped: 0, refused: 0 }
    }

    /// The devices, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Peer> {
        self.peers.values()
    }

    /// How many devices are known.
    pub fn len(&self) -> usize {
        self.peers.len()
    }

    /// Whether no device is known.
    pub fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// How many devices have made room for others so far, as the table was full.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many hints found no room so far: the table was full of devices that
    /// count more.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The device with this id, if it is known.
    pub fn get(&self, id: DeviceId) -> Option<&Peer> {
        self.peers.get(&id)
    }

    /// Whether a device that is here has this address, as far as is known.
    pub fn is_at(&self, at: SocketAddr) -> bool {
        let present = self.peers.values().filter(|peer| peer.is_present);
        present.flat_map(Peer::addresses).any(|address| address.at == at && !address.failed)
    }

    /// Takes the user's word that `id` is at `at`. Never refused: the limit of
    /// the table is against strangers. What was said last counts most.
    pub fn add(&mut self, now: Duration, id: DeviceId, at: SocketAddr) {
        if id == self.own {
            return;
        }
        if !self.peers.contains_key(&id) {
            self.make_room(u8::MAX);
        }
        let peer = self.peers.entry(id).or_insert_with(|| Peer::new(id));
        peer.note(now, at, Source::Added);
        peer.prefer(at);
        peer.follow_the_user(now);
    }

    /// Forgets a device, and says whether it was known.
    pub fn remove(&mut self, id: DeviceId) -> bool {
        self.peers.remove(&id).is_some()
    }

    /// Takes the hint that `id` may be at `at`.
    pub fn hear(&mut self, now: Duration, id: DeviceId, at: SocketAddr, source: Source) -> Heard {
        if id == self.own || !can_be_address(at) {
            return Heard::Ignored;
        }
        let is_new = !self.peers.contains_key(&id);
        let standing = if source == Source::Learned { 0 } else { 1 };
        if is_new && !self.make_room(standing) {
            self.refused += 1;
            return Heard::Ignored;
        }
        let peer = self.peers.entry(id).or_insert_with(|| Peer::new(id));
        peer.seen(now);
        let was_present = core::mem::replace(&mut peer.is_present, true);
        let had_address = peer.addresses.iter().any(|a| a.at == at);
        peer.note(now, at, source);
        match (was_present, had_address) {
            (false, _) => Heard::Joined,
            (true, false) => Heard::NewAddress,
            (true, true) => Heard::Known,
        }
    }

    /// Notes what a peer says of itself: how often it announces itself, and which
    /// version it speaks.
    pub fn describe(&mut self, id: DeviceId, interval: Option<Duration>, version: Option<&str>) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.interval = interval;
            if peer.version.as_deref() != version {
                peer.version = version.map(String::from);
            }
        }
    }

    /// Notes what a device has said of its memory: in the answer to a PUSH, or in a PONG,
    /// where `None` says that it has none.
    pub fn hear_mark(&mut self, id: DeviceId, mark: Option<Mark>) {
        if let Some(peer) = self.peers.get_mut(&id) {
            match mark {
                Some(mark) => peer.hear_mark(mark),
                None => peer.remembers = Remembers::Nothing,
            }
        }
    }

    /// Notes that an attempt to reach a device was in vain, at whichever of its addresses.
    pub fn was_not_reached(&mut self, id: DeviceId) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.breaker.fail();
        }
    }

    /// Notes what the device drew at its start that speaks from `at`.
    pub fn hear_boot(&mut self, now: Duration, id: DeviceId, at: SocketAddr, boot: Option<u32>) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.boot = boot;
            peer.hear_voice(now, at, boot);
        }
    }

    /// Notes that `id` is at both addresses at the same time.
    pub(crate) fn is_at_both(&mut self, now: Duration, id: DeviceId, both: [SocketAddr; 2]) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.is_at_both(now, both);
        }
    }

    /// Notes that `id` answered a probe at `at`.
    pub(crate) fn answered_at(&mut self, now: Duration, id: DeviceId, at: SocketAddr) {
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.answered_at(now, at);
        }
    }

    /// Notes that `id` itself answered at `at`: from now on it is asked there.
    /// Says whether that is how it turned out to be here.
    pub fn confirm(&mut self, now: Duration, id: DeviceId, at: SocketAddr) -> bool {
        let Some(peer) = self.peers.get_mut(&id) else { return false };
        peer.seen(now);
        peer.verify(now, at);
        !core::mem::replace(&mut peer.is_present, true)
    }

    /// Notes that a device is there, at whichever of its addresses.
    pub fn see(&mut self, now: Duration, id: DeviceId) -> Option<&Peer> {
        let peer = self.peers.get_mut(&id)?;
        peer.seen(now);
        Some(peer)
    }

    /// Notes that nobody answered at `at`: other addresses are tried first.
    pub fn fail(&mut self, id: DeviceId, at: SocketAddr) {
        if let Some(peer) = self.peers.get_mut(&id) {
            for address in peer.addresses.iter_mut().filter(|a| a.at == at) {
                address.verified = false;
                address.failed = true;
                address.failures = address.failures.saturating_add(1);
            }
            peer.sort();
        }
    }

    /// Notes that another device than `id` answered at `at`: it is no
    /// candidate any more, unless the user named it. A device that is here
    /// stays in the table, even without an address, until it turns out to be
    /// gone.
    pub fn mismatch(&mut self, id: DeviceId, at: SocketAddr) {
        self.fail(id, at);
        if let Some(peer) = self.peers.get_mut(&id) {
            peer.addresses.retain(|a| a.at != at || a.source == Source::Added);
            if peer.addresses.is_empty() && !peer.is_present {
                self.peers.remove(&id);
            }
        }
    }

    /// Takes a goodbye. It means something if it comes from an address of the
    /// device, and from its current start. If another device uses the id, the
    /// addresses of the one that leaves go, but for the one in use: there the device
    /// is asked.
    pub fn leave(
        &mut self,
        now: Duration,
        id: DeviceId,
        from: SocketAddr,
        boot: Option<u32>,
    ) -> Goodbye {
        let Some(peer) = self.peers.get_mut(&id) else { return Goodbye::Ignored };
        // One that was only learned from a request has not told its boot.
        let is_current = peer.boot.is_none_or(|current| Some(current) == boot)
            || peer.addresses.iter().any(|a| a.is_of(boot));
        let is_from_there = peer.addresses.iter().any(|a| with_port(a.at, 0) == with_port(from, 0));
        if !is_current || !is_from_there {
            return Goodbye::Ignored;
        }
        if peer.has_survivor(now, boot) {
            // Somebody who forges goodbyes may have forged the survivor as well.
            if peer.addresses.first().is_some_and(|first| first.verified && first.is_of(boot)) {
                peer.doubt_voice(boot);
                return Goodbye::Likely;
            }
            peer.forget_voice(boot);
            return Goodbye::OneOfTwo;
        }
        if peer.is_present { Goodbye::Likely } else { Goodbye::Ignored }
    }

    /// Notes that a device is gone, and gives it as it was. What the user added
    /// stays in the table.
    pub fn lose(&mut self, id: DeviceId) -> Option<Peer> {
        let peer = self.peers.get_mut(&id).filter(|peer| peer.is_present)?;
        let before = peer.clone();
        peer.is_present = false;
        peer.boot = None;
        peer.addresses.retain(|a| a.source == Source::Added);
        peer.addresses.iter_mut().for_each(|a| a.voice = None);
        if peer.addresses.is_empty() {
            self.peers.remove(&id);
        }
        Some(before)
    }

    /// Makes room for a device of this standing, if the table is full and one
    /// that counts no more can go. Says whether there is room now.
    fn make_room(&mut self, standing: u8) -> bool {
        if self.peers.len() < self.capacity {
            return true;
        }
        let weakest = self
            .peers
            .values()
            .filter_map(|peer| Some((peer.standing()?, peer.last_seen, peer.id)))
            .min()
            .filter(|(weakest, ..)| *weakest <= standing);
        match weakest {
            Some((.., id)) => {
                self.dropped += 1;
                self.remove(id)
            }
            None => false,
        }
    }
}

/// This host, at another port. A link-local address keeps its scope: the same one
/// on another link is another host.
pub fn with_port(host: SocketAddr, port: u16) -> SocketAddr {
    match host {
        SocketAddr::V4(host) => (*host.ip(), port).into(),
        SocketAddr::V6(host) => SocketAddrV6::new(*host.ip(), port, 0, host.scope_id()).into(),
    }
}

/// Whether a device can be at this address.
pub fn can_be_address(at: SocketAddr) -> bool {
    let ip = at.ip().to_canonical();
    at.port() != 0 && !ip.is_unspecified() && !ip.is_multicast() && ip != Ipv4Addr::BROADCAST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    const T: fn(u64) -> Duration = Duration::from_secs;

    fn id(text: &str) -> DeviceId {
        text.parse().unwrap()
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn table() -> PeerTable {
        PeerTable::new(id("SELF22"), 3)
    }

    fn best(table: &PeerTable, peer: &str) -> SocketAddr {
        table.get(id(peer)).unwrap().addresses()[0].at
    }

    #[test]
    fn a_claim_never_replaces_an_address_that_works() {
        let mut table = table();
        table.hear(T(1), id("AB3F9Z"), at("10.0.0.1:5000"), Source::Found);
        table.confirm(T(2), id("AB3F9Z"), at("10.0.0.1:5000"));
        let heard = table.hear(T(3), id("AB3F9Z"), at("10.0.0.66:5000"), Source::Found);
        assert_eq!(heard, Heard::NewAddress);
        assert_eq!(best(&table, "AB3F9Z"), at("10.0.0.1:5000"));

        table.fail(id("AB3F9Z"), at("10.0.0.1:5000"));
        assert_eq!(best(&table, "AB3F9Z"), at("10.0.0.66:5000"));
        table.confirm(T(4), id("AB3F9Z"), at("10.0.0.66:5000"));
        table.hear(T(5), id("AB3F9Z"), at("10.0.0.1:5000"), Source::Found);
        assert_eq!(best(&table, "AB3F9Z"), at("10.0.0.66:5000"));
    }

    #[test]
    fn an_address_of_somebody_else_is_dropped_unless_the_user_named_it() {
        let mut table = table();
        table.hear(T(1), id("AB3F9Z"), at("10.0.0.1:5000"), Source::Found);
        table.mismatch(id("AB3F9Z"), at("10.0.0.1:5000"));
        assert!(table.get(id("AB3F9Z")).unwrap().addresses().is_empty());
        assert!(table.lose(id("AB3F9Z")).is_some(), "it would be gone without a word");
        assert_eq!(table.get(id("AB3F9Z")), None);

        table.add(T(1), id("AB3F9Z"), at("10.0.0.1:5000"));
        table.mismatch(id("AB3F9Z"), at("10.0.0.1:5000"));
        assert_eq!(best(&table, "AB3F9Z"), at("10.0.0.1:5000"));
    }

    #[test]
    fn a_flood_pushes_out_claims_and_nothing_else() {
        let mut table = table();
        table.add(T(1), id("ADDED2"), at("10.0.0.1:5000"));
        table.hear(T(1), id("FRND22"), at("10.0.0.2:5000"), Source::Found);
        table.confirm(T(1), id("FRND22"), at("10.0.0.2:5000"));
        for n in 0..100_u8 {
            let stranger = DeviceId::from_entropy([n; 6]);
            table.hear(T(2), stranger, at("10.0.0.3:5000"), Source::Learned);
            assert!(table.len() <= 3);
        }
        assert!(table.get(id("ADDED2")).is_some());
        assert!(table.get(id("FRND22")).is_some());
        // One that announces itself counts more than one that only claims.
        assert_eq!(table.hear(T(3), id("FND222"), at("10.0.0.4:1"), Source::Found), Heard::Joined);
        let claim = table.hear(T(4), id("CLA222"), at("10.0.0.5:1"), Source::Learned);
        assert_eq!(claim, Heard::Ignored);
        // The user is never refused.
        for n in 0..5_u8 {
            table.add(T(1), DeviceId::from_entropy([n; 6]), at("10.0.0.6:5000"));
        }
        assert_eq!(table.len(), 6);
    }

    #[test]
    fn the_addresses_of_one_peer_are_bounded_and_the_working_one_stays() {
        let mut table = table();
        table.hear(T(0), id("AB3F9Z"), at("10.0.0.1:5000"), Source::Found);
        table.confirm(T(0), id("AB3F9Z"), at("10.0.0.1:5000"));
        for port in 1..1000 {
            table.hear(T(port), id("AB3F9Z"), ([10, 0, 0, 9], port as u16).into(), Source::Found);
        }
        assert_eq!(table.get(id("AB3F9Z")).unwrap().addresses().len(), limits::ADDRESSES);
        assert_eq!(best(&table, "AB3F9Z"), at("10.0.0.1:5000"));
    }

    #[test]
    fn a_flood_of_claims_does_not_push_out_where_a_device_was_heard_first() {
        let mut table = table();
        table.hear(T(0), id("AB3F9Z"), at("10.0.0.1:5000"), Source::Found);
        for port in 1..1000 {
            table.hear(T(port), id("AB3F9Z"), ([10, 0, 0, 9], port as u16).into(), Source::Found);
        }
        assert_eq!(best(&table, "AB3F9Z"), at("10.0.0.1:5000"));
        // Where it turned out not to be, another one may take its place.
        table.fail(id("AB3F9Z"), at("10.0.0.1:5000"));
        table.hear(T(1000), id("AB3F9Z"), at("10.0.0.2:5000"), Source::Found);
        let mut addresses = table.get(id("AB3F9Z")).unwrap().addresses().iter();
        assert!(addresses.all(|address| address.at != at("10.0.0.1:5000")));
    }

    #[test]
    fn a_goodbye_is_believed_only_from_the_device() {
        let mut table = table();
        table.hear(T(1), id("AB3F9Z"), at("10.0.0.1:5000"), Source::Found);
        table.hear_boot(T(1), id("AB3F9Z"), at("10.0.0.1:5000"), Some(7));
        let mut leave = |from: &str, boot| table.leave(T(1), id("AB3F9Z"), at(from), Some(boot));
        assert_eq!(leave("10.0.0.66:1", 7), Goodbye::Ignored);
        assert_eq!(leave("10.0.0.1:1", 6), Goodbye::Ignored);
        assert_eq!(leave("10.0.0.1:1", 7), Goodbye::Likely);
        assert!(!table.is_empty(), "the device is asked first");
    }

    #[test]
    fn a_goodbye_does_not_remove_the_address_that_works_though_another_device_has_the_id() {
        let mut table = table();
        for (from, boot) in [("10.0.0.1:5000", 7), ("10.0.0.66:5000", 8)] {
            table.hear(T(boot), id("AB3F9Z"), at(from), Source::Found);
            table.hear_boot(T(boot), id("AB3F9Z"), at(from), Some(boot as u32));
        }
        table.confirm(T(9), id("AB3F9Z"), at("10.0.0.1:5000"));
        table.hear_boot(T(10), id("AB3F9Z"), at("10.0.0.1:5000"), Some(7));
        table.hear_boot(T(10), id("AB3F9Z"), at("10.0.0.66:5000"), Some(8));
        // The second one has only said that it is there; the goodbye may be its as well.
        let goodbye = table.leave(T(10), id("AB3F9Z"), at("10.0.0.1:1"), Some(7));
        assert_eq!(goodbye, Goodbye::Likely, "the device is asked first");
        assert_eq!(best(&table, "AB3F9Z"), at("10.0.0.1:5000"));
        // What nobody uses goes at once.
        let goodbye = table.leave(T(10), id("AB3F9Z"), at("10.0.0.66:1"), Some(8));
        assert_eq!(goodbye, Goodbye::OneOfTwo);
        assert_eq!(table.get(id("AB3F9Z")).unwrap().addresses().len(), 1);
    }

    #[test]
    fn what_cannot_be_a_peer_is_ignored() {
        let mut table = table();
        for (peer, address) in [
            ("SELF22", "10.0.0.1:5000"),
            ("AB3F9Z", "10.0.0.1:0"),
            ("AB3F9Z", "0.0.0.0:5000"),
            ("AB3F9Z", "224.0.0.106:5000"),
            ("AB3F9Z", "255.255.255.255:5000"),
        ] {
            let heard = table.hear(T(1), id(peer), at(address), Source::Found);
            assert_eq!(heard, Heard::Ignored, "{peer} {address}");
        }
        assert!(table.is_empty());
    }
}
