//! Ctrl-C, and what a service manager sends: to end, and to read the network keys again.

use std::io;

use crate::failure::{Exit, Failure};

/// Listens from the moment it is made, so that no signal is missed.
#[derive(Debug)]
pub(crate) struct Interrupts {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Interrupts {
    pub(crate) fn listen() -> Result<Self, Failure> {
        Self::open().map_err(cannot_listen)
    }

    #[cfg(unix)]
    fn open() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    #[cfg(not(unix))]
    fn open() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    #[cfg(unix)]
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    pub(crate) async fn next(&mut self) {
        // Without a console there is no Ctrl-C to wait for.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

/// SIGHUP: what is in files has changed. Elsewhere than on Unix it never comes.
#[derive(Debug)]
pub(crate) struct Renewals {
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Renewals {
    pub(crate) fn listen() -> Result<Self, Failure> {
        Self::open().map_err(cannot_listen)
    }

    #[cfg(unix)]
    fn open() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { hangup: signal(SignalKind::hangup())? })
    }

    #[cfg(not(unix))]
    fn open() -> io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if self.hangup.recv().await.is_some() {
            return;
        }
        std::future::pending().await
    }
}

fn cannot_listen(error: io::Error) -> Failure {
    Failure::new(Exit::Other, "signals", format!("cannot listen for signals: {error}"))
}
