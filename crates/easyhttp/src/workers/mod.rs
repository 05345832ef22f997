//! Where plain handlers run: on threads of the runtime that may block.
//!
//! To wake such a thread costs more than what most handlers do. So handlers form
//! a [line], and one thread, the leader, runs one after the other until none is
//! left. A thread for every handler costs several times as much.
//!
//! Nobody waits for long behind a slow one. When a handler takes longer than
//! [`PATIENCE`], its thread loses the lead, and others take over what waits. Who
//! notices is whoever brings the next handler, or a task, which watches while some
//! wait. As long as handlers are not [quick](line::QUICK), there is no line: each gets
//! a thread at once.
//!
//! To wake the runtime costs as much as a handler, too. So those that end
//! [together](over) are told of by one task, and so is the last one before a handler
//! behind which nobody waits, and which nobody watches. A connection on which many
//! requests are under way is not woken at all: it is the leader's [guest].
//!
//! Threads of our own were measured, too: they save another microsecond, but a
//! runtime that ends would not wait for the handlers on them.

mod guest;
mod handler;
mod line;
mod over;

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::lock::lock;

pub(crate) use guest::{Host, is_away};
use handler::{Handler, Job};
use line::{Ended, Line, Next};
use over::Teller;

/// How long others may wait behind one handler. The task that watches while some do
/// notices a millisecond later, as the timers of the runtime are no finer.
const PATIENCE: Duration = Duration::from_micros(500);

/// The plain handlers of one device.
pub(crate) struct Workers {
    runtime: Handle,
    line: Mutex<Line>,
}

impl Workers {
    pub(crate) fn new(runtime: Handle) -> Arc<Self> {
        Arc::new(Self { runtime, line: Mutex::default() })
    }

    /// Runs a handler, and gives what it returned, None if it panicked. Nothing
    /// comes if the runtime ended before the handler began.
    pub(crate) fn run<T: Send + 'static>(
        self: &Arc<Self>,
        handler: impl FnOnce() -> T + Send + 'static,
    ) -> oneshot::Receiver<Option<T>> {
        let (sender, receiver) = oneshot::channel();
        self.submit(Box::new(Handler::new(handler, sender)));
        receiver
    }

    fn submit(self: &Arc<Self>, job: Box<dyn Job>) {
        let mut line = lock(&self.line);
        if !line.is_quick() {
            drop(line);
            return self.run_alone(job);
        }
        line.push(job);
        if line.is_led() {
            return self.have_watched(line);
        }
        let lead = self.appoint(&mut line);
        self.tell(line);
        // As a task it comes after the requests that are here already, and
        // so the thread is woken once for all of them.
        let runtime = self.runtime.clone();
        self.runtime.spawn(async move {
            runtime.spawn_blocking(|| lead.run());
        });
    }

    /// Makes a leader, which has the lead when it runs.
    fn appoint(self: &Arc<Self>, line: &mut Line) -> Lead {
        Lead { term: line.appoint(), workers: Arc::clone(self) }
    }

    /// Runs a handler on a thread of its own.
    fn run_alone(self: &Arc<Self>, mut job: Box<dyn Job>) {
        let workers = Arc::clone(self);
        self.runtime.spawn_blocking(move || {
            let began = Instant::now();
            job.run();
            lock(&workers.line).judge(began.elapsed());
            job.tell();
        });
    }

    /// Gives each handler that waits a thread of its own.
    fn spread(self: &Arc<Self>, mut line: MutexGuard<'_, Line>) {
        let waiting = line.dismiss();
        self.tell(line);
        waiting.into_iter().for_each(|job| self.run_alone(job));
    }

    /// Has a task of the runtime tell what those returned that are over.
    fn tell(self: &Arc<Self>, mut line: MutexGuard<'_, Line>) {
        if line.over.wants_teller() {
            drop(line);
            let teller = Teller::new(self);
            self.runtime.spawn(async move { drop(teller) });
        }
    }

    /// Has a task of the runtime watch the leader.
    fn have_watched(self: &Arc<Self>, mut line: MutexGuard<'_, Line>) {
        if !std::mem::replace(&mut line.is_watched, true) {
            drop(line);
            self.runtime.spawn(Arc::clone(self).watch());
        }
    }

    /// Waits until nobody depends on the leader, and has others take over when it is stuck.
    async fn watch(self: Arc<Self>) {
        loop {
            sleep(PATIENCE).await;
            let mut line = lock(&self.line);
            if !line.has_dependants() {
                line.is_watched = false;
                return;
            }
            if line.is_led() {
                continue;
            }
            // The leader may have lost the processor inside a quick handler: one
            // thread will do then, and tells at once.
            if line.judge(PATIENCE) {
                let lead = self.appoint(&mut line);
                self.tell(line);
                self.runtime.spawn_blocking(|| lead.run());
            } else {
                self.spread(line);
            }
        }
    }
}

/// The lead of one thread, until it has nothing more to do or lost the lead.
struct Lead {
    term: u64,
    workers: Arc<Workers>,
}

impl Lead {
    fn run(self) {
        let mut next = self.next(None);
        loop {
            next = match next {
                Next::Handler(mut job) => {
                    let began = Instant::now();
                    job.run();
                    self.next(Some(Ended { job, began }))
                }
                Next::Guests { guests, over } => {
                    let is_idle = over.is_empty();
                    over.into_iter().for_each(Job::tell);
                    guests.iter().for_each(|guest| guest.go_on());
                    if is_idle {
                        thread::yield_now();
                    }
                    self.next(None)
                }
                Next::Nothing => return,
            }
        }
    }

    /// Ends a handler, and begins what comes next. Nothing ends the lead.
    fn next(&self, ended: Option<Ended>) -> Next {
        let workers = &self.workers;
        let mut line = lock(&workers.line);
        let now = Instant::now();
        let is_slow = ended.is_some_and(|ended| line.end(ended, now));
        if !line.is_led_in(self.term) {
            workers.tell(line);
            return Next::Nothing;
        }
        if is_slow {
            workers.spread(line);
            return Next::Nothing;
        }
        let next = line.next(now);
        match next {
            Next::Guests { .. } => workers.have_watched(line),
            _ if line.is_ripe(now) => workers.tell(line),
            _ => {}
        }
        next
    }
}

impl Drop for Lead {
    /// The runtime ends, and does not begin what waits.
    fn drop(&mut self) {
        let mut line = lock(&self.workers.line);
        if line.is_led_in(self.term) {
            let waiting = line.dismiss();
            drop(line);
            drop(waiting);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Condvar;
    use std::sync::mpsc::{Receiver, channel};
    use std::thread;

    use tokio::runtime::{Builder, Runtime};

    use super::*;

    /// More than any machine needs, and less than a person waits.
    const LONG: Duration = Duration::from_secs(30);

    fn one_thread() -> Runtime {
        Builder::new_current_thread().enable_time().build().unwrap()
    }

    /// Waits for a handler, while the runtime goes on.
    async fn end<T>(handler: oneshot::Receiver<Option<T>>) -> Option<T> {
        tokio::time::timeout(LONG, handler).await.expect("it ends").expect("it began")
    }

    fn opened(gate: &Receiver<()>) {
        gate.recv_timeout(LONG).unwrap();
    }

    #[test]
    fn handlers_that_wait_for_each_other_all_run() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            // They come together, when handlers were quick, and when they were not.
            for _ in 0..2 {
                let all = Arc::new((Mutex::new(0), Condvar::new()));
                let meet = |all: Arc<(Mutex<u8>, Condvar)>| {
                    let mut met = lock(&all.0);
                    *met += 1;
                    all.1.notify_all();
                    let others = all.1.wait_timeout_while(met, LONG, |met| *met < 64);
                    assert!(!others.unwrap().1.timed_out());
                };
                let run = |all| workers.run(move || meet(all));
                let handlers: Vec<_> = (0..64).map(|_| run(Arc::clone(&all))).collect();
                for handler in handlers {
                    end(handler).await.unwrap();
                }
            }
        });
    }

    #[test]
    fn a_handler_that_waits_holds_up_none_behind_it() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            let (open, gate) = channel();
            let slow = workers.run(move || opened(&gate));
            let behind: Vec<_> = (0..10).map(|_| workers.run(|| ())).collect();
            for handler in behind {
                end(handler).await.unwrap();
            }
            for _ in 0..10 {
                end(workers.run(|| ())).await.unwrap();
            }
            open.send(()).unwrap();
            end(slow).await.unwrap();
        });
    }

    #[test]
    fn a_handler_that_is_over_is_told_of_while_the_next_one_waits() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            for behind in [0, 10] {
                let (open, gate) = channel();
                let first = workers.run(|| 7);
                let slow = workers.run(move || opened(&gate));
                let behind: Vec<_> = (0..behind).map(|_| workers.run(|| ())).collect();
                assert_eq!(end(first).await, Some(7));
                for handler in behind {
                    end(handler).await.unwrap();
                }
                open.send(()).unwrap();
                end(slow).await.unwrap();
                // Quick ones form a line again.
                end(workers.run(|| ())).await.unwrap();
            }
        });
    }

    #[test]
    fn a_handler_that_comes_while_another_waits_is_not_held_up() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            let (begin, begun) = oneshot::channel();
            let (open, gate) = channel();
            let slow = workers.run(move || {
                begin.send(()).unwrap();
                opened(&gate);
            });
            begun.await.unwrap();
            end(workers.run(|| ())).await.unwrap();
            open.send(()).unwrap();
            end(slow).await.unwrap();
        });
    }

    #[test]
    fn a_panic_is_that_of_one_handler() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            let panicking = workers.run(|| std::panic::resume_unwind(Box::new("on purpose")));
            let behind = workers.run(|| 7);
            assert_eq!(end::<()>(panicking).await, None);
            assert_eq!(end(behind).await, Some(7));
        });
    }

    #[test]
    fn a_handler_runs_inside_the_runtime_and_on_none_of_its_threads() {
        one_thread().block_on(async {
            let workers = Workers::new(Handle::current());
            let handler = workers.run(|| (Handle::current().id(), thread::current().id()));
            let (runtime, thread) = end(handler).await.unwrap();
            assert_eq!(runtime, Handle::current().id());
            assert_ne!(thread, thread::current().id());
        });
    }

    #[test]
    fn a_runtime_that_ends_waits_for_what_runs_and_drops_what_has_not_begun() {
        let runtime = one_thread();
        let workers = Workers::new(runtime.handle().clone());
        let (begin, begun) = channel();
        let (open, gate) = channel();
        let mut running = workers.run(move || {
            begin.send(()).unwrap();
            opened(&gate);
        });
        runtime.block_on(tokio::task::yield_now());
        opened(&begun);
        let held = Arc::new(());
        let kept = Arc::clone(&held);
        thread::sleep(PATIENCE);
        let mut late = workers.run(move || drop(kept));
        open.send(()).unwrap();
        drop(runtime);
        running.try_recv().unwrap().unwrap();
        late.try_recv().unwrap_err();
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn threads_come_with_the_first_handler_and_end_when_idle() {
        let (start, starts) = channel();
        let (stop, stops) = channel();
        let runtime = Builder::new_current_thread()
            .enable_time()
            .thread_keep_alive(Duration::from_millis(1))
            .on_thread_start(move || start.send(()).unwrap())
            .on_thread_stop(move || stop.send(()).unwrap())
            .build()
            .unwrap();
        runtime.block_on(async {
            let workers = Workers::new(Handle::current());
            starts.try_recv().unwrap_err();
            let handlers: Vec<_> = (0..100).map(|_| workers.run(|| ())).collect();
            for handler in handlers {
                end(handler).await.unwrap();
            }
            opened(&starts);
            opened(&stops);
            while starts.try_recv().is_ok() {
                opened(&stops);
            }
        });
    }
}
