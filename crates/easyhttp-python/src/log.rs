//! What the library logs, passed on to Python's `logging`.

use std::fmt::{self, Write as _};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

use pyo3::prelude::*;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::set_global_default;
use tracing::{Event, Level, Metadata, Subscriber};

use crate::jobs::{self, Job};

/// Python's function for a line of the log: it takes the level and the text.
static LOG: OnceLock<Arc<Py<PyAny>>> = OnceLock::new();

/// The lowest of Python's levels that is wanted.
static LEVEL: AtomicU8 = AtomicU8::new(30);

/// From now on `log` is called for each line of at least this level.
#[pyfunction]
pub(crate) fn send_logs(log: Py<PyAny>, level: u8) {
    LEVEL.store(level, Ordering::Relaxed);
    if LOG.set(Arc::new(log)).is_ok() {
        // It fails if somebody else has the log of this process already.
        let _ = set_global_default(Lines);
    }
    tracing::callsite::rebuild_interest_cache();
}

struct Lines;

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
            && metadata.target().starts_with("easyhttp")
            && number(*metadata.level()) >= LEVEL.load(Ordering::Relaxed)
    }

    fn event(&self, event: &Event<'_>) {
        let Some(log) = LOG.get() else { return };
        let level = number(*event.metadata().level());
        let mut text = Text::default();
        event.record(&mut text);
        jobs::push(Job::new(log, move |py| (level, text.0).into_pyobject(py)));
    }

    // There are no spans, as `enabled` says.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// A level as Python counts them.
fn number(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        _ => 10,
    }
}

/// The message of an event, and its fields behind it.
#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a text does not fail.
        let _ = match field.name() {
            "message" => {
                let fields = std::mem::take(&mut self.0);
                write!(self.0, "{value:?}{fields}")
            }
            name => write!(self.0, ", {name} {value:?}"),
        };
    }
}
