//! Which devices have fallen silent, and which of those are gone.
//!
//! Silence alone proves nothing: multicast is lost on every wireless network.
//! A silent device is suspect, and is PINGed wherever it may be. It is gone
//! when its host refuses, or after so many PINGs without an answer that loss
//! cannot be the reason.

use alloc::vec::Vec;
use core::time::Duration;

use crate::peers::{Peer, PeerTable};
use crate::{DeviceId, limits};

/// A device is suspect after this share of the time between two of its
/// announcements: more than jitter explains, and less than two of them.
const SILENCE_PERCENT: u32 = 180;

/// How often a suspect is PINGed. The next PING does not wait for the end of the
/// last one: where packets are lost, many attempts find out more than long ones.
const ROUND: Duration = Duration::from_millis(300);

/// How long after a PING that was refused the next one goes, at the least.
const PAUSE: Duration = Duration::from_millis(500);

/// How many PINGs are under way at once: a flood of invented devices may not take
/// all connections that the process can have.
const AT_ONCE: usize = 16;

/// After how many refusals a device is gone: its host is there and says that
/// it is not. One could be a restart.
const REFUSALS: u8 = 2;

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
#[derive(Debug, Default)]
pub(super) struct Presence {
    suspects: Vec<Suspect>,
    /// When a device falls silent at the earliest.
    next_look: Duration,
}

#[derive(Debug)]
struct Suspect {
    id: DeviceId,
    since: Duration,
    refusals: u8,
    silences: u8,
    /// How many PINGs are under way.
    asked: usize,
    /// When it is PINGed next.
    due: Duration,
}

/// What follows from silence.
#[derive(Debug)]
pub(super) enum Verdict {
    /// PING this device.
    Check(DeviceId),
    /// This device is gone.
    Lost(Peer),
}

impl Presence {
    /// A device was heard.
    pub(super) fn hear(&mut self, peer: &Peer) {
        self.next_look = self.next_look.min(silent_from(peer));
    }

    /// A request to this device has failed: its silence is not waited for.
    pub(super) fn suspect(&mut self, now: Duration, id: DeviceId) {
        if !self.suspects.iter().any(|suspect| suspect.id == id) {
            let (refusals, silences, asked) = (0, 0, 0);
            self.suspects.push(Suspect { id, since: now, refusals, silences, asked, due: now });
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
            Pinged::Answered => _ = self.suspects.swap_remove(index),
            Pinged::Refused if is_check => {
                suspect.refusals += 1;
                suspect.due = now + PAUSE;
            }
            Pinged::Silent if is_check => suspect.silences += 1,
            Pinged::Refused | Pinged::Silent => {}
        }
    }

    pub(super) fn poll(&mut self, now: Duration, peers: &mut PeerTable) -> Option<Verdict> {
        // Who is heard, or left, is suspect no more. A PING that is under way
        // still counts: whoever invents devices can have them leave as well.
        self.suspects.retain(|suspect| match peers.get(suspect.id) {
            _ if suspect.due == Duration::MAX => true,
            Some(peer) => peer.is_present && peer.last_seen <= Some(suspect.since),
            None => false,
        });
        if let Some(gone) = self.suspects.iter().position(Suspect::is_gone) {
            let id = self.suspects.swap_remove(gone).id;
            if let Some(peer) = peers.lose(id) {
                return Some(Verdict::Lost(peer));
            }
        }
        if self.next_look <= now {
            self.look(now, peers);
        }
        if self.asked() >= AT_ONCE {
            return None;
        }
        let longest_due = self.suspects.iter_mut().min_by_key(|suspect| suspect.due);
        let suspect = longest_due.filter(|suspect| suspect.due <= now)?;
        suspect.due = now + ROUND;
        suspect.asked += 1;
        Some(Verdict::Check(suspect.id))
    }

    pub(super) fn next_wakeup(&self) -> Duration {
        // While as many are asked as may be, the end of one of them wakes us.
        match self.asked() {
            AT_ONCE.. => self.next_look,
            _ => {
                self.suspects.iter().map(|suspect| suspect.due).fold(self.next_look, Duration::min)
            }
        }
    }

    /// How many PINGs are under way.
    fn asked(&self) -> usize {
        self.suspects.iter().map(|suspect| suspect.asked).sum()
    }

    /// Finds the devices that have fallen silent.
    fn look(&mut self, now: Duration, peers: &PeerTable) {
        // Those that are only learned in the meantime wait for the next look.
        self.next_look = now + limits::UNTOLD_INTERVAL;
        for peer in peers.iter() {
            match silent_from(peer) {
                silent if silent <= now => self.suspect(now, peer.id),
                silent => self.next_look = self.next_look.min(silent),
            }
        }
    }
}

impl Suspect {
    fn is_gone(&self) -> bool {
        self.refusals >= REFUSALS || self.silences >= SILENCES
    }
}

/// From when on a device is suspect, if it is not heard before.
fn silent_from(peer: &Peer) -> Duration {
    match peer.last_seen {
        Some(seen) if peer.is_present => seen + peer.announces_every() * SILENCE_PERCENT / 100,
        _ => Duration::MAX,
    }
}
