//! One command out: to the right device, at whichever of its addresses it
//! answers, within one deadline.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use easyhttp_proto::exchange::{self, Event, Rejection};
use easyhttp_proto::peers::PeerTable;
use easyhttp_proto::{Command, DeviceId, Message};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::time::timeout_at;

use crate::client::{Answer, Failure};
use crate::error::{Error, Result};
use crate::instant::instant_after;
use crate::node::Node;
use crate::peer::Peer;
use crate::request::{Data, Request};

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
}

impl Node {
    /// Sends a command and reads the answer, whichever it is.
    pub(crate) async fn call(
        self: &Arc<Self>,
        id: DeviceId,
        command: Command,
        data: impl Serialize,
    ) -> Result<Reply> {
        if self.tasks.is_stopping() {
            return Err(Error::Stopped);
        }
        if id == self.id {
            return Err(Error::OwnId { id });
        }
        if matches!(
            command,
            Command::Ack | Command::Nack | Command::Discovery | Command::DiscoveryAck
        ) {
            return Err(Error::NotARequest(command));
        }
        let data = serde_json::value::to_raw_value(&data).map_err(Error::InvalidData)?;
        if !Message::can_carry(&data) {
            return Err(Error::InvalidData(serde::de::Error::custom("it is nested too deep")));
        }
        let limit = self.settings.limits.call;
        let deadline = instant_after(limit);
        let Ok(_turn) = timeout_at(deadline.into(), self.turns.take(id)).await else {
            return Err(match self.addresses(id).first() {
                Some(&address) => Error::TimedOut { id, address, after: limit, sent: false },
                None => self.unknown(id),
            });
        };
        let call = Call { node: self, id, command, data, limit, deadline };
        let reply = call.run().await;
        if let Err(
            Error::Unreachable { .. }
            | Error::TimedOut { .. }
            | Error::Interrupted { .. }
            | Error::WrongDevice { .. },
        ) = &reply
        {
            self.suspect(id);
        }
        self.debug(|| match &reply {
            Ok(reply) => {
                format!("{command} to {id} at {}: {}", reply.from, shortened(reply.json.raw()))
            }
            Err(error) => format!("{command} to {id}: {error}"),
        });
        reply
    }

    /// PINGs a device at one address, for our own sake: nobody is told.
    pub(crate) async fn ping_at(
        self: &Arc<Self>,
        id: DeviceId,
        at: SocketAddr,
        limit: Duration,
        purpose: Purpose,
    ) -> Result<()> {
        let data = RawValue::NULL.to_owned();
        let (command, deadline) = (Command::Ping, instant_after(limit));
        Call { node: self, id, command, data, limit, deadline }.check(at, purpose).await
    }

    pub(crate) async fn ping(self: &Arc<Self>, id: DeviceId) -> Result<Duration> {
        let reply = self.call(id, Command::Ping, ()).await?;
        match reply.command {
            Some(Command::Pong) => Ok(reply.took),
            _ => Err(reply.unexpected(id, "PONG")),
        }
    }

    pub(crate) async fn fetch(
        self: &Arc<Self>,
        id: DeviceId,
        query: impl Serialize,
    ) -> Result<Data> {
        let reply = self.call(id, Command::Fetch, query).await?;
        match reply.command {
            // A device that has nothing to say says that it received the FETCH.
            Some(Command::Data) | None => Ok(reply.data),
            _ => Err(reply.unexpected(id, "DATA")),
        }
    }

    pub(crate) async fn push(self: &Arc<Self>, id: DeviceId, data: impl Serialize) -> Result<()> {
        let reply = self.call(id, Command::Push, data).await?;
        match reply.command {
            Some(Command::Ack) => Ok(()),
            Some(Command::Nack) => Err(Error::Refused { id, reason: reply.reason }),
            _ => Err(reply.unexpected(id, "ACK or NACK")),
        }
    }
}

impl Reply {
    fn unexpected(&self, id: DeviceId, expected: &str) -> Error {
        let detail = match self.command {
            Some(command) => format!("{expected} was expected, not {command}"),
            None => format!("{expected} was expected, not a status alone"),
        };
        Error::Protocol { id, address: self.from, detail }
    }
}

/// What people get to see of an answer: it may have a megabyte, and say what a
/// terminal would obey.
fn shortened(json: &str) -> String {
    const SHOWN: usize = 300;
    let dots = if json.len() > SHOWN { " …" } else { "" };
    json.chars().filter(|c| !c.is_control()).take(SHOWN).collect::<String>() + dots
}

/// Why a request is made, and so who learns what came of it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    /// The user wants it: the handlers for PONG and DATA, and the peer table.
    Command,
    /// A PING to see whether the device is there: the peer table.
    Check,
    /// A PING to compare two addresses: only whoever compares.
    Probe,
}

/// One call on its way.
struct Call<'a> {
    node: &'a Arc<Node>,
    id: DeviceId,
    command: Command,
    data: Box<RawValue>,
    /// How long all of it may take, and until when.
    limit: Duration,
    deadline: Instant,
}

impl Call<'_> {
    async fn run(&self) -> Result<Reply> {
        let mut failed = None;
        let addresses = self.addresses().await?;
        for (index, address) in addresses.iter().enumerate() {
            // A PING harms nobody: where nobody answers, the next address gets
            // its time.
            let is_last = index + 1 == addresses.len();
            let limit = self.node.settings.limits.connect;
            let deadline = match self.command == Command::Ping && !is_last {
                true => self.deadline.min(instant_after(limit)),
                false => self.deadline,
            };
            let is_sure = address.verified || self.command == Command::Ping;
            let checked =
                if is_sure { Ok(()) } else { self.check(address.at, Purpose::Check).await };
            match checked {
                Ok(()) => match self.deliver(address.at, deadline).await {
                    Err(error) if self.is_harmless(&error) => failed = Some(error),
                    done => return done,
                },
                Err(error) => failed = Some(error),
            }
            if self.is_late() {
                break;
            }
        }
        Err(failed.unwrap_or_else(|| self.node.unknown(self.id)))
    }

    /// Where the device may be, the best address first.
    async fn addresses(&self) -> Result<Vec<easyhttp_proto::peers::Address>> {
        let known = || self.node.peers().get(self.id).map(|peer| peer.addresses().to_vec());
        if let Some(known) = known() {
            return Ok(known);
        }
        self.node.find(self.id, self.node.first_wait()).await?;
        Ok(known().unwrap_or_default())
    }

    /// PINGs an address that only claims to be the device's: a command may not
    /// reach a wrong device.
    async fn check(&self, at: SocketAddr, purpose: Purpose) -> Result<()> {
        let ping = self.node.speaker().message(Command::Ping, Some(self.id)).encode();
        // Where nobody answers, time is left for the next address.
        let limit = self.node.settings.limits.connect;
        let deadline = self.deadline.min(instant_after(limit));
        match self.exchange(at, ping.into(), deadline, purpose).await {
            Ok(pong) if pong.command == Some(Command::Pong) => Ok(()),
            Ok(other) => Err(other.unexpected(self.id, "PONG")),
            // A Python device whose callback for PING raises an exception: it
            // cannot say who it is, and does the rest well.
            Err(Error::HandlerFailed { .. }) => Ok(()),
            // What was sent is the PING, not the command.
            Err(Error::TimedOut { id, address, .. }) => {
                Err(Error::TimedOut { id, address, after: limit, sent: false })
            }
            Err(Error::Interrupted { id, address, source }) => {
                Err(Error::Unreachable { id, address, source: io::Error::other(source) })
            }
            Err(error) => Err(error),
        }
    }

    /// Sends the command to one address.
    async fn deliver(&self, at: SocketAddr, deadline: Instant) -> Result<Reply> {
        let message = self.node.speaker().message(self.command, Some(self.id));
        let bytes = message.with_data(Some(&self.data)).encode();
        let limit = self.node.settings.limits.body;
        if bytes.len() > limit {
            return Err(Error::TooLarge { what: "the message", limit: Some(limit) });
        }
        self.exchange(at, bytes.into(), deadline, Purpose::Command).await
    }

    /// One request and its answer.
    async fn exchange(
        &self,
        at: SocketAddr,
        message: Bytes,
        deadline: Instant,
        purpose: Purpose,
    ) -> Result<Reply> {
        let Node { client, tasks, .. } = &**self.node;
        let sent = Instant::now();
        let answer = client.post(tasks, at, message, deadline).await;
        let reply = match answer {
            Ok(answer) => self.read(at, &answer, sent.elapsed(), purpose),
            Err(failure) => Err(self.failed(at, failure)),
        };
        if purpose != Purpose::Probe {
            self.note(at, &reply);
        }
        reply
    }

    /// Notes in the peer table what a reply says about the address.
    fn note(&self, at: SocketAddr, reply: &Result<Reply>) {
        let has_discovery = self.node.has_discovery();
        let mut peers = self.node.peers();
        match reply {
            Err(Error::WrongDevice { .. }) => {
                peers.mismatch(self.id, at);
                // Otherwise discovery has the last word on who is gone.
                let is_gone = !has_discovery && self.is_nowhere(&peers);
                if let Some(peer) = is_gone.then(|| peers.lose(self.id)).flatten() {
                    drop(peers);
                    self.node.lost(Peer::new(&peer, self.node.now()));
                }
            }
            // Nobody is there any more, or somebody who does not say who it is.
            Err(
                Error::Unreachable { .. }
                | Error::TimedOut { .. }
                | Error::Interrupted { .. }
                | Error::Protocol { .. }
                | Error::NotTaken { .. },
            ) => peers.fail(self.id, at),
            // It answered to its name.
            Ok(Reply { command: Some(_), .. }) => {
                let has_joined = peers.confirm(self.node.now(), self.id, at);
                if has_joined {
                    self.node.joined_in(peers, self.id);
                }
            }
            _ => {}
        }
    }

    fn is_nowhere(&self, peers: &PeerTable) -> bool {
        peers.get(self.id).is_some_and(|peer| peer.addresses().is_empty())
    }

    fn read(
        &self,
        at: SocketAddr,
        answer: &Answer,
        took: Duration,
        purpose: Purpose,
    ) -> Result<Reply> {
        let id = self.id;
        let note = answer.note.as_deref();
        let read = exchange::Reply::read(id, answer.status, note, &answer.body);
        // What was understood is JSON, and need not be parsed again.
        let json = || std::str::from_utf8(&answer.body).map_or(Data::default(), Data::from_json);
        match read {
            Ok(exchange::Reply::Message(message)) => {
                let event = match (purpose, message.command) {
                    (Purpose::Command, Command::Pong) => Some(Event::Pong),
                    (Purpose::Command, Command::Data) => Some(Event::Data),
                    _ => None,
                };
                if let Some(event) = event {
                    let request = || Request::new(message.header, message.data, at);
                    self.node.notify_answer(event, request);
                }
                Ok(Reply {
                    command: Some(message.command),
                    data: Data::from_raw(message.data),
                    reason: message.error.map(|reason| reason.message.into_owned()),
                    json: json(),
                    from: at,
                    took,
                })
            }
            Ok(_) => Ok(Reply {
                command: None,
                data: Data::default(),
                reason: None,
                json: json(),
                from: at,
                took,
            }),
            Err(rejection) => Err(match rejection {
                Rejection::NoHandler => Error::NoHandler { id },
                Rejection::HandlerFailed { message } => Error::HandlerFailed { id, message },
                Rejection::Busy => Error::Busy { id },
                Rejection::WrongDevice { found } => Error::WrongDevice { id, address: at, found },
                Rejection::TooLarge => Error::TooLarge { what: "the message", limit: None },
                Rejection::NotTaken { status, message } => {
                    Error::NotTaken { id, address: at, status, message }
                }
                Rejection::NotUnderstood { malformed, .. } => {
                    Error::Protocol { id, address: at, detail: malformed.to_string() }
                }
                other => Error::Protocol { id, address: at, detail: format!("{other:?}") },
            }),
        }
    }

    fn failed(&self, address: SocketAddr, failure: Failure) -> Error {
        let id = self.id;
        match failure {
            Failure::Connect(source) => Error::Unreachable { id, address, source },
            Failure::ConnectTimeout(after) => Error::TimedOut { id, address, after, sent: false },
            Failure::AnswerTimeout => {
                Error::TimedOut { id, address, after: self.limit, sent: true }
            }
            Failure::Broken(source) => match source.downcast_ref::<hyper::Error>() {
                Some(error) if error.is_parse() => {
                    Error::Protocol { id, address, detail: source.to_string() }
                }
                _ => Error::Interrupted { id, address, source },
            },
            Failure::TooLarge => {
                Error::TooLarge { what: "the answer", limit: Some(self.node.settings.limits.body) }
            }
        }
    }

    /// Whether the device cannot have got the command, or may get it twice, so
    /// that another address may be tried.
    fn is_harmless(&self, error: &Error) -> bool {
        match error {
            _ if self.command == Command::Ping => true,
            Error::Unreachable { .. } | Error::WrongDevice { .. } => true,
            Error::TimedOut { sent, .. } => !sent,
            _ => false,
        }
    }

    fn is_late(&self) -> bool {
        self.deadline <= Instant::now()
    }
}
