//! A connection's socket, and how long it may take for what is done next.

use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice};
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use super::socket::Socket;
use crate::deadline::Deadline;

/// A socket with a deadline. When it has passed, reading and writing fail with
/// [`ErrorKind::TimedOut`].
pub(super) struct Timed<'a> {
    socket: Socket,
    deadline: Deadline<'a>,
}

impl<'a> Timed<'a> {
    pub(super) fn new(socket: Socket, deadline: Deadline<'a>) -> Self {
        Self { socket, deadline }
    }

    pub(super) fn into_socket(self) -> Socket {
        self.socket
    }

    /// Moves the deadline to this long from now, or from when it first waits.
    pub(super) fn allow(&mut self, span: Duration) {
        self.deadline.set(span);
    }

    /// How many bytes have arrived in `space`; none when the peer has ended.
    pub(super) async fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        poll_fn(|cx| match self.poll_read(cx, space) {
            Poll::Pending => self.poll_late(cx),
            done => done,
        })
        .await
    }

    /// The same without a deadline.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_read(cx, space)
    }

    /// Writes some of these, without a deadline.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_write(cx, &[IoSlice::new(bytes)])
    }

    /// The error that the deadline has passed, once it has.
    pub(super) fn poll_late<T>(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        self.deadline.poll(cx).map(|()| Err(late()))
    }

    /// Writes all of these, at once if the peer reads.
    pub(super) async fn write<const N: usize>(&mut self, parts: [&[u8]; N]) -> io::Result<()> {
        let Self { socket, deadline } = self;
        let mut parts = &mut parts.map(IoSlice::new)[..];
        IoSlice::advance_slices(&mut parts, 0);
        while !parts.is_empty() {
            let written = poll_fn(|cx| match socket.poll_write(cx, parts) {
                Poll::Pending => deadline.poll(cx).map(|()| Err(late())),
                done => done,
            });
            match written.await? {
                0 => return Err(ErrorKind::WriteZero.into()),
                count => IoSlice::advance_slices(&mut parts, count),
            }
        }
        Ok(())
    }

    /// Whether the peer is a program of this machine: it comes from the loopback
    /// interface, or from the address to which it came. What arrives from elsewhere
    /// and says so is dropped by the system, and its answers would not leave.
    pub(super) fn is_of_this_machine(&self, from: SocketAddr) -> bool {
        let is_here = |at: SocketAddr| at.ip().to_canonical() == from.ip();
        from.ip().is_loopback() || self.socket.local_addr().is_ok_and(is_here)
    }

    /// Says that no more will be written.
    pub(super) fn end(&self) -> io::Result<()> {
        self.socket.end()
    }
}

fn late() -> io::Error {
    ErrorKind::TimedOut.into()
}
