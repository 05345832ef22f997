//! What an answer means, or that there is none.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use easyhttp_proto::exchange::{self, Event, Rejection};
use easyhttp_proto::http::Fault;
use easyhttp_proto::pushes::Mark;
use easyhttp_proto::{Command, DeviceId};

use super::{Call, Purpose};
use crate::client::{Answer, Failure, Said};
use crate::error::{Delivery, Error, Result};
use crate::request::{Data, Request};
use crate::secure::Distrust;

/// What a peer answered.
///
/// A PONG, DATA, ACK or NACK has its command here; a peer that only says that
/// it received something has none.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reply {
    /// What the answer says.
    pub command: Option<Command>,
    /// The data of a DATA.
    pub data: Data,
    /// Why a NACK refuses, if it says so.
    pub reason: Option<String>,
    /// The whole answer, as JSON.
    pub json: Data,
    /// The address that answered.
    pub from: SocketAddr,
    /// How long the exchange took, the connection included if it was new.
    pub took: Duration,
    /// How far the memory of the device has come, if it says so.
    pub(super) mark: Option<Mark>,
}

impl Reply {
    /// What it says of a PUSH.
    pub(super) fn of_push(self, id: DeviceId) -> Result<()> {
        match self.command {
            Some(Command::Ack) => Ok(()),
            Some(Command::Nack) => Err(Error::Refused { id, reason: self.reason }),
            _ => Err(self.unexpected(id, "ACK or NACK")),
        }
    }

    pub(super) fn unexpected(&self, id: DeviceId, expected: &str) -> Error {
        let detail = match self.command {
            Some(command) => format!("{expected} was expected, not {command}"),
            None => format!("{expected} was expected, not a status alone"),
        };
        Error::Protocol { id, address: self.from, detail, delivery: Delivery::Unknown }
    }
}

impl Call<'_> {
    pub(super) fn read(
        &self,
        at: SocketAddr,
        answer: Answer,
        begun: Instant,
        purpose: Purpose,
    ) -> Result<Reply> {
        let id = self.id;
        let Answer { said, text, shown, arrived } = answer;
        let Said { status, note, mark, retry_after } = said;
        let took = arrived - begun;
        let reply = exchange::Reply::read_text(id, status, note.as_deref(), &text);
        let is_impostor = match &reply {
            Ok(_) => self.node.is_impostor(id, at, shown),
            // It does not say that it is the device.
            Err(Rejection::WrongDevice { .. }) => false,
            Err(_) => self.node.rejects_as_impostor(id, at, shown),
        };
        if is_impostor {
            let delivery = Delivery::Unknown;
            return Err(Error::IdentityChanged { id, address: at, delivery });
        }
        if let Err(
            Rejection::NoHandler
            | Rejection::HandlerFailed { .. }
            | Rejection::Busy
            | Rejection::NotTaken { .. },
        ) = &reply
        {
            self.hear_retry_after(retry_after);
            if mark.is_some() {
                self.node.peers().hear_mark(id, mark);
            }
        }
        match reply {
            Ok(exchange::Reply::Message(message)) => {
                let event = match (purpose, message.command) {
                    (Purpose::Command, Command::Pong) => Some(Event::Pong),
                    (Purpose::Command, Command::Data) => Some(Event::Data),
                    _ => None,
                };
                if let Some(event) = event {
                    let data = || Data::within(&text, message.data);
                    let request = || Request::new(message.header, data(), at);
                    self.node.notify_answer(event, request);
                }
                Ok(Reply {
                    command: Some(message.command),
                    data: Data::within(&text, message.data),
                    reason: message.error.map(|reason| reason.message.into_owned()),
                    json: Data::all(text),
                    from: at,
                    took,
                    mark,
                })
            }
            Ok(_) => Ok(Reply {
                command: None,
                data: Data::default(),
                reason: None,
                json: Data::all(text),
                from: at,
                took,
                mark: None,
            }),
            Err(rejection) => Err(match rejection {
                Rejection::NoHandler => Error::NoHandler { id },
                Rejection::HandlerFailed { message, runs_on } => {
                    Error::HandlerFailed { id, message, runs_on }
                }
                Rejection::Busy => Error::Busy { id },
                Rejection::WrongDevice { found, status } => {
                    let delivery = Delivery::of_status(status);
                    Error::WrongDevice { id, address: at, found, delivery }
                }
                Rejection::TooLarge => Error::TooLarge { limit: None },
                Rejection::NotTaken { status, message } => {
                    let delivery = Delivery::of_status(status);
                    Error::NotTaken { id, address: at, status, message, delivery }
                }
                Rejection::NotUnderstood { malformed, .. } => {
                    self.not_understood(at, malformed.to_string())
                }
                other => self.not_understood(at, format!("{other:?}")),
            }),
        }
    }

    fn not_understood(&self, address: SocketAddr, detail: String) -> Error {
        Error::Protocol { id: self.id, address, detail, delivery: Delivery::Unknown }
    }

    /// `has_left`: something of the request left us before, on another connection.
    pub(super) fn failed(
        &self,
        address: SocketAddr,
        failure: Failure,
        has_left: bool,
        purpose: Purpose,
    ) -> Error {
        let id = self.id;
        match failure {
            Failure::Unsent(source) if has_left => {
                // Of a PING before a command it is enough that nobody is there.
                let source = match purpose {
                    Purpose::Command => io::Error::new(
                        source.kind(),
                        format!("no other one could be made: {source}"),
                    ),
                    _ => source,
                };
                Error::Interrupted { id, address, source: source.into() }
            }
            Failure::Unsent(source) => Error::Unreachable { id, address, source },
            Failure::ConnectTimeout(limit) => {
                let after = if self.is_late() { self.limit } else { limit };
                Error::TimedOut { id, address, after, sent: has_left }
            }
            Failure::Broken(source) => Error::Interrupted { id, address, source: source.into() },
            Failure::Fault(Fault::Cut) => {
                Error::Interrupted { id, address, source: Fault::Cut.into() }
            }
            Failure::Fault(Fault::BodyTooLarge) => {
                let limit = self.node.settings.limits.body;
                Error::AnswerTooLarge { id, address, limit }
            }
            Failure::Fault(fault) => self.not_understood(address, fault.to_string()),
            Failure::Distrusted(Distrust::OtherKey { ours, theirs }) => {
                // Without a key of ours all are believed; with one, anybody can say this.
                let delivery = ours.map_or(Delivery::Refused, |_| Delivery::Unknown);
                Error::OtherKey { id, address, ours, theirs, delivery }
            }
            Failure::Distrusted(Distrust::Unproved) => {
                Error::NotAuthenticated { id, address, delivery: Delivery::Unknown }
            }
            // Of the copies that came before, one was run.
            Failure::Distrusted(Distrust::Replayed) => {
                Error::Replayed { id, address, delivery: Delivery::Unknown }
            }
        }
    }
}
