//! The library's errors as the exceptions of `_errors.py`, mapped here and
//! nowhere else.

use easyhttp::{Error, StartError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

/// The exception for an error, with what the error knows as attributes.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).unwrap_or_else(|failed| failed)
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let with = PyDict::new(py);
    let class = match error {
        Error::UnknownDevice { id, seen } => {
            with.set_item("device_id", id.as_str())?;
            let known: Vec<_> = seen.iter().map(|id| id.as_str()).collect();
            with.set_item("known", known)?;
            "UnknownDevice"
        }
        Error::Unreachable { id, address, .. } => {
            with.set_item("device_id", id.as_str())?;
            with.set_item("address", address.to_string())?;
            "Unreachable"
        }
        Error::TimedOut { id, address, sent, .. } => {
            with.set_item("device_id", id.as_str())?;
            with.set_item("address", address.to_string())?;
            with.set_item("sent", *sent)?;
            "TimedOut"
        }
        Error::Interrupted { id, address, .. } => {
            with.set_item("device_id", id.as_str())?;
            with.set_item("address", address.to_string())?;
            "Interrupted"
        }
        Error::WrongDevice { id, address, found } => {
            with.set_item("device_id", id.as_str())?;
            with.set_item("address", address.to_string())?;
            with.set_item("found", found.map(|id| id.to_string()))?;
            "WrongDevice"
        }
        Error::Refused { id, reason } => {
            with.set_item("device_id", id.as_str())?;
            with.set_item("reason", reason)?;
            "Refused"
        }
        Error::NoHandler { id } => {
            with.set_item("device_id", id.as_str())?;
            "NoHandler"
        }
        Error::HandlerFailed { id, message } => {
            with.set_item("device_id", id.as_str())?;
            with.set_item("reason", message)?;
            "HandlerFailed"
        }
        Error::Busy { id } => {
            with.set_item("device_id", id.as_str())?;
            "Busy"
        }
        Error::NotTaken { id, address, status, message } => {
            with.set_item("device_id", id.as_str())?;
            with.set_item("address", address.to_string())?;
            with.set_item("status", status)?;
            with.set_item("reason", message)?;
            "NotTaken"
        }
        Error::Protocol { id, address, .. } => {
            with.set_item("device_id", id.as_str())?;
            with.set_item("address", address.to_string())?;
            "NotUnderstood"
        }
        Error::UnexpectedData { id, .. } => {
            with.set_item("device_id", id.as_str())?;
            "NotUnderstood"
        }
        Error::TooLarge { .. } => "TooLarge",
        Error::InvalidId(_) => "InvalidId",
        Error::OwnId { id } => {
            with.set_item("device_id", id.as_str())?;
            "OwnId"
        }
        Error::InvalidAddress(_) => "InvalidAddress",
        Error::InvalidData(_) => "InvalidData",
        Error::NotARequest(_) => "NotARequest",
        Error::Stopped => "NotRunning",
        Error::Start(StartError::PortInUse { .. }) => "PortInUse",
        Error::Start(
            StartError::DeviceFile { .. }
            | StartError::DeviceFileInvalid { .. }
            | StartError::DeviceFileHeld { .. },
        ) => "DeviceFileError",
        Error::Start(_) => "StartError",
        // Sorts that a later version of the library adds.
        _ => "EasyHTTPError",
    };
    let exception = errors(py)?.getattr(class)?.call1((error.to_string(),))?;
    for (name, value) in &with {
        exception.setattr(name.cast::<PyString>()?, value)?;
    }
    Ok(PyErr::from_value(exception))
}

/// The module that defines the exceptions.
fn errors(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module =
        ERRORS.get_or_try_init(py, || py.import("easyhttp_rs._errors").map(Bound::unbind))?;
    Ok(module.bind(py))
}
