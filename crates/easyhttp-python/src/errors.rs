//! The library's errors as the exceptions of `_errors.py`, mapped here and
//! nowhere else.

use easyhttp::{DeviceId, Error, StartError};
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

/// The exception for an error, with what the error knows as attributes.
pub(crate) fn raise(py: Python<'_>, error: &Error) -> PyErr {
    exception(py, error).unwrap_or_else(|failed| failed)
}

fn exception(py: Python<'_>, error: &Error) -> PyResult<PyErr> {
    let exception = module(py)?.getattr(class(error))?.call1((error.to_string(),))?;
    let set = |name: &str, value: PyResult<Py<PyAny>>| exception.setattr(name, value?);
    set("delivery", error.delivery().as_str().into_py_any(py))?;
    match error {
        Error::UnknownDevice { id, seen } => {
            set("device_id", id.as_str().into_py_any(py))?;
            let known: Vec<_> = seen.iter().map(DeviceId::as_str).collect();
            set("known", known.into_py_any(py))?;
        }
        Error::Refused { id, reason } => {
            set("device_id", id.as_str().into_py_any(py))?;
            set("reason", reason.into_py_any(py))?;
        }
        Error::HandlerFailed { id, message, runs_on } => {
            set("device_id", id.as_str().into_py_any(py))?;
            set("reason", message.into_py_any(py))?;
            set("runs_on", runs_on.into_py_any(py))?;
        }
        Error::Ambiguous { id, addresses } => {
            set("device_id", id.as_str().into_py_any(py))?;
            let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
            set("addresses", addresses.into_py_any(py))?;
        }
        Error::NoHandler { id }
        | Error::Busy { id }
        | Error::UnexpectedData { id, .. }
        | Error::Unsure { id }
        | Error::OwnId { id } => set("device_id", id.as_str().into_py_any(py))?,
        Error::Unreachable { id, address, .. }
        | Error::TimedOut { id, address, .. }
        | Error::Interrupted { id, address, .. }
        | Error::WrongDevice { id, address, .. }
        | Error::OtherKey { id, address, .. }
        | Error::NotAuthenticated { id, address, .. }
        | Error::Replayed { id, address, .. }
        | Error::IdentityChanged { id, address, .. }
        | Error::AnswerTooLarge { id, address, .. }
        | Error::NotTaken { id, address, .. }
        | Error::Protocol { id, address, .. } => {
            set("device_id", id.as_str().into_py_any(py))?;
            set("address", address.to_string().into_py_any(py))?;
        }
        _ => {}
    }
    match error {
        Error::TimedOut { sent, .. } => set("sent", sent.into_py_any(py))?,
        Error::WrongDevice { found, .. } => {
            set("found", found.as_ref().map(DeviceId::as_str).into_py_any(py))?;
        }
        Error::OtherKey { ours, theirs, .. } => {
            set("ours", ours.map(|key| key.to_string()).into_py_any(py))?;
            set("theirs", theirs.to_string().into_py_any(py))?;
        }
        Error::NotTaken { status, message, .. } => {
            set("status", status.into_py_any(py))?;
            set("reason", message.into_py_any(py))?;
        }
        _ => {}
    }
    Ok(PyErr::from_value(exception))
}

fn class(error: &Error) -> &'static str {
    match error {
        Error::UnknownDevice { .. } => "UnknownDevice",
        Error::Unreachable { .. } => "Unreachable",
        Error::TimedOut { .. } => "TimedOut",
        Error::Interrupted { .. } => "Interrupted",
        Error::WrongDevice { .. } => "WrongDevice",
        Error::Ambiguous { .. } => "Ambiguous",
        Error::OtherKey { .. } => "OtherKey",
        Error::NotAuthenticated { .. } => "NotAuthenticated",
        Error::Replayed { .. } => "Replayed",
        Error::IdentityChanged { .. } => "IdentityChanged",
        Error::Refused { .. } => "Refused",
        Error::NoHandler { .. } => "NoHandler",
        Error::HandlerFailed { .. } => "HandlerFailed",
        Error::Busy { .. } => "Busy",
        Error::NotTaken { .. } => "NotTaken",
        Error::Protocol { .. } | Error::UnexpectedData { .. } => "NotUnderstood",
        Error::TooLarge { .. } | Error::AnswerTooLarge { .. } => "TooLarge",
        Error::InvalidId(_) => "InvalidId",
        Error::InvalidKey(_) => "InvalidKey",
        Error::NoNetworkKey => "NoNetworkKey",
        Error::OwnId { .. } => "OwnId",
        Error::InvalidAddress(_) => "InvalidAddress",
        Error::InvalidData(_) => "InvalidData",
        Error::NotARequest(_) => "NotARequest",
        Error::Unsure { .. } => "Unsure",
        Error::OutboxFull(_) => "OutboxFull",
        Error::NoOutbox => "NoOutbox",
        Error::Outbox { .. } => "OutboxError",
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
    }
}

/// The module that defines the exceptions.
fn module(py: Python<'_>) -> PyResult<&Bound<'_, PyModule>> {
    static ERRORS: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module =
        ERRORS.get_or_try_init(py, || py.import("easyhttp_rs._errors").map(Bound::unbind))?;
    Ok(module.bind(py))
}
