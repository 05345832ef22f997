//! Waiting for a future on a thread that is not a runtime's, or is somebody's.

use std::pin::pin;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use tokio::runtime::Handle;
use tokio::task::unconstrained;

use crate::lock::lock;

/// Runs a future on this thread until it is done, with the timers and sockets of
/// this runtime, whose own thread must be another one. Unlike `block_on` this works
/// in async code too.
pub(crate) fn wait<T>(runtime: &Handle, future: impl Future<Output = T>) -> T {
    let _runtime = runtime.enter();
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    // A task that calls this may have done as much as it is allowed to before it
    // waits. It cannot wait.
    let mut future = pin!(unconstrained(future));
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        woken.wait();
    }
}

/// Whether a thread that sleeps, or is about to, has been woken.
#[derive(Default)]
struct Woken {
    is_woken: Mutex<bool>,
    changed: Condvar,
}

impl Woken {
    fn wait(&self) {
        let is_woken = lock(&self.is_woken);
        let is_woken = self.changed.wait_while(is_woken, |is_woken| !*is_woken);
        *is_woken.unwrap_or_else(PoisonError::into_inner) = false;
    }
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        *lock(&self.is_woken) = true;
        self.changed.notify_one();
    }
}
