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
use tokio::time::{Instant, Sleep, sleep_until};

use crate::instant::instant_after;
use crate::lock::lock;

/// A deadline that moves with each thing that is done. Its time is only looked at when
/// there is something to wait for, and its timer moves only when it would go off too late,
/// or went off too early: most of what is done takes no time at all.
pub(crate) struct Deadline {
    span: Duration,
    /// When it passes, once somebody has waited.
    at: Option<Instant>,
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    pub(crate) fn after(span: Duration) -> Self {
        let at = instant_after(span).into();
        Self { span, at: Some(at), timer: Box::pin(sleep_until(at)) }
    }

    /// Moves it to this long from now, or from when somebody first waits.
    pub(crate) fn set(&mut self, span: Duration) {
        self.span = span;
        self.at = None;
    }

    /// Ready when it has passed.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let at = *self.at.get_or_insert_with(|| instant_after(self.span).into());
        if at < self.timer.deadline() {
            self.timer.as_mut().reset(at);
        }
        loop {
            ready!(self.timer.as_mut().poll(cx));
            if self.timer.deadline() >= at {
                return Poll::Ready(());
            }
            self.timer.as_mut().reset(at);
        }
    }
}

/// The deadlines of things that may all take the same time.
pub(crate) struct Deadlines {
    span: Duration,
    /// Those that nothing has at the moment.
    idle: Mutex<Vec<Deadline>>,
}

impl Deadlines {
    pub(crate) fn new(span: Duration) -> Self {
        Self { span, idle: Mutex::default() }
    }

    /// What comes of `work`. None if it takes longer.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        let mut deadline = self.take();
        let done = poll_fn(|cx| match work.as_mut().poll(cx) {
            Poll::Pending => deadline.poll(cx).map(|()| None),
            Poll::Ready(done) => Poll::Ready(Some(done)),
        });
        let done = done.await;
        self.put(deadline);
        done
    }

    fn take(&self) -> Deadline {
        let idle = lock(&self.idle).pop();
        idle.map_or_else(
            || Deadline::after(self.span),
            |mut deadline| {
                deadline.set(self.span);
                deadline
            },
        )
    }

    fn put(&self, deadline: Deadline) {
        let mut idle = lock(&self.idle);
        if idle.len() < limits::CALLS {
            idle.push(deadline);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::time::sleep;

    use super::*;

    const SPAN: Duration = Duration::from_millis(200);

    #[tokio::test]
    async fn a_timer_that_was_another_ones_cuts_nothing_short() {
        let deadlines = Deadlines::new(SPAN);
        // The timer of the first goes off while the second one has time left.
        assert_eq!(deadlines.within(sleep(SPAN / 2)).await, Some(()));
        assert_eq!(deadlines.within(sleep(SPAN * 3 / 4)).await, Some(()));
        // And once it has gone off.
        assert_eq!(deadlines.within(pending::<()>()).await, None);
        assert_eq!(deadlines.within(sleep(SPAN * 3 / 4)).await, Some(()));
        assert_eq!(deadlines.within(ready(7)).await, Some(7));
        let began = Instant::now();
        assert_eq!(deadlines.within(pending::<()>()).await, None);
        assert!(began.elapsed() >= SPAN);
    }

    #[tokio::test]
    async fn those_that_go_on_at_the_same_time_have_each_their_own() {
        let deadlines = Deadlines::new(SPAN);
        let late = async {
            sleep(SPAN / 2).await;
            deadlines.within(sleep(SPAN * 3 / 4)).await
        };
        let ended = tokio::join!(deadlines.within(pending::<()>()), late);
        assert_eq!(ended, (None, Some(())));
    }
}
