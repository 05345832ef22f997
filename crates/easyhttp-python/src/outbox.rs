//! The outbox of a device, and its items as Python sees them.

use easyhttp::{OutboxAsync, OutboxItem};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use crate::reader::from_json;
use crate::settings::seconds;
use crate::wait::Pending;
use crate::writer::to_json;

/// The pushes that wait on disk until their devices are there.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Outbox(pub(crate) OutboxAsync);

#[pymethods]
impl Outbox {
    /// Gives the number of the item, when it is on disk.
    fn push(&self, device_id: String, data: &Bound<'_, PyAny>, expires: f64) -> PyResult<Pending> {
        let (outbox, data) = (self.0.clone(), to_json(data, "data")?);
        Ok(Pending::new(async move { outbox.push_within(device_id, data, seconds(expires)).await }))
    }

    fn list(&self) -> Pending {
        let outbox = self.0.clone();
        Pending::new(async move {
            Ok(outbox.list().await?.into_iter().map(ItemTuple).collect::<Vec<_>>())
        })
    }

    /// Gives whether it was still there.
    fn cancel(&self, number: u64) -> Pending {
        let outbox = self.0.clone();
        Pending::new(async move { outbox.cancel(number).await })
    }

    /// Gives how many still wait.
    fn flush(&self) -> Pending {
        let outbox = self.0.clone();
        Pending::new(async move { outbox.flush().await })
    }
}

/// An item as the named tuple that `_types.py` describes.
pub(crate) struct ItemTuple(pub(crate) OutboxItem);

impl<'py> IntoPyObject<'py> for ItemTuple {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let Self(item) = self;
        CLASS.import(py, "easyhttp_rs._types", "OutboxItem")?.call1((
            item.number,
            item.to.as_str(),
            from_json(py, item.data.raw())?,
            item.tries,
            item.expires_in.as_secs_f64(),
            item.may_have_arrived,
        ))
    }
}
