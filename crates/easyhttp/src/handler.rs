//! The user's handlers: where they are kept, and the methods that set them.

use std::pin::Pin;
use std::sync::{Arc, RwLock};

use easyhttp_proto::exchange::Event;

use crate::answer::Returned;
#[cfg(feature = "outbox")]
use crate::outbox::{OutboxItem, RefusedItem};
use crate::peer::{Moved, Peer};
use crate::presence::{DuplicateId, IdentityChanged};
use crate::request::Request;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// A user's closure that takes an `A`.
pub(crate) enum Callback<A> {
    /// Runs on a thread where it may block.
    Plain(Arc<dyn Fn(A) -> Returned + Send + Sync>),
    /// Runs on the task of whoever asks, and as one of its own once it waits.
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

/// The methods that set handlers: the same on the builders, where they take
/// and give `Self`, and on running devices, where they take `&self`. The type
/// has a method `insert_handler` of the same form.
macro_rules! plain_handlers {
    ($self:ident: $Receiver:ty => $Output:ty) => {
        /// Calls `handler` when a peer PINGs this device: for its user, before
        /// the first command that it sends here, or to see whether this device
        /// is still there. The PONG does not wait for it.
        pub fn on_ping(
            $self: $Receiver,
            handler: impl Fn(Request) + Send + Sync + 'static,
        ) -> $Output {
            $self.insert_handler(on(Event::Ping, move |request| {
                handler(request);
                Returned::Done
            }))
        }

        /// Calls `handler` for every PONG: the answer to a `ping`, or one
        /// that a peer sends by itself.
        pub fn on_pong(
            $self: $Receiver,
            handler: impl Fn(Request) + Send + Sync + 'static,
        ) -> $Output {
            $self.insert_handler(on(Event::Pong, move |request| {
                handler(request);
                Returned::Done
            }))
        }

        /// Calls `handler` when a peer FETCHes data. What it returns travels
        /// back: anything that serialises, or a [`HandlerError`].
        ///
        /// [`HandlerError`]: crate::HandlerError
        pub fn on_fetch<R, M>(
            $self: $Receiver,
            handler: impl Fn(Request) -> R + Send + Sync + 'static,
        ) -> $Output
        where
            R: IntoFetchAnswer<M>,
        {
            $self.insert_handler(on(Event::Fetch, move |request| Returned::fetch(handler(request))))
        }

        /// Calls `handler` for all DATA: the answer to a FETCH of ours, or what
        /// a peer sends by itself.
        pub fn on_data(
            $self: $Receiver,
            handler: impl Fn(Request) + Send + Sync + 'static,
        ) -> $Output {
            $self.insert_handler(on(Event::Data, move |request| {
                handler(request);
                Returned::Done
            }))
        }

        /// Calls `handler` when a peer PUSHes a command. It accepts or refuses:
        /// with a `bool`, or with a [`PushAnswer`] that can give a reason.
        ///
        /// [`PushAnswer`]: crate::PushAnswer
        pub fn on_push<R: IntoPushAnswer>(
            $self: $Receiver,
            handler: impl Fn(Request) -> R + Send + Sync + 'static,
        ) -> $Output {
            $self.insert_handler(on(Event::Push, move |request| Returned::push(handler(request))))
        }

        plain_handlers! { @presence $self: $Receiver => $Output, on_joined, OnJoined, Peer,
        "Calls `handler` when a device is here that was not before." }
        plain_handlers! { @presence $self: $Receiver => $Output, on_left, OnLeft, Peer,
        "Calls `handler` when a device said goodbye." }
        plain_handlers! { @presence $self: $Receiver => $Output, on_lost, OnLost, Peer,
        "Calls `handler` when a device is gone without a goodbye: it was silent, and did not \
 answer a PING at any of its addresses." }
        plain_handlers! { @presence $self: $Receiver => $Output, on_moved, OnMoved, Moved,
        "Calls `handler` when a device answers at another address than before." }
        plain_handlers! { @presence $self: $Receiver => $Output, on_duplicate_id, OnDuplicateId,
        DuplicateId,
        "Calls `handler` when another device uses the id of this one, with the addresses of both: \
 once for each of the last eight IP addresses of others." }
        plain_handlers! { @presence $self: $Receiver => $Output, on_identity_changed,
        OnIdentityChanged, IdentityChanged,
        "Calls `handler` when a device that is known by its key has another one: once, until it \
 has the right one again. What it asks is refused, and what it answers not believed." }
        #[cfg(feature = "outbox")]
        plain_handlers! { @presence $self: $Receiver => $Output, on_delivered, OnDelivered,
        OutboxItem,
        "Calls `handler` when a device has accepted an item of the [outbox](crate::Outbox)." }
        #[cfg(feature = "outbox")]
        plain_handlers! { @presence $self: $Receiver => $Output, on_refused, OnRefused,
        RefusedItem,
        "Calls `handler` when a device has not accepted an item of the [outbox](crate::Outbox), \
 or when nobody will ever know whether it has; the error says which. It is not sent again." }
        #[cfg(feature = "outbox")]
        plain_handlers! { @presence $self: $Receiver => $Output, on_expired, OnExpired,
        OutboxItem,
        "Calls `handler` when an item of the [outbox](crate::Outbox) was not delivered in its \
 time. It is not sent any more; \
 [`may_have_arrived`](crate::OutboxItem::may_have_arrived) says whether it may have been done." }
    };
    (@presence $self:ident: $Receiver:ty => $Output:ty, $name:ident, $of:ident, $Argument:ty,
     $doc:literal) => {
        #[doc = $doc]
        pub fn $name(
            $self: $Receiver,
            handler: impl Fn($Argument) + Send + Sync + 'static,
        ) -> $Output {
            $self.insert_handler(Handler::$of(Callback::plain(move |argument| {
                handler(argument);
                Returned::Done
            })))
        }
    };
}

/// The same methods for closures that give a future.
macro_rules! async_handlers {
    ($self:ident: $Receiver:ty => $Output:ty) => {
        async_handlers! { @event $self: $Receiver => $Output, on_ping_async, on_ping,
        |callback| Handler::On(Event::Ping, callback), Request }
        async_handlers! { @event $self: $Receiver => $Output, on_pong_async, on_pong,
        |callback| Handler::On(Event::Pong, callback), Request }
        async_handlers! { @event $self: $Receiver => $Output, on_data_async, on_data,
        |callback| Handler::On(Event::Data, callback), Request }
        async_handlers! { @event $self: $Receiver => $Output, on_joined_async, on_joined,
        Handler::OnJoined, Peer }
        async_handlers! { @event $self: $Receiver => $Output, on_left_async, on_left,
        Handler::OnLeft, Peer }
        async_handlers! { @event $self: $Receiver => $Output, on_lost_async, on_lost,
        Handler::OnLost, Peer }
        async_handlers! { @event $self: $Receiver => $Output, on_moved_async, on_moved,
        Handler::OnMoved, Moved }
        async_handlers! { @event $self: $Receiver => $Output, on_duplicate_id_async,
        on_duplicate_id, Handler::OnDuplicateId, DuplicateId }
        async_handlers! { @event $self: $Receiver => $Output, on_identity_changed_async,
        on_identity_changed, Handler::OnIdentityChanged, IdentityChanged }
        #[cfg(feature = "outbox")]
        async_handlers! { @event $self: $Receiver => $Output, on_delivered_async, on_delivered,
        Handler::OnDelivered, OutboxItem }
        #[cfg(feature = "outbox")]
        async_handlers! { @event $self: $Receiver => $Output, on_refused_async, on_refused,
        Handler::OnRefused, RefusedItem }
        #[cfg(feature = "outbox")]
        async_handlers! { @event $self: $Receiver => $Output, on_expired_async, on_expired,
        Handler::OnExpired, OutboxItem }

        /// As [`on_fetch`](Self::on_fetch), with a closure that gives a future.
        pub fn on_fetch_async<F, M>(
            $self: $Receiver,
            handler: impl Fn(Request) -> F + Send + Sync + 'static,
        ) -> $Output
        where
            F: Future<Output: IntoFetchAnswer<M>> + Send + 'static,
        {
            $self.insert_handler(on_async(Event::Fetch, move |request| {
                let answer = handler(request);
                async move { Returned::fetch(answer.await) }
            }))
        }

        /// As [`on_push`](Self::on_push), with a closure that gives a future.
        pub fn on_push_async<F>(
            $self: $Receiver,
            handler: impl Fn(Request) -> F + Send + Sync + 'static,
        ) -> $Output
        where
            F: Future<Output: IntoPushAnswer> + Send + 'static,
        {
            $self.insert_handler(on_async(Event::Push, move |request| {
                let answer = handler(request);
                async move { Returned::push(answer.await) }
            }))
        }
    };
    (@event $self:ident: $Receiver:ty => $Output:ty, $name:ident, $plain:ident, $of:expr, $Argument:ty) => {
        #[doc = concat!("As [`", stringify!($plain), "`](Self::", stringify!($plain),
                                                        "), with a closure that gives a future.")]
        pub fn $name<F>(
            $self: $Receiver,
            handler: impl Fn($Argument) -> F + Send + Sync + 'static,
        ) -> $Output
        where
            F: Future<Output = ()> + Send + 'static,
        {
            let callback = Callback::asynchronous(move |argument| {
                let done = handler(argument);
                async move {
                    done.await;
                    Returned::Done
                }
            });
            let of = $of;
            $self.insert_handler(of(callback))
        }
    };
}

pub(crate) use {async_handlers, plain_handlers};

pub(crate) fn on(
    event: Event,
    closure: impl Fn(Request) -> Returned + Send + Sync + 'static,
) -> Handler {
    Handler::On(event, Callback::plain(closure))
}

pub(crate) fn on_async<F>(
    event: Event,
    closure: impl Fn(Request) -> F + Send + Sync + 'static,
) -> Handler
where
    F: Future<Output = Returned> + Send + 'static,
{
    Handler::On(event, Callback::asynchronous(closure))
}
