//! What happens in the demo, for whoever shows it.

use std::net::SocketAddr;
use std::time::Duration;

use easyhttp::{DeviceId, Peer, Request};
use serde_json::value::RawValue;
use tokio::sync::mpsc::UnboundedSender;

use crate::failure::Failure;
use crate::json::{self, Object};

/// What a device of the demo is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Role {
    Sensor,
    Lamp,
    Controller,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sensor => "sensor",
            Self::Lamp => "lamp",
            Self::Controller => "controller",
        }
    }
}

/// One thing that happened.
#[derive(Debug)]
pub(super) enum Event {
    /// A device of the demo answers.
    Started { role: Role, id: DeviceId, address: SocketAddr },
    /// How to talk to the devices from elsewhere.
    Hints(Vec<String>),
    /// The controller found a device by multicast.
    Found { role: Role, id: DeviceId, address: Option<SocketAddr>, after: Duration },
    /// The controller asked a device.
    Called { role: Role, id: DeviceId, call: String, took: Duration, outcome: Outcome },
    /// Somebody else asked a device of the demo.
    Asked { role: Role, who: Option<DeviceId>, call: String, outcome: Outcome },
    /// The devices on the network that are not of the demo.
    Others(Vec<Peer>),
    /// All that had to work did.
    Worked,
}

/// What came of asking.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The device is there.
    Pong,
    /// It gave data; `words` say the same to people.
    Data { json: Box<RawValue>, words: String },
    /// It did what it was told.
    Accepted,
    /// It refused, as it should.
    Refused(String),
    /// What had to happen did not.
    Failed { message: String, error: Object },
}

impl Outcome {
    pub(super) fn failed(failure: &Failure) -> Self {
        Self::Failed { message: failure.message().to_owned(), error: failure.error() }
    }
}

/// Tells of the requests that reach a device of the demo from outside.
#[derive(Debug, Clone)]
pub(super) struct Witness {
    pub(super) role: Role,
    /// Whose requests are told elsewhere.
    pub(super) controller: DeviceId,
    pub(super) events: UnboundedSender<Event>,
}

impl Witness {
    pub(super) fn saw(&self, request: &Request, name: &str, outcome: Outcome) {
        if request.sender != Some(self.controller) {
            let call = match request.data.is_none() {
                true => name.to_owned(),
                false => format!("{name} {}", json::compact(request.data.raw())),
            };
            let event = Event::Asked { role: self.role, who: request.sender, call, outcome };
            let _ = self.events.send(event);
        }
    }
}
