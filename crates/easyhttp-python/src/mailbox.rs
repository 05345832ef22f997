//! What an event loop waits for.

#[cfg(unix)]
use std::io::{Read, Write};
#[cfg(unix)]
use std::os::fd::AsRawFd;
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use tokio::task::AbortHandle;

use crate::jobs;
use crate::wait::{Done, finish};

/// The futures of one event loop whose calls are done.
///
/// What is done while the loop is busy is handed over together: it is woken once.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Mailbox {
    bell: Bell,
    done: Mutex<Vec<(Py<PyAny>, Done)>>,
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
        let mut arrived = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.push((future, done));
        if arrived.len() == 1 {
            self.bell.ring();
        }
    }
}

impl Bell {
    fn ring(&self) {
        match self {
            // It fails when the loop has so many bytes to read that it wakes anyway.
            #[cfg(unix)]
            Self::Socket(ours, _) => _ = (&*ours).write(&[1]),
            Self::Function(wake) => jobs::push(wake, |py| Ok(PyTuple::empty(py))),
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
        Ok(Self { bell, done: Mutex::default() })
    }

    /// The file descriptor to watch.
    fn fileno(&self) -> Option<i32> {
        match &self.bell {
            #[cfg(unix)]
            Bell::Socket(_, watched) => Some(watched.as_raw_fd()),
            Bell::Function(_) => None,
        }
    }

    /// The futures that are done, each with its value or its exception.
    fn take(&self, py: Python<'_>) -> Vec<Settled> {
        // First, so that what comes from now on rings again.
        self.bell.silence();
        let done = std::mem::take(&mut *self.done.lock().unwrap_or_else(PoisonError::into_inner));
        let settle = |(future, done)| match finish(py, done) {
            Ok(value) => (future, Some(value), None),
            Err(error) => (future, None, Some(error)),
        };
        done.into_iter().map(settle).collect()
    }
}

/// A call that is under way.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Call(AbortHandle);

impl Call {
    pub(crate) fn new(task: AbortHandle) -> Self {
        Self(task)
    }
}

#[pymethods]
impl Call {
    /// Gives the call up. What it asked for may have been done.
    fn cancel(&self) {
        self.0.abort();
    }
}
