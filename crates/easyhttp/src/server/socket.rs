//! A socket that the runtime watches, unless a worker looks at it all the time.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net;

use crate::workers;

pub(super) enum Socket {
    /// The runtime wakes who reads or writes.
    Watched(net::TcpStream),
    /// Nobody is woken.
    Loose(TcpStream),
    /// The system has failed to watch it.
    Lost,
}

impl Socket {
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        space: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        match self.settled()? {
            Self::Watched(stream) => {
                let mut read = ReadBuf::new(space);
                let done = Pin::new(stream).poll_read(cx, &mut read);
                done.map_ok(|()| read.filled().len())
            }
            Self::Loose(stream) => at_once(stream.read(space)),
            Self::Lost => Poll::Ready(Err(lost())),
        }
    }

    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.settled()? {
            Self::Watched(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Self::Loose(stream) => at_once(stream.write_vectored(parts)),
            Self::Lost => Poll::Ready(Err(lost())),
        }
    }

    pub(super) fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Self::Watched(stream) => stream.local_addr(),
            Self::Loose(stream) => stream.local_addr(),
            Self::Lost => Err(lost()),
        }
    }

    /// Says that no more will be written.
    pub(super) fn end(&self) -> io::Result<()> {
        match self {
            Self::Watched(stream) => SockRef::from(stream).shutdown(Shutdown::Write),
            Self::Loose(stream) => stream.shutdown(Shutdown::Write),
            Self::Lost => Err(lost()),
        }
    }

    /// This socket, as it has to be for whoever polls it.
    fn settled(&mut self) -> io::Result<&mut Self> {
        if workers::is_away() != matches!(self, Self::Loose(_)) {
            *self = match std::mem::replace(self, Self::Lost) {
                Self::Watched(stream) => Self::Loose(stream.into_std()?),
                Self::Loose(stream) => Self::Watched(net::TcpStream::from_std(stream)?),
                Self::Lost => Self::Lost,
            };
        }
        Ok(self)
    }
}

fn at_once(done: io::Result<usize>) -> Poll<io::Result<usize>> {
    match done {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Poll::Pending,
        done => Poll::Ready(done),
    }
}

fn lost() -> io::Error {
    ErrorKind::NotConnected.into()
}
