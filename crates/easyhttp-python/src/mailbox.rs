//! What an event loop waits for.

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
    /// A function of Python's that has the loop call `take`.
    wake: Arc<Py<PyAny>>,
    done: Mutex<Vec<(Py<PyAny>, Done)>>,
}

impl Mailbox {
    pub(crate) fn put(&self, future: Py<PyAny>, done: Done) {
        let mut arrived = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        arrived.push((future, done));
        if arrived.len() == 1 {
            jobs::push(&self.wake, |py| Ok(PyTuple::empty(py)));
        }
    }
}

/// A future of Python's, and what it gets: a value or an exception.
type Settled = (Py<PyAny>, Option<Py<PyAny>>, Option<PyErr>);

#[pymethods]
impl Mailbox {
    #[new]
    fn new(wake: Py<PyAny>) -> Self {
        Self { wake: Arc::new(wake), done: Mutex::default() }
    }

    /// The futures that are done, each with its value or its exception.
    fn take(&self, py: Python<'_>) -> Vec<Settled> {
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
