//! Whether it is worth trying a device that was not reached.

use crate::limits;

/// What the last attempts to reach one device came to.
///
/// It opens after [`limits::BREAKER`] failures in a row. Then nothing is sent again. It
/// closes as soon as the device is heard, by whatever way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Breaker {
    failures: u8,
}

impl Breaker {
    /// Notes that an attempt did not reach the device.
    pub fn fail(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Notes that the device was heard.
    pub fn hear(&mut self) {
        self.failures = 0;
    }

    /// Whether nothing is to be sent again.
    pub fn is_open(&self) -> bool {
        self.failures >= limits::BREAKER
    }
}
