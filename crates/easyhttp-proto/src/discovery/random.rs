//! Jitter, from a seed.

use core::time::Duration;

/// By how much intervals vary in either direction, in percent, so that devices
/// that started together do not stay in step.
const JITTER_PERCENT: u64 = 20;

/// SplitMix64 (Steele, Lea, Flood 2014): enough for jitter, not for secrets.
#[derive(Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// This duration, a little shorter or longer.
    pub(super) fn jitter(&mut self, duration: Duration) -> Duration {
        self.percent(duration, 100 - JITTER_PERCENT, 100 + JITTER_PERCENT)
    }

    /// Any duration up to this one.
    pub(super) fn up_to(&mut self, duration: Duration) -> Duration {
        self.percent(duration, 0, 100)
    }

    fn percent(&mut self, duration: Duration, least: u64, most: u64) -> Duration {
        let percent = least + self.next() % (most - least + 1);
        duration * u32::try_from(percent).unwrap_or(100) / 100
    }
}
