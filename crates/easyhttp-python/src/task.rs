//! A call that an event loop waits for.
//!
//! It begins on the thread of the loop, and so its request is on its way without
//! another thread having to be woken. The runtime takes it over when there is
//! something to do for it: mostly that is the answer.

use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pyo3::prelude::*;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

/// A call that is under way.
#[pyclass(frozen, module = "easyhttp_rs._native")]
pub(crate) struct Call(Arc<Task>);

type Future = Pin<Box<dyn std::future::Future<Output = ()> + Send>>;

struct Task {
    runtime: Handle,
    state: Mutex<State>,
}

enum State {
    /// It begins.
    Begins,
    /// It begins, and there is something to do for it already.
    IsWoken,
    /// There is nothing to do for it.
    Waits(Future),
    /// The runtime has it.
    Runs(AbortHandle),
    /// It has ended, or was given up.
    Over,
}

impl Call {
    /// Has the runtime run it.
    pub(crate) fn spawn(runtime: &Handle, future: Future) -> Self {
        let task = runtime.spawn(future);
        Self(Task::new(runtime, State::Runs(task.abort_handle())))
    }

    /// Begins it on this thread.
    pub(crate) fn begin(runtime: &Handle, mut future: Future) -> Self {
        let task = Task::new(runtime, State::Begins);
        let waker = Waker::from(Arc::clone(&task));
        let _runtime = runtime.enter();
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        let mut state = task.state();
        *state = match (polled, &*state) {
            (Poll::Ready(()), _) => State::Over,
            (Poll::Pending, State::Begins) => State::Waits(future),
            (Poll::Pending, _) => State::Runs(runtime.spawn(future).abort_handle()),
        };
        drop(state);
        Self(task)
    }
}

#[pymethods]
impl Call {
    /// Gives the call up. What it asked for may have been done.
    fn cancel(&self) {
        let _runtime = self.0.runtime.enter();
        let state = mem::replace(&mut *self.0.state(), State::Over);
        if let State::Runs(task) = state {
            task.abort();
        }
    }
}

impl Task {
    fn new(runtime: &Handle, state: State) -> Arc<Self> {
        Arc::new(Self { runtime: runtime.clone(), state: Mutex::new(state) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let mut state = self.state();
        *state = match mem::replace(&mut *state, State::Over) {
            State::Begins => State::IsWoken,
            State::Waits(future) => State::Runs(self.runtime.spawn(future).abort_handle()),
            other => other,
        };
    }
}
