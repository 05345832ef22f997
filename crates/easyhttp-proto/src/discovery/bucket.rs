//! How much may be done at once, and how often after that.

use core::time::Duration;

/// A bucket of tokens: one comes in each interval, until it is full.
#[derive(Debug)]
pub(super) struct Bucket {
    size: u32,
    interval: Duration,
    tokens: u32,
    /// When the last token came in; while it is full, when it was last looked at.
    filled: Duration,
}

impl Bucket {
    /// A full bucket of `size` tokens, into which `a_second` come each second.
    pub(super) fn new(now: Duration, size: u32, a_second: u32) -> Self {
        Self { size, interval: Duration::from_secs(1) / a_second, tokens: size, filled: now }
    }

    /// Takes a token, if `reserve` of them would stay.
    pub(super) fn take(&mut self, now: Duration, reserve: u32) -> bool {
        while self.tokens < self.size && self.filled + self.interval <= now {
            self.tokens += 1;
            self.filled += self.interval;
        }
        if self.tokens == self.size {
            self.filled = now;
        }
        let may_go = self.tokens > reserve;
        self.tokens -= u32::from(may_go);
        may_go
    }

    /// When a token can be taken, after one could not be.
    pub(super) fn ready(&self, reserve: u32) -> Duration {
        self.filled + self.interval * (reserve + 1).saturating_sub(self.tokens)
    }
}
