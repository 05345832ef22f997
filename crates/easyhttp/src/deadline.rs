//! Deadlines whose timers seldom move.
//!
//! To set a timer that goes off before all others costs a system call, as the runtime
//! may have to be woken for it. Most of what has a deadline is over long before, so the
//! timer of one thing is left to run, and is that of the next one as well.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Mutex;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use easyhttp_proto::limits;
use tokio::runtime::{Handle, Id};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::instant::instant_after;
use crate::lock::lock;

/// Deadlines that share their timers.
#[derive(Default)]
pub(crate) struct Deadlines {
    /// The timers that no deadline has at the moment.
    idle: Mutex<Vec<Timer>>,
}

struct Timer {
    sleep: Pin<Box<Sleep>>,
    /// Whose it is: with that it ends.
    runtime: Id,
}

impl Deadlines {
    /// What comes of `work`. None if it takes longer than this.
    pub(crate) async fn within<T>(
        &self,
        span: Duration,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(work);
        let mut deadline = self.after(span);
        let done = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Pending => deadline.poll(cx).map(|()| None),
            Poll::Ready(done) => Poll::Ready(Some(done)),
        });
        done.await
    }

    /// One that is this long from when somebody first waits for it.
    pub(crate) fn after(&self, span: Duration) -> Deadline<'_> {
        Deadline { deadlines: self, span, at: None, timer: None }
    }

    fn timer(&self, at: Instant) -> Timer {
        let runtime = Handle::current().id();
        let mut idle = lock(&self.idle);
        while let Some(timer) = idle.pop() {
            if timer.runtime == runtime {
                return timer;
            }
        }
        Timer { sleep: Box::pin(sleep_until(at)), runtime }
    }
}

/// A deadline that moves with each thing that is done. Its time is only looked at when
/// there is something to wait for, and its timer moves only when it would go off too late,
/// or went off too early: most of what is done takes no time at all.
pub(crate) struct Deadline<'a> {
    deadlines: &'a Deadlines,
    span: Duration,
    /// When it passes, once somebody has waited.
    at: Option<Instant>,
    timer: Option<Timer>,
}

impl Deadline<'_> {
    /// Moves it to this long from now, or from when somebody first waits.
    pub(crate) fn set(&mut self, span: Duration) {
        self.span = span;
        self.at = None;
    }

    /// Ready when it has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let at = *self.at.get_or_insert_with(|| instant_after(self.span).into());
        let timer = self.timer.get_or_insert_with(|| self.deadlines.timer(at));
        let mut sleep = timer.sleep.as_mut();
        if at < sleep.deadline() {
            sleep.as_mut().reset(at);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= at {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(at);
        }
    }
}

impl Drop for Deadline<'_> {
    fn drop(&mut self) {
        let Some(timer) = self.timer.take() else { return };
        let mut idle = lock(&self.deadlines.idle);
        if idle.len() < limits::CALLS {
            idle.push(timer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::runtime::Builder;
    use tokio::time::sleep;

    use super::*;

    const SPAN: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_timer_that_was_another_ones_cuts_nothing_short() {
        let deadlines = Deadlines::default();
        // The timer of the first goes off while the second one has time left.
        assert_eq!(deadlines.within(SPAN, sleep(SPAN / 2)).await, Some(()));
        assert_eq!(deadlines.within(SPAN, sleep(SPAN * 3 / 4)).await, Some(()));
        // And once it has gone off.
        assert_eq!(deadlines.within(SPAN, pending::<()>()).await, None);
        assert_eq!(deadlines.within(SPAN, sleep(SPAN * 3 / 4)).await, Some(()));
        assert_eq!(deadlines.within(SPAN, ready(7)).await, Some(7));
        let began = Instant::now();
        assert_eq!(deadlines.within(SPAN, pending::<()>()).await, None);
        assert!(began.elapsed() >= SPAN);
    }

    #[tokio::test]
    async fn those_that_go_on_at_the_same_time_have_each_their_own() {
        let deadlines = Deadlines::default();
        let late = async {
            sleep(SPAN / 2).await;
            deadlines.within(SPAN, sleep(SPAN * 3 / 4)).await
        };
        let ended = tokio::join!(deadlines.within(SPAN, pending::<()>()), late);
        assert_eq!(ended, (None, Some(())));
    }

    #[test]
    fn a_runtime_that_has_ended_takes_its_timers_along() {
        let deadlines = Deadlines::default();
        for _ in 0..2 {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            let ended = runtime.block_on(deadlines.within(SPAN / 2, pending::<()>()));
            assert_eq!(ended, None);
        }
    }
}
