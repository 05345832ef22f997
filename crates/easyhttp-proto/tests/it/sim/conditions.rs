//! How a link behaves: what is lost on it, what arrives twice, and how late.

use std::time::Duration;

use crate::random::Random;

/// How a link behaves. Of a PING by HTTP the handshake is lost as datagrams are,
/// and then takes longer than the asker waits; what follows TCP repairs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Conditions {
    /// How many datagrams of a hundred never arrive.
    pub(crate) loss_percent: u64,
    /// The same for those to the group, if they are lost more often: a wireless
    /// network repeats all others until they arrive (RFC 9119).
    pub(crate) group_loss_percent: u64,
    /// How many of a hundred arrive twice.
    pub(crate) duplicate_percent: u64,
    /// After which time everything is lost for two seconds, again and again.
    pub(crate) outage_every: Option<Duration>,
    /// The longest that anything is under way; the shortest is a millisecond.
    pub(crate) delay: Duration,
}

/// A network without faults, on which everything takes a millisecond.
pub(super) const SMOOTH: Conditions = Conditions {
    loss_percent: 0,
    group_loss_percent: 0,
    duplicate_percent: 0,
    outage_every: None,
    delay: Duration::from_millis(1),
};

/// A network on which much goes wrong.
pub(crate) const ROUGH: Conditions = Conditions {
    loss_percent: 30,
    group_loss_percent: 30,
    duplicate_percent: 20,
    outage_every: None,
    delay: Duration::from_millis(50),
};

impl Conditions {
    /// When the copies of one datagram arrive at one receiver, if any do.
    pub(super) fn copies(
        &self,
        now: Duration,
        is_to_group: bool,
        random: &mut Random,
    ) -> Vec<Duration> {
        let loss = if is_to_group { self.group_loss_percent } else { self.loss_percent };
        if random.percent(loss) || self.is_out(now) {
            return Vec::new();
        }
        let copies = 1 + usize::from(random.percent(self.duplicate_percent));
        (0..copies).map(|_| now + self.time_under_way(random)).collect()
    }

    /// Whether one of the first two packets of a connection is lost.
    pub(super) fn loses_handshake(&self, now: Duration, random: &mut Random) -> bool {
        let lost = [(); 2].map(|()| random.percent(self.loss_percent));
        lost != [false; 2] || self.is_out(now)
    }

    /// How long something is under way.
    pub(super) fn time_under_way(&self, random: &mut Random) -> Duration {
        let shortest = Duration::from_millis(1);
        let longest = self.delay.max(shortest);
        shortest + (longest - shortest) * random.below(1001) as u32 / 1000
    }

    fn is_out(&self, now: Duration) -> bool {
        let since = |every: Duration| now.as_millis() % every.as_millis();
        self.outage_every.is_some_and(|every| since(every) < 2000)
    }
}
