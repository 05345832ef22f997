//! One command out: to the right device, at whichever of its addresses it
//! answers, within one deadline.

mod again;
mod commands;
mod exchange;
mod reply;
mod stats;

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use easyhttp_proto::peers::Address;
use easyhttp_proto::retry;
use easyhttp_proto::{Command, DeviceId, limits};
use serde::Serialize;
use tokio::time::timeout_at;

use crate::answer::write_json;
use crate::error::{Delivery, Error, Result};
use crate::instant::instant_after;
use crate::lock::lock;
use crate::node::Node;

use again::Sent;

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
        self.call_with(id, command, data, face, time, Sent::default()).await
    }

    /// The same, for a PUSH of which something has come already.
    async fn call_with(
        self: &Arc<Self>,
        id: DeviceId,
        command: Command,
        data: &impl Serialize,
        face: Face,
        time: Time,
        sent: Sent,
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
            return Err(Error::TooLarge { limit: Some(most) });
        }
        let Some(turn) = self.turns.take(id, time.deadline).await else {
            return Err(self.not_asked(id, time.limit));
        };
        let call = Call::new(self, id, command, message, time, face);
        let call = Call { sent: Mutex::new(sent), is_in_crowd: turn.is_in_crowd(), ..call };
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

/// Where a device may be, the best address first. Mostly there is no other one.
struct Places {
    first: Address,
    others: Vec<Address>,
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
    /// Whether the device is asked much else at the same time.
    is_in_crowd: bool,
    /// If it is a PUSH.
    sent: Mutex<Sent>,
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
        let (is_in_crowd, sent) = (false, Mutex::default());
        Self { node, id, command, message, face, limit, begun, deadline, is_in_crowd, sent }
    }

    async fn run(&self) -> Result<Reply> {
        let places = self.places().await?;
        if self.command == Command::Push {
            lock(&self.node.retries).earn();
        }
        match self.attempt(&places).await {
            Err(error) if self.command == Command::Push => Box::pin(self.again(error)).await,
            // Nobody was reached, perhaps because packets were lost.
            Err(Error::TimedOut { sent: false, .. }) if !self.is_late() => {
                self.attempt(&places).await
            }
            done => done,
        }
    }

    async fn attempt(&self, places: &Places) -> Result<Reply> {
        let reply = self.ask(&places.first, &places.others).await;
        if let Err(Error::Unreachable { .. } | Error::TimedOut { .. } | Error::Interrupted { .. }) =
            &reply
        {
            self.node.peers().was_not_reached(self.id);
        }
        reply
    }

    /// Sends the command to the first of these addresses, and to the others if
    /// it is of no use. What is rare is boxed: each call would be twice as large.
    async fn ask(&self, first: &Address, others: &[Address]) -> Result<Reply> {
        let Address { at, verified, .. } = first;
        let now = Instant::now();
        let limit = self.share(now, 1 + others.len());
        let is_sure = self.command == Command::Ping || (*verified && !self.is_untold());
        let mut begun = now;
        if !is_sure {
            if let Err(error) = Box::pin(self.check(*at, limit, Purpose::Check)).await {
                return self.ask_others(others, error).await;
            }
            begun = Instant::now();
        }
        let key = self.key(*at)?;
        let deadline = match self.command {
            Command::Ping if !others.is_empty() => self.soon(limit),
            Command::Fetch if !others.is_empty() => self.soon(limits::DOUBT),
            Command::Push if key.is_some() => self.soon(retry::attempt(self.left())),
            _ => self.deadline,
        };
        let has_left = AtomicBool::new(false);
        let connect = self.connect(begun, limit, deadline, &has_left);
        let asked = self.exchange(*at, &self.message, key.as_ref(), connect, Purpose::Command);
        let mut reply = pin!(asked);
        let reply = match timeout_at(deadline.into(), &mut reply).await {
            Ok(reply) => reply,
            Err(_) if self.command == Command::Fetch && !self.is_late() => {
                return Box::pin(self.doubt(*at, reply, others)).await;
            }
            Err(_) if key.is_some() && !self.is_late() => {
                return Box::pin(self.insist(*at, reply, &has_left)).await;
            }
            Err(_) => self.timed_out(*at, has_left.load(Ordering::Relaxed), Purpose::Command),
        };
        match reply {
            Err(error) if self.is_harmless(&error) => self.ask_others(others, error).await,
            done => done,
        }
    }

    /// Goes on to other addresses after this error, if there are any.
    async fn ask_others(&self, others: &[Address], error: Error) -> Result<Reply> {
        let [next, others @ ..] = others else { return Err(error) };
        if self.is_late() {
            return Err(error);
        }
        let reply = Box::pin(self.ask(next, others)).await;
        match (&reply, &error) {
            // Where nobody answered the device may be, unlike elsewhere.
            (Err(later), Error::TimedOut { sent: false, .. })
                if self.is_harmless(later) && later.delivery() != Delivery::Unknown =>
            {
                Err(error)
            }
            // What was sent to one address was sent, wherever else it was not.
            (Err(later), first) if self.hides(later, first) => Err(error),
            _ => reply,
        }
    }

    /// Whether what is known of the command by the later of two errors would be wrong
    /// because of the first.
    fn hides(&self, later: &Error, first: &Error) -> bool {
        match (first.delivery(), later.delivery()) {
            (Delivery::Refused | Delivery::Unknown, Delivery::NotSent) => true,
            (Delivery::Unknown, Delivery::Refused) => !self.is_repeatable(),
            _ => false,
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
            let elsewhere = async {
                let [next, others @ ..] = others else { return None };
                self.answer(Box::pin(self.ask(next, others))).await
            };
            tokio::select! {
                biased;
                Some(answer) = self.answer(reply) => answer,
                Some(answer) = elsewhere => answer,
                else => self.timed_out(at, true, Purpose::Command),
            }
        };
        let answer = timeout_at(self.deadline.into(), answer).await;
        answer.unwrap_or_else(|_| self.timed_out(at, true, Purpose::Command))
    }

    /// What comes of a request, unless another address may do better.
    async fn answer(&self, reply: impl Future<Output = Result<Reply>>) -> Option<Result<Reply>> {
        Some(reply.await)
            .filter(|reply| !reply.as_ref().is_err_and(|error| self.is_harmless(error)))
    }

    /// Whether it does no harm if the device gets it twice.
    fn is_repeatable(&self) -> bool {
        matches!(self.command, Command::Ping | Command::Fetch)
    }

    /// In so long from now, or when all of the time is over.
    fn soon(&self, span: Duration) -> Instant {
        self.deadline.min(instant_after(span))
    }

    fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// How long one of so many addresses may take to connect, so that there is
    /// time for each.
    fn share(&self, now: Instant, addresses: usize) -> Duration {
        let left = self.deadline.saturating_duration_since(now);
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

    /// Where the device may be.
    async fn places(&self) -> Result<Places> {
        if let Some(places) = self.known()? {
            return Ok(places);
        }
        self.node.find(self.id, self.node.first_wait()).await?;
        self.known()?.ok_or_else(|| self.node.unknown(self.id))
    }

    fn known(&self) -> Result<Option<Places>> {
        let peers = self.node.peers();
        let Some(peer) = peers.get(self.id) else { return Ok(None) };
        if let Some(twins) = peer.ambiguous(self.begun - self.node.started) {
            return Err(Error::Ambiguous { id: self.id, addresses: twins.to_vec() });
        }
        let [first, others @ ..] = peer.addresses() else { return Ok(None) };
        Ok(Some(Places { first: *first, others: others.to_vec() }))
    }

    fn is_late(&self) -> bool {
        self.deadline <= Instant::now()
    }
}
