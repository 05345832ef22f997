//! One command out: to the right device, at whichever of its addresses it
//! answers, within one deadline.

mod reply;
mod stats;

use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use easyhttp_proto::peers::{Address, PeerTable};
use easyhttp_proto::{Command, DeviceId, limits};
use serde::Serialize;
use tokio::time::timeout_at;

use crate::answer::write_json;
use crate::client::{Connect, SLICE};
use crate::error::{Error, Result};
use crate::instant::instant_after;
use crate::node::Node;
use crate::peer::Peer;
use crate::request::Data;

pub use reply::Reply;

impl Node {
    /// Sends a command and reads the answer, whichever it is.
    pub(crate) async fn call(
        self: &Arc<Self>,
        id: DeviceId,
        command: Command,
        data: &impl Serialize,
        face: Face,
        time: Time,
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
        let message =
            self.speaker().message(command, Some(id)).encode_with(|json| write_json(json, data));
        let message = message.map_err(Error::InvalidData)?;
        let most = self.settings.limits.body;
        if message.len() > most {
            return Err(Error::TooLarge { what: "the message", limit: Some(most) });
        }
        let call = Call::new(self, id, command, message, time, face);
        let Ok(_turn) = timeout_at(call.deadline.into(), self.turns.take(id)).await else {
            return Err(self.not_asked(id, call.limit));
        };
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

    /// The time of a call was over before its turn came.
    pub(crate) fn not_asked(&self, id: DeviceId, after: Duration) -> Error {
        match self.addresses(id).first() {
            Some(&address) => Error::TimedOut { id, address, after, sent: false },
            None => self.unknown(id),
        }
    }

    /// How long a call may take, from now on.
    pub(crate) fn usual_time(&self) -> Time {
        Time::of(self.settings.limits.call)
    }

    /// PINGs a device at one address, for our own sake: nobody is told.
    pub(crate) async fn ping_at(
        self: &Arc<Self>,
        id: DeviceId,
        at: SocketAddr,
        limit: Duration,
        purpose: Purpose,
    ) -> Result<()> {
        let (message, time) = (Vec::new(), Time::of(limit));
        let call = Call::new(self, id, Command::Ping, message, time, Face::Asynchronous);
        call.check(at, limit, purpose).await
    }

    pub(crate) async fn ping(
        self: &Arc<Self>,
        id: DeviceId,
        face: Face,
        time: Time,
    ) -> Result<Duration> {
        let reply = self.call(id, Command::Ping, &(), face, time).await?;
        match reply.command {
            Some(Command::Pong) => Ok(reply.took),
            _ => Err(reply.unexpected(id, "PONG")),
        }
    }

    pub(crate) async fn fetch(
        self: &Arc<Self>,
        id: DeviceId,
        query: &impl Serialize,
        face: Face,
        time: Time,
    ) -> Result<Data> {
        let reply = self.call(id, Command::Fetch, query, face, time).await?;
        match reply.command {
            // A device that has nothing to say says that it received the FETCH.
            Some(Command::Data) | None => Ok(reply.data),
            _ => Err(reply.unexpected(id, "DATA")),
        }
    }

    pub(crate) async fn push(
        self: &Arc<Self>,
        id: DeviceId,
        data: &impl Serialize,
        face: Face,
        time: Time,
    ) -> Result<()> {
        let reply = self.call(id, Command::Push, data, face, time).await?;
        match reply.command {
            Some(Command::Ack) => Ok(()),
            Some(Command::Nack) => Err(Error::Refused { id, reason: reply.reason }),
            _ => Err(reply.unexpected(id, "ACK or NACK")),
        }
    }
}

/// What people get to see of an answer: it may have a megabyte, and say what a
/// terminal would obey.
fn shortened(json: &str) -> String {
    const SHOWN: usize = 300;
    let dots = if json.len() > SHOWN { " …" } else { "" };
    json.chars().filter(|c| !c.is_control()).take(SHOWN).collect::<String>() + dots
}

/// How the caller waits for an answer.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Face {
    /// As a task does.
    Asynchronous,
    /// On a thread that has nothing else to do: it may block in system calls.
    Blocking,
}

/// When a call ends at the latest.
#[derive(Clone, Copy)]
pub(crate) struct Time {
    /// How long it may take. Errors name it.
    pub(crate) limit: Duration,
    pub(crate) deadline: Instant,
}

impl Time {
    /// So long from now.
    pub(crate) fn of(limit: Duration) -> Self {
        Self { limit, deadline: instant_after(limit) }
    }
}

/// Why a request is made, and so who learns what came of it.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    /// The user wants it: the handlers for PONG and DATA, and the peer table.
    Command,
    /// A PING to see whether the device is there: the peer table.
    Check,
    /// A PING on a connection of its own: one that was kept may give no answer,
    /// or be answered by a device that is just stopping. The peer table.
    Doubt,
    /// A PING to compare two addresses: only whoever compares.
    Probe,
}

/// One call on its way.
struct Call<'a> {
    node: &'a Arc<Node>,
    id: DeviceId,
    command: Command,
    /// As it goes out, wherever it goes.
    message: Vec<u8>,
    face: Face,
    /// How long all of it may take, and from when until when.
    limit: Duration,
    begun: Instant,
    deadline: Instant,
}

impl<'a> Call<'a> {
    fn new(
        node: &'a Arc<Node>,
        id: DeviceId,
        command: Command,
        message: Vec<u8>,
        time: Time,
        face: Face,
    ) -> Self {
        let (Time { limit, deadline }, begun) = (time, Instant::now());
        Self { node, id, command, message, face, limit, begun, deadline }
    }

    async fn run(&self) -> Result<Reply> {
        let addresses = self.addresses().await?;
        match self.ask(&addresses).await {
            // Nobody was reached, perhaps because packets were lost.
            Err(Error::TimedOut { sent: false, .. }) if !self.is_late() => {
                self.ask(&addresses).await
            }
            done => done,
        }
    }

    /// Sends the command to the first of these addresses, and to the others if
    /// it is of no use. What is rare is boxed: each call would be twice as large.
    async fn ask(&self, addresses: &[Address]) -> Result<Reply> {
        let [Address { at, verified, .. }, others @ ..] = addresses else {
            return Err(self.node.unknown(self.id));
        };
        let limit = self.share(addresses.len());
        let is_sure = *verified || self.command == Command::Ping;
        let checked = match is_sure {
            true => Ok(()),
            false => Box::pin(self.check(*at, limit, Purpose::Check)).await,
        };
        if let Err(error) = checked {
            return self.ask_others(others, error).await;
        }
        let deadline = match self.command {
            Command::Ping if !others.is_empty() => self.soon(limit),
            Command::Fetch if !others.is_empty() => self.soon(limits::DOUBT),
            _ => self.deadline,
        };
        let connect = self.connect(limit, deadline);
        let mut reply = pin!(self.exchange(*at, &self.message, connect, Purpose::Command));
        let reply = match timeout_at(deadline.into(), &mut reply).await {
            Ok(reply) => reply,
            Err(_) if self.command == Command::Fetch && !self.is_late() => {
                return Box::pin(self.doubt(*at, reply, others)).await;
            }
            Err(_) => self.timed_out(*at, Purpose::Command),
        };
        match reply {
            Err(error) if self.is_harmless(&error) => self.ask_others(others, error).await,
            done => done,
        }
    }

    /// Goes on to other addresses after this error, if there are any.
    async fn ask_others(&self, others: &[Address], error: Error) -> Result<Reply> {
        if others.is_empty() || self.is_late() {
            return Err(error);
        }
        let reply = Box::pin(self.ask(others)).await;
        match (&reply, &error) {
            // Where nobody answered the device may be, unlike elsewhere.
            (Err(later), Error::TimedOut { sent: false, .. }) if self.is_harmless(later) => {
                Err(error)
            }
            _ => reply,
        }
    }

    /// Waits on for the answer to a FETCH that takes long. A slow handler is not
    /// a dead address: a PING tells one from the other. Only if it is dead,
    /// others are asked as well, and whichever answers first is believed.
    async fn doubt(
        &self,
        at: SocketAddr,
        mut reply: Pin<&mut impl Future<Output = Result<Reply>>>,
        others: &[Address],
    ) -> Result<Reply> {
        let is_alive = tokio::select! {
            biased;
            reply = &mut reply => return reply,
            checked = self.check(at, limits::DOUBT, Purpose::Doubt) => checked.is_ok(),
        };
        let answer = async {
            if is_alive {
                return reply.await;
            }
            tokio::select! {
                biased;
                Some(answer) = self.answer(reply) => answer,
                Some(answer) = self.answer(Box::pin(self.ask(others))) => answer,
                else => self.timed_out(at, Purpose::Command),
            }
        };
        let answer = timeout_at(self.deadline.into(), answer).await;
        answer.unwrap_or_else(|_| self.timed_out(at, Purpose::Command))
    }

    /// What comes of a request, unless another address may do better.
    async fn answer(&self, reply: impl Future<Output = Result<Reply>>) -> Option<Result<Reply>> {
        Some(reply.await)
            .filter(|reply| !reply.as_ref().is_err_and(|error| self.is_harmless(error)))
    }

    /// How the command may get a connection, and block on it, if it has time until
    /// this deadline.
    fn connect(&self, limit: Duration, deadline: Instant) -> Connect {
        let is_repeatable = matches!(self.command, Command::Ping | Command::Fetch);
        // Not beyond the first slice: then there may be more to wait for.
        let last = deadline.checked_sub(SLICE).map(|last| last.min(self.begun + SLICE));
        let blocks_until = last.filter(|_| self.face == Face::Blocking);
        Connect { begun: Instant::now(), limit, anew: false, is_repeatable, blocks_until }
    }

    /// In so long from now, or when all of the time is over.
    fn soon(&self, span: Duration) -> Instant {
        self.deadline.min(instant_after(span))
    }

    /// How long one of so many addresses may take to connect, so that there is
    /// time for each.
    fn share(&self, addresses: usize) -> Duration {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let share = left / u32::try_from(addresses).unwrap_or(u32::MAX).max(1);
        // Errors may name it: in whole milliseconds.
        let share = Duration::from_millis(
            u64::try_from(share.as_millis()).map_or(u64::MAX, |share| share + 1),
        );
        self.node.settings.limits.connect.min(share)
    }

    /// Whether the device cannot have got the command, or may get it twice, so
    /// that another address may be tried.
    fn is_harmless(&self, error: &Error) -> bool {
        match error {
            _ if self.command == Command::Ping => true,
            Error::Unreachable { .. } | Error::WrongDevice { .. } => true,
            Error::TimedOut { sent, .. } => !sent || self.command == Command::Fetch,
            Error::Interrupted { .. } => self.command == Command::Fetch,
            _ => false,
        }
    }

    /// Where the device may be, the best address first.
    async fn addresses(&self) -> Result<Vec<Address>> {
        if let Some(known) = self.known()? {
            return Ok(known);
        }
        self.node.find(self.id, self.node.first_wait()).await?;
        Ok(self.known()?.unwrap_or_default())
    }

    fn known(&self) -> Result<Option<Vec<Address>>> {
        let peers = self.node.peers();
        let Some(peer) = peers.get(self.id) else { return Ok(None) };
        match peer.ambiguous(self.begun - self.node.started) {
            Some(twins) => Err(Error::Ambiguous { id: self.id, addresses: twins.to_vec() }),
            None => Ok(Some(peer.addresses().to_vec())),
        }
    }

    /// PINGs an address that only claims to be the device's: a command may not
    /// reach a wrong device.
    async fn check(&self, at: SocketAddr, limit: Duration, purpose: Purpose) -> Result<()> {
        let limit = limit.min(self.node.settings.limits.connect);
        let ping = self.node.speaker().message(Command::Ping, Some(self.id)).encode();
        // Where nobody answers, time is left for the next address.
        let deadline = self.soon(limit);
        let anew = purpose == Purpose::Doubt;
        let connect = Connect { anew, is_repeatable: true, ..self.connect(limit, deadline) };
        let pong = self.exchange(at, &ping, connect, purpose);
        let pong = timeout_at(deadline.into(), pong).await;
        match pong.unwrap_or_else(|_| self.timed_out(at, purpose)) {
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

    /// One request and its answer, however long it takes once there is a
    /// connection.
    async fn exchange(
        &self,
        at: SocketAddr,
        message: &[u8],
        connect: Connect,
        purpose: Purpose,
    ) -> Result<Reply> {
        let Node { client, tasks, .. } = &**self.node;
        let reply = match client.post(tasks, at, message, connect).await {
            Ok(answer) => self.read(at, answer, connect.begun, purpose),
            Err(failure) => Err(self.failed(at, failure)),
        };
        self.note(at, &reply, purpose);
        reply
    }

    /// No answer came in time.
    fn timed_out(&self, at: SocketAddr, purpose: Purpose) -> Result<Reply> {
        let (id, after) = (self.id, self.limit);
        let reply = Err(Error::TimedOut { id, address: at, after, sent: true });
        self.note(at, &reply, purpose);
        reply
    }

    /// Notes in the peer table what a reply says about the address.
    fn note(&self, at: SocketAddr, reply: &Result<Reply>, purpose: Purpose) {
        if purpose == Purpose::Probe {
            return;
        }
        let is_wrong = matches!(reply, Err(Error::WrongDevice { .. }));
        let has_discovery = is_wrong && self.node.has_discovery();
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

    fn is_late(&self) -> bool {
        self.deadline <= Instant::now()
    }
}
