//! The one runtime of the process, on which all devices live.

use std::io;
use std::process;
use std::sync::OnceLock;

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use tokio::runtime::{Builder, Runtime};

/// The runtime, and the process that started it. It runs until that ends.
static RUNTIME: OnceLock<(u32, io::Result<Runtime>)> = OnceLock::new();

/// The runtime, which is started by the first who asks.
pub(crate) fn runtime() -> PyResult<&'static Runtime> {
    // One worker carries as many calls as two, with fewer switches between them.
    let start = || {
        Builder::new_multi_thread().worker_threads(1).thread_name("easyhttp").enable_all().build()
    };
    let (process, runtime) = RUNTIME.get_or_init(|| (process::id(), start()));
    if *process != process::id() {
        return Err(PyRuntimeError::new_err(
            "this process was forked from one that uses easyhttp_rs, whose threads did not come \
             along. Start devices after the fork, or start processes by 'spawn': \
             multiprocessing.set_start_method(\"spawn\")",
        ));
    }
    runtime
        .as_ref()
        .map_err(|error| PyRuntimeError::new_err(format!("cannot start a thread: {error}")))
}

/// Whether this process was forked from one whose devices it cannot use.
#[pyfunction]
pub(crate) fn is_forked() -> bool {
    RUNTIME.get().is_some_and(|(process, _)| *process != process::id())
}
