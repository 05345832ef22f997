//! One command to many devices.

use std::collections::BTreeSet;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use easyhttp::{DeviceId, Error, ManyAsync, Peer};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use crate::errors::raise;
use crate::reader::Json;
use crate::runtime::is_forked;
use crate::settings::seconds;
use crate::wait::Pending;

/// One command to many devices, which begins when somebody waits for the first result.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Many(Arc<Mutex<Option<Asked>>>);

/// What the devices are asked.
pub(crate) enum Asked {
    Ping(ManyAsync<Duration>),
    Fetch(ManyAsync<Box<RawValue>>),
    Push(ManyAsync<()>),
}

/// The same of each kind.
macro_rules! each {
    ($asked:expr, $many:ident => $then:expr) => {
        match $asked {
            Asked::Ping($many) => Asked::Ping($then),
            Asked::Fetch($many) => Asked::Fetch($then),
            Asked::Push($many) => Asked::Push($then),
        }
    };
}

impl Many {
    /// `timeout`: in seconds. None: as long as a call may take.
    pub(crate) fn new(asked: Asked, timeout: Option<f64>) -> Self {
        let asked = match timeout.map(seconds) {
            Some(timeout) => each!(asked, many => many.within(timeout)),
            None => asked,
        };
        Self(Arc::new(Mutex::new(Some(asked))))
    }
}

#[pymethods]
impl Many {
    /// Asks these devices alone, and no others that join. It changes nothing once
    /// somebody waits.
    fn pick(&self, device_ids: BTreeSet<String>) {
        let Ok(mut asked) = self.0.try_lock() else { return };
        let is_picked = move |peer: &Peer| device_ids.contains(peer.id.as_str());
        *asked = asked
            .take()
            .map(|asked| each!(asked, many => many.joining(Duration::ZERO).only(is_picked)));
    }

    /// Gives the next result: an id, with a value or an exception. None when all have
    /// given one.
    fn next(&self) -> Pending {
        let many = Arc::clone(&self.0);
        Pending::new(async move {
            Ok(match &mut *many.lock().await {
                Some(asked) => asked.next().await,
                None => None,
            })
        })
    }
}

impl Drop for Many {
    fn drop(&mut self) {
        if is_forked() {
            // They are the calls of the other process.
            mem::forget(Arc::clone(&self.0));
        }
    }
}

impl Asked {
    async fn next(&mut self) -> Option<ResultTuple> {
        let (id, told) = match self {
            Self::Ping(many) => {
                let (id, took) = many.next().await?;
                (id, took.map(|took| Told::Took(took.as_secs_f64())))
            }
            Self::Fetch(many) => {
                let (id, data) = many.next().await?;
                (id, data.map(Told::Data))
            }
            Self::Push(many) => {
                let (id, accepted) = many.next().await?;
                (id, accepted.map(|()| Told::Accepted))
            }
        };
        Some(ResultTuple(id, told))
    }
}

/// What a device has said.
enum Told {
    Took(f64),
    Data(Box<RawValue>),
    Accepted,
}

/// What came of asking a device: its id, a value, an exception.
struct ResultTuple(DeviceId, Result<Told, Error>);

impl<'py> IntoPyObject<'py> for ResultTuple {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let Self(id, told) = self;
        let told = told.map(|told| match told {
            Told::Took(took) => took.into_py_any(py),
            Told::Data(data) => Json(data.into()).into_py_any(py),
            Told::Accepted => Ok(py.None()),
        });
        // Data that Python cannot hold is this device's fault alone.
        let (value, error) = match told {
            Ok(Ok(value)) => (value, None),
            Ok(Err(error)) => (py.None(), Some(error.into_value(py))),
            Err(error) => (py.None(), Some(raise(py, &error).into_value(py))),
        };
        (id.as_str(), value, error).into_bound_py_any(py)
    }
}
