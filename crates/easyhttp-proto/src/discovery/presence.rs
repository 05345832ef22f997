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

/// How long after a PING that was refused, or not answered, the next one goes.
const PAUSE: Duration = Duration::from_millis(500);

/// How many devices are PINGed at once: a flood of invented ones may not take
/// all connections that the process can have.
const AT_ONCE: usize = 16;

/// After how many refusals a device is gone: its host is there and says that
/// it is not. One could be a restart.
const REFUSALS: u8 = 2;

/// After how many PINGs without any answer a device is gone. With 30 % of the
/// packets lost, one takes part in a handshake within a second every other
/// time; ten failures in a row, after two lost announcements, happen to a
/// device that is there once in 10,000.
const SILENCES: u8 = 10;

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
    /// When it is PINGed next; never while a PING is under way.
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
            self.suspects.push(Suspect { id, since: now, refusals: 0, silences: 0, due: now });
        }
    }

    /// A PING of [`Verdict::Check`] has ended.
    pub(super) fn ended(&mut self, now: Duration, id: DeviceId, pinged: Pinged) {
        let Some(index) = self.suspects.iter().position(|suspect| suspect.id == id) else { return };
        let suspect = &mut self.suspects[index];
        // A PING for another reason says no more than that somebody is there.
        let is_check = suspect.due == Duration::MAX;
        match pinged {
            Pinged::Answered => _ = self.suspects.swap_remove(index),
            Pinged::Refused if is_check => {
                suspect.refusals += 1;
                suspect.due = now + PAUSE;
            }
            Pinged::Silent if is_check => {
                suspect.silences += 1;
                suspect.due = now + PAUSE;
            }
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
        let asked = self.suspects.iter().filter(|suspect| suspect.due == Duration::MAX).count();
        if asked >= AT_ONCE {
            return None;
        }
        let suspect = self.suspects.iter_mut().find(|suspect| suspect.due <= now)?;
        suspect.due = Duration::MAX;
        Some(Verdict::Check(suspect.id))
    }

    pub(super) fn next_wakeup(&self) -> Duration {
        let dues = || self.suspects.iter().map(|suspect| suspect.due);
        // While as many are asked as may be, the end of one of them wakes us.
        match dues().filter(|due| *due == Duration::MAX).count() {
            AT_ONCE.. => self.next_look,
            _ => dues().fold(self.next_look, Duration::min),
        }
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
