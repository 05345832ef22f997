//! When to look at the interfaces: when the system says that something about them
//! has changed, and seldom besides; where it does not say so, twice a second.

use std::time::Duration;

use super::system::News;

/// How often the interfaces are looked at where nobody says that they changed, and
/// for some time after any change: an interface comes up in steps, and the
/// address of IPv6 can be used a second or two after it is there.
const OFTEN: Duration = Duration::from_millis(500);
const RESTLESS: Duration = Duration::from_secs(5);

/// How often otherwise.
const SELDOM: Duration = Duration::from_secs(15);

/// How long after one look the next one comes at the earliest, as changes come in
/// crowds.
const PAUSE: Duration = Duration::from_millis(50);

/// When to look next.
pub(super) struct Watch {
    news: Option<News>,
    earliest: Duration,
    due: Duration,
    restless_until: Duration,
}

impl Watch {
    /// After a first look.
    pub(super) fn new(now: Duration) -> Self {
        let news = News::listen().inspect_err(|error| {
            tracing::debug!(%error, "the system does not say when the network changes");
        });
        let mut watch = Self { news: news.ok(), earliest: now, due: now, restless_until: now };
        watch.looked(now, true);
        watch
    }

    pub(super) fn due(&self) -> Duration {
        self.due
    }

    /// Whether something has changed that others may follow.
    pub(super) fn is_restless(&self, now: Duration) -> bool {
        now < self.restless_until
    }

    /// The interfaces have been looked at, and were others than before or not.
    pub(super) fn looked(&mut self, now: Duration, are_others: bool) {
        if are_others {
            self.restless_until = now + RESTLESS;
        }
        let is_told = self.news.is_some() && !self.is_restless(now);
        self.earliest = now + PAUSE;
        self.due = now + if is_told { SELDOM } else { OFTEN };
    }

    /// Returns when it may be due earlier.
    pub(super) async fn told(&mut self) {
        match &self.news {
            Some(news) => news.next().await,
            None => std::future::pending().await,
        }
        self.due = self.due.min(self.earliest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When it looks within a minute of a change, if each look takes no time.
    fn looks(mut watch: Watch) -> usize {
        let mut looks = 0;
        while watch.due() < Duration::from_secs(60) {
            watch.looked(watch.due(), false);
            looks += 1;
        }
        looks
    }

    #[tokio::test]
    async fn it_looks_seldom_where_the_system_tells_of_news() {
        let watch = Watch::new(Duration::ZERO);
        let is_told = cfg!(any(target_os = "linux", target_os = "android"));
        assert_eq!(watch.news.is_some(), is_told);
        let untold = Watch { news: None, ..Watch::new(Duration::ZERO) };
        assert_eq!(looks(untold), 119);
        if is_told {
            assert_eq!(looks(watch), 13);
        }
    }
}
