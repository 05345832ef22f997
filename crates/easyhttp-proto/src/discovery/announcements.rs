//! When to announce ourselves.

use core::time::Duration;

use super::random::Random;
use crate::limits;

/// When a device that has just started, or that searches, announces itself and
/// asks who is there. The first ones make it known at once, the later ones
/// outlast lost packets.
const BURST: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_millis(20),
    Duration::from_millis(100),
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_millis(1500),
    Duration::from_millis(3000),
    Duration::from_millis(7000),
];

/// How long a burst must have run before a search begins it anew: a program
/// may ask for an unknown device as often as it likes.
const SEARCH_PAUSE: Duration = Duration::from_secs(2);

/// The interval for each device, when that is longer: so the network as a whole
/// carries no more than ten datagrams a second however many they are. Each
/// announcement is two, one for IPv4 and one for IPv6.
const INTERVAL_PER_DEVICE: Duration = Duration::from_millis(200);

/// When an announcement is later than this, the machine slept: others may have
/// given us up, and the network may be another one.
const LATE: Duration = Duration::from_secs(3);

/// The announcements of one device.
#[derive(Debug)]
pub(super) struct Announcements {
    burst: Option<Burst>,
    next: Duration,
    /// How often they come, and how often at the most.
    interval: Duration,
    shortest_interval: Duration,
    /// Whether they go on after the burst.
    is_steady: bool,
}

#[derive(Debug)]
struct Burst {
    started: Duration,
    step: usize,
}

impl Announcements {
    pub(super) fn new(now: Duration, is_steady: bool) -> Self {
        let interval = limits::ANNOUNCE;
        let mut announcements =
            Self { burst: None, next: now, interval, shortest_interval: interval, is_steady };
        announcements.begin_burst(now);
        announcements
    }

    pub(super) fn set_interval(&mut self, interval: Duration) {
        self.interval = interval;
        self.shortest_interval = interval;
    }

    pub(super) fn interval(&self) -> Duration {
        self.interval
    }

    pub(super) fn shortest_interval(&self) -> Duration {
        self.shortest_interval
    }

    pub(super) fn begin_burst(&mut self, now: Duration) {
        self.burst = Some(Burst { started: now, step: 0 });
        self.next = now;
    }

    /// Begins a burst, unless one has just begun.
    pub(super) fn search(&mut self, now: Duration) {
        let is_recent = |burst: &Burst| now < burst.started + SEARCH_PAUSE;
        if !self.burst.as_ref().is_some_and(is_recent) {
            self.begin_burst(now);
        }
    }

    /// Whether an announcement is due, and if so, whether it asks. `peers` is how
    /// many are known.
    pub(super) fn poll(
        &mut self,
        now: Duration,
        peers: usize,
        random: &mut Random,
    ) -> Option<bool> {
        if now.saturating_sub(self.next) > LATE {
            // Nobody drove us for a while: the machine slept.
            self.begin_burst(now);
        }
        if now < self.next {
            return None;
        }
        let asks = self.burst.is_some();
        self.schedule(now, peers, random);
        Some(asks)
    }

    pub(super) fn next_wakeup(&self) -> Duration {
        self.next
    }

    fn schedule(&mut self, now: Duration, peers: usize, random: &mut Random) {
        let devices = u32::try_from(peers).unwrap_or(u32::MAX).saturating_add(1);
        let crowd = INTERVAL_PER_DEVICE.saturating_mul(devices);
        self.interval = self.shortest_interval.max(crowd);
        if let Some(burst) = &mut self.burst {
            burst.step += 1;
            if let Some(offset) = BURST.get(burst.step) {
                let due = burst.started + random.jitter(*offset);
                // Jitter may not turn two steps round.
                self.next = due.max(now + Duration::from_millis(1));
                return;
            }
            self.burst = None;
        }
        // Those who only look around have asked often enough.
        self.next = match self.is_steady {
            true => now + random.jitter(self.interval),
            false => Duration::MAX,
        };
    }
}
