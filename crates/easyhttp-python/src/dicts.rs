//! Peers, interfaces and what happens to them, as the dictionaries and tuples that
//! `_types.py` describes.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use easyhttp::{Interface, InterfaceState, Peer, PresenceEvent, Source};
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// What happened to a device: the event, its id, what is known of it, and an address.
pub(crate) struct EventTuple(pub(crate) PresenceEvent);

impl<'py> IntoPyObject<'py> for EventTuple {
    type Target = PyAny;
    type Output = Bound<'py, PyAny>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let (event, peer) = match self.0 {
            PresenceEvent::Joined(peer) => ("joined", peer),
            PresenceEvent::Left(peer) => ("left", peer),
            PresenceEvent::Lost(peer) => ("lost", peer),
            PresenceEvent::Moved(moved) => ("moved", moved.peer),
            PresenceEvent::DuplicateId(twin) => {
                let there = address_text(&twin.there);
                let event = ("duplicate_id", None::<&str>, None::<&str>, there);
                return Ok(event.into_pyobject(py)?.into_any());
            }
            PresenceEvent::IdentityChanged(changed) => {
                let from = address_text(&changed.from);
                let event = ("identity_changed", changed.id.as_str(), None::<&str>, from);
                return Ok(event.into_pyobject(py)?.into_any());
            }
            // The reader was too slow. What is true now can be asked for.
            _ => {
                let event = ("missed", None::<&str>, None::<&str>, None::<&str>);
                return Ok(event.into_pyobject(py)?.into_any());
            }
        };
        let dict = peer_dict(py, &peer)?;
        let address = peer.address().as_ref().map(address_text);
        Ok((event, peer.id.as_str(), dict, address).into_pyobject(py)?.into_any())
    }
}

pub(crate) struct PeerDict(pub(crate) Peer);

impl<'py> IntoPyObject<'py> for PeerDict {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        peer_dict(py, &self.0)
    }
}

/// All devices that are known, by their ids.
pub(crate) struct DevicesDict(pub(crate) Vec<Peer>);

impl<'py> IntoPyObject<'py> for DevicesDict {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let devices = PyDict::new(py);
        for peer in &self.0 {
            devices.set_item(peer.id.as_str(), peer_dict(py, peer)?)?;
        }
        Ok(devices)
    }
}

/// A device as `devices` shows it: first the four keys of easyhttp-python.
pub(crate) fn peer_dict<'py>(py: Python<'py>, peer: &Peer) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    let first = peer.address();
    dict.set_item("ip", first.map(|address| ip_text(&address)))?;
    dict.set_item("port", first.map(|address| address.port()))?;
    dict.set_item(
        "last_seen",
        peer.last_seen.map_or(0.0, |ago| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            now.saturating_sub(ago).as_secs_f64()
        }),
    )?;
    dict.set_item("added_manually", peer.source == Source::Added)?;
    dict.set_item("addresses", peer.addresses.iter().map(address_text).collect::<Vec<_>>())?;
    dict.set_item("source", source_text(peer.source))?;
    dict.set_item("version", peer.version.as_deref())?;
    Ok(dict)
}

fn source_text(source: Source) -> &'static str {
    match source {
        Source::Added => "added",
        Source::Found => "multicast",
        Source::Advertised => "dns-sd",
        Source::Learned => "request",
        Source::Remembered => "remembered",
        Source::Introduced => "introduced",
        Source::Swept => "sweep",
        // Sorts that a later version of the library adds.
        _ => "other",
    }
}

/// The address in a form that `add` takes.
pub(crate) fn address_text(address: &SocketAddr) -> String {
    address.to_string()
}

/// The IP address, with the scope of a link-local one.
fn ip_text(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V6(v6) if v6.scope_id() != 0 => format!("{}%{}", v6.ip(), v6.scope_id()),
        _ => address.ip().to_string(),
    }
}

pub(crate) struct InterfaceDict(pub(crate) Interface);

impl<'py> IntoPyObject<'py> for InterfaceDict {
    type Target = PyDict;
    type Output = Bound<'py, PyDict>;
    type Error = PyErr;

    fn into_pyobject(self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let Self(interface) = self;
        let dict = PyDict::new(py);
        let (state, reason) = match interface.state {
            InterfaceState::Used => ("used", None),
            InterfaceState::Skipped(reason) => ("skipped", Some(reason.to_owned())),
            InterfaceState::Failing(reason) => ("failing", Some(reason)),
            _ => ("other", None),
        };
        dict.set_item("name", interface.name)?;
        let addresses = interface.addresses.iter().map(ToString::to_string);
        dict.set_item("addresses", addresses.collect::<Vec<_>>())?;
        dict.set_item("state", state)?;
        dict.set_item("reason", reason)?;
        dict.set_item("sent", interface.sent)?;
        dict.set_item("heard", interface.heard)?;
        Ok(dict)
    }
}
