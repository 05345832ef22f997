//! The handlers that are over and have not told: the runtime is woken once for several.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Workers;
use super::handler::Job;
use crate::lock::lock;

/// How long what a handler returned may wait for others, so that the runtime is woken
/// once for all of them. With 64 requests under way that is a dozen or two.
pub(super) const TOGETHER: Duration = Duration::from_micros(20);

#[derive(Default)]
pub(super) struct Over {
    jobs: Vec<Box<dyn Job>>,
    /// When the first of them was over.
    since: Option<Instant>,
    /// Whether any of them is a handler of a task that may be a guest.
    has_guests: bool,
    /// Whether a task of the runtime is about to have them tell.
    has_teller: bool,
}

impl Over {
    pub(super) fn add(&mut self, job: Box<dyn Job>, now: Instant) {
        self.since.get_or_insert(now);
        self.has_guests |= job.guest().is_some();
        self.jobs.push(job);
    }

    /// Whether they have waited for others long enough.
    pub(super) fn is_ripe(&self, now: Instant) -> bool {
        self.since.is_some_and(|since| now - since >= TOGETHER)
    }

    pub(super) fn has_guests(&self) -> bool {
        self.has_guests
    }

    /// Whether somebody has to have them tell from now on, which is a [`Teller`].
    pub(super) fn wants_teller(&mut self) -> bool {
        let is_wanted = !self.jobs.is_empty() && !self.has_teller;
        self.has_teller |= is_wanted;
        is_wanted
    }

    /// Those that are over. As many are likely to come again.
    pub(super) fn take(&mut self) -> Vec<Box<dyn Job>> {
        let jobs = Vec::with_capacity(self.jobs.len());
        std::mem::replace(self, Self { jobs, ..Self::default() }).jobs
    }
}

/// Has all tell that are over when it is dropped: by a task, or because the runtime ends.
pub(super) struct Teller(Arc<Workers>);

impl Teller {
    pub(super) fn new(workers: &Arc<Workers>) -> Self {
        Self(Arc::clone(workers))
    }
}

impl Drop for Teller {
    fn drop(&mut self) {
        let over = lock(&self.0.line).over.take();
        over.into_iter().for_each(Job::tell);
    }
}
