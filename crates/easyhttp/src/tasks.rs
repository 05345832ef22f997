//! The one place where tasks are started, so that stopping can wait for all.

use std::any::Any;
use std::cell::Cell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::HandlerError;
use crate::handler::BoxFuture;
use crate::workers::Workers;

/// What became of a handler at its first step.
pub(crate) enum Started<T> {
    Ended(Ended<T>),
    /// It goes on, whoever waits for it or does not.
    Runs(Running<T>),
}

/// How a handler ended.
pub(crate) enum Ended<T> {
    Returned(T),
    /// It unwound with this: an async handler whose event has no answer that could fail
    /// can say in no other way what went wrong.
    Failed(HandlerError),
    Panicked,
    /// The runtime ended first.
    Dropped,
}

impl<T> Ended<T> {
    fn unwound(with: Box<dyn Any + Send>) -> Self {
        with.downcast().map_or(Self::Panicked, |error| Self::Failed(*error))
    }
}

/// A handler that waits for something or may block.
pub(crate) enum Running<T> {
    AsTask(JoinHandle<T>),
    OnThread(oneshot::Receiver<Option<T>>),
}

impl<T> Running<T> {
    pub(crate) async fn end(self) -> Ended<T> {
        match self {
            Self::AsTask(task) => match task.await {
                Ok(returned) => Ended::Returned(returned),
                Err(error) => error.try_into_panic().map_or(Ended::Dropped, Ended::unwound),
            },
            Self::OnThread(returned) => match returned.await {
                Ok(Some(returned)) => Ended::Returned(returned),
                Ok(None) => Ended::Panicked,
                Err(_) => Ended::Dropped,
            },
        }
    }
}

/// Starts work that waits for the disk, for parts of a device that have no hold of it.
#[cfg(feature = "outbox")]
#[derive(Clone)]
pub(crate) struct ForDisk {
    runtime: Handle,
    services: TaskTracker,
}

#[cfg(feature = "outbox")]
impl ForDisk {
    pub(crate) fn spawn(&self, work: impl FnOnce() + Send + 'static) {
        self.services.spawn_blocking_on(work, &self.runtime);
    }
}

/// The tasks of one device.
pub(crate) struct Tasks {
    runtime: Handle,
    /// Cancelled when the device stops.
    stopping: CancellationToken,
    /// The same, to be asked often: set before.
    is_stopping: AtomicBool,
    /// What keeps the device running: accepting, discovery.
    services: TaskTracker,
    /// What the device does for somebody: connections and handlers.
    work: TaskTracker,
    /// What runs handlers that may block.
    workers: Arc<Workers>,
    /// Whether stopping has waited for the work, in vain or not.
    was_waited_for: AtomicBool,
}

impl Tasks {
    pub(crate) fn new(runtime: Handle) -> Self {
        Self {
            workers: Workers::new(runtime.clone()),
            runtime,
            stopping: CancellationToken::new(),
            is_stopping: AtomicBool::new(false),
            services: TaskTracker::new(),
            work: TaskTracker::new(),
            was_waited_for: AtomicBool::new(false),
        }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// A task that ends when the device stops.
    pub(crate) fn spawn_service(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.services.spawn_on(task, &self.runtime);
    }

    /// A task that is dropped when the device stops.
    pub(crate) fn spawn_until_stop(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stopping = self.stopping.clone();
        self.spawn_service(async move {
            stopping.run_until_cancelled(task).await;
        });
    }

    /// A task that ends by itself.
    pub(crate) fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        self.work.spawn_on(task, &self.runtime)
    }

    /// One of several tasks that end by themselves, or when the set of them is dropped.
    pub(crate) fn spawn_in<F>(&self, set: &mut JoinSet<F::Output>, task: F)
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        set.spawn_on(self.work.track_future(task), &self.runtime);
    }

    /// A task that nobody waits for: the one that waits for all others.
    pub(crate) fn spawn_detached(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// A handler of the user's that is async. It has `slot` until it ends, and gets a task
    /// of its own when it waits for something; most do not, and then a task would be the
    /// larger part of the work.
    pub(crate) async fn start_handler<T: Send + 'static>(
        &self,
        slot: impl Send + 'static,
        handler: impl FnOnce() -> BoxFuture<T>,
    ) -> Started<T> {
        let identity = || Cell::new(self.identity());
        let begin = AssertUnwindSafe(|| IN_HANDLER.sync_scope(identity(), handler));
        let Ok(mut running) = catch_unwind(begin) else {
            return Started::Ended(Ended::Panicked);
        };
        let polled = poll_fn(|cx| {
            let poll = || IN_HANDLER.sync_scope(identity(), || running.as_mut().poll(cx));
            Poll::Ready(catch_unwind(AssertUnwindSafe(poll)))
        });
        match polled.await {
            Ok(Poll::Ready(output)) => Started::Ended(Ended::Returned(output)),
            Ok(Poll::Pending) => {
                let running = IN_HANDLER.scope(identity(), async move {
                    let _slot = slot;
                    running.await
                });
                Started::Runs(Running::AsTask(self.spawn(running)))
            }
            Err(with) => Started::Ended(Ended::unwound(with)),
        }
    }

    #[cfg(feature = "outbox")]
    pub(crate) fn for_disk(&self) -> ForDisk {
        ForDisk { runtime: self.runtime.clone(), services: self.services.clone() }
    }

    /// Work that waits for the disk, on a thread where it may.
    pub(crate) fn spawn_blocking(&self, work: impl FnOnce() + Send + 'static) {
        self.services.spawn_blocking_on(work, &self.runtime);
    }

    /// A handler of the user's, on a thread where it may block.
    pub(crate) fn start_blocking_handler<T: Send + 'static>(
        &self,
        handler: impl FnOnce() -> T + Send + 'static,
    ) -> Started<T> {
        let identity = Cell::new(self.identity());
        let token = self.work.token();
        let returned = self.workers.run(move || {
            let _token = token;
            IN_HANDLER.sync_scope(identity, handler)
        });
        Started::Runs(Running::OnThread(returned))
    }

    /// Whether the caller is one of these handlers.
    pub(crate) fn is_inside_handler(&self) -> bool {
        IN_HANDLER.try_with(|device| device.get() == self.identity()).unwrap_or(false)
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::Acquire)
    }

    /// Returns when the device stops.
    pub(crate) async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    /// Tells all tasks that the device stops.
    pub(crate) fn stop(&self) {
        self.is_stopping.store(true, Ordering::Release);
        self.stopping.cancel();
        self.services.close();
        self.work.close();
    }

    /// Waits for all tasks after [`Tasks::stop`], for `limit` at most. A
    /// handler that stops its own device waits for the services alone, as it
    /// would wait for itself.
    pub(crate) async fn wait(&self, limit: Duration, inside_handler: bool) {
        self.services.wait().await;
        if inside_handler || self.was_waited_for.load(Ordering::Relaxed) {
            return;
        }
        let waited = tokio::time::timeout(limit, self.work.wait()).await;
        self.was_waited_for.store(true, Ordering::Relaxed);
        if waited.is_err() {
            tracing::warn!(tasks = self.work.len(), "stopped while handlers or connections ran on");
        }
    }

    fn identity(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }
}

tokio::task_local! {
    /// The device whose handler this task or thread runs.
    static IN_HANDLER: Cell<usize>;
}
