//! A running device.

use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use easyhttp::{Command, DeviceId, EasyHttpAsync, Error, IntoAddress};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use serde_json::value::RawValue;

use crate::dicts::{DevicesDict, EventTuple, InterfaceDict, PeerDict};
use crate::errors::raise;
use crate::handlers::{Receiver, listen};
use crate::mailbox::Mailbox;
use crate::many::{Asked, Many};
use crate::outbox::Outbox;
use crate::reader::Json;
use crate::runtime::{is_forked, runtime};
use crate::settings::{Settings, seconds};
use crate::wait::Pending;
use crate::writer::to_json;

/// A running device. What takes time gives a [`Pending`], for which one may wait
/// in two ways.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Device {
    easy: EasyHttpAsync,
    /// Stops the device when it is dropped.
    owner: Mutex<Option<EasyHttpAsync>>,
}

#[pymethods]
impl Device {
    /// Starts a device. `receive` is called for each event in `events`, by the event
    /// loop of the mailbox, if there is one.
    #[staticmethod]
    fn start(
        settings: Settings,
        receive: Py<PyAny>,
        mailbox: Option<Py<Mailbox>>,
        events: Vec<String>,
    ) -> PyResult<Pending> {
        runtime()?;
        let receiver = Receiver::new(receive, mailbox);
        let mut builder = settings.builder();
        for event in &events {
            builder = listen!(builder, event.as_str(), receiver.clone())
                .ok_or_else(|| unknown_event(event))?;
        }
        Ok(Pending::new(async move {
            let owner = builder.start().await?;
            Ok(Device { easy: owner.handle(), owner: Mutex::new(Some(owner)) })
        }))
    }

    /// Has `receive` called for one more event.
    fn listen(
        &self,
        event: &str,
        receive: Py<PyAny>,
        mailbox: Option<Py<Mailbox>>,
    ) -> PyResult<()> {
        let receiver = Receiver::new(receive, mailbox);
        listen!(self.easy, event, receiver).ok_or_else(|| unknown_event(event))
    }

    /// Says goodbye, frees the port, and waits for what still runs.
    fn stop(&self) -> Pending {
        let easy = self.easy.handle();
        Pending::new(async move {
            easy.stop().await;
            Ok(())
        })
    }

    /// Says goodbye and frees the port, and waits for nothing.
    fn halt(&self, py: Python<'_>) {
        let owner = self.owner.lock().unwrap_or_else(PoisonError::into_inner).take();
        if is_forked() {
            // It is the device of the other process: its sockets are shared.
            mem::forget(owner);
        } else {
            py.detach(|| drop(owner));
        }
    }

    #[getter]
    fn id(&self) -> String {
        self.easy.id().to_string()
    }

    #[getter]
    fn port(&self) -> Option<u16> {
        self.easy.port()
    }

    // ---- who is there ----

    fn devices(&self, py: Python<'_>) -> PyResult<DevicesDict> {
        runtime()?;
        Ok(DevicesDict(py.detach(|| self.easy.devices())))
    }

    /// The same, but right after the start it waits for those who are there.
    fn found(&self) -> Pending {
        let easy = self.easy.handle();
        Pending::new(async move {
            easy.ping_all().only(|_| false).all().await;
            Ok(DevicesDict(easy.devices()))
        })
    }

    fn discovered(&self) -> PyResult<Vec<String>> {
        runtime()?;
        Ok(self.easy.discovered().iter().map(DeviceId::to_string).collect())
    }

    fn find(&self, device_id: String, timeout: f64) -> Pending {
        let easy = self.easy.handle();
        Pending::new(async move { easy.find(device_id, seconds(timeout)).await.map(PeerDict) })
    }

    fn add(&self, py: Python<'_>, device_id: &str, address: &str) -> PyResult<()> {
        runtime()?;
        py.detach(|| self.easy.add(device_id, address)).map_err(|error| raise(py, &error))
    }

    fn remove(&self, py: Python<'_>, device_id: &str) -> PyResult<bool> {
        runtime()?;
        py.detach(|| self.easy.remove(device_id)).map_err(|error| raise(py, &error))
    }

    fn interfaces(&self) -> Pending {
        let easy = self.easy.handle();
        Pending::new(async move {
            Ok(easy.interfaces().await.into_iter().map(InterfaceDict).collect::<Vec<_>>())
        })
    }

    fn start_discovery(&self, py: Python<'_>) -> PyResult<()> {
        runtime()?;
        py.detach(|| self.easy.start_discovery()).map_err(|error| raise(py, &error))
    }

    fn stop_discovery(&self, py: Python<'_>) -> PyResult<()> {
        runtime()?;
        py.detach(|| self.easy.stop_discovery());
        Ok(())
    }

    fn set_network_keys(&self, py: Python<'_>, keys: Vec<String>) -> PyResult<()> {
        runtime()?;
        py.detach(|| self.easy.set_network_keys(keys)).map_err(|error| raise(py, &error))
    }

    /// What it has done and refused, counted.
    fn stats(&self, py: Python<'_>) -> PyResult<Json> {
        let counted = serde_json::to_string(&self.easy.stats());
        let counted = counted.map_err(|error| raise(py, &Error::InvalidData(error)))?;
        Ok(Json(counted.into()))
    }

    fn presence(&self) -> PyResult<Presence> {
        runtime()?;
        Ok(Presence(Arc::new(tokio::sync::Mutex::new(self.easy.presence()))))
    }

    // ---- talking ----

    /// Gives the round trip in seconds.
    fn ping(&self, device_id: String) -> Pending {
        Pending::call(
            &self.easy,
            |easy| async move { Ok(easy.ping(device_id).await?.as_secs_f64()) },
        )
    }

    /// Gives the data.
    fn fetch(&self, device_id: String, query: &Bound<'_, PyAny>) -> PyResult<Pending> {
        let query = to_json(query, "query")?;
        Ok(Pending::call(&self.easy, |easy| async move {
            let data: Box<RawValue> = easy.fetch_as(device_id, query).await?;
            Ok(Json(data.into()))
        }))
    }

    /// Gives nothing: it returns when the device has accepted.
    fn push(&self, device_id: String, data: &Bound<'_, PyAny>) -> PyResult<Pending> {
        let data = to_json(data, "data")?;
        Ok(Pending::call(&self.easy, |easy| async move { easy.push(device_id, data).await }))
    }

    fn outbox(&self) -> Outbox {
        Outbox(self.easy.outbox())
    }

    /// Gives the whole answer. `name` is what `data` is called in an error.
    fn send(
        &self,
        device_id: String,
        command: u8,
        data: &Bound<'_, PyAny>,
        name: &str,
    ) -> PyResult<Pending> {
        let command = Command::from_number(command.into())
            .ok_or_else(|| PyValueError::new_err(format!("{command} is not a command")))?;
        let data = to_json(data, name)?;
        Ok(Pending::call(&self.easy, move |easy| async move {
            match easy.send(device_id, command, data).await {
                Ok(reply) => Ok(Json(reply.json.raw().into())),
                // What such a device says to those who do not know of this error.
                Err(Error::NoHandler { .. }) if command == Command::Fetch => {
                    Ok(Json(r#"{"status":"fetch_handled"}"#.into()))
                }
                Err(error) => Err(error),
            }
        }))
    }

    // ---- talking to many ----

    fn ping_all(&self, timeout: Option<f64>) -> Many {
        Many::new(Asked::Ping(self.easy.ping_all()), timeout)
    }

    fn fetch_all(&self, query: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<Many> {
        let query = to_json(query, "query")?;
        Ok(Many::new(Asked::Fetch(self.easy.fetch_all_as(query)), timeout))
    }

    fn push_all(&self, data: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<Many> {
        let data = to_json(data, "data")?;
        Ok(Many::new(Asked::Push(self.easy.push_all(data)), timeout))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if is_forked() {
            mem::forget(self.owner.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        }
    }
}

/// An id in its usual form, in upper case.
#[pyfunction]
pub(crate) fn check_id(py: Python<'_>, device_id: &str) -> PyResult<String> {
    let id = device_id.parse::<DeviceId>();
    id.map(|id| id.to_string()).map_err(|invalid| raise(py, &invalid.into()))
}

/// Fails if this is not an address at which one device can be.
#[pyfunction]
pub(crate) fn check_address(py: Python<'_>, address: &str) -> PyResult<()> {
    address.into_address().map(drop).map_err(|error| raise(py, &error))
}

fn unknown_event(event: &str) -> PyErr {
    PyValueError::new_err(format!("unknown event: {event}"))
}

/// What happens to the devices of a network, one event after the other.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Presence(Arc<tokio::sync::Mutex<easyhttp::PresenceAsync>>);

#[pymethods]
impl Presence {
    /// Gives the name of the next event, and what it tells; None when the device
    /// has stopped.
    fn next(&self) -> Pending {
        let presence = Arc::clone(&self.0);
        Pending::new(async move { Ok(presence.lock().await.next().await.map(EventTuple)) })
    }
}
