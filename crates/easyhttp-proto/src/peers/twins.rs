//! Two devices with one id: a cloned SD card.
//!
//! They are told from one device with two addresses by what they drew at their
//! starts. Different numbers from two addresses are not enough: a device that was
//! restarted, or that moved, is heard with two as well. Two devices are there if
//! each of the numbers is heard after the other one was, and if both addresses
//! answered to the id at the same time.

use core::net::SocketAddr;
use core::time::Duration;

use super::{Address, Peer, Source};

/// How long after one number another one counts as heard later: nothing is under
/// way for longer.
const UNDER_WAY: Duration = Duration::from_secs(1);

/// How long an address may be silent before it is asked whether a device is still
/// there, and how long before it counts as left, in percent of the time between
/// two announcements.
const ASKED_PERCENT: u32 = 180;
const SILENCE_PERCENT: u32 = 250;

/// How much longer it may be silent while it is asked once a second: one lost
/// packet after the other does not make one device of two.
const ASKING: Duration = Duration::from_secs(10);

/// Who speaks from an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Voice {
    /// What it drew at its start.
    boot: Option<u32>,
    /// When a datagram with this came first, and when the last one did.
    since: Duration,
    heard: Duration,
    /// When it was heard last, or answered a probe.
    alive: Duration,
    /// Whether it answered a probe when another device with the id did.
    has_twin: bool,
}

impl Voice {
    fn is_other_than(&self, other: &Self) -> bool {
        self.boot != other.boot
    }

    fn alternates_with(&self, other: &Self) -> bool {
        self.is_other_than(other) && self.is_heard_since(other) && other.is_heard_since(self)
    }

    fn is_heard_since(&self, other: &Self) -> bool {
        self.heard > other.since + UNDER_WAY
    }
}

impl Peer {
    /// The two addresses at which two devices answer to this id, if there are
    /// such: then nobody knows which of them is meant. None if the user named one
    /// of them, which is then the one that is meant.
    ///
    /// A device that left is noticed at once by its goodbye, else when it was
    /// silent for 2.5 announcements and another 10 s.
    pub fn ambiguous(&self, now: Duration) -> Option<[SocketAddr; 2]> {
        let is_named = self.addresses.iter().any(|a| a.source == Source::Added);
        self.twins(now).filter(|_| !is_named)
    }

    /// The same, whatever the user named.
    pub(crate) fn twins(&self, now: Duration) -> Option<[SocketAddr; 2]> {
        // Nearly all have one address.
        if self.addresses.len() < 2 {
            return None;
        }
        let is_one = |voice: &Voice| voice.has_twin && self.is_alive(now, voice);
        let mut voices = self.voices().filter(|(_, voice)| is_one(voice));
        let (at, voice) = voices.next()?;
        // Others may be further addresses of the first device.
        voices.find(|(_, other)| voice.alternates_with(other)).map(|(other, _)| [at, other])
    }

    /// Whether it is known that one of two devices with this id is at `at`, and the other
    /// one at the address in use.
    pub(crate) fn is_twin(&self, now: Duration, at: SocketAddr) -> bool {
        let is_one = |voice: &Voice| voice.has_twin && self.is_alive(now, voice);
        let one = |at| self.voice(at).filter(is_one);
        let in_use = self.addresses.first().and_then(|first| one(first.at));
        matches!((in_use, one(at)), (Some(in_use), Some(other)) if in_use.alternates_with(&other))
    }

    /// An address of one of two devices that has been silent for so long that it
    /// is to be asked.
    pub(crate) fn silent_twin(&self, now: Duration) -> Option<SocketAddr> {
        let silence = self.announces_every() * ASKED_PERCENT / 100;
        let is_silent = |at: &SocketAddr| {
            self.voices().any(|(other, voice)| other == *at && voice.alive + silence <= now)
        };
        self.twins(now)?.into_iter().find(is_silent)
    }

    /// Notes that a datagram with this number came from `at`.
    pub(super) fn hear_voice(&mut self, now: Duration, at: SocketAddr, boot: Option<u32>) {
        let Some(address) = self.addresses.iter_mut().find(|a| a.at == at) else { return };
        match &mut address.voice {
            Some(voice) if voice.boot == boot => {
                voice.heard = now;
                voice.alive = now;
            }
            other => {
                let has_twin = false;
                *other = Some(Voice { boot, since: now, heard: now, alive: now, has_twin });
            }
        }
    }

    /// Whether a device is still at `old`, where it answered before, though one
    /// answers at `new` and the last PING to `old` was lost: both are heard.
    pub(crate) fn is_heard_at_both(&self, now: Duration, old: SocketAddr, new: SocketAddr) -> bool {
        let has_answered = self.addresses.iter().any(|a| a.at == old && a.verified);
        let (Some(old), Some(new)) = (self.voice(old), self.voice(new)) else { return false };
        has_answered && self.is_alive(now, &old) && old.alternates_with(&new)
    }

    /// Notes that there is a device at both addresses at the same time.
    pub(super) fn is_at_both(&mut self, now: Duration, both: [SocketAddr; 2]) {
        let [one, other] = both.map(|at| self.voice(at));
        if let (Some(one), Some(other)) = (one, other)
            && one.is_other_than(&other)
        {
            for address in self.addresses.iter_mut().filter(|a| both.contains(&a.at)) {
                address.voice = address.voice.map(|voice| Voice { has_twin: true, ..voice });
            }
        }
        self.follow_the_user(now);
    }

    /// Of two devices with one id, the one that the user named is meant.
    pub(super) fn follow_the_user(&mut self, now: Duration) {
        let is_named = self.addresses.iter().any(|a| a.source == Source::Added);
        if is_named && self.twins(now).is_some() {
            let others = self.addresses.iter_mut().filter(|a| a.source != Source::Added);
            others.for_each(|a| a.verified = false);
            self.sort();
        }
    }

    /// Notes that the device answered a probe at this address.
    pub(super) fn answered_at(&mut self, now: Duration, at: SocketAddr) {
        self.addresses.iter_mut().filter(|a| a.at == at).for_each(|a| a.live(now));
    }

    /// Whether another device with the id stays when the one with this number
    /// leaves.
    pub(super) fn has_survivor(&self, now: Duration, boot: Option<u32>) -> bool {
        let mut leaving = self.voices().filter(|(_, voice)| voice.boot == boot);
        leaving.any(|(_, leaving)| {
            self.voices().any(|(_, voice)| {
                voice.is_other_than(&leaving)
                    && self.is_alive(now, &voice)
                    && (voice.has_twin || voice.is_heard_since(&leaving))
            })
        })
    }

    /// Counts the device with this number as one of two only when that turns out anew.
    pub(super) fn doubt_voice(&mut self, boot: Option<u32>) {
        for address in self.addresses.iter_mut().filter(|a| a.is_of(boot)) {
            address.voice = address.voice.map(|voice| Voice { has_twin: false, ..voice });
        }
    }

    /// Forgets the addresses of the device with this number, but for those that the
    /// user added.
    pub(super) fn forget_voice(&mut self, boot: Option<u32>) {
        self.addresses.retain(|a| !a.is_of(boot) || a.source == Source::Added);
        for address in self.addresses.iter_mut().filter(|a| a.is_of(boot)) {
            (address.voice, address.verified) = (None, false);
        }
        self.boot = self.addresses.iter().find_map(Address::boot);
        self.sort();
    }

    /// Whether the two addresses speak as one device, as far as is known.
    pub(super) fn is_one_voice(&self, one: SocketAddr, other: SocketAddr) -> bool {
        match (self.voice(one), self.voice(other)) {
            (Some(one), Some(other)) => !one.is_other_than(&other),
            _ => true,
        }
    }

    fn is_alive(&self, now: Duration, voice: &Voice) -> bool {
        let silence = self.announces_every() * SILENCE_PERCENT / 100 + ASKING;
        now <= voice.alive + silence
    }

    fn voice(&self, at: SocketAddr) -> Option<Voice> {
        self.voices().find(|(other, _)| *other == at).map(|(_, voice)| voice)
    }

    fn voices(&self) -> impl Iterator<Item = (SocketAddr, Voice)> {
        self.addresses.iter().filter_map(|a| Some((a.at, a.voice?)))
    }
}

impl Address {
    /// What the device there drew at its start, if a datagram came from there and
    /// said it.
    pub fn boot(&self) -> Option<u32> {
        self.voice?.boot
    }

    /// Notes that somebody is there: by a datagram, a request or an answer.
    pub(super) fn live(&mut self, now: Duration) {
        self.voice = self.voice.map(|voice| Voice { alive: now, ..voice });
    }

    /// Whether the device with this number speaks from there.
    pub(super) fn is_of(&self, boot: Option<u32>) -> bool {
        self.voice.is_some_and(|voice| voice.boot == boot)
    }
}
