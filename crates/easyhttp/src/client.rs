//! HTTP connections to peers, kept open from one call to the next.
//!
//! Whoever makes a call drives its connection, so that a call wakes no other
//! task.

use std::collections::HashMap;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use easyhttp_proto::exchange::ERROR_HEADER;
use easyhttp_proto::{API_PATH, limits};
use http_body_util::Full;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::http::request::Parts;
use hyper::{Method, Request, Uri};
use hyper_util::rt::TokioIo;
use socket2::{SockRef, Socket};
use tokio::net::TcpStream;

use crate::body::{BodyError, read_within};
use crate::lock::lock;
use crate::settings::Limits;
use crate::tasks::Tasks;

/// What a peer answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Bytes,
    /// What the header [`ERROR_HEADER`] says.
    pub(crate) note: Option<String>,
}

/// Why there is no answer.
pub(crate) enum Failure {
    /// No connection, so nothing was sent.
    Connect(io::Error),
    /// No connection in time, so nothing was sent.
    ConnectTimeout(Duration),
    /// The connection broke before the answer was whole.
    Broken(Box<dyn std::error::Error + Send + Sync>),
    /// The answer is larger than allowed.
    TooLarge,
}

/// How a connection may be had.
#[derive(Clone, Copy)]
pub(crate) struct Connect {
    /// How long a new one may take.
    pub(crate) limit: Duration,
    /// Whether it must be a new one.
    pub(crate) anew: bool,
}

/// The connections that wait for the next call.
pub(crate) struct Client {
    idle: Arc<Mutex<Idle>>,
    keep: Duration,
    body: usize,
}

#[derive(Default)]
struct Idle {
    connections: HashMap<SocketAddr, Vec<Connection>>,
    has_reaper: bool,
    is_closed: bool,
}

impl Client {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { idle: Arc::default(), keep: limits.client_idle, body: limits.body }
    }

    /// Posts a message and waits for the answer.
    pub(crate) async fn post(
        &self,
        tasks: &Tasks,
        at: SocketAddr,
        message: Bytes,
        connect: Connect,
    ) -> Result<Answer, Failure> {
        loop {
            let kept = if connect.anew { None } else { self.take(at) };
            let (mut connection, is_new) = match kept {
                Some(connection) => (connection, false),
                None => (open(at, connect.limit).await?, true),
            };
            match connection.exchange(message.clone(), self.body).await {
                Ok(answer) => {
                    // A Python device whose callback raised an exception closes
                    // right after this answer, without having said so.
                    if answer.status != 500 {
                        self.keep(tasks, at, connection);
                    }
                    return Ok(answer);
                }
                // The peer had closed a connection that was kept.
                Err(Broken::BeforeSending(_)) if !is_new => {}
                Err(Broken::BeforeSending(error) | Broken::AfterSending(error)) => {
                    return Err(Failure::Broken(error));
                }
                Err(Broken::TooLarge) => return Err(Failure::TooLarge),
            }
        }
    }

    /// GETs what is at a path, of `most` bytes, on a connection of its own.
    pub(crate) async fn get(
        &self,
        at: SocketAddr,
        path: &'static str,
        most: usize,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let mut connection = open(at, limit).await?;
        connection.head.method = Method::GET;
        connection.head.uri = Uri::from_static(path);
        connection.head.headers.remove(CONTENT_TYPE);
        let answer = connection.exchange(Bytes::new(), most).await;
        answer.map_err(|broken| match broken {
            Broken::BeforeSending(error) | Broken::AfterSending(error) => Failure::Broken(error),
            Broken::TooLarge => Failure::TooLarge,
        })
    }

    /// Closes all connections that wait, and keeps none any more.
    pub(crate) fn close(&self) {
        let mut idle = lock(&self.idle);
        idle.is_closed = true;
        idle.connections.clear();
    }

    /// A kept connection that is still open.
    fn take(&self, at: SocketAddr) -> Option<Connection> {
        loop {
            let mut connection = lock(&self.idle).connections.get_mut(&at)?.pop()?;
            if connection.used.elapsed() < self.keep && connection.is_open() {
                return Some(connection);
            }
        }
    }

    fn keep(&self, tasks: &Tasks, at: SocketAddr, mut connection: Connection) {
        let mut idle = lock(&self.idle);
        let all: usize = idle.connections.values().map(Vec::len).sum();
        let kept = idle.connections.entry(at).or_default();
        if kept.len() < limits::CLIENT_IDLE_CONNECTIONS && all < limits::CLIENT_IDLE_IN_ALL {
            connection.used = Instant::now();
            kept.push(connection);
        }
        if idle.is_closed {
            idle.connections.clear();
        } else if !idle.has_reaper {
            idle.has_reaper = true;
            tasks.spawn_until_stop(reap(Arc::downgrade(&self.idle), self.keep));
        }
    }
}

async fn open(at: SocketAddr, limit: Duration) -> Result<Connection, Failure> {
    let stream = tokio::time::timeout(limit, TcpStream::connect(at))
        .await
        .map_err(|_| Failure::ConnectTimeout(limit))?
        .map_err(Failure::Connect)?;
    Connection::new(at, stream).await.map_err(Failure::Connect)
}

/// Closes connections that nobody has used for `keep`, until none is left.
async fn reap(idle: Weak<Mutex<Idle>>, keep: Duration) {
    loop {
        tokio::time::sleep(keep).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut idle = lock(&idle);
        idle.connections.retain(|_, kept| {
            kept.retain(|connection| connection.used.elapsed() < keep);
            !kept.is_empty()
        });
        if idle.connections.is_empty() {
            idle.has_reaper = false;
            return;
        }
    }
}

/// One connection, and the machine that drives it.
struct Connection {
    /// What all requests on it say before their message.
    head: Parts,
    sender: SendRequest<Full<Bytes>>,
    driver: http1::Connection<TokioIo<TcpStream>, Full<Bytes>>,
    /// The same socket, to look at while the driver has it.
    socket: Socket,
    used: Instant,
}

enum Broken {
    BeforeSending(Box<dyn std::error::Error + Send + Sync>),
    AfterSending(Box<dyn std::error::Error + Send + Sync>),
    TooLarge,
}

impl Connection {
    async fn new(at: SocketAddr, stream: TcpStream) -> io::Result<Self> {
        let request = Request::post(API_PATH)
            // Without the scope of a link-local address, which is ours alone
            // (RFC 6874, 1).
            .header(HOST, SocketAddr::new(at.ip(), at.port()).to_string())
            .header(CONTENT_TYPE, "application/json");
        let (head, ()) = request.body(()).map_err(io::Error::other)?.into_parts();
        // Head and body go out in one write; waiting for more would cost 40 ms.
        stream.set_nodelay(true)?;
        let socket = SockRef::from(&stream).try_clone()?;
        let (sender, driver) = http1::Builder::new()
            .max_headers(limits::HEADERS)
            .max_header_size(limits::HEADER_BLOCK)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(io::Error::other)?;
        Ok(Self { head, sender, driver, socket, used: Instant::now() })
    }

    fn is_open(&mut self) -> bool {
        // Has the peer closed it meanwhile? The runtime may not know it yet:
        // nobody has waited for this socket.
        let looked = self.socket.peek(&mut [MaybeUninit::uninit()]);
        if !looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
            return false;
        }
        // No waker: the next request would wake the task that sends it.
        let mut cx = Context::from_waker(Waker::noop());
        let is_over = Pin::new(&mut self.driver).poll(&mut cx).is_ready();
        !is_over && self.sender.is_ready()
    }

    async fn exchange(&mut self, message: Bytes, limit: usize) -> Result<Answer, Broken> {
        let Self { head, sender, driver, .. } = self;
        let request = Request::from_parts(head.clone(), Full::new(message));
        let exchange = async {
            let response =
                sender.try_send_request(request).await.map_err(|mut unsent| {
                    match unsent.take_message() {
                        Some(_) => Broken::BeforeSending(unsent.into_error().into()),
                        None => Broken::AfterSending(unsent.into_error().into()),
                    }
                })?;
            let (head, body) = response.into_parts();
            let body = read_within(body, limit).await.map_err(|error| match error {
                BodyError::TooLarge => Broken::TooLarge,
                BodyError::Broken(error) => Broken::AfterSending(error.into()),
            })?;
            let note = head.headers.get(ERROR_HEADER).and_then(|note| note.to_str().ok());
            Ok(Answer { status: head.status.as_u16(), body, note: note.map(str::to_owned) })
        };
        drive(driver, exchange).await
    }
}

/// Runs `exchange`, and the connection that it waits for, in one task.
async fn drive<F: Future>(
    driver: &mut http1::Connection<TokioIo<TcpStream>, Full<Bytes>>,
    exchange: F,
) -> F::Output {
    let mut exchange = pin!(exchange);
    let mut is_over = false;
    poll_fn(|cx| {
        if let Poll::Ready(output) = exchange.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        // An error of the connection reaches the exchange as well.
        is_over = is_over || Pin::new(&mut *driver).poll(cx).is_ready();
        exchange.as_mut().poll(cx)
    })
    .await
}
