//! Something that a device was asked to do, and the one place where a Python
//! thread waits for it.

use std::pin::Pin;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::task::AbortHandle;

use crate::errors;
use crate::mailbox::{Call, Mailbox};
use crate::runtime::runtime;

/// How often a thread that waits looks whether somebody pressed Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// What came of it: something that becomes a Python object, or an error.
pub(crate) type Done = Result<Value, easyhttp::Error>;
pub(crate) type Value = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Something that a device was asked to do. It begins when somebody waits for it.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Pending(Mutex<Option<Pin<Box<dyn Future<Output = Done> + Send>>>>);

impl Pending {
    pub(crate) fn new<T, F>(future: F) -> Self
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        F: Future<Output = Result<T, easyhttp::Error>> + Send + 'static,
    {
        Self(Mutex::new(Some(Box::pin(async move {
            let value = future.await?;
            Ok(Box::new(|py: Python<'_>| value.into_py_any(py)) as Value)
        }))))
    }

    /// Lets it run, and `then` take what came of it.
    fn spawn(&self, then: impl FnOnce(Done) + Send + 'static) -> PyResult<AbortHandle> {
        let future = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        let future = future.ok_or_else(|| PyRuntimeError::new_err("this was waited for before"))?;
        let task = runtime()?.spawn(async move { then(future.await) });
        Ok(task.abort_handle())
    }
}

#[pymethods]
impl Pending {
    /// Blocks this thread until it is done. Other threads run meanwhile, and
    /// Ctrl-C ends it.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (sender, receiver) = sync_channel(1);
        let task = self.spawn(move |done| _ = sender.send(done))?;
        let done = py.detach(move || {
            loop {
                match receiver.recv_timeout(SIGNALS) {
                    Ok(done) => return Ok(done),
                    Err(RecvTimeoutError::Timeout) => {
                        Python::attach(|py| py.check_signals()).inspect_err(|_| task.abort())?;
                    }
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(PyRuntimeError::new_err("the call failed: see standard error"));
                    }
                }
            }
        });
        finish(py, done?)
    }

    /// Lets it run. When it is done, `future` is found in the mailbox.
    fn start(&self, mailbox: Py<Mailbox>, future: Py<PyAny>) -> PyResult<Call> {
        self.spawn(move |done| mailbox.get().put(future, done)).map(Call::new)
    }
}

pub(crate) fn finish(py: Python<'_>, done: Done) -> PyResult<Py<PyAny>> {
    done.map_err(|error| errors::raise(py, &error))?(py)
}
