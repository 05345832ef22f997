//! The part of the Python package `easyhttp_rs` that is Rust: the module
//! `easyhttp_rs._native`, on which `python/easyhttp_rs` builds its two classes.
//!
//! Python and the tokio runtime meet at two places only. A call of Python's
//! becomes a future, for which a thread waits ([`wait`]) or an event loop
//! ([`mailbox`]). What Python is to be told becomes a job, which that event loop or a
//! thread of Python's own takes ([`jobs`]). No thread of the runtime ever runs Python, so
//! none ever waits for the interpreter.

mod device;
mod dicts;
mod errors;
mod handlers;
mod jobs;
mod keys;
mod log;
mod mailbox;
mod many;
mod outbox;
mod reader;
mod runtime;
mod settings;
mod task;
mod wait;
mod writer;

// Python values are read in place, which another thread must not change meanwhile:
// a build of Python without the GIL switches it on when this is imported.
#[pyo3::pymodule(gil_used = true)]
mod _native {
    #[pymodule_export]
    use crate::device::{Device, Presence, check_address, check_id};
    #[pymodule_export]
    use crate::handlers::Answer;
    #[pymodule_export]
    use crate::jobs::{close_jobs, next_job};
    #[pymodule_export]
    use crate::keys::{key_id, key_text};
    #[pymodule_export]
    use crate::log::send_logs;
    #[pymodule_export]
    use crate::mailbox::Mailbox;
    #[pymodule_export]
    use crate::many::Many;
    #[pymodule_export]
    use crate::outbox::Outbox;
    #[pymodule_export]
    use crate::runtime::is_forked;
    #[pymodule_export]
    use crate::task::Call;
    #[pymodule_export]
    use crate::wait::Pending;

    /// The version of the package.
    #[pymodule_export]
    #[expect(non_upper_case_globals, reason = "Python writes it so")]
    const __version__: &str = env!("CARGO_PKG_VERSION");
}
