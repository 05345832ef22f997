//! Something that a device was asked to do, and the one place where a Python
//! thread waits for it.

use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use easyhttp::EasyHttpAsync;
use pyo3::IntoPyObjectExt;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::time::timeout;

use crate::errors;
use crate::mailbox::Mailbox;
use crate::runtime::runtime;
use crate::task::Call;

/// How often a thread that waits looks whether somebody pressed Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(50);

/// What came of it: something that becomes a Python object, or an error.
pub(crate) type Done = Result<Value, easyhttp::Error>;
pub(crate) type Value = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Something that a device was asked to do. It begins when somebody waits for it.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Pending {
    begin: Mutex<Option<Begin>>,
    /// Whether it is a call to another device, of which no step takes long.
    is_call: bool,
}

type Begin = Box<dyn FnOnce(Waits) -> Running + Send>;
type Running = Pin<Box<dyn Future<Output = Done> + Send>>;

/// Who waits.
#[derive(Clone, Copy, PartialEq)]
enum Waits {
    /// A thread that has nothing else to do.
    Thread,
    /// A task.
    Task,
}

impl Pending {
    pub(crate) fn new<T, F>(future: F) -> Self
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        F: Future<Output = Result<T, easyhttp::Error>> + Send + 'static,
    {
        Self::begun_by(false, |_| future)
    }

    /// A call to another device, on a handle that suits whoever waits for it.
    pub(crate) fn call<T, F>(
        easy: &EasyHttpAsync,
        call: impl FnOnce(EasyHttpAsync) -> F + Send + 'static,
    ) -> Self
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        F: Future<Output = Result<T, easyhttp::Error>> + Send + 'static,
    {
        let easy = easy.handle();
        Self::begun_by(true, move |waits| match waits {
            Waits::Thread => call(easy.blocking_handle()),
            Waits::Task => call(easy),
        })
    }

    fn begun_by<T, F>(is_call: bool, begin: impl FnOnce(Waits) -> F + Send + 'static) -> Self
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        F: Future<Output = Result<T, easyhttp::Error>> + Send + 'static,
    {
        let begin: Begin = Box::new(|waits| {
            let future = begin(waits);
            Box::pin(async move {
                let value = future.await?;
                Ok(Box::new(|py: Python<'_>| value.into_py_any(py)) as Value)
            })
        });
        Self { begin: Mutex::new(Some(begin)), is_call }
    }

    fn begin(&self, waits: Waits) -> PyResult<Running> {
        let begin = self.begin.lock().unwrap_or_else(PoisonError::into_inner).take();
        let begin = begin.ok_or_else(|| PyRuntimeError::new_err("this was waited for before"))?;
        Ok(begin(waits))
    }
}

#[pymethods]
impl Pending {
    /// Blocks this thread until it is done. Other threads run meanwhile, and
    /// Ctrl-C ends it.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let (runtime, mut future) = (runtime()?, self.begin(Waits::Thread)?);
        // It runs on this thread, which need not be woken by another one then. It may
        // block it for twice as long as `SIGNALS`.
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
        let (runtime, pending) = (runtime()?.handle(), self.begin(Waits::Task)?);
        let done = Box::pin(async move { mailbox.get().put(future, pending.await) });
        Ok(match self.is_call {
            true => Call::begin(runtime, done),
            false => Call::spawn(runtime, done),
        })
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
