//! The one timer of discovery.
//!
//! Where the system has one to offer, it wakes the device once. A timer of the
//! runtime that is seconds away wakes it up to three times: its wheel looks at it
//! again after some seconds, and again within the last 64 ms.

use std::time::Duration;

use super::system::Timer;

/// No longer at a time. Waking once in vain does not matter then.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Rings at a time, by the clock of the device.
pub(super) struct Alarm {
    /// The timer, and for when it is set. None if the runtime's has to do.
    timer: Option<(Timer, Option<Duration>)>,
}

impl Alarm {
    pub(super) fn new() -> Self {
        Self { timer: Timer::new().ok().map(|timer| (timer, None)) }
    }

    /// Returns when it is `due`, which may be never. To ask again for the same time
    /// costs nothing.
    pub(super) async fn ring(&mut self, now: Duration, due: Duration) {
        let left = due.saturating_sub(now).min(LONGEST);
        let Some((timer, set)) = &mut self.timer else { return tokio::time::sleep(left).await };
        if left.is_zero() {
            return;
        }
        if *set != Some(due) {
            if timer.set(left).is_err() {
                return tokio::time::sleep(left).await;
            }
            *set = Some(due);
        }
        timer.ring().await;
        *set = None;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[tokio::test]
    async fn it_rings_when_it_is_due_and_not_before() {
        let mut alarm = Alarm::new();
        let start = Instant::now();
        let at = Duration::from_millis;
        // Set to another time before it rang: the last one counts, later or earlier.
        for due in [at(20), at(3_600_000), at(60)] {
            tokio::select! {
                biased;
                () = alarm.ring(start.elapsed(), due) => panic!("{due:?}"),
                () = std::future::ready(()) => {}
            }
        }
        for due in [at(60), at(60), at(90)] {
            alarm.ring(start.elapsed(), due).await;
            assert!(start.elapsed() >= due, "{due:?}");
        }
    }

    #[tokio::test]
    async fn what_never_comes_can_be_waited_for() {
        let mut alarm = Alarm::new();
        let ring = alarm.ring(Duration::ZERO, Duration::MAX);
        assert!(tokio::time::timeout(Duration::from_millis(20), ring).await.is_err());
    }
}
