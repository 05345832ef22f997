//! What arrives for an event loop: calls that are done, and jobs for it.

#[cfg(unix)]
use std::io::{Read, Write};
#[cfg(unix)]
use std::os::fd::AsRawFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::jobs::{self, Job};
use crate::wait::{Done, finish};

/// What one event loop is to be told.
///
/// What arrives while the loop is busy is handed over together: it is woken once.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Mailbox {
    bell: Bell,
    arrived: Mutex<Arrived>,
}

#[derive(Default)]
struct Arrived {
    /// Futures whose calls are done.
    done: Vec<(Py<PyAny>, Done)>,
    jobs: Vec<Job>,
}

/// How the loop is woken.
enum Bell {
    /// It watches the second end, and gets a byte from the first. That takes
    /// neither the GIL nor a thread of Python's.
    #[cfg(unix)]
    Socket(UnixStream, UnixStream),
    /// A function of Python's has it call `take`.
    Function(Arc<Py<PyAny>>),
}

impl Mailbox {
    pub(crate) fn put(&self, future: Py<PyAny>, done: Done) {
        self.add(|arrived| arrived.done.push((future, done)));
    }

    pub(crate) fn put_job(&self, job: Job) {
        self.add(|arrived| arrived.jobs.push(job));
    }

    fn add(&self, add: impl FnOnce(&mut Arrived)) {
        let mut arrived = self.arrived();
        let is_first = arrived.done.is_empty() && arrived.jobs.is_empty();
        add(&mut arrived);
        drop(arrived);
        if is_first {
            self.bell.ring();
        }
    }

    fn arrived(&self) -> MutexGuard<'_, Arrived> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    fn ring(&self) {
        match self {
            // It fails when the loop has so many bytes to read that it wakes anyway.
            #[cfg(unix)]
            Self::Socket(ours, _) => _ = (&*ours).write(&[1]),
            Self::Function(wake) => jobs::push(Job::new(wake, |py| Ok(PyTuple::empty(py)))),
        }
    }

    #[cfg(unix)]
    fn socket() -> PyResult<Self> {
        let (ours, watched) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        watched.set_nonblocking(true)?;
        Ok(Self::Socket(ours, watched))
    }

    #[cfg(not(unix))]
    fn socket() -> PyResult<Self> {
        Err(pyo3::exceptions::PyNotImplementedError::new_err("no file descriptors here"))
    }

    fn silence(&self) {
        #[cfg(unix)]
        if let Self::Socket(_, watched) = self {
            let _ = (&*watched).read(&mut [0; 64]);
        }
    }
}

/// A future of Python's, and what it gets: a value or an exception.
type Settled = (Py<PyAny>, Option<Py<PyAny>>, Option<PyErr>);

/// A function, and what it is to be called with.
type Opened<'py> = (Py<PyAny>, Bound<'py, PyTuple>);

#[pymethods]
impl Mailbox {
    /// The loop calls `take` when `fileno` can be read, or, if that gives none,
    /// when it is told to by `wake`.
    #[new]
    #[pyo3(signature = (wake=None))]
    fn new(wake: Option<Py<PyAny>>) -> PyResult<Self> {
        let bell = match wake {
            Some(wake) => Bell::Function(Arc::new(wake)),
            None => Bell::socket()?,
        };
        Ok(Self { bell, arrived: Mutex::default() })
    }

    /// The file descriptor to watch.
    fn fileno(&self) -> Option<i32> {
        match &self.bell {
            #[cfg(unix)]
            Bell::Socket(_, watched) => Some(watched.as_raw_fd()),
            Bell::Function(_) => None,
        }
    }

    /// The futures that are done, each with its value or its exception, and the
    /// functions to call.
    fn take<'py>(&self, py: Python<'py>) -> PyResult<(Vec<Settled>, Vec<Opened<'py>>)> {
        // First, so that what comes from now on rings again.
        self.bell.silence();
        let Arrived { done, jobs } = std::mem::take(&mut *self.arrived());
        let settle = |(future, done)| match finish(py, done) {
            Ok(value) => (future, Some(value), None),
            Err(error) => (future, None, Some(error)),
        };
        let jobs = jobs.into_iter().map(|job| job.open(py)).collect::<PyResult<_>>()?;
        Ok((done.into_iter().map(settle).collect(), jobs))
    }
}
