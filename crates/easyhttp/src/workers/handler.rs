//! One handler that is to run, is running or is over, whatever it returns.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::sync::oneshot;

use super::guest::{self, Guest};

/// A handler, and who waits for it.
pub(super) trait Job: Send {
    /// Runs it. Nobody learns of that yet.
    fn run(&mut self);
    /// Tells what it returned.
    fn tell(self: Box<Self>);
    /// The task that waits for it, if that may go on at a worker.
    fn guest(&self) -> Option<&Arc<Guest>>;
}

/// What is returned comes when somebody may be told.
pub(super) struct Handler<F, T> {
    closure: Option<F>,
    returned: Option<T>,
    sender: oneshot::Sender<Option<T>>,
    guest: Option<Arc<Guest>>,
}

impl<F, T> Handler<F, T> {
    pub(super) fn new(closure: F, sender: oneshot::Sender<Option<T>>) -> Self {
        Self { closure: Some(closure), returned: None, sender, guest: guest::polled() }
    }
}

impl<F: FnOnce() -> T + Send, T: Send> Job for Handler<F, T> {
    fn run(&mut self) {
        let closure = self.closure.take();
        let run = AssertUnwindSafe(|| closure.map(|closure| closure()));
        self.returned = catch_unwind(run).ok().flatten();
    }

    fn tell(self: Box<Self>) {
        // It fails if nobody waits any more.
        let _ = self.sender.send(self.returned);
    }

    fn guest(&self) -> Option<&Arc<Guest>> {
        self.guest.as_ref()
    }
}
