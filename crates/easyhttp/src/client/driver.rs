//! What writes the requests of a connection that is [shared](super::shared), and reads their
//! answers: a task for each.

use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use easyhttp_proto::http::shared::{ASKS_TO_SHARE, ROOM, SHARED_PATH};
use easyhttp_proto::http::{Fault, head};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

use super::answers::{Answers, Room};
use super::connection::{connect, host_of};
use super::shared::Shared;
use super::{Failure, Idle};

/// What driving one needs to know.
pub(super) struct Terms {
    /// How long opening it may take.
    pub(super) connect: Duration,
    /// For how long it is kept without a call.
    pub(super) keep: Duration,
    /// How many bytes the body of an answer may have.
    pub(super) body: usize,
    pub(super) idle: Arc<Mutex<Idle>>,
}

/// Opens a connection to an address, and serves the calls that share it until none come any
/// more.
pub(super) async fn drive(shared: Arc<Shared>, at: SocketAddr, terms: Terms) {
    let mut opening = pin!(timeout(terms.connect, open(at)));
    let opened = poll_fn(|cx| match shared.is_over(cx) {
        true => Poll::Ready(None),
        false => opening.as_mut().poll(cx).map(|opened| opened.ok().flatten()),
    });
    let opened = opened.await;
    if shared.open(opened.is_some())
        && let Some((stream, answers)) = opened
    {
        Driver::new(shared, stream, answers, terms).run().await;
    }
}

/// Asks the device at an address to share a connection. None: it does not.
async fn open(at: SocketAddr) -> Option<(TcpStream, Answers)> {
    let mut stream = connect(at).await.ok()?;
    let request = head::get(SHARED_PATH, &host_of(at), ASKS_TO_SHARE);
    let mut answers = Answers::new();
    answers.incoming.move_to(vec![0; ROOM]);
    let mut unsent = request.as_bytes();
    while !unsent.is_empty() {
        let sent = poll_fn(|cx| Pin::new(&mut stream).poll_write(cx, unsent)).await.ok()?;
        unsent = &unsent[sent..];
    }
    loop {
        match answers.incoming.shares().ok()? {
            Some(true) => return Some((stream, answers)),
            Some(false) => return None,
            None => {
                if poll_fn(|cx| poll_read(&mut stream, &mut answers, cx)).await.ok()? == 0 {
                    return None;
                }
            }
        }
    }
}

fn poll_read(
    stream: &mut TcpStream,
    answers: &mut Answers,
    cx: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    let mut space = ReadBuf::new(answers.incoming.space());
    let read = Pin::new(stream).poll_read(cx, &mut space);
    let count = space.filled().len();
    answers.incoming.arrived(count);
    read.map_ok(|()| count)
}

/// Writes requests, and reads answers.
struct Driver {
    shared: Arc<Shared>,
    stream: TcpStream,
    answers: Answers,
    /// The number of the answer that is being read.
    number: Option<u32>,
    /// What is being written, and how much of it was.
    outgoing: Vec<u8>,
    sent: usize,
    /// How many bytes were written in all.
    written: u64,
    terms: Terms,
}

impl Driver {
    fn new(shared: Arc<Shared>, stream: TcpStream, answers: Answers, terms: Terms) -> Self {
        let (number, outgoing, sent, written) = (None, Vec::new(), 0, 0);
        Self { shared, stream, answers, number, outgoing, sent, written, terms }
    }

    async fn run(mut self) {
        let keep = self.terms.keep;
        let mut timer = pin!(sleep(keep));
        let mut asked = 0;
        poll_fn(|cx| {
            if self.poll(cx)?.is_ready() {
                return Poll::Ready(Ok(()));
            }
            while timer.as_mut().poll(cx).is_ready() {
                if self.shared.close_unused(&mut asked) {
                    return Poll::Ready(Ok(()));
                }
                timer.as_mut().reset(Instant::now() + keep);
            }
            Poll::Pending
        })
        .await
        .unwrap_or_else(|failure| self.shared.end(failure, self.written, self.number));
    }

    /// Does what can be done now. Ready when there will be nothing any more.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        loop {
            if self.sent == self.outgoing.len() {
                if self.shared.is_over(cx) {
                    return Poll::Ready(Ok(()));
                }
                self.outgoing.clear();
                self.sent = 0;
                self.shared.take_requests(&mut self.outgoing);
            }
            let mut is_stuck = true;
            while self.sent < self.outgoing.len()
                && let Poll::Ready(sent) =
                    Pin::new(&mut self.stream).poll_write(cx, &self.outgoing[self.sent..])
            {
                let sent = sent.map_err(Failure::Broken)?;
                self.sent += sent;
                self.written += sent as u64;
                is_stuck = false;
            }
            if let Poll::Ready(count) = poll_read(&mut self.stream, &mut self.answers, cx) {
                if count.map_err(Failure::Broken)? == 0 {
                    return Poll::Ready(Err(Failure::Fault(Fault::Cut)));
                }
                self.hand_out()?;
                is_stuck = false;
            }
            if is_stuck {
                return Poll::Pending;
            }
        }
    }

    /// Gives the answers that are whole to those who wait for them.
    fn hand_out(&mut self) -> Result<(), Failure> {
        loop {
            if self.number.is_none() {
                self.number = self.answers.incoming.number().map_err(Failure::Fault)?;
            }
            let Some(number) = self.number else { return Ok(()) };
            let room = Room { most: self.terms.body, idle: &self.terms.idle };
            let Some(whole) = self.answers.next(None, room)? else { return Ok(()) };
            self.number = None;
            self.shared.give(number, whole);
        }
    }
}

impl Drop for Driver {
    /// The runtime may end while calls wait elsewhere.
    fn drop(&mut self) {
        self.shared.end(Failure::Fault(Fault::Cut), self.written, None);
    }
}
