//! The listening side: the port, the connections and their limit.

mod gate;
mod request;

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::error::StartError;
use crate::lock::lock;
use crate::node::Node;

/// How many connections the system holds until they are accepted: more than a
/// crowd of devices opens at once. Systems have limits of their own.
const BACKLOG: i32 = 4096;

/// How long accepting pauses after an error that is not the connection's: the
/// process is out of file descriptors or memory, and asking again at once
/// would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long a connection may take when the device stops to send on what was
/// written last.
const FAREWELL: Duration = Duration::from_millis(250);

/// Opens the port: at one address, or at all of them, those of IPv6 and IPv4.
pub(crate) fn listen(address: Option<IpAddr>, port: u16) -> Result<TcpListener, StartError> {
    let all = SocketAddr::from((Ipv6Addr::UNSPECIFIED, port));
    let at = address.map_or(all, |address| SocketAddr::new(address, port));
    let listener = match open(at, address.is_none()) {
        // This system has no IPv6.
        Err(error) if address.is_none() && error.kind() != io::ErrorKind::AddrInUse => {
            open((Ipv4Addr::UNSPECIFIED, port).into(), false)
        }
        opened => opened,
    };
    listener.map_err(|source| match source.kind() {
        io::ErrorKind::AddrInUse => StartError::PortInUse { port },
        _ => StartError::Listen { address: at, source },
    })
}

fn open(at: SocketAddr, takes_both: bool) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if at.is_ipv6() {
        socket.set_only_v6(!takes_both)?;
    }
    // Otherwise a device could not start again at once: the connections of its
    // last run keep the port for a minute. On Windows this would share it.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    TcpListener::from_std(socket.into())
}

/// Accepts connections until the device stops.
pub(crate) async fn accept(node: Arc<Node>) {
    let connections = Connections::default();
    let limit = node.settings.limits.connections;
    loop {
        let accepted = tokio::select! {
            accepted = next(&node) => accepted,
            () = node.tasks.stopping() => return,
        };
        match accepted {
            None => return,
            Some(Ok((stream, from))) => match connections.enter(limit) {
                Some(connection) => {
                    let from = undisguised(from);
                    node.tasks.spawn(serve(Arc::clone(&node), connection, stream, from));
                }
                None => tracing::warn!(%from, "refused: {limit} connections are busy"),
            },
            Some(Err(error)) if is_of_connection(&error) => {}
            Some(Err(error)) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// The next connection. None when the device has stopped. The listener stays
/// in the node, so that stopping can close it at once.
async fn next(node: &Node) -> Option<io::Result<(TcpStream, SocketAddr)>> {
    poll_fn(|cx| match &*lock(&node.listener) {
        Some(listener) => listener.poll_accept(cx).map(Some),
        None => Poll::Ready(None),
    })
    .await
}

/// Whether accepting failed because this one connection is gone already.
fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// On an IPv6 socket, IPv4 peers come in disguise. A link-local address keeps its
/// scope: nobody is reached without.
fn undisguised(from: SocketAddr) -> SocketAddr {
    match from.ip().to_canonical() {
        v4 @ IpAddr::V4(_) => SocketAddr::new(v4, from.port()),
        IpAddr::V6(_) => from,
    }
}

/// Answers the requests of one connection.
async fn serve(node: Arc<Node>, connection: Connection, stream: TcpStream, from: SocketAddr) {
    // Waiting to fill a packet would cost the asker 40 ms.
    let _ = stream.set_nodelay(true);
    let limits = &node.settings.limits;
    let state = &*connection.state;
    let respond = service_fn(|request| {
        let node = &node;
        async move {
            state.is_busy.store(true, Ordering::Relaxed);
            let response = request::respond(node, from, request).await;
            state.answered();
            Ok::<_, std::convert::Infallible>(response)
        }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_read)
        .max_headers(limits.headers)
        .max_header_size(limits.header_block)
        // An asker may say that this was its last request before it reads.
        .half_close(true)
        .serve_connection(TokioIo::new(stream), respond);
    let mut serving = pin!(serving);
    tokio::select! {
        ended = serving.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%from, %error, "a connection ended");
            }
        }
        () = state.evicted.notified() => tracing::debug!(%from, "a connection made way"),
        () = node.tasks.stopping() => {
            // What is being answered gets its answer, and what was written is
            // sent; an asker that reads nothing is not waited for.
            let grace = match state.is_busy.load(Ordering::Relaxed) {
                true => limits.stop,
                false if lock(&state.completed).is_some() => FAREWELL.min(limits.stop),
                false => Duration::ZERO,
            };
            serving.as_mut().graceful_shutdown();
            let _ = tokio::time::timeout(grace, serving).await;
        }
    }
}

/// The open connections, in the order in which they came.
#[derive(Default)]
struct Connections {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    next: u64,
    states: BTreeMap<u64, Arc<State>>,
}

/// One of the open connections, until it is dropped.
struct Connection {
    number: u64,
    state: Arc<State>,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct State {
    is_busy: AtomicBool,
    /// When it last completed a request. None before the first one.
    completed: Mutex<Option<Instant>>,
    evicted: Notify,
}

impl State {
    fn answered(&self) {
        self.is_busy.store(false, Ordering::Relaxed);
        *lock(&self.completed) = Some(Instant::now());
    }
}

impl Connections {
    /// Registers a connection. When there are `limit` already, the oldest that
    /// has not completed a request makes way, else the one that has been idle
    /// for longest. None if all of them are being answered.
    fn enter(&self, limit: usize) -> Option<Connection> {
        let mut open = lock(&self.open);
        if open.states.len() >= limit {
            let weakest = open
                .states
                .iter()
                .filter_map(|(number, state)| {
                    let completed = *lock(&state.completed);
                    let is_busy = state.is_busy.load(Ordering::Relaxed);
                    (completed.is_none() || !is_busy).then_some((completed, *number))
                })
                .min();
            let (_, number) = weakest?;
            if let Some(state) = open.states.remove(&number) {
                state.evicted.notify_one();
            }
        }
        let number = open.next;
        open.next += 1;
        let state = Arc::<State>::default();
        open.states.insert(number, Arc::clone(&state));
        Some(Connection { number, state, open: Arc::clone(&self.open) })
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        lock(&self.open).states.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn askers_are_known_by_addresses_at_which_they_can_be_asked() {
        for (from, known) in [
            ("[::ffff:10.0.0.2]:40000", "10.0.0.2:40000"),
            ("[fe80::2%3]:40000", "[fe80::2%3]:40000"),
            ("10.0.0.2:40000", "10.0.0.2:40000"),
        ] {
            let known: SocketAddr = known.parse().unwrap();
            assert_eq!(undisguised(from.parse().unwrap()), known);
        }
    }
}
