//! Each request is accepted once, and no clock has to be right for that.
//!
//! A server accepts what is signed for its current epoch or the one before, and
//! remembers which nonces it has seen in these two. An epoch begins with the server
//! and ends by itself, so a request that was recorded is good for one use within
//! twice [`limits::EPOCH`], and for none after a restart.

use alloc::collections::BTreeSet;
use core::time::Duration;

use super::epoch::{Epoch, NONCE};
use super::refusal::Refusal;
use super::request::Claim;
use crate::limits;

/// The epochs of a server, and what it accepted in them.
#[derive(Debug)]
pub struct Epochs {
    current: Age,
    previous: Option<Age>,
    /// With so many nonces the current epoch ends.
    nonces: usize,
}

#[derive(Debug)]
struct Age {
    epoch: Epoch,
    began: Duration,
    /// A tree, since no member can make it slow as it could a table.
    seen: BTreeSet<[u8; NONCE]>,
}

impl Epochs {
    /// Begins the first epoch, of these 12 random bytes. An epoch accepts `nonces`
    /// requests, usually [`limits::NONCES`] and [`limits::NONCES_LEAST`] at least.
    pub fn new(now: Duration, nonces: usize, entropy: [u8; Epoch::LEN]) -> Self {
        let current = Age::new(now, entropy);
        Self { current, previous: None, nonces: nonces.max(limits::NONCES_LEAST) }
    }

    /// The current epoch, which every answer and announcement names. `draw` gives 12
    /// random bytes if a new one begins.
    pub fn current(&mut self, now: Duration, draw: impl FnOnce() -> [u8; Epoch::LEN]) -> Epoch {
        self.turn(now, draw);
        self.current.epoch
    }

    /// Accepts a request, and never again. `draw` gives 12 random bytes if a new epoch
    /// begins.
    ///
    /// # Errors
    ///
    /// [`Refusal::Epoch`]: it is for none of the two epochs, or the older one is full;
    /// its sender should try the [`current`](Self::current) one.
    /// [`Refusal::Replayed`]: it was accepted before.
    pub fn admit(
        &mut self,
        now: Duration,
        claim: &Claim,
        draw: impl FnOnce() -> [u8; Epoch::LEN],
    ) -> Result<(), Refusal> {
        self.turn(now, draw);
        // The epoch that has just ended takes some more, of those who cannot know.
        let most = self.nonces + self.nonces / 8;
        let age = core::iter::once(&mut self.current)
            .chain(&mut self.previous)
            .find(|age| age.epoch == claim.epoch())
            .ok_or(Refusal::Epoch)?;
        if age.seen.contains(&claim.nonce()) {
            return Err(Refusal::Replayed);
        }
        if age.seen.len() >= most {
            return Err(Refusal::Epoch);
        }
        age.seen.insert(claim.nonce());
        Ok(())
    }

    /// How many nonces are remembered, of 16 bytes each.
    pub fn remembered(&self) -> usize {
        self.current.seen.len() + self.previous.as_ref().map_or(0, |age| age.seen.len())
    }

    /// Begins a new epoch when it is time, and forgets what is over.
    fn turn(&mut self, now: Duration, draw: impl FnOnce() -> [u8; Epoch::LEN]) {
        let is_due =
            self.current.is_older(now, limits::EPOCH) || self.current.seen.len() >= self.nonces;
        if is_due {
            let ended = core::mem::replace(&mut self.current, Age::new(now, draw()));
            self.previous = Some(ended);
        }
        self.previous.take_if(|age| age.is_older(now, 2 * limits::EPOCH));
    }
}

impl Age {
    fn new(now: Duration, entropy: [u8; Epoch::LEN]) -> Self {
        Self { epoch: Epoch::from_entropy(entropy), began: now, seen: BTreeSet::new() }
    }

    fn is_older(&self, now: Duration, than: Duration) -> bool {
        now.saturating_sub(self.began) >= than
    }
}
