//! What Python is to be told, and the queue from which its threads take it.
//!
//! The threads are Python's own, started by `_workers.py`: they keep their thread
//! state from one job to the next, which makes a callback sixty times as cheap, and
//! when the interpreter ends they end as all of its daemon threads do. This module
//! only says when there is work, and when another thread is needed.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use pyo3::types::PyTuple;

/// How long a thread waits for a job, if there is another one that waits.
const IDLE: Duration = Duration::from_secs(10);

/// A function of Python's, and what it is called with.
struct Job {
    function: Arc<Py<PyAny>>,
    arguments: Arguments,
}

type Arguments = Box<dyn for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>> + Send>;

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    /// How many threads have nothing to do.
    idle: usize,
    is_closed: bool,
}

static JOBS: Mutex<Jobs> = Mutex::new(Jobs { waiting: VecDeque::new(), idle: 0, is_closed: false });
static CHANGED: Condvar = Condvar::new();

fn jobs() -> MutexGuard<'static, Jobs> {
    JOBS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a function of Python's called, soon. The arguments are made by the thread
/// that calls it.
pub(crate) fn push<A>(function: &Arc<Py<PyAny>>, arguments: A)
where
    A: for<'py> FnOnce(Python<'py>) -> PyResult<Bound<'py, PyTuple>> + Send + 'static,
{
    let mut jobs = jobs();
    if !jobs.is_closed {
        jobs.waiting
            .push_back(Job { function: Arc::clone(function), arguments: Box::new(arguments) });
        CHANGED.notify_one();
    }
}

/// A function, its arguments, and whether the thread that takes it should start
/// another one, because none is left that waits.
type Taken<'py> = (Py<PyAny>, Bound<'py, PyTuple>, bool);

/// Waits for something to do. None: the thread is not needed any more.
#[pyfunction]
pub(crate) fn next_job(py: Python<'_>) -> PyResult<Option<Taken<'_>>> {
    let Some((job, is_alone)) = py.detach(wait) else { return Ok(None) };
    Ok(Some((job.function.clone_ref(py), (job.arguments)(py)?, is_alone)))
}

fn wait() -> Option<(Job, bool)> {
    let mut jobs = jobs();
    jobs.idle += 1;
    loop {
        if jobs.is_closed {
            break;
        }
        if let Some(job) = jobs.waiting.pop_front() {
            jobs.idle -= 1;
            return Some((job, jobs.idle == 0));
        }
        let (changed, waited) =
            CHANGED.wait_timeout(jobs, IDLE).unwrap_or_else(PoisonError::into_inner);
        jobs = changed;
        if waited.timed_out() && jobs.waiting.is_empty() && jobs.idle > 1 {
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
