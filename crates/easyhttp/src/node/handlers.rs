//! Runs the handlers of requests and of presence: within their number, and with a deadline
//! for what is waited for.

use std::sync::Arc;

use easyhttp_proto::exchange::Event;
use tokio::sync::OwnedSemaphorePermit;

use super::Node;
use crate::answer::Returned;
use crate::counters::Count;
use crate::error::Words;
use crate::handler::{Callback, Handler};
use crate::presence;
use crate::pushes::Recording;
use crate::request::Request;
use crate::tasks::{Ended, Started};

impl Node {
    pub(crate) fn insert_handler(self: &Arc<Self>, handler: Handler) {
        self.handlers.insert(handler);
        if self.handlers.are_of_presence() {
            presence::have_handlers_called(self);
        }
    }

    /// Runs a handler and waits for what it returns. None: too many run.
    pub(crate) async fn run<A: Send + 'static>(
        &self,
        event: Event,
        callback: Callback<A>,
        argument: A,
    ) -> Option<Returned> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some(self.run_in(event, slot, callback, argument, None).await)
    }

    /// The same in a place that is free; what it returns is noted as well.
    pub(crate) async fn run_in<A: Send + 'static>(
        &self,
        event: Event,
        slot: OwnedSemaphorePermit,
        callback: Callback<A>,
        argument: A,
        recording: Option<Recording>,
    ) -> Returned {
        self.counters.add(Count::HandlerRun);
        let limit = self.settings.limits.handler;
        let ended = match self.start_handler(callback, argument, Some(slot), recording).await {
            Started::Ended(ended) => Some(ended),
            // When the limit passes, the handler runs on, and keeps its slot.
            Started::Runs(handler) => self.deadlines.within(limit, handler.end()).await,
        };
        let (count, error) = match ended {
            Some(Ended::Returned(returned)) => match returned.within(self.settings.limits.body) {
                Returned::Failed(error) => (Count::HandlerFailed, error),
                returned => return returned,
            },
            Some(Ended::Failed(error)) => (Count::HandlerFailed, error.told()),
            Some(Ended::Panicked) => (Count::HandlerPanicked, Returned::PANICKED.to_owned()),
            Some(Ended::Dropped) => return Returned::Failed("the device is stopping".to_owned()),
            None => (Count::HandlerTimedOut, format!("it did not finish within {limit:?}")),
        };
        tracing::debug!(?event, error = %Words(&error), "a handler failed");
        self.counters.refuse(count, format_args!("{event:?}: {error}"));
        match count {
            // It runs on.
            Count::HandlerTimedOut => Returned::Unfinished(error),
            _ => Returned::Failed(error),
        }
    }

    /// Runs a handler to its end, so that the next one comes after it. It takes
    /// no slot: there is one of these at a time.
    pub(crate) async fn run_in_turn<A: Send + 'static>(
        &self,
        callback: Option<Callback<A>>,
        argument: A,
    ) {
        let Some(callback) = callback else { return };
        let ended = match self.start_handler(callback, argument, None, None).await {
            Started::Ended(ended) => ended,
            Started::Runs(handler) => handler.end().await,
        };
        if let Ended::Panicked = ended {
            self.counters.refuse(Count::HandlerPanicked, "a presence event");
        }
    }

    async fn start_handler<A: Send + 'static>(
        &self,
        callback: Callback<A>,
        argument: A,
        slot: Option<OwnedSemaphorePermit>,
        recording: Option<Recording>,
    ) -> Started<Returned> {
        let note = |recording: Option<Recording>, returned| {
            recording.into_iter().for_each(|recording| recording.end(&returned));
            returned
        };
        match callback {
            Callback::Plain(closure) => self.tasks.start_blocking_handler(move || {
                let (_slot, recording) = (slot, recording);
                let returned = closure(argument);
                note(recording, returned)
            }),
            Callback::Async(closure) => {
                let handler = || match recording {
                    None => closure(argument),
                    recording => {
                        let running = closure(argument);
                        Box::pin(async move { note(recording, running.await) })
                    }
                };
                self.tasks.start_handler(slot, handler).await
            }
        }
    }

    /// Runs the handler of a request that needs no answer from it, without
    /// waiting.
    pub(crate) fn notify(
        self: &Arc<Self>,
        event: Event,
        callback: Option<Callback<Request>>,
        request: Request,
    ) {
        let Some(callback) = callback else { return };
        if self.tasks.is_stopping() {
            return;
        }
        let node = Arc::clone(self);
        self.tasks.spawn(async move {
            let from = request.from;
            if node.run(event, callback, request).await.is_none() {
                node.counters.refuse(Count::HandlersBusy, from);
            }
        });
    }

    /// Tells the handler of an answer to a call of ours.
    pub(crate) fn notify_answer(self: &Arc<Self>, event: Event, request: impl FnOnce() -> Request) {
        if let Some(handler) = self.handlers.on(event) {
            self.notify(event, Some(handler), request());
        }
    }
}
