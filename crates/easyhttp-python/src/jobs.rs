//! What Python is to be told, and the queue from which its threads take it.
//!
//! The threads are Python's own, started by `_workers.py`: they keep their thread
//! state from one job to the next, which makes a callback sixty times as cheap, and
//! when the interpreter ends they end as all of its daemon threads do. This module
//! only says when there is work, and when another thread is needed.
//!
//! Threads that all want the interpreter cost more than what most jobs do: with 64
//! requests under way, a device answers twice as many without them. So one thread, the
//! leader, takes one job after the other, and another one watches it while some wait. When a
//! job takes longer than [`PATIENCE`], the one that watches takes over what is behind it. As
//! long as jobs take that long, there is no line: each gets a thread at once.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// How long a thread waits for a job, if there is another one that waits.
const IDLE: Duration = Duration::from_secs(10);

/// How long jobs may wait behind one.
const PATIENCE: Duration = Duration::from_micros(500);

/// A function of Python's, and what it is called with. The arguments are made by
/// the thread that calls it.
pub(crate) struct Job {
    function: Arc<Py<PyAny>>,
    arguments: Arguments,
}

type Arguments = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>> + Send>;

impl Job {
    pub(crate) fn new<A>(function: &Arc<Py<PyAny>>, arguments: A) -> Self
    where
        A: for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>> + Send + 'static,
    {
        Self { function: Arc::clone(function), arguments: Box::new(arguments) }
    }

    /// The function and its arguments.
    pub(crate) fn open(self, py: Python<'_>) -> PyResult<(Py<PyAny>, Bound<'_, PyTuple>)> {
        Ok((self.function.clone_ref(py), (self.arguments)(py)?))
    }
}

struct Jobs {
    waiting: VecDeque<Job>,
    /// The job that was taken last, while it runs.
    leader: Option<Turn>,
    /// How many were taken.
    turns: u64,
    /// Whether the job that ended last was.
    is_quick: bool,
    /// How many threads have nothing to do.
    idle: usize,
    /// Whether one of those was woken, and has not looked around yet.
    is_called: bool,
    /// Whether one of those looks at the leader.
    is_watched: bool,
    is_closed: bool,
}

/// A job that a thread has taken.
#[derive(Clone, Copy)]
struct Turn {
    number: u64,
    /// None as long as its thread waits for the interpreter, which no other thread
    /// would get any sooner.
    began: Option<Instant>,
}

impl Turn {
    fn is_long(&self) -> bool {
        self.began.is_some_and(|began| began.elapsed() > PATIENCE)
    }
}

static JOBS: Mutex<Jobs> = Mutex::new(Jobs {
    waiting: VecDeque::new(),
    leader: None,
    turns: 0,
    is_quick: true,
    idle: 0,
    is_called: false,
    is_watched: false,
    is_closed: false,
});
static CHANGED: Condvar = Condvar::new();

thread_local! {
    /// The job that this thread has taken.
    static TURN: Cell<Option<Turn>> = const { Cell::new(None) };
}

fn jobs() -> MutexGuard<'static, Jobs> {
    JOBS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a job done soon, by one of those threads.
pub(crate) fn push(job: Job) {
    let mut jobs = jobs();
    if !jobs.is_closed {
        jobs.waiting.push_back(job);
        jobs.call();
    }
}

impl Jobs {
    /// Wakes a thread that has nothing to do, if what waits needs one: to take it, or
    /// to watch the leader.
    fn call(&mut self) {
        if !self.is_quick || !self.is_called && (self.may_be_taken() || !self.is_watched) {
            self.is_called = true;
            CHANGED.notify_one();
        }
    }

    /// Whether what waits need not be left to the leader.
    fn may_be_taken(&self) -> bool {
        !self.is_quick || self.leader.is_none_or(|leader| leader.is_long())
    }

    /// The next job, if it is for this thread.
    fn take(&mut self) -> Option<Job> {
        self.is_called = false;
        if self.is_closed || !self.may_be_taken() {
            return None;
        }
        let job = self.waiting.pop_front()?;
        self.turns += 1;
        let turn = Turn { number: self.turns, began: None };
        self.leader = Some(turn);
        TURN.set(Some(turn));
        if !self.waiting.is_empty() {
            self.call();
        }
        Some(job)
    }

    /// The job that this thread took begins.
    fn begin(&mut self) {
        let Some(mut turn) = TURN.get() else { return };
        turn.began = Some(Instant::now());
        TURN.set(Some(turn));
        if let Some(leader) = self.leader.as_mut().filter(|leader| leader.number == turn.number) {
            *leader = turn;
        }
    }

    /// The job that this thread took is over.
    fn end(&mut self) {
        let Some(turn) = TURN.take() else { return };
        self.leader.take_if(|leader| leader.number == turn.number);
        self.is_quick = !turn.is_long();
        if !self.is_quick && !self.waiting.is_empty() {
            CHANGED.notify_all();
        }
    }
}

/// A function, its arguments, and whether the thread that takes it should start
/// another one, because none is left that waits.
type Taken<'py> = (Py<PyAny>, Bound<'py, PyTuple>, bool);

/// Waits for something to do. None: the thread is not needed any more.
#[pyfunction]
pub(crate) fn next_job(py: Python<'_>) -> PyResult<Option<Taken<'_>>> {
    let next = next();
    let Some((job, is_alone)) = next.or_else(|| py.detach(wait)) else { return Ok(None) };
    jobs().begin();
    let (function, arguments) = job.open(py)?;
    Ok(Some((function, arguments, is_alone)))
}

/// What this thread can do without waiting, and so without letting go of the
/// interpreter.
fn next() -> Option<(Job, bool)> {
    let mut jobs = jobs();
    jobs.end();
    let job = jobs.take()?;
    Some((job, jobs.idle == 0))
}

fn wait() -> Option<(Job, bool)> {
    let mut jobs = jobs();
    jobs.idle += 1;
    while !jobs.is_closed {
        if let Some(job) = jobs.take() {
            jobs.idle -= 1;
            return Some((job, jobs.idle == 0));
        }
        let watches = !jobs.waiting.is_empty() && !jobs.is_watched;
        jobs.is_watched |= watches;
        let span = if watches { PATIENCE } else { IDLE };
        let (changed, waited) =
            CHANGED.wait_timeout(jobs, span).unwrap_or_else(PoisonError::into_inner);
        jobs = changed;
        if watches {
            jobs.is_watched = false;
        } else if waited.timed_out() && jobs.waiting.is_empty() && jobs.idle > 1 {
            break;
        }
    }
    jobs.idle -= 1;
    CHANGED.notify_all();
    None
}

/// Takes no more jobs, and waits until no thread waits for any: the interpreter
/// is about to end.
#[pyfunction]
pub(crate) fn close_jobs(py: Python<'_>) {
    let dropped = py.detach(|| {
        let mut jobs = jobs();
        jobs.is_closed = true;
        CHANGED.notify_all();
        let is_waited_for = |jobs: &mut Jobs| jobs.idle > 0;
        let (mut jobs, _) = CHANGED
            .wait_timeout_while(jobs, Duration::from_secs(1), is_waited_for)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut jobs.waiting)
    });
    drop(dropped);
}
