//! The lines that the device prints, from a thread of their own: somebody who
//! does not read them must not keep the device from answering.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use tokio::sync::oneshot;

use crate::event::{self, Event};

/// How many lines wait to be printed. What comes then is counted only.
const WAITING: usize = 1024;

/// Takes events to be printed.
pub(super) struct Log {
    is_json: bool,
    /// None when nothing is printed any more.
    lines: Mutex<Option<SyncSender<String>>>,
    skipped: AtomicU64,
}

/// Prints them, once it is started.
pub(super) struct Writer {
    is_json: bool,
    lines: Receiver<String>,
}

impl Log {
    pub(super) fn new(is_json: bool) -> (Arc<Self>, Writer) {
        let (sender, lines) = sync_channel(WAITING);
        let log = Self { is_json, lines: Mutex::new(Some(sender)), skipped: AtomicU64::new(0) };
        (Arc::new(log), Writer { is_json, lines })
    }

    /// Never waits.
    pub(super) fn add(&self, event: Event) {
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(lines) = &*lines else { return };
        let send = |event: Event| lines.try_send(event.line(self.is_json)).is_ok();
        let skipped = self.skipped.load(Ordering::Relaxed);
        if skipped > 0 && send(event::skipped(skipped)) {
            self.skipped.store(0, Ordering::Relaxed);
        }
        if !send(event) {
            self.skipped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// No more events; what waits is still printed.
    pub(super) fn close(&self) {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl Writer {
    /// Prints `opening`, and then every event since the log was made. What
    /// comes out is ready when the log is closed, or a line could not be
    /// printed.
    pub(super) fn start(self, opening: String) -> oneshot::Receiver<io::Result<()>> {
        let (done, printed) = oneshot::channel();
        thread::spawn(move || {
            let mut lines = std::iter::once(opening).chain(self.lines);
            let result = lines.try_for_each(|line| print(&line, self.is_json));
            let _ = done.send(result);
        });
        printed
    }
}

fn print(line: &str, is_json: bool) -> io::Result<()> {
    if is_json {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")?;
        stdout.flush()
    } else {
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{line}")?;
        stdout.flush()
    }
}
