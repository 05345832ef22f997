//! How much of what a device sends may be sent again.

use core::time::Duration;

use crate::limits;

/// What a retry costs, in what each call brings in.
const RETRY: u32 = 100 / limits::RETRIES_PERCENT;

/// The retries that a device has left, whomever it calls.
///
/// When nobody answers any more, everything that is sent is sent again, and what was too
/// much becomes a multiple of it. A budget lets a few retries through in good times, and
/// a small share of all calls in bad ones.
#[derive(Debug, Clone)]
pub struct Budget {
    /// In parts of a retry.
    left: u32,
    /// When the last retry came in by itself.
    filled: Duration,
}

impl Budget {
    /// Of a device that has just started: with all that is kept in reserve.
    pub fn new(now: Duration) -> Self {
        Self { left: limits::RETRIES_RESERVE * RETRY, filled: now }
    }

    /// Notes that a call is made.
    pub fn earn(&mut self) {
        self.add(1);
    }

    /// Takes a retry, if there is one.
    pub fn take(&mut self, now: Duration) -> bool {
        let came = now.saturating_sub(self.filled).as_nanos() / limits::RETRY_COMES.as_nanos();
        if came > 0 {
            self.add(u32::try_from(came).unwrap_or(u32::MAX).saturating_mul(RETRY));
            self.filled = now;
        }
        let may_go = self.left >= RETRY;
        self.left -= if may_go { RETRY } else { 0 };
        may_go
    }

    fn add(&mut self, parts: u32) {
        self.left = self.left.saturating_add(parts).min(limits::RETRIES_RESERVE * RETRY);
    }
}
