//! The listening side: the port, the connections and their limit.

mod connection;
mod connections;
mod gate;
mod head;
mod request;
mod shared;
mod socket;
mod timed;

use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};

use self::connections::{Connections, Entered, Room};
use crate::counters::Count;
use crate::descriptors;
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
    let limits = &node.settings.limits;
    let in_all = limits.connections.min(descriptors::one_in(3));
    let room = Room { in_all, per_address: limits.connections_per_address };
    loop {
        let accepted = tokio::select! {
            accepted = next(&node) => accepted,
            () = node.tasks.stopping() => return,
        };
        match accepted {
            None => return,
            Some(Ok((stream, from))) => {
                let from = undisguised(from);
                match connections.enter(from.ip(), room) {
                    Ok(Entered { place, evicted }) => {
                        node.counters.add(Count::ConnectionAccepted);
                        if let Some(count) = evicted {
                            node.counters.refuse(count, from);
                        }
                        node.tasks.spawn(connection::serve(Arc::clone(&node), place, stream, from));
                    }
                    Err(count) => node.counters.refuse(count, from),
                }
            }
            Some(Err(error)) if is_of_connection(&error) => {}
            Some(Err(error)) => {
                node.counters.refuse(Count::AcceptingFailed, error);
                // One makes way, and leaves its descriptor to whoever waits.
                connections.evict();
                let pause = tokio::time::sleep(ACCEPT_PAUSE);
                tokio::select! {
                    () = pause => {}
                    () = connections.closed.notified() => {}
                    () = node.tasks.stopping() => return,
                }
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
