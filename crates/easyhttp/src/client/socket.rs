//! A connection of TCP, which either waits as a future does, or blocks its
//! thread.
//!
//! A blocking call would have to be woken by another thread, which costs more
//! than the call. So its thread reads in the system call itself, for a while.
//! What takes longer goes on as an async call: then it can be timed out, and
//! wait for several things at once.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::mem::{self, MaybeUninit};
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// How long a system call may block. So much later than it should a call may
/// notice that its time is over.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// A connected socket.
pub(super) enum Socket {
    /// The runtime says when it is ready.
    Waiting(TcpStream),
    /// Its system calls block, for a slice at the most, and are made until this
    /// time.
    Blocking(std::net::TcpStream, Instant),
    /// It could not be made the one or the other.
    Lost,
}

impl Socket {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self::Waiting(stream)
    }

    /// Lets it block until this time, or never.
    pub(super) fn may_block(&mut self, until: Option<Instant>) -> io::Result<()> {
        let Some(until) = until else { return self.waiting().map(|_| ()) };
        *self = match mem::replace(self, Self::Lost) {
            Self::Waiting(stream) => {
                let stream = stream.into_std()?;
                stream.set_read_timeout(Some(SLICE))?;
                stream.set_write_timeout(Some(SLICE))?;
                stream.set_nonblocking(false)?;
                Self::Blocking(stream, until)
            }
            Self::Blocking(stream, _) => Self::Blocking(stream, until),
            Self::Lost => Self::Lost,
        };
        Ok(())
    }

    /// Whether nothing has arrived, and it has not ended. `looks`: of what the
    /// system knows, not only of what the runtime has heard.
    pub(super) fn is_silent(&mut self, looks: bool) -> bool {
        let looked = match self {
            Self::Waiting(stream) if looks => {
                SockRef::from(&*stream).peek(&mut [MaybeUninit::uninit()])
            }
            // What this may take is in nobody's way: the socket is of no use then.
            Self::Waiting(stream) => stream.try_read(&mut [0]),
            Self::Blocking(stream, _) if looks => {
                let looked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
                stream.set_nonblocking(false).and(looked)
            }
            Self::Blocking(..) => return true,
            Self::Lost => return false,
        };
        looked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Reads what arrives next. 0: the connection has ended.
    pub(super) async fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        if let Some(stream) = self.blocking()
            && let Some(done) = block(|| stream.read(space))
        {
            return done;
        }
        let stream = self.waiting()?;
        poll_fn(|cx| {
            let mut space = ReadBuf::new(space);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut space))?;
            Poll::Ready(Ok(space.filled().len()))
        })
        .await
    }

    /// Writes, and says how many bytes: 0 if the peer says something instead of
    /// reading them.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(stream) = self.blocking()
            && let Some(done) = block(|| stream.write(bytes))
        {
            return done;
        }
        let stream = self.waiting()?;
        poll_fn(|cx| match Pin::new(&mut *stream).poll_write(cx, bytes) {
            Poll::Pending => {
                let mut look = [0];
                stream.poll_peek(cx, &mut ReadBuf::new(&mut look)).map_ok(|_| 0)
            }
            done => done,
        })
        .await
    }

    /// The socket, if it may block now.
    fn blocking(&mut self) -> Option<&mut std::net::TcpStream> {
        match self {
            Self::Blocking(stream, until) if Instant::now() < *until => Some(stream),
            _ => None,
        }
    }

    /// The socket, which does not block.
    fn waiting(&mut self) -> io::Result<&mut TcpStream> {
        if let Self::Blocking(..) = self
            && let Self::Blocking(stream, _) = mem::replace(self, Self::Lost)
        {
            stream.set_nonblocking(true)?;
            *self = Self::Waiting(TcpStream::from_std(stream)?);
        }
        match self {
            Self::Waiting(stream) => Ok(stream),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// Makes a system call that blocks. None if its slice has passed.
fn block(mut call: impl FnMut() -> io::Result<usize>) -> Option<io::Result<usize>> {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    loop {
        match call() {
            Err(error) if error.kind() == Interrupted => {}
            Err(error) if matches!(error.kind(), WouldBlock | TimedOut) => return None,
            done => return Some(done),
        }
    }
}
