//! When to send again what may be sent again.
//!
//! Whoever was not answered must not make it worse for a device that has too much to do,
//! or for a network that is just coming back. So the pauses are random and grow
//! ([`pause`]), all calls of a device share one [`Budget`], and a device that cannot be
//! reached is left alone after a while ([`Breaker`]) until it is heard again.
//!
//! `now` is the time since any fixed point, by a clock that never goes back.

mod breaker;
mod budget;

use core::time::Duration;

use crate::limits;

pub use breaker::Breaker;
pub use budget::Budget;

/// How long to wait before the attempt that follows the first and `retries` more, if the
/// device asks for a pause of `least`: any time up to one that doubles each time, as all
/// that failed together would otherwise come back together.
/// (Full jitter: <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter>)
pub fn pause(retries: u32, least: Duration, entropy: u64) -> Duration {
    let most = limits::RETRY_PAUSE.saturating_mul(1 << retries.min(16));
    let most = u64::try_from(most.min(limits::RETRY_PAUSE_MOST).as_nanos()).unwrap_or(u64::MAX);
    let share = (u128::from(most) * u128::from(entropy)) >> 64;
    least.saturating_add(Duration::from_nanos(share as u64))
}

/// How long one attempt waits for its answer, if so much is left of the time of a call: so
/// that there is time for another one, which asks on a new connection.
pub fn attempt(left: Duration) -> Duration {
    (left / 2).max(limits::ATTEMPT).min(left)
}

/// The attempts of one call.
#[derive(Debug, Clone, Copy, Default)]
pub struct Retries {
    made: u32,
    /// Whether the device has asked for a pause already.
    has_paused: bool,
}

impl Retries {
    /// Of a call whose first attempt is still to be made.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many were made after the first.
    pub fn made(&self) -> u32 {
        self.made
    }

    /// After what pause to send again. None: not at all, because no time is `left` after it,
    /// the device is not to be reached or has asked for a pause once before (`least`), or
    /// too much has been sent again already.
    pub fn next(
        &mut self,
        now: Duration,
        left: Duration,
        least: Duration,
        breaker: &Breaker,
        budget: &mut Budget,
        entropy: u64,
    ) -> Option<Duration> {
        let pause = pause(self.made, least, entropy);
        let asks = !least.is_zero();
        if pause >= left || breaker.is_open() || (asks && self.has_paused) || !budget.take(now) {
            return None;
        }
        self.has_paused |= asks;
        self.made += 1;
        Some(pause)
    }
}
