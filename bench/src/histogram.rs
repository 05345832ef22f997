//! How often something took how long, in a fixed amount of memory: the memory of a client
//! is measured as well, and must not grow with the calls that it has made.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Each power of two has this many buckets, so a time is known to within 0.4 %.
const STEPS: u64 = 128;

/// Up to 2⁴⁰ ns, which is 18 minutes.
const BUCKETS: usize = (40 * STEPS) as usize;

/// Counts durations; all callers share it.
#[derive(Debug)]
pub(crate) struct Histogram(Box<[AtomicU32]>);

impl Histogram {
    pub(crate) fn new() -> Self {
        Self((0..BUCKETS).map(|_| AtomicU32::new(0)).collect())
    }

    pub(crate) fn add(&self, duration: Duration) {
        let nanos = duration.as_nanos() as u64;
        self.0[bucket(nanos).min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.iter().map(|bucket| u64::from(bucket.load(Ordering::Relaxed))).sum()
    }

    /// The nanoseconds that this part of all durations did not exceed.
    pub(crate) fn percentile(&self, part: f64) -> f64 {
        let mut left = (self.count().saturating_sub(1) as f64 * part) as u64;
        for (bucket, count) in self.0.iter().enumerate() {
            match left.checked_sub(count.load(Ordering::Relaxed).into()) {
                Some(rest) => left = rest,
                None => return middle(bucket as u64),
            }
        }
        f64::NAN
    }
}

fn bucket(nanos: u64) -> usize {
    // Up to 2 × STEPS, a bucket is one nanosecond.
    let shift = (nanos / STEPS).checked_ilog2().unwrap_or(0);
    (u64::from(shift) * STEPS + (nanos >> shift)) as usize
}

fn middle(bucket: u64) -> f64 {
    let shift = (bucket / STEPS).saturating_sub(1);
    let low = (bucket - shift * STEPS) << shift;
    low as f64 + (((1_u64 << shift) - 1) as f64) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_known_to_within_half_a_percent() {
        for nanos in (0..1_000_000_u64).chain((1_000_000..3_000_000_000).step_by(99_991)) {
            let found = middle(bucket(nanos) as u64);
            assert!((found - nanos as f64).abs() <= nanos as f64 * 0.005, "{nanos}: {found}");
        }
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_times() {
        let histogram = Histogram::new();
        (1..=1000).for_each(|micros| histogram.add(Duration::from_micros(micros)));
        assert_eq!(histogram.count(), 1000);
        for (part, micros) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0)] {
            let found = histogram.percentile(part) / 1e3;
            assert!((found - micros).abs() < micros * 0.005, "p{part}: {found}");
        }
    }
}
