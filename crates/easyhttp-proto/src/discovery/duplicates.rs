//! Where other devices use our id: a copied memory card, or a lie.
//!
//! Anybody can send a datagram with our id. So whoever is said to be there is
//! asked, and the user is told of a device that answers to it.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

/// How many places are looked into in a time, so that a flood of lies causes few
/// questions.
const MOST: usize = 8;

/// How long a place is not looked into again.
const ASKED: Duration = Duration::from_secs(10);

/// How long the user is not told of it again.
const TOLD: Duration = Duration::from_secs(600);

/// The places where our id was heard of, each until it may count again.
#[derive(Debug, Default)]
pub(super) struct Duplicates {
    asked: Vec<(SocketAddr, Duration)>,
    told: Vec<(SocketAddr, Duration)>,
}

impl Duplicates {
    /// Whether to ask who is at this address, from where our id was heard.
    pub(super) fn is_to_ask(&mut self, now: Duration, at: SocketAddr) -> bool {
        take(&mut self.asked, now, at, ASKED)
    }

    /// Whether to tell the user of a device at this address that answers to it.
    pub(super) fn is_to_tell(&mut self, now: Duration, at: SocketAddr) -> bool {
        take(&mut self.told, now, at, TOLD)
    }
}

/// Notes a place for some time, unless it is there or there is no room.
fn take(
    places: &mut Vec<(SocketAddr, Duration)>,
    now: Duration,
    at: SocketAddr,
    time: Duration,
) -> bool {
    places.retain(|(_, until)| now < *until);
    let is_new = places.len() < MOST && places.iter().all(|(place, _)| *place != at);
    if is_new {
        places.push((at, now + time));
    }
    is_new
}
