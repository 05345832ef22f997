//! Which devices have fallen silent, and which of those are gone.
//!
//! Silence alone proves nothing: multicast is lost on every wireless network.
//! A silent device is suspect, and is PINGed wherever it may be. It is gone
//! when its host refuses, or after so many PINGs without an answer that loss
//! cannot be the reason.

use alloc::vec::Vec;
use core::time::Duration;

use super::bucket::Bucket;
use crate::peers::{Peer, PeerTable};
use crate::{DeviceId, limits};

/// A device is suspect after this share of the time between two of its
/// announcements: more than jitter explains, and less than two of them.
const SILENCE_PERCENT: u32 = 180;

/// How long after a look the next one comes, unless a device may have fallen silent. It
/// goes over all that are known, who may be heard a hundred times a second.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How often a suspect is PINGed. The next PING does not wait for the end of the
/// last one: where packets are lost, many attempts find out more than long ones.
const ROUND: Duration = Duration::from_millis(300);

/// How long after a PING that was refused the next one goes, at the least.
const PAUSE: Duration = Duration::from_millis(500);

/// After how many refusals a device is gone: its host is there and says that
/// it is not. One could be a restart.
const REFUSALS: u8 = 2;

/// The same of a device that said goodbye, or that somebody says it of.
const REFUSALS_AFTER_GOODBYE: u8 = 1;
const SILENCES_AFTER_GOODBYE: u8 = 2;

/// How many goodbyes are looked into at once, and how many a second after that;
/// and for how long none of a device that has just answered, which was a lie. Who
/// sends them by the thousand may not have all that hear them PING as often. One
/// that is not looked into is as good as none: silence tells the same later.
const GOODBYES: u32 = 256;
const GOODBYES_A_SECOND: u32 = 50;
const LIE: Duration = Duration::from_secs(1);

/// After how many PINGs without any answer a device is gone: about 6 s. With 30 %
/// of the packets lost, the two packets of a handshake arrive every other time
/// (49 %). 20 failures in a row, while two announcements are lost as well, happen
/// to a device that is there once in ten million such silences, or in some
/// ten thousand hours. Where all is lost for 2 s, 13 of them remain.
const SILENCES: u8 = 20;

/// What came of a PING to all addresses of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Pinged {
    /// The device answered.
    Answered,
    /// Its host refused, or another device answered.
    Refused,
    /// Nobody answered.
    Silent,
}

/// The devices that are suspect.
#[derive(Debug)]
pub(super) struct Presence {
    suspects: Vec<Suspect>,
    /// When a device falls silent at the earliest, and which.
    next_look: Duration,
    next_silent: Option<DeviceId>,
    /// When that was found out, and whether it is no longer so.
    looked: Duration,
    is_stale: bool,
    goodbyes: Bucket,
    /// The devices of which a goodbye was a lie, each until when that counts.
    lies: Vec<(DeviceId, Duration)>,
}

#[derive(Debug)]
struct Suspect {
    id: DeviceId,
    since: Duration,
    refusals: u8,
    silences: u8,
    /// How many PINGs of ours are under way.
    asked: usize,
    /// When it is PINGed next.
    due: Duration,
    /// Whether it is said to have left.
    is_leaving: bool,
}

/// What follows from silence.
#[derive(Debug)]
pub(super) enum Verdict {
    /// PING this device.
    Check(DeviceId),
    /// This device is gone.
    Lost(Peer),
    /// This device is gone, as it said.
    Left(Peer),
}

impl Presence {
    pub(super) fn new(now: Duration) -> Self {
        let goodbyes = Bucket::new(now, GOODBYES, GOODBYES_A_SECOND);
        Self {
            suspects: Vec::new(),
            next_look: now,
            next_silent: None,
            looked: now,
            is_stale: false,
            goodbyes,
            lies: Vec::new(),
        }
    }

    /// A device was heard.
    pub(super) fn hear(&mut self, peer: &Peer) {
        let silent = silent_from(peer);
        if self.next_silent == Some(peer.id) {
            // Now it is another one.
            self.is_stale = true;
        } else if silent < self.next_look {
            (self.next_look, self.next_silent) = (silent, Some(peer.id));
        }
    }

    /// A request to this device has failed: its silence is not waited for.
    pub(super) fn suspect(&mut self, now: Duration, id: DeviceId) {
        if !self.suspects.iter().any(|suspect| suspect.id == id) {
            self.suspects.push(Suspect::new(now, id));
        }
    }

    /// A goodbye of this device was heard. Anybody can send one, so it is
    /// believed when the device answers no more.
    pub(super) fn say_goodbye(&mut self, now: Duration, id: DeviceId) {
        // It says so on each of its interfaces: the first one counts.
        let is_said = self.suspects.iter().any(|suspect| suspect.id == id && suspect.is_leaving);
        self.lies.retain(|(_, until)| now < *until);
        let is_lie = self.lies.iter().any(|(liar, _)| *liar == id);
        if !is_said && !is_lie && self.goodbyes.take(now, 0) {
            self.suspects.retain(|suspect| suspect.id != id);
            self.suspects.push(Suspect { is_leaving: true, ..Suspect::new(now, id) });
        }
    }

    /// A PING of [`Verdict::Check`] has ended.
    pub(super) fn ended(&mut self, now: Duration, id: DeviceId, pinged: Pinged) {
        let Some(index) = self.suspects.iter().position(|suspect| suspect.id == id) else { return };
        let suspect = &mut self.suspects[index];
        // A PING for another reason says no more than that somebody is there.
        let is_check = suspect.asked > 0;
        suspect.asked = suspect.asked.saturating_sub(1);
        match pinged {
            Pinged::Answered => {
                if self.suspects.swap_remove(index).is_leaving {
                    self.lies.push((id, now + LIE));
                }
            }
            Pinged::Refused if is_check => {
                suspect.refusals += 1;
                suspect.due = now + PAUSE;
            }
            Pinged::Silent if is_check => suspect.silences += 1,
            Pinged::Refused | Pinged::Silent => {}
        }
    }

    /// What is to be done, if `may_ping` also by a PING.
    pub(super) fn poll(
        &mut self,
        now: Duration,
        may_ping: bool,
        peers: &mut PeerTable,
    ) -> Option<Verdict> {
        // Who is heard is suspect no more. After a goodbye, what was sent before it
        // may still arrive.
        self.suspects.retain(|suspect| match peers.get(suspect.id) {
            Some(peer) if suspect.is_leaving => peer.is_present,
            Some(peer) => peer.is_present && peer.last_seen <= Some(suspect.since),
            None => false,
        });
        if let Some(gone) = self.suspects.iter().position(Suspect::is_gone) {
            let Suspect { id, is_leaving, .. } = self.suspects.swap_remove(gone);
            if let Some(peer) = peers.lose(id) {
                return Some(if is_leaving { Verdict::Left(peer) } else { Verdict::Lost(peer) });
            }
        }
        // While we are awake, rather than when one would have fallen silent that did
        // not: that would wake us in vain.
        if self.next_look <= now || (self.is_stale && self.looked + LOOK_AGAIN <= now) {
            self.look(now, peers);
        }
        let longest_due = self.suspects.iter_mut().min_by_key(|suspect| suspect.due);
        let suspect = longest_due.filter(|suspect| may_ping && suspect.due <= now)?;
        suspect.due = now + ROUND;
        suspect.asked += 1;
        Some(Verdict::Check(suspect.id))
    }

    pub(super) fn next_wakeup(&self, may_ping: bool) -> Duration {
        // Where no more may be PINGed, the end of a PING wakes us.
        let dues = self.suspects.iter().filter(|_| may_ping).map(|suspect| suspect.due);
        dues.fold(self.next_look, Duration::min)
    }

    /// Finds the devices that have fallen silent.
    fn look(&mut self, now: Duration, peers: &PeerTable) {
        // Those that are only learned in the meantime wait for the next look.
        (self.next_look, self.next_silent) = (now + limits::UNTOLD_INTERVAL, None);
        (self.looked, self.is_stale) = (now, false);
        for peer in peers.iter() {
            match silent_from(peer) {
                silent if silent <= now => self.suspect(now, peer.id),
                silent if silent < self.next_look => {
                    (self.next_look, self.next_silent) = (silent, Some(peer.id));
                }
                _ => {}
            }
        }
    }
}

impl Suspect {
    fn new(now: Duration, id: DeviceId) -> Self {
        Self { id, since: now, refusals: 0, silences: 0, asked: 0, due: now, is_leaving: false }
    }

    fn is_gone(&self) -> bool {
        let (refusals, silences) = match self.is_leaving {
            true => (REFUSALS_AFTER_GOODBYE, SILENCES_AFTER_GOODBYE),
            false => (REFUSALS, SILENCES),
        };
        self.refusals >= refusals || self.silences >= silences
    }
}

/// From when on a device is suspect, if it is not heard before.
fn silent_from(peer: &Peer) -> Duration {
    match peer.last_seen {
        Some(seen) if peer.is_present => seen + peer.announces_every() * SILENCE_PERCENT / 100,
        _ => Duration::MAX,
    }
}
