//! A connection that many requests share: they are answered in the order in which their
//! answers are ready.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use easyhttp_proto::exchange::Answer;
use easyhttp_proto::http::Fault;
use easyhttp_proto::http::shared::{ROOM, number_line};
use easyhttp_proto::{Malformed, limits};
use futures_core::Stream;
use futures_util::stream::FuturesUnordered;
use tokio::task::{coop, yield_now};

use super::connection::{Connection, memory_of};
use super::connections::Phase;
use super::gate::Verdict;
use super::request::execute;
use crate::counters::Count;
use crate::handler::BoxFuture;
use crate::secure::Sender;
use crate::text::Text;
use crate::workers;

/// After so many requests their answers go out, even if there are more, so that both ends
/// work at the same time. With 16 callers that gives 120,000 calls a second, and 80,000 if
/// all of them are answered together.
const BATCH: usize = 4;

/// With so many bytes to send no more is read.
const FULL: usize = 64 * 1024;

/// A connection that is shared.
pub(super) struct Shared<'a> {
    connection: Connection<'a>,
    /// The number of the request that is being read, and what its head says.
    number: Option<u32>,
    head: Option<Head>,
    /// Requests that wait for their handlers.
    waiting: FuturesUnordered<BoxFuture<Answered>>,
    /// Answers, and how much of them was sent.
    outgoing: Vec<u8>,
    sent: usize,
    /// How many there were.
    answered: u64,
    /// Whether the peer has ended.
    has_ended: bool,
}

struct Head {
    verdict: Verdict,
    /// Method and path, for those who want to see them.
    line: Option<String>,
}

/// An answer, and to what.
struct Answered {
    number: u32,
    line: Option<String>,
    answer: Answer,
}

impl<'a> Shared<'a> {
    pub(super) fn new(mut connection: Connection<'a>) -> Self {
        connection.incoming.finish();
        connection.incoming.move_to(vec![0; ROOM]);
        connection.node.counters.add(Count::ConnectionShared);
        let (number, head, waiting) = (None, None, FuturesUnordered::new());
        let (outgoing, sent, answered, has_ended) = (Vec::new(), 0, 0, false);
        Self { connection, number, head, waiting, outgoing, sent, answered, has_ended }
    }

    pub(super) async fn serve(mut self) -> io::Result<()> {
        let mut last = None;
        loop {
            let taken = match self.take().await {
                Ok(taken) => taken,
                Err(fault) => return self.refuse(fault).await,
            };
            let is_partial = self.number.is_some() || !self.connection.incoming.is_empty();
            let limits = &self.connection.node.settings.limits;
            // No byte of a request moves the deadline, only all of it does.
            let now = Some((self.answered, is_partial, self.is_sending()));
            if std::mem::replace(&mut last, now) != now {
                self.connection.stream.allow(match is_partial || self.is_sending() {
                    true => limits.header_read,
                    false => limits.idle,
                });
            }
            self.connection.place.state.enter(match () {
                () if !self.waiting.is_empty() => Phase::Answering,
                () if is_partial && !self.is_sending() => Phase::Receiving,
                // Also if nothing is under way: a request may arrive at a worker while the
                // device stops, and what is being sent has time to go out.
                () => Phase::Sending,
            });
            if taken > 0 && workers::is_away() {
                // The worker runs the handlers of these before it goes on here.
                yield_now().await;
            }
            let has_moved = poll_fn(|cx| self.poll(cx, taken == BATCH)).await;
            match has_moved {
                Ok(true) => {}
                Ok(false) => return Ok(()),
                Err(error) => {
                    if error.kind() == ErrorKind::TimedOut && self.is_sending() {
                        self.connection.refuse(Count::AnswerUnread);
                    } else if error.kind() == ErrorKind::TimedOut {
                        self.connection.too_slow();
                    }
                    return Err(error);
                }
            }
        }
    }

    fn is_sending(&self) -> bool {
        self.sent < self.outgoing.len()
    }

    /// Takes requests that have arrived, and says how many.
    async fn take(&mut self) -> Result<usize, Fault> {
        let mut taken = 0;
        while taken < BATCH
            && self.waiting.len() < limits::CALLS
            && self.outgoing.len() < FULL
            && let Some(number) = self.next()?
        {
            taken += 1;
            self.answer(number).await;
            self.connection.incoming.finish();
            // A device does other things as well.
            coop::consume_budget().await;
        }
        Ok(taken)
    }

    /// The number of the next request, once all of it is there.
    fn next(&mut self) -> Result<Option<u32>, Fault> {
        let incoming = &mut self.connection.incoming;
        if self.number.is_none() {
            self.number = incoming.number()?;
        }
        if self.number.is_some() && self.head.is_none() {
            let head = self.connection.head_that_arrived()?;
            self.head = head.map(|(verdict, asked)| Head { verdict, line: asked.line });
        }
        let is_whole =
            self.head.is_some() && self.connection.incoming.read_body(limits::SMALL_BODY)?;
        Ok(if is_whole { self.number.take() } else { None })
    }

    /// Answers the request that is there; later, if its handler waits for something.
    async fn answer(&mut self, number: u32) {
        let Some(Head { verdict, line }) = self.head.take() else { return };
        let key = match verdict {
            Verdict::Enter(key) => key,
            Verdict::Refuse(count, answer) => {
                self.connection.refuse(count);
                return self.put(Answered { number, line, answer });
            }
            _ => {
                let answer = Answer::error(400, "a connection that is shared is for commands");
                return self.put(Answered { number, line, answer });
            }
        };
        let Some(text) = Text::of_body(&mut self.connection.incoming) else {
            self.connection.refuse(Count::MessageMalformed);
            return self.put(Answered { number, line, answer: Malformed::NotJson.into() });
        };
        let (node, from) = (Arc::clone(self.connection.node), self.connection.from);
        let mut answer: BoxFuture<Answered> = Box::pin(async move {
            let answer = execute(&node, from, &Sender::Anybody, key, &text).await;
            Answered { number, line, answer }
        });
        match poll_fn(|cx| Poll::Ready(answer.as_mut().poll(cx))).await {
            Poll::Ready(answered) => self.put(answered),
            Poll::Pending => self.waiting.push(answer),
        }
    }

    /// Puts an answer to those that are sent.
    fn put(&mut self, Answered { number, line, answer }: Answered) {
        self.answered += 1;
        let connection = &mut self.connection;
        let held = self.outgoing.len() + answer.body.len();
        // What came of a PUSH is told in any case.
        let is_told = connection.share.hold(held) || answer.memory.is_some();
        let answer = if is_told { answer } else { connection.busy() };
        connection.answered(&answer, line.as_deref());
        let memory = memory_of(&answer);
        let length = answer.body.len();
        let head = connection.heads.of(&answer, None, memory.as_deref(), "", length, true);
        self.outgoing.extend_from_slice(&number_line(number));
        self.outgoing.extend_from_slice(head);
        for part in answer.body.parts() {
            self.outgoing.extend_from_slice(part);
        }
        self.connection.room.keep(answer.body.into_data());
    }

    /// Does what can be done now, and waits if that is nothing. False: nothing will happen
    /// any more. `has_more`: more has arrived than was taken.
    fn poll(&mut self, cx: &mut Context<'_>, has_more: bool) -> Poll<io::Result<bool>> {
        let mut has_moved = has_more;
        while let Poll::Ready(Some(answered)) = Pin::new(&mut self.waiting).poll_next(cx) {
            self.put(answered);
            has_moved = true;
        }
        has_moved |= self.send(cx)?;
        if !has_more {
            has_moved |= self.receive(cx)?;
        }
        if has_moved {
            return Poll::Ready(Ok(true));
        }
        if !self.waiting.is_empty() {
            return Poll::Pending;
        }
        let Connection { stream, node, .. } = &mut self.connection;
        if self.outgoing.is_empty() && (self.has_ended || node.tasks.is_stopping()) {
            return Poll::Ready(Ok(false));
        }
        stream.poll_late(cx)
    }

    /// Sends what it can, and says whether that was the last of it.
    fn send(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let Connection { stream, share, .. } = &mut self.connection;
        while self.sent < self.outgoing.len()
            && let Poll::Ready(count) = stream.poll_write(cx, &self.outgoing[self.sent..])
        {
            self.sent += match count? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => count,
            };
        }
        let is_all = self.sent > 0 && self.sent == self.outgoing.len();
        if is_all {
            self.outgoing.clear();
            // That of large answers is not kept.
            self.outgoing.shrink_to(FULL);
            self.sent = 0;
            share.hold(0);
        }
        Ok(is_all)
    }

    /// Reads what has arrived, and says whether that was anything, or the end.
    fn receive(&mut self, cx: &mut Context<'_>) -> io::Result<bool> {
        let Connection { stream, incoming, .. } = &mut self.connection;
        if self.has_ended || self.waiting.len() >= limits::CALLS || self.outgoing.len() >= FULL {
            return Ok(false);
        }
        let Poll::Ready(count) = stream.poll_read(cx, incoming.space())? else { return Ok(false) };
        incoming.arrived(count);
        self.has_ended = count == 0;
        Ok(true)
    }

    /// Ends a connection on which something came that is no request, once what was asked
    /// before is answered.
    async fn refuse(mut self, fault: Fault) -> io::Result<()> {
        while let Some(answered) = poll_fn(|cx| Pin::new(&mut self.waiting).poll_next(cx)).await {
            self.put(answered);
        }
        let answer = self.connection.refusal(fault);
        if let Some(number) = self.number.take() {
            self.put(Answered { number, line: None, answer });
        }
        let unsent = &self.outgoing[self.sent..];
        self.connection.stream.write([unsent]).await?;
        self.connection.linger(limits::DISCARD).await
    }
}
