//! One connection: requests in, answers out, one after the other.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use easyhttp_proto::exchange::Answer;
use easyhttp_proto::http::{Fault, Incoming, Known, Sizes, head};
use easyhttp_proto::{Malformed, introduction, limits};
use tokio::net::TcpStream;
use tokio::task::yield_now;

use super::connections::{Phase, Place};
use super::gate::{Verdict, no_outbox};
use super::head::{Asked, Heads};
use super::request::execute;
use super::shared::Shared;
use super::socket::Socket;
use super::timed::Timed;
use crate::budget::Share;
use crate::counters::Count;
use crate::node::Node;
use crate::outbox;
use crate::room::Keeper;
use crate::secure::{Signed, answer_of, count_of};
use crate::text::Text;
use crate::workers::{self, Host};

/// How long a connection may take when the device stops to send on what was
/// written last.
const FAREWELL: Duration = Duration::from_millis(250);

/// How long an asker that was refused may go on sending. If the connection were
/// closed at once, the refusal would be lost with what is still on its way
/// (RFC 9112, 9.6).
const LINGER: Duration = Duration::from_secs(1);

/// Answers the requests of one connection.
pub(super) async fn serve(node: Arc<Node>, place: Place, stream: TcpStream, from: SocketAddr) {
    let place = Arc::new(place);
    // Waiting to fill a packet would cost the asker 40 ms.
    let _ = stream.set_nodelay(true);
    let mut serving = pin!(Connection::new(&node, &place, stream, from).serve());
    tokio::select! {
        biased;
        ended = serving.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%from, %error, "a connection ended");
            }
        }
        () = once(|| place.state.is_evicted(), place.state.evicted()) => {}
        () = once(|| node.tasks.is_stopping(), node.tasks.stopping()) => {
            // What is being answered gets its answer, and what was written is
            // sent; an asker that reads nothing is not waited for.
            let grace = match place.state.phase() {
                Phase::Waiting => return,
                Phase::Receiving | Phase::Answering => node.settings.limits.stop,
                Phase::Sending => FAREWELL.min(node.settings.limits.stop),
            };
            let _ = tokio::time::timeout(grace, serving).await;
        }
    }
}

/// Waits for a signal that comes with a flag, which is set before. The signal wakes this
/// task, which stays the same, so it need not be asked again each time that something
/// else does: that would take three locks for each request.
async fn once(has_come: impl Fn() -> bool, signal: impl Future<Output = ()>) {
    let mut signal = pin!(signal);
    let mut is_awaited = false;
    poll_fn(|cx| match std::mem::replace(&mut is_awaited, true) && !has_come() {
        true => Poll::Pending,
        false => signal.as_mut().poll(cx),
    })
    .await;
}

pub(super) struct Connection<'a> {
    pub(super) node: &'a Arc<Node>,
    pub(super) place: &'a Arc<Place>,
    pub(super) stream: Timed<'a>,
    pub(super) from: SocketAddr,
    pub(super) incoming: Incoming,
    /// The last head with a command that anybody may give.
    usual: Known<Asked<'a>>,
    pub(super) heads: Heads,
    /// The memory of a large body, or of a large answer.
    pub(super) share: Share,
    /// Where large answers are written.
    pub(super) room: Keeper,
}

impl<'a> Connection<'a> {
    fn new(
        node: &'a Arc<Node>,
        place: &'a Arc<Place>,
        stream: TcpStream,
        from: SocketAddr,
    ) -> Self {
        let limits = &node.settings.limits;
        let sizes = Sizes { head: limits.header_block, fields: limits.headers };
        let deadline = node.deadlines.after(limits.header_read);
        let stream = Timed::new(Socket::Watched(stream), deadline);
        let (incoming, heads) = (Incoming::new(sizes), Heads::default());
        let (usual, share) = (Known::default(), node.bodies.share());
        let room = Keeper::default();
        Self { node, place, stream, from, incoming, usual, heads, share, room }
    }

    async fn serve(mut self) -> io::Result<()> {
        loop {
            match self.next_head().await? {
                Some(Ok((verdict, asked))) => {
                    self.place.state.enter(Phase::Receiving);
                    let (answer, is_read) = self.answer(verdict, &asked).await?;
                    let is_last = !asked.keeps_alive || self.node.tasks.is_stopping();
                    self.send(&answer, Some(&asked), is_read && !is_last).await?;
                    self.room.keep(answer.body.into_data());
                    if !is_read {
                        let most = match asked.sender.is_stranger() {
                            true => limits::STRANGER,
                            false => limits::DISCARD,
                        };
                        return self.linger(most).await;
                    }
                    if is_last {
                        return Ok(());
                    }
                    if answer.status == 101 {
                        return self.share().await;
                    }
                }
                Some(Err(fault)) => {
                    let refusal = self.refusal(fault);
                    self.send(&refusal, None, false).await?;
                    return self.linger(limits::DISCARD).await;
                }
                None => return Ok(()),
            }
            self.incoming.finish();
            self.share.hold(0);
            self.place.state.enter(Phase::Waiting);
            self.stream.allow(self.node.settings.limits.idle);
        }
    }

    /// Lets many requests share it. From now on it may go on at a worker.
    fn share(self) -> Host {
        let (node, place) = (Arc::clone(self.node), Arc::clone(self.place));
        let Self { stream, from, incoming, heads, share, room, .. } = self;
        let socket = stream.into_socket();
        Host::new(async move {
            let (node, place, usual) = (&node, &place, Known::default());
            let deadline = node.deadlines.after(node.settings.limits.idle);
            let stream = Timed::new(socket, deadline);
            let connection =
                Connection { node, place, stream, from, incoming, usual, heads, share, room };
            Shared::new(connection).serve().await
        })
    }

    /// Waits for the next request. None: there is none any more.
    async fn next_head(&mut self) -> io::Result<Option<Result<(Verdict, Asked<'a>), Fault>>> {
        loop {
            if let Some(head) = self.head_that_arrived().transpose() {
                return Ok(Some(head));
            }
            let is_next = self.incoming.is_empty() && self.place.state.has_completed();
            match self.fill().await {
                // The first head has its time from the connection on, the next ones
                // from their first byte.
                Ok(true) if is_next => self.stream.allow(self.node.settings.limits.header_read),
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(error) => {
                    if error.kind() == ErrorKind::TimedOut {
                        self.too_slow();
                    }
                    return Err(error);
                }
            }
        }
    }

    /// The next request by its head, if that is there.
    pub(super) fn head_that_arrived(&mut self) -> Result<Option<(Verdict, Asked<'a>)>, Fault> {
        if !self.node.is_watched()
            && let Some(asked) = self.incoming.again(&self.usual)
        {
            return Ok(Some((Verdict::Enter(None), asked.again())));
        }
        let Some(head) = self.incoming.request()? else { return Ok(None) };
        let (verdict, asked) = Asked::read(&head, self.node);
        // What is signed, or has a key, is never the same.
        if matches!(verdict, Verdict::Enter(None)) && self.node.secure.is_none() {
            self.incoming.know(&mut self.usual, asked.again());
        }
        Ok(Some((verdict, asked)))
    }

    /// No head came in time.
    pub(super) fn too_slow(&self) {
        match self.incoming.is_empty() {
            true => self.node.counters.add(Count::ConnectionIdle),
            false => self.refuse(Count::HeaderTooSlow),
        }
    }

    /// What a request gets, and whether all of it was read.
    async fn answer(&mut self, verdict: Verdict, asked: &Asked<'_>) -> io::Result<(Answer, bool)> {
        self.stream.allow(self.node.settings.limits.body_read);
        let verdict = match verdict {
            Verdict::Outbox if !self.stream.is_of_this_machine(self.from) => {
                let (count, refusal) = no_outbox();
                Verdict::Refuse(count, refusal)
            }
            verdict => verdict,
        };
        let answer = match verdict {
            Verdict::Enter(_) | Verdict::Outbox => match self.body(asked).await? {
                Ok(()) => {
                    self.place.state.enter(Phase::Answering);
                    let text = match asked.sender.open(self.incoming.body()) {
                        Ok(None) => Text::of_body(&mut self.incoming),
                        Ok(Some(opened)) => String::from_utf8(opened).ok().map(Text::from),
                        Err(refusal) => {
                            self.refuse(count_of(refusal));
                            return Ok((answer_of(refusal), true));
                        }
                    };
                    let answer = match text {
                        Some(text) => {
                            let answer = match verdict {
                                Verdict::Enter(key) => {
                                    execute(self.node, self.from, &asked.sender, key, &text).await
                                }
                                _ => outbox::grant(self.node, &text).await,
                            };
                            if self.share.hold(answer.body.len()) { answer } else { self.busy() }
                        }
                        None => {
                            self.refuse(Count::MessageMalformed);
                            Malformed::NotJson.into()
                        }
                    };
                    return Ok((answer, true));
                }
                // It had its time.
                Err(refusal) if refusal.status == 408 => return Ok((refusal, false)),
                Err(refusal) => refusal,
            },
            Verdict::About => introduction::about(self.node.id),
            Verdict::Introduce => introduction::introduce(&self.node.peers(), self.from.ip()),
            Verdict::Stats if self.stream.is_of_this_machine(self.from) => {
                introduction::stats(&self.node.counters.read())
            }
            Verdict::Stats => {
                self.refuse(Count::StatsRefused);
                Answer::error(403, "only programs of the device's own machine may read this")
            }
            Verdict::Preflight => Answer::empty(204),
            Verdict::Share => Answer::empty(101),
            Verdict::Refuse(count, refusal) => {
                self.refuse(count);
                // It is not worth reading what a stranger sends.
                if asked.sender.is_stranger() {
                    return Ok((refusal, false));
                }
                refusal
            }
        };
        let is_read = self.skip(asked).await?;
        Ok((answer, is_read))
    }

    /// Waits for the body, or says why it is not taken.
    async fn body(&mut self, asked: &Asked<'_>) -> io::Result<Result<(), Answer>> {
        let node = self.node;
        let limits = &node.settings.limits;
        let mut waits = asked.expects_continue;
        loop {
            match self.incoming.read_body(limits.body) {
                Ok(true) => return Ok(Ok(())),
                Ok(false) => {}
                Err(Fault::BodyTooLarge) => {
                    self.refuse(Count::BodyTooLarge);
                    let text = format!("the body is larger than {} bytes", limits.body);
                    return Ok(Err(Answer::error(413, &text)));
                }
                Err(fault) => return Ok(Err(self.refusal(fault))),
            }
            if !self.share.hold(self.incoming.room()) {
                return Ok(Err(self.busy()));
            }
            let filled = tokio::select! {
                biased;
                filled = self.invite(&mut waits) => filled,
                () = node.tasks.stopping() => {
                    return Ok(Err(Answer::error(503, "the device is stopping")));
                }
            };
            match filled {
                Ok(true) => {}
                Ok(false) => return Ok(Err(self.refusal(Fault::Cut))),
                Err(error) if error.kind() == ErrorKind::TimedOut => {
                    self.refuse(Count::BodyTooSlow);
                    let text = format!("the body did not arrive within {:?}", limits.body_read);
                    return Ok(Err(Answer::error(408, &text)));
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Throws away what is left of a body, within limits, so that its sender can
    /// finish, read the answer and use the connection again. Says whether it could.
    async fn skip(&mut self, asked: &Asked<'_>) -> io::Result<bool> {
        let node = self.node;
        let mut waits = asked.expects_continue;
        loop {
            match self.incoming.skip_body(limits::DISCARD) {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                Err(_) => return Ok(false),
            }
            tokio::select! {
                biased;
                filled = self.invite(&mut waits) => match filled {
                    Ok(true) => {}
                    Ok(false) | Err(_) => return Ok(false),
                },
                () = node.tasks.stopping() => return Ok(false),
            }
        }
    }

    /// Reads more of a body, whose sender may wait to be told to send it.
    async fn invite(&mut self, waits: &mut bool) -> io::Result<bool> {
        if std::mem::take(waits) {
            self.stream.write([head::CONTINUE]).await?;
        }
        self.fill().await
    }

    /// Reads what has arrived. False: nothing will any more.
    async fn fill(&mut self) -> io::Result<bool> {
        let count = self.stream.read(self.incoming.space()).await?;
        self.incoming.arrived(count);
        Ok(count > 0)
    }

    async fn send(
        &mut self,
        answer: &Answer,
        asked: Option<&Asked<'_>>,
        keeps_alive: bool,
    ) -> io::Result<()> {
        self.place.state.enter(Phase::Sending);
        self.answered(answer, asked.and_then(|asked| asked.line.as_deref()));
        self.stream.allow(self.node.settings.limits.header_read);
        let memory = memory_of(answer);
        let memory = memory.as_deref();
        let signed = match (&self.node.secure, asked) {
            (Some(secure), Some(asked)) => secure.sign_answer(&asked.sender, answer, memory)?,
            _ => Signed::default(),
        };
        let parts = match &signed.body {
            Some(sealed) => [sealed, &[][..]],
            None => answer.body.parts(),
        };
        let length = parts.iter().map(|part| part.len()).sum();
        let [before, rest] = match asked {
            Some(asked) if asked.is_head => [&[][..]; 2],
            _ => parts,
        };
        let head = self.heads.of(answer, asked, memory, &signed.fields, length, keeps_alive);
        let sent = self.stream.write([head, before, rest]).await;
        if sent.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut) {
            self.refuse(Count::AnswerUnread);
        }
        sent
    }

    /// A request was answered. `line` is its method and path.
    pub(super) fn answered(&self, answer: &Answer, line: Option<&str>) {
        self.place.state.complete();
        self.node.counters.add(Count::RequestAnswered);
        if let Some(line) = line {
            self.node.debug(|| format!("{line} from {}: {}", self.from, answer.status));
        }
    }

    /// Waits until an asker whose request was not read has seen the answer, or has
    /// sent so many bytes more.
    pub(super) async fn linger(mut self, most: usize) -> io::Result<()> {
        self.place.state.enter(Phase::Waiting);
        self.stream.allow(LINGER);
        self.stream.end()?;
        let mut left = most;
        let mut unwanted = [0; 4096];
        while left > 0 {
            let space = unwanted.len().min(left);
            match self.stream.read(&mut unwanted[..space]).await? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
            if workers::is_away() {
                // There, nothing else stops who reads as fast as it arrives.
                yield_now().await;
            }
        }
        Ok(())
    }

    pub(super) fn refuse(&self, count: Count) {
        self.node.counters.refuse(count, self.from);
    }

    /// What those get for whose large body, or answer, there is no memory now.
    pub(super) fn busy(&self) -> Answer {
        self.refuse(Count::BodiesBusy);
        Answer::error(503, "too many large bodies are being read or answered")
    }

    /// What those get who send no HTTP that we take.
    pub(super) fn refusal(&self, fault: Fault) -> Answer {
        self.refuse(fault.into());
        Answer::error(fault.status(), &fault.to_string())
    }
}

/// What an answer says of the device's memory of PUSHes, if it does.
pub(super) fn memory_of(answer: &Answer) -> Option<String> {
    answer.memory.map(|mark| {
        let mut text = String::with_capacity(40);
        mark.write(&mut text);
        text
    })
}
