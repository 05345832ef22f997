//! Tasks that go on at the worker which runs their handlers.
//!
//! With many requests under way on one connection, its task and the worker that runs their
//! handlers wake each other all the time, which costs more than what both of them do. So
//! the worker takes the task in: it polls it itself, in turn with the handlers. When no
//! handler of its own has come of that for a while, the task goes home to the runtime.
//!
//! A guest is polled all the time, so nobody has to wake it. Its socket is not watched by
//! the runtime: it looks at that itself as long as it [is away](is_away).

use std::cell::RefCell;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, TryLockError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use futures_util::task::AtomicWaker;

use super::handler::Job;
use crate::handler::BoxFuture;
use crate::lock::lock;

/// A task that may go on at a worker, as the runtime has it.
pub(crate) struct Host(Arc<Guest>);

/// A task that may go on at a worker.
pub(super) struct Guest {
    work: Mutex<Work>,
    place: AtomicU8,
    /// Who waits for its end.
    host: AtomicWaker,
}

struct Work {
    /// None: it is over, or nobody waits for it any more.
    task: Option<BoxFuture<io::Result<()>>>,
    /// How it ended while it was away.
    ended: Option<io::Result<()>>,
}

/// Where a task goes on: at home, at a worker, or nowhere any more.
const HOME: u8 = 0;
const AWAY: u8 = 1;
const NOWHERE: u8 = 2;

/// The guests of one worker, and when a handler of each was over last. They go home when it
/// has no more time for them.
#[derive(Default)]
pub(super) struct Guests(Vec<(Arc<Guest>, Instant)>);

/// How long a guest may stay that brings no handler. With 64 callers at the other end of a
/// connection 100 µs cost a tenth of the calls, and a millisecond saves none.
const COURTESY: Duration = Duration::from_micros(300);

/// Whether who asks this is polled by a worker, and so need not be woken.
pub(crate) fn is_away() -> bool {
    polled_and(|guest| guest.is(AWAY)).unwrap_or_default()
}

/// The task that this thread polls, if that may go on at a worker.
pub(super) fn polled() -> Option<Arc<Guest>> {
    polled_and(Arc::clone)
}

fn polled_and<T>(look: impl FnOnce(&Arc<Guest>) -> T) -> Option<T> {
    // A runtime may end with its thread, when this is gone.
    POLLED.try_with(|polled| polled.borrow().as_ref().map(look)).ok().flatten()
}

thread_local! {
    static POLLED: RefCell<Option<Arc<Guest>>> = const { RefCell::new(None) };
}

impl Host {
    pub(crate) fn new(task: impl Future<Output = io::Result<()>> + Send + 'static) -> Self {
        let work = Mutex::new(Work { task: Some(Box::pin(task)), ended: None });
        let (place, host) = (AtomicU8::new(HOME), AtomicWaker::new());
        Self(Arc::new(Guest { work, place, host }))
    }
}

impl Future for Host {
    type Output = io::Result<()>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self(guest) = &*self;
        guest.host.register(cx.waker());
        match guest.try_lock() {
            Some(mut work) if !guest.is(AWAY) => guest.poll(&mut work),
            // The worker that has it wakes this.
            _ => Poll::Pending,
        }
    }
}

impl Drop for Host {
    /// The task is gone after this, unless it is this thread that polls one: a runtime that
    /// ends drops its tasks before the timers that they use.
    fn drop(&mut self) {
        let Self(guest) = self;
        guest.place.store(NOWHERE, Ordering::SeqCst);
        match polled() {
            None => lock(&guest.work).task = None,
            // Who ends a runtime inside of a task of it would wait for itself.
            Some(_) => guest.clear(),
        }
    }
}

impl Guests {
    /// Takes in those who have several of these handlers that are over, but for those who
    /// are polled just now.
    pub(super) fn welcome(&mut self, over: &[Box<dyn Job>], now: Instant) {
        for (index, job) in over.iter().enumerate() {
            let Some(guest) = job.guest() else { continue };
            let is_same = |other: &Arc<Guest>| Arc::ptr_eq(guest, other);
            if let Some((_, last)) = self.0.iter_mut().find(|(present, _)| is_same(present)) {
                *last = now;
            } else if over[..index].iter().filter_map(|job| job.guest()).any(is_same)
                && guest.leave_home()
            {
                self.0.push((Arc::clone(guest), now));
            }
        }
    }

    pub(super) fn are_gone(&self) -> bool {
        !self.0.iter().any(|(guest, _)| guest.is(AWAY))
    }

    /// Those that are still there, and may stay.
    pub(super) fn present(&mut self, now: Instant) -> Vec<Arc<Guest>> {
        self.0.retain(|(guest, last)| {
            if now - *last > COURTESY {
                guest.go_home();
            }
            guest.is(AWAY)
        });
        self.0.iter().map(|(guest, _)| Arc::clone(guest)).collect()
    }
}

impl Drop for Guests {
    fn drop(&mut self) {
        self.0.iter().for_each(|(guest, _)| guest.go_home());
    }
}

impl Guest {
    /// Polls it, if it is away.
    pub(super) fn go_on(self: &Arc<Self>) {
        let Some(mut work) = self.try_lock() else { return };
        if self.is(AWAY) {
            match catch_unwind(AssertUnwindSafe(|| self.poll(&mut work))) {
                Ok(Poll::Pending) => {}
                Ok(Poll::Ready(ended)) => {
                    work.ended = Some(ended);
                    self.moves(AWAY, HOME);
                }
                // Whoever polls it again panics, and that is its end.
                Err(_) => {
                    self.moves(AWAY, HOME);
                }
            }
        }
        self.unlock(work);
    }

    /// Takes it from the runtime, unless that polls it just now.
    fn leave_home(&self) -> bool {
        let Some(work) = self.try_lock() else { return false };
        let leaves = self.moves(HOME, AWAY);
        self.unlock(work);
        leaves
    }

    fn go_home(&self) {
        if self.moves(AWAY, HOME) {
            self.host.wake();
        }
    }

    fn moves(&self, from: u8, to: u8) -> bool {
        self.place.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn is(&self, place: u8) -> bool {
        self.place.load(Ordering::SeqCst) == place
    }

    fn poll(self: &Arc<Self>, work: &mut Work) -> Poll<io::Result<()>> {
        if let Some(ended) = work.ended.take() {
            return Poll::Ready(ended);
        }
        let Some(task) = &mut work.task else { return Poll::Pending };
        let _polled = Polled::new(self);
        let poll = task.as_mut().poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))));
        if poll.is_ready() {
            work.task = None;
        }
        poll
    }

    /// None: another thread has it.
    fn try_lock(&self) -> Option<MutexGuard<'_, Work>> {
        match self.work.try_lock() {
            Ok(work) => Some(work),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Whoever was to poll it at home, or to drop it, could not until now.
    fn unlock(&self, work: MutexGuard<'_, Work>) {
        drop(work);
        if self.is(HOME) {
            self.host.wake();
        } else if self.is(NOWHERE) {
            self.clear();
        }
    }

    fn clear(&self) {
        if let Some(mut work) = self.try_lock() {
            work.task = None;
        }
    }
}

/// While there is one, this thread polls a task; maybe inside of another one.
struct Polled {
    outer: Option<Arc<Guest>>,
}

impl Polled {
    fn new(guest: &Arc<Guest>) -> Self {
        Self { outer: POLLED.replace(Some(Arc::clone(guest))) }
    }
}

impl Drop for Polled {
    fn drop(&mut self) {
        POLLED.set(self.outer.take());
    }
}

impl Wake for Guest {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // As this writes, too, whoever calls it home later sees what it is woken for.
        if self.place.fetch_or(0, Ordering::SeqCst) != AWAY {
            self.host.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::panic::resume_unwind;
    use std::sync::mpsc::channel;

    use futures_util::future::join_all;
    use tokio::runtime::{Builder, Handle, Runtime};
    use tokio::sync::oneshot;
    use tokio::task::yield_now;
    use tokio::time::sleep;

    use super::*;
    use crate::workers::Workers;

    /// More than any machine needs, and less than a person waits.
    const LONG: Duration = Duration::from_secs(30);

    fn one_thread() -> Runtime {
        Builder::new_current_thread().enable_time().build().unwrap()
    }

    /// Waits for something that is not looked at unless it says that it goes on.
    async fn end<T>(something: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            () = sleep(LONG) => panic!("it does not end"),
            end = something => end,
        }
    }

    /// Runs handlers until one of their threads polls this.
    async fn leave(workers: &Arc<Workers>) {
        while !is_away() {
            let handlers = (0..4).map(|_| workers.run(|| ()));
            join_all(handlers.collect::<Vec<_>>()).await;
        }
    }

    /// Waits until the runtime polls this.
    async fn return_home() {
        while is_away() {
            yield_now().await;
        }
    }

    #[test]
    fn a_task_goes_to_the_worker_of_its_handlers_and_comes_home_as_often_as_it_likes() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            let task = Host::new(async move {
                for _ in 0..100 {
                    leave(&workers).await;
                    return_home().await;
                }
                leave(&workers).await;
                Err(ErrorKind::TimedOut.into())
            });
            assert_eq!(end(task).await.unwrap_err().kind(), ErrorKind::TimedOut);
        });
    }

    #[test]
    fn a_handler_that_is_over_is_told_of_while_the_next_one_waits() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            let task = Host::new(async move {
                let (open, gate) = channel();
                let first = workers.run(|| 7);
                let slow = workers.run(move || gate.recv_timeout(LONG).unwrap());
                assert_eq!(first.await, Ok(Some(7)));
                open.send(()).unwrap();
                assert_eq!(slow.await, Ok(Some(())));
                Ok(())
            });
            end(task).await.unwrap();
        });
    }

    #[test]
    fn a_task_whose_worker_does_not_come_back_goes_on_at_home() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            let task = Host::new(async move {
                leave(&workers).await;
                let (open, gate) = channel();
                let stuck = workers.run(move || gate.recv_timeout(LONG).unwrap());
                return_home().await;
                open.send(()).unwrap();
                assert_eq!(stuck.await, Ok(Some(())));
                Ok(())
            });
            end(task).await.unwrap();
        });
    }

    #[test]
    fn a_task_that_panics_at_a_worker_ends() {
        let runtime = one_thread();
        let workers = Workers::new(runtime.handle().clone());
        let panicking = Arc::clone(&workers);
        let task = runtime.spawn(Host::new(async move {
            leave(&panicking).await;
            resume_unwind(Box::new("on purpose"))
        }));
        runtime.block_on(async {
            assert!(end(task).await.unwrap_err().is_panic());
            // Its worker runs handlers, and polls nothing.
            let polled = end(workers.run(polled)).await.unwrap();
            assert!(polled.expect("it returns").is_none());
        });
    }

    /// A task that is away, and what it holds.
    fn guest_of(workers: &Arc<Workers>) -> (Host, Arc<()>, oneshot::Receiver<()>) {
        let (held, workers) = (Arc::new(()), Arc::clone(workers));
        let (tell, told) = oneshot::channel();
        let holds = Arc::clone(&held);
        let host = Host::new(async move {
            let _holds = holds;
            leave(&workers).await;
            tell.send(()).unwrap();
            loop {
                leave(&workers).await;
                yield_now().await;
            }
        });
        (host, held, told)
    }

    #[test]
    fn a_task_that_is_dropped_while_it_is_away_is_gone_at_once() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            let (mut host, held, told) = guest_of(&workers);
            tokio::select! {
                _ = &mut host => unreachable!("it goes on"),
                told = end(told) => told.unwrap(),
            }
            drop(host);
            assert_eq!(Arc::strong_count(&held), 1);
        });
    }

    #[test]
    fn a_runtime_that_ends_leaves_no_task_at_a_worker() {
        let runtime = one_thread();
        let workers = Workers::new(runtime.handle().clone());
        let (host, held, told) = guest_of(&workers);
        runtime.spawn(host);
        runtime.block_on(end(told)).unwrap();
        drop(runtime);
        assert_eq!(Arc::strong_count(&held), 1);
    }
}
