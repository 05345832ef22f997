//! The methods that set handlers: the same on the builders, where they take and give
//! `Self`, and on running devices, where they take `&self`. The type has a method
//! `insert_handler` of the same form.

use easyhttp_proto::exchange::Event;

use super::{Callback, Handler};
use crate::answer::Returned;
use crate::request::Request;

/// Those for closures that return.
macro_rules! plain_handlers {
    ($self:ident: $Receiver:ty => $Output:ty) => {
        plain_handlers! { @event
            /// Calls `handler` when a peer PINGs this device: for its user, before
            /// the first command that it sends here, or to see whether this device
            /// is still there. The PONG does not wait for it.
            $self: $Receiver => $Output, on_ping,
            |callback| Handler::On(Event::Ping, callback), Request
        }

        plain_handlers! { @event
            /// Calls `handler` for every PONG: the answer to a `ping`, or one
            /// that a peer sends by itself.
            $self: $Receiver => $Output, on_pong,
            |callback| Handler::On(Event::Pong, callback), Request
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

        plain_handlers! { @event
            /// Calls `handler` for all DATA: the answer to a FETCH of ours, or what
            /// a peer sends by itself.
            $self: $Receiver => $Output, on_data,
            |callback| Handler::On(Event::Data, callback), Request
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

        plain_handlers! { @event
            /// Calls `handler` when a device is here that was not before.
            $self: $Receiver => $Output, on_joined, Handler::OnJoined, Peer
        }

        plain_handlers! { @event
            /// Calls `handler` when a device said goodbye.
            $self: $Receiver => $Output, on_left, Handler::OnLeft, Peer
        }

        plain_handlers! { @event
            /// Calls `handler` when a device is gone without a goodbye: it was silent, and
            /// did not answer a PING at any of its addresses.
            $self: $Receiver => $Output, on_lost, Handler::OnLost, Peer
        }

        plain_handlers! { @event
            /// Calls `handler` when a device answers at another address than before.
            $self: $Receiver => $Output, on_moved, Handler::OnMoved, Moved
        }

        plain_handlers! { @event
            /// Calls `handler` when another device uses the id of this one, with the
            /// addresses of both: once for each of the last eight IP addresses of others.
            $self: $Receiver => $Output, on_duplicate_id, Handler::OnDuplicateId, DuplicateId
        }

        plain_handlers! { @event
            /// Calls `handler` when a device that is known by its key has another one: once,
            /// until it has the right one again. What it asks is refused, and what it
            /// answers not believed.
            $self: $Receiver => $Output, on_identity_changed,
            Handler::OnIdentityChanged, IdentityChanged
        }

        #[cfg(feature = "outbox")]
        plain_handlers! { @event
            /// Calls `handler` when a device has accepted an item of the
            /// [outbox](crate::Outbox).
            $self: $Receiver => $Output, on_delivered, Handler::OnDelivered, OutboxItem
        }

        #[cfg(feature = "outbox")]
        plain_handlers! { @event
            /// Calls `handler` when a device has not accepted an item of the
            /// [outbox](crate::Outbox), or when nobody will ever know whether it has; the
            /// error says which. It is not sent again.
            $self: $Receiver => $Output, on_refused, Handler::OnRefused, RefusedItem
        }

        #[cfg(feature = "outbox")]
        plain_handlers! { @event
            /// Calls `handler` when an item of the [outbox](crate::Outbox) was not delivered
            /// in its time. It is not sent any more;
            /// [`may_have_arrived`](crate::OutboxItem::may_have_arrived) says whether it may
            /// have been done.
            $self: $Receiver => $Output, on_expired, Handler::OnExpired, OutboxItem
        }
    };
    (@event $(#[$doc:meta])* $self:ident: $Receiver:ty => $Output:ty, $name:ident, $of:expr,
     $Argument:ty) => {
        $(#[$doc])*
        pub fn $name(
            $self: $Receiver,
            handler: impl Fn($Argument) + Send + Sync + 'static,
        ) -> $Output {
            let callback = Callback::plain(move |argument| {
                handler(argument);
                Returned::Done
            });
            let of = $of;
            $self.insert_handler(of(callback))
        }
    };
}

/// Those for closures that give a future.
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
