//! The user's handlers, and where they are kept.

mod methods;

use std::pin::Pin;
use std::sync::{Arc, RwLock};

use easyhttp_proto::exchange::Event;

use crate::answer::Returned;
#[cfg(feature = "outbox")]
use crate::outbox::{OutboxItem, RefusedItem};
use crate::peer::{Moved, Peer};
use crate::presence::{DuplicateId, IdentityChanged};
use crate::request::Request;

pub(crate) use methods::{async_handlers, on, on_async, plain_handlers};

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A user's closure that takes an `A`.
pub(crate) enum Callback<A> {
    /// Runs on a thread where it may block.
    Plain(Arc<dyn Fn(A) -> Returned + Send + Sync>),
    /// Runs on the task of whoever asks, on whatever thread that is polled, and as one of its
    /// own once it waits.
    Async(Arc<dyn Fn(A) -> BoxFuture<Returned> + Send + Sync>),
}

impl<A> Callback<A> {
    pub(crate) fn plain(closure: impl Fn(A) -> Returned + Send + Sync + 'static) -> Self {
        Self::Plain(Arc::new(closure))
    }

    pub(crate) fn asynchronous<F>(closure: impl Fn(A) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Returned> + Send + 'static,
    {
        Self::Async(Arc::new(move |argument| Box::pin(closure(argument))))
    }
}

impl<A> Clone for Callback<A> {
    fn clone(&self) -> Self {
        match self {
            Self::Plain(closure) => Self::Plain(Arc::clone(closure)),
            Self::Async(closure) => Self::Async(Arc::clone(closure)),
        }
    }
}

/// A handler and the event that it is for.
pub(crate) enum Handler {
    On(Event, Callback<Request>),
    OnJoined(Callback<Peer>),
    OnLeft(Callback<Peer>),
    OnLost(Callback<Peer>),
    OnMoved(Callback<Moved>),
    OnDuplicateId(Callback<DuplicateId>),
    OnIdentityChanged(Callback<IdentityChanged>),
    #[cfg(feature = "outbox")]
    OnDelivered(Callback<OutboxItem>),
    #[cfg(feature = "outbox")]
    OnRefused(Callback<RefusedItem>),
    #[cfg(feature = "outbox")]
    OnExpired(Callback<OutboxItem>),
}

/// The handlers of a device. A later one for the same event replaces the first.
#[derive(Default)]
pub(crate) struct Handlers(RwLock<Set>);

#[derive(Default)]
pub(crate) struct Set {
    requests: Vec<(Event, Callback<Request>)>,
    joined: Option<Callback<Peer>>,
    left: Option<Callback<Peer>>,
    lost: Option<Callback<Peer>>,
    moved: Option<Callback<Moved>>,
    duplicate_id: Option<Callback<DuplicateId>>,
    identity_changed: Option<Callback<IdentityChanged>>,
    #[cfg(feature = "outbox")]
    delivered: Option<Callback<OutboxItem>>,
    #[cfg(feature = "outbox")]
    refused: Option<Callback<RefusedItem>>,
    #[cfg(feature = "outbox")]
    expired: Option<Callback<OutboxItem>>,
}

impl Set {
    /// Sets a handler, and gives the one that it replaces.
    pub(crate) fn insert(&mut self, handler: Handler) -> Option<Handler> {
        match handler {
            Handler::On(event, callback) => {
                match self.requests.iter_mut().find(|(other, _)| *other == event) {
                    Some((_, known)) => {
                        Some(Handler::On(event, std::mem::replace(known, callback)))
                    }
                    None => {
                        self.requests.push((event, callback));
                        None
                    }
                }
            }
            Handler::OnJoined(callback) => self.joined.replace(callback).map(Handler::OnJoined),
            Handler::OnLeft(callback) => self.left.replace(callback).map(Handler::OnLeft),
            Handler::OnLost(callback) => self.lost.replace(callback).map(Handler::OnLost),
            Handler::OnMoved(callback) => self.moved.replace(callback).map(Handler::OnMoved),
            Handler::OnDuplicateId(callback) => {
                self.duplicate_id.replace(callback).map(Handler::OnDuplicateId)
            }
            Handler::OnIdentityChanged(callback) => {
                self.identity_changed.replace(callback).map(Handler::OnIdentityChanged)
            }
            #[cfg(feature = "outbox")]
            Handler::OnDelivered(callback) => {
                self.delivered.replace(callback).map(Handler::OnDelivered)
            }
            #[cfg(feature = "outbox")]
            Handler::OnRefused(callback) => self.refused.replace(callback).map(Handler::OnRefused),
            #[cfg(feature = "outbox")]
            Handler::OnExpired(callback) => self.expired.replace(callback).map(Handler::OnExpired),
        }
    }
}

impl Handlers {
    pub(crate) fn new(set: Set) -> Self {
        Self(RwLock::new(set))
    }

    pub(crate) fn insert(&self, handler: Handler) {
        // What the replaced one holds may have a `Drop` that calls us: it goes
        // when the lock is free again.
        let replaced = self.write(|set| set.insert(handler));
        drop(replaced);
    }

    /// Gives up all handlers. What they hold may have a `Drop` that waits for
    /// the device: they may go on any thread but one of its runtime.
    pub(crate) fn take(&self) -> Set {
        self.write(std::mem::take)
    }

    /// Whether any of them is for who comes and goes.
    pub(crate) fn are_of_presence(&self) -> bool {
        self.read(|set| {
            set.joined.is_some()
                || set.left.is_some()
                || set.lost.is_some()
                || set.moved.is_some()
                || set.duplicate_id.is_some()
                || set.identity_changed.is_some()
        })
    }

    pub(crate) fn on(&self, event: Event) -> Option<Callback<Request>> {
        self.read(|set| {
            set.requests.iter().find(|(of, _)| *of == event).map(|(_, callback)| callback.clone())
        })
    }

    pub(crate) fn joined(&self) -> Option<Callback<Peer>> {
        self.read(|set| set.joined.clone())
    }

    pub(crate) fn left(&self) -> Option<Callback<Peer>> {
        self.read(|set| set.left.clone())
    }

    pub(crate) fn lost(&self) -> Option<Callback<Peer>> {
        self.read(|set| set.lost.clone())
    }

    pub(crate) fn moved(&self) -> Option<Callback<Moved>> {
        self.read(|set| set.moved.clone())
    }

    pub(crate) fn duplicate_id(&self) -> Option<Callback<DuplicateId>> {
        self.read(|set| set.duplicate_id.clone())
    }

    pub(crate) fn identity_changed(&self) -> Option<Callback<IdentityChanged>> {
        self.read(|set| set.identity_changed.clone())
    }

    #[cfg(feature = "outbox")]
    pub(crate) fn delivered(&self) -> Option<Callback<OutboxItem>> {
        self.read(|set| set.delivered.clone())
    }

    #[cfg(feature = "outbox")]
    pub(crate) fn refused(&self) -> Option<Callback<RefusedItem>> {
        self.read(|set| set.refused.clone())
    }

    #[cfg(feature = "outbox")]
    pub(crate) fn expired(&self) -> Option<Callback<OutboxItem>> {
        self.read(|set| set.expired.clone())
    }

    fn read<T>(&self, f: impl FnOnce(&Set) -> T) -> T {
        f(&self.0.read().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    fn write<T>(&self, f: impl FnOnce(&mut Set) -> T) -> T {
        f(&mut self.0.write().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }
}
