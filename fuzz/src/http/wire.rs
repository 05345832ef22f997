//! A connection in memory, and the little that drives one.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use hyper::rt::{Read, ReadBufCursor, Write};

/// Gives these bytes, and takes whatever is written.
pub(super) struct Wire<'a> {
    bytes: &'a [u8],
    /// Whether the connection ends after them; otherwise there is just no more.
    ends: bool,
    /// Whether it says nothing before it is asked.
    waits: bool,
    reader: Option<Waker>,
}

impl<'a> Wire<'a> {
    /// From somebody who speaks first.
    pub(super) fn of_asker(bytes: &'a [u8]) -> Self {
        Self { bytes, ends: false, waits: false, reader: None }
    }

    /// From somebody who answers, and may close the connection then.
    pub(super) fn of_answerer(bytes: &'a [u8], ends: bool) -> Self {
        Self { bytes, ends, waits: true, reader: None }
    }
}

impl Read for Wire<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut room: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        if self.waits || (self.bytes.is_empty() && !self.ends) {
            self.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let (given, rest) = self.bytes.split_at(self.bytes.len().min(room.remaining()));
        room.put_slice(given);
        self.bytes = rest;
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire<'_> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if std::mem::take(&mut self.waits)
            && let Some(reader) = self.reader.take()
        {
            reader.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Polls until it is done, or would wait for ever.
pub(super) fn drive<T>(mut future: Pin<&mut impl Future<Output = T>>) -> Option<T> {
    struct Woken(AtomicBool);
    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
    let woken = Arc::new(Woken(AtomicBool::new(true)));
    let waker = woken.clone().into();
    while woken.0.swap(false, Ordering::Relaxed) {
        if let Poll::Ready(done) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(done);
        }
    }
    None
}
