//! One device that is known, and the addresses at which it may be.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::twins::Voice;
use crate::pushes::Mark;
use crate::retry::Breaker;
use crate::{DeviceId, limits};

/// How often a device is asked at an address of IPv4, while that of IPv6 works, until it
/// stays with that. In a burst it is heard so often.
const ATTEMPTS: u8 = 3;

/// How an address became known. The order is that of weight: what the user
/// says counts most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Source {
    /// A sweep of the subnet came by, and the device answered.
    Swept,
    /// Another device told where it is, and it answered there.
    Introduced,
    /// It was there in the last run, and answered there again.
    Remembered,
    /// The device sent a request from there.
    Learned,
    /// DNS-SD told where it is, and it answered there.
    Advertised,
    /// The device announced itself by multicast.
    Found,
    /// The user named it.
    Added,
}

/// An address at which a device may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Address {
    /// IP address and TCP port; the scope as well if it is a link-local one of
    /// IPv6. The same one in another scope is another address.
    pub at: SocketAddr,
    /// How it became known.
    pub source: Source,
    /// Whether the device answered there, and nowhere else since.
    pub verified: bool,
    /// Whether nobody answered there when it was last asked.
    pub(super) failed: bool,
    /// How often nobody answered there since somebody did.
    pub(super) failures: u8,
    /// When it was last heard of.
    pub(super) heard: Duration,
    /// Who speaks from there by datagrams, if anybody does.
    pub(super) voice: Option<Voice>,
}

/// What a device has said of its memory of PUSHes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::exhaustive_enums, reason = "it has said nothing, or one of two things")]
pub enum Remembers {
    /// Nothing yet: a PING tells.
    #[default]
    Untold,
    /// That it has none, by a PONG without a mark: a PUSH that comes twice is done twice.
    Nothing,
    /// How far it has come.
    Pushes(Mark),
}

/// A device that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its name.
    pub id: DeviceId,
    /// When it was last heard, by any way. None if it was only added.
    pub last_seen: Option<Duration>,
    /// What it drew at its start; older devices draw nothing.
    pub boot: Option<u32>,
    /// How often it announces itself, if it says so.
    pub interval: Option<Duration>,
    /// The version of the protocol that it speaks, if it says so.
    pub version: Option<String>,
    /// Whether it has been heard, and has not left or been lost since.
    pub is_present: bool,
    /// What it remembers.
    pub remembers: Remembers,
    /// Whether it is worth trying.
    pub breaker: Breaker,
    pub(super) addresses: Vec<Address>,
}

impl Peer {
    pub(super) fn new(id: DeviceId) -> Self {
        Self {
            id,
            last_seen: None,
            boot: None,
            interval: None,
            version: None,
            is_present: false,
            remembers: Remembers::Untold,
            breaker: Breaker::default(),
            addresses: Vec::new(),
        }
    }

    /// Where the device may be, the best address first: the one that answered,
    /// then what the user said last, then what was heard of first. Between equals
    /// IPv4 goes first: its addresses have no scope, and older devices speak it.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Whether `at` is the address that is asked first.
    pub(crate) fn is_in_use(&self, at: SocketAddr) -> bool {
        self.addresses.first().is_some_and(|first| first.at == at)
    }

    /// Whether the device that was heard from `at` was heard from the address in
    /// use as well, not long before `heard` or later.
    pub(crate) fn is_heard_in_use(&self, heard: Duration, at: SocketAddr) -> bool {
        let about = heard.saturating_sub(limits::SAME_ROUND);
        let Some(first) = self.addresses.first() else { return false };
        about <= first.heard && self.is_one_voice(first.at, at)
    }

    /// Whether to ask the device at `at`, although it is heard from the address in use
    /// as well: that is one of IPv6, to which it came when IPv4 was away for a moment.
    pub(crate) fn is_better(&self, at: SocketAddr) -> bool {
        let Some(first) = self.addresses.first() else { return false };
        let is_candidate = |a: &Address| a.at == at && a.failures < ATTEMPTS;
        first.at.is_ipv6()
            && first.source != Source::Added
            && at.is_ipv4()
            && self.addresses.iter().any(is_candidate)
            && self.is_one_voice(first.at, at)
    }

    /// The time between two of its announcements. Those that do not announce
    /// themselves at all are checked as if they did.
    pub(crate) fn announces_every(&self) -> Duration {
        self.interval.unwrap_or(limits::UNTOLD_INTERVAL)
    }

    /// How the device became known, by the weightiest of its addresses.
    pub fn source(&self) -> Source {
        self.addresses.iter().map(|a| a.source).max().unwrap_or(Source::Learned)
    }

    /// Whether it announced itself by multicast.
    pub fn is_discovered(&self) -> bool {
        self.addresses.iter().any(|a| a.source == Source::Found)
    }

    /// It was heard, by whatever way.
    pub(super) fn seen(&mut self, now: Duration) {
        self.last_seen = Some(now);
        self.breaker.hear();
    }

    /// Takes a mark, unless a newer one of the same memory is known.
    pub(super) fn hear_mark(&mut self, mark: Mark) {
        match self.remembers {
            Remembers::Pushes(known) if known.name == mark.name && known.count > mark.count => {}
            _ => self.remembers = Remembers::Pushes(mark),
        }
    }

    /// Makes `at` a candidate, behind those of its kind that came before.
    pub(super) fn note(&mut self, now: Duration, at: SocketAddr, source: Source) {
        if let Some(address) = self.addresses.iter_mut().find(|a| a.at == at) {
            address.source = address.source.max(source);
            address.heard = now;
            address.failed = false;
            address.live(now);
        } else if self.make_room(source) {
            let (verified, failed, failures, voice) = (false, false, 0, None);
            let heard = now;
            self.addresses.push(Address { at, source, verified, failed, failures, heard, voice });
        }
        self.sort();
    }

    /// Puts `at` before the others of its kind: it is the user's latest word.
    pub(super) fn prefer(&mut self, at: SocketAddr) {
        if let Some(index) = self.addresses.iter().position(|a| a.at == at) {
            self.addresses[..=index].rotate_right(1);
        }
        self.sort();
    }

    /// Makes `at` the address in use.
    pub(super) fn verify(&mut self, now: Duration, at: SocketAddr) {
        self.addresses.iter_mut().for_each(|a| a.verified = false);
        let known = self.addresses.iter().find(|a| a.at == at).map(|a| a.source);
        if known.is_none() {
            // It is more than a claim now: it may displace anything.
            self.make_room(Source::Added);
        }
        self.note(now, at, known.unwrap_or(Source::Learned));
        for address in &mut self.addresses {
            address.verified = address.at == at;
            if address.verified {
                address.failures = 0;
            }
        }
        self.sort();
        self.follow_the_user(now);
    }

    /// Makes room for an address, and says whether there is some. What was not
    /// heard for longest goes, but neither the address in use nor, for a claim,
    /// the one that is asked first, or what the user added.
    fn make_room(&mut self, source: Source) -> bool {
        if self.addresses.len() < limits::ADDRESSES {
            return true;
        }
        let first = self.addresses.first().filter(|first| !first.failed).map(|first| first.at);
        let gives_way = |a: &Address| a.source != Source::Added && Some(a.at) != first;
        let may_go = |a: &&Address| !a.verified && (gives_way(a) || source == Source::Added);
        let candidates = self.addresses.iter().filter(may_go);
        let oldest = candidates.min_by_key(|a| (a.source == Source::Added, !a.failed, a.heard));
        let oldest = oldest.map(|a| a.at);
        self.addresses.retain(|a| Some(a.at) != oldest);
        oldest.is_some()
    }

    /// Keeps the order in which addresses are tried. Stable: a claim does not
    /// overtake an earlier one.
    pub(super) fn sort(&mut self) {
        self.addresses.sort_by_key(|a| {
            core::cmp::Reverse((a.verified, a.source == Source::Added, !a.failed, a.at.is_ipv4()))
        });
    }

    /// Who makes room first when the table is full. None: never.
    pub(super) fn standing(&self) -> Option<u8> {
        let has_answered = self.addresses.iter().any(|a| a.verified);
        match self.source() {
            Source::Added => None,
            // Whoever is introduced answers, but one host can do so by many ids.
            Source::Swept | Source::Introduced => Some(1),
            _ if has_answered => Some(2),
            Source::Remembered | Source::Advertised | Source::Found => Some(1),
            Source::Learned => Some(0),
        }
    }
}
