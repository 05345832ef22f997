//! Something that a device was asked to do, and the one place where a Python
//! thread waits for it.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::time::timeout;

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
pub(crate) struct Pending(Mutex<Option<Running>>);

type Running = Pin<Box<dyn Future<Output = Done> + Send>>;

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

    fn take(&self) -> PyResult<Running> {
        let future = self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
        future.ok_or_else(|| PyRuntimeError::new_err("this was waited for before"))
    }
}

#[pymethods]
impl Pending {
    /// Blocks this thread until it is done. Other threads run meanwhile, and
    /// Ctrl-C ends it.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (runtime, mut future) = (runtime()?, self.take()?);
        // It runs on this thread, which need not be woken by another one then.
        let done: PyResult<Done> = py.detach(|| {
            runtime.block_on(async {
                loop {
                    match timeout(SIGNALS, &mut future).await {
                        Ok(done) => return Ok(done),
                        Err(_) => check_signals()?,
                    }
                }
            })
        });
        finish(py, done?)
    }

    /// Lets it run. When it is done, `future` is found in the mailbox.
    fn start(&self, mailbox: Py<Mailbox>, future: Py<PyAny>) -> PyResult<Call> {
        let pending = self.take()?;
        let task = runtime()?.spawn(async move { mailbox.get().put(future, pending.await) });
        Ok(Call::new(task.abort_handle()))
    }
}

/// Whether somebody pressed Ctrl-C.
fn check_signals() -> PyResult<()> {
    Python::try_attach(|py| py.check_signals()).unwrap_or_else(|| {
        // The interpreter has ended, and left this thread to the process, which
        // ends next.
        loop {
            thread::park();
        }
    })
}

pub(crate) fn finish(py: Python<'_>, done: Done) -> PyResult<Py<PyAny>> {
    done.map_err(|error| errors::raise(py, &error))?(py)
}
