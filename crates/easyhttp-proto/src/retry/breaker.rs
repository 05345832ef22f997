//! Whether it is worth trying a device that was not reached.

use core::time::Duration;

use crate::limits;

/// What the last attempts to reach one device came to.
///
/// It opens after [`limits::BREAKER`] failures in a row. Then nothing is sent again, and
/// what can wait does, but for one attempt every [`limits::BREAKER_TRY`]. It closes as soon
/// as the device is heard, by whatever way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    failures: u8,
    /// When the last one was.
    failed: Duration,
}

impl Breaker {
    /// Notes that an attempt did not reach the device.
    pub fn fail(&mut self, now: Duration) {
        self.failures = self.failures.saturating_add(1);
        self.failed = now;
    }

    /// Notes that the device was heard.
    pub fn hear(&mut self) {
        self.failures = 0;
    }

    /// Whether nothing is to be sent again.
    pub fn is_open(&self) -> bool {
        self.failures >= limits::BREAKER
    }

    /// When something that can wait may be tried next: at once, unless it is open.
    pub fn next_try(&self) -> Duration {
        match self.is_open() {
            true => self.failed.saturating_add(limits::BREAKER_TRY),
            false => Duration::ZERO,
        }
    }
}
