//! One connection to a peer, and an exchange on it: a request out, its answer in.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use easyhttp_proto::http::{Fault, head};
use easyhttp_proto::pushes::{KEY_HEADER, PushKey};
use tokio::net::TcpStream;

use super::answers::{Answers, Room, Whole};
use super::socket::Socket;
use super::{Answer, Failure};
use crate::deadline::Deadlines;
use crate::secure::{Outgoing, Worth};

/// How much of a message goes out in one write with its head, in bytes. So much
/// is copied in no time.
const FIRST: usize = 16 * 1024;

/// What is asked of a peer.
#[derive(Clone, Copy)]
pub(super) enum Request<'a> {
    /// To take this message, once if there is a key.
    Post(&'a [u8], Option<&'a KeyLine>),
    /// To give what is at this path.
    Get(&'a str),
}

/// The line of a head that has the key of a PUSH.
pub(super) struct KeyLine(String);

impl KeyLine {
    pub(super) fn new(key: &PushKey) -> Self {
        let mut line = String::with_capacity(96);
        line.push_str(KEY_HEADER);
        line.push_str(": ");
        key.write(&mut line);
        line.push_str("\r\n");
        Self(line)
    }

    pub(super) fn line(&self) -> &str {
        &self.0
    }

    /// What stands behind the name.
    pub(super) fn value(&self) -> &str {
        self.0[KEY_HEADER.len() + 1..].trim_ascii()
    }
}

/// A connection to a peer.
pub(super) struct Connection {
    socket: Socket,
    answers: Answers,
    outgoing: Vec<u8>,
    /// What the peer is called.
    host: String,
    /// What all messages on it begin with.
    head: head::Alike,
    /// Whether it can be used for another exchange.
    is_fit: bool,
    /// When its last answer came.
    pub(super) used: Instant,
}

/// Why there is no answer, and how far the exchange came.
pub(super) struct Broken {
    pub(super) failure: Failure,
    pub(super) stage: Stage,
}

#[derive(PartialEq)]
pub(super) enum Stage {
    /// Not one byte was sent.
    Unsent,
    /// The connection ended, and not one byte of an answer came.
    Unanswered,
    /// Anything else.
    Answered,
}

impl Broken {
    pub(super) fn is_unsent(&self) -> bool {
        self.stage == Stage::Unsent
    }

    /// Whether the request may be sent on another connection.
    pub(super) fn may_go_again(&self, is_repeatable: bool) -> bool {
        match self.stage {
            Stage::Unsent => true,
            Stage::Unanswered => is_repeatable,
            Stage::Answered => false,
        }
    }
}

impl Connection {
    pub(super) async fn open(
        at: SocketAddr,
        limit: Duration,
        deadlines: &Deadlines,
    ) -> Result<Box<Self>, Failure> {
        let stream = deadlines
            .within(limit, connect(at))
            .await
            .ok_or(Failure::ConnectTimeout(limit))?
            .map_err(Failure::Unsent)?;
        let host = host_of(at);
        Ok(Box::new(Self {
            socket: Socket::new(stream),
            answers: Answers::new(),
            outgoing: Vec::new(),
            head: head::Alike::posts(&host),
            host,
            is_fit: true,
            used: Instant::now(),
        }))
    }

    /// Whether it is still open, and nothing came that nobody asked for. `looks`:
    /// certainly so, at this moment.
    pub(super) fn is_open(&mut self, looks: bool) -> bool {
        self.socket.is_silent(looks)
    }

    /// Whether another exchange may follow the last one.
    pub(super) fn is_fit(&self) -> bool {
        self.is_fit
    }

    /// Sends a request, and reads its answer. `has_left` is set as soon as a byte of
    /// the request has left us.
    pub(super) async fn exchange(
        &mut self,
        request: Request<'_>,
        proof: Option<&Outgoing<'_>>,
        room: Room<'_>,
        blocks_until: Option<Instant>,
        has_left: &AtomicBool,
    ) -> Result<(Answer, Worth), Broken> {
        let broken = |failure, stage| Broken { failure, stage };
        self.is_fit = false;
        let sent = match self.socket.may_block(blocks_until) {
            Ok(()) => self.send(request, proof, has_left).await,
            Err(error) => Err((error, 0)),
        };
        if let Err((error, 0)) = sent {
            return Err(broken(Failure::Unsent(error), Stage::Unsent));
        }
        // Who does not want all of a request may say why before it closes.
        let answer = self.receive(proof, room).await;
        self.is_fit &= matches!(sent, Ok(true));
        answer.map_err(|failure| {
            let has_ended = matches!(failure, Failure::Broken(_) | Failure::Fault(Fault::Cut));
            let stage = match has_ended && self.answers.incoming.is_empty() {
                true => Stage::Unanswered,
                false => Stage::Answered,
            };
            broken(sent.err().map_or(failure, |(error, _)| Failure::Broken(error)), stage)
        })
    }

    /// Says whether all of it was sent: not if the peer answers before it has read
    /// it. With an error comes how many bytes were sent before.
    async fn send(
        &mut self,
        request: Request<'_>,
        proof: Option<&Outgoing<'_>>,
        has_left: &AtomicBool,
    ) -> Result<bool, (io::Error, usize)> {
        self.outgoing.clear();
        let rest = match request {
            Request::Post(message, key) => {
                let (message, fields) = match (proof, key) {
                    (Some(proof), _) => (proof.body(), proof.fields()),
                    (None, Some(key)) => (message, key.line()),
                    (None, None) => (message, ""),
                };
                let (first, rest) = message.split_at(message.len().min(FIRST));
                self.outgoing.extend_from_slice(self.head.of_length(message.len(), fields));
                self.outgoing.extend_from_slice(first);
                rest
            }
            Request::Get(path) => {
                // What is signed is of a type, also where there is nothing.
                let typed = |proof: &Outgoing<'_>| {
                    format!("content-type: application/json\r\n{}", proof.fields())
                };
                let fields = proof.map(typed).unwrap_or_default();
                self.outgoing.extend_from_slice(head::get(path, &self.host, &fields).as_bytes());
                &[]
            }
        };
        let mut sent = 0;
        for mut part in [&*self.outgoing, rest] {
            while !part.is_empty() {
                match self.socket.write(part).await {
                    Ok(0) => return Ok(false),
                    Ok(count) => {
                        has_left.store(true, Ordering::Relaxed);
                        sent += count;
                        part = &part[count..];
                    }
                    Err(error) => return Err((error, sent)),
                }
            }
        }
        Ok(true)
    }

    async fn receive(
        &mut self,
        proof: Option<&Outgoing<'_>>,
        room: Room<'_>,
    ) -> Result<(Answer, Worth), Failure> {
        loop {
            if let Some(Whole { answer, worth, keeps_alive }) = self.answers.next(proof, room)? {
                // What stands behind an answer is not the answer to anything.
                self.is_fit = keeps_alive && self.answers.incoming.is_empty();
                return Ok((answer, worth));
            }
            self.read_on().await?;
        }
    }

    async fn read_on(&mut self) -> Result<(), Failure> {
        let incoming = &mut self.answers.incoming;
        match self.socket.read(incoming.space()).await {
            // A body may end so.
            Ok(0) => incoming.end().map_err(Failure::Fault),
            Ok(count) => {
                incoming.arrived(count);
                Ok(())
            }
            Err(error) => Err(Failure::Broken(error)),
        }
    }
}

pub(super) async fn connect(at: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(at).await?;
    // Head and message go out in one write; waiting for more would cost 40 ms.
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// What the peer at an address is called: without the scope of a link-local address, which
/// is ours alone (RFC 6874, 1).
pub(super) fn host_of(at: SocketAddr) -> String {
    SocketAddr::new(at.ip(), at.port()).to_string()
}
