//! Who comes and goes, told to the user: by handlers, as a stream, and as an iterator.
//!
//! All of it goes through one channel, so that what follows each other is told
//! in that order.

use std::fmt;
use std::iter::FusedIterator;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use easyhttp_proto::{DeviceId, limits};
use futures_core::Stream;
use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{Receiver, Sender, channel};
use tokio_util::sync::ReusableBoxFuture;

use crate::lock::lock;
use crate::node::Node;
use crate::peer::{Moved, Peer};
use crate::wait::wait;

/// What happened to a device of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PresenceEvent {
    /// A device is here.
    Joined(Peer),
    /// A device said goodbye.
    Left(Peer),
    /// A device is gone without a goodbye.
    Lost(Peer),
    /// A device answers at another address than before.
    Moved(Moved),
    /// Another device uses the id of this one.
    DuplicateId(DuplicateId),
    /// A device has another key of its own than before. It is not listened to.
    IdentityChanged(IdentityChanged),
    /// The reader was too slow, and missed so many events. What
    /// [`devices`](crate::EasyHttpAsync::devices) gives is the truth again.
    Missed(u64),
}

/// Another device uses the id of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct DuplicateId {
    /// Where this device answers on the network of the other one. None if it
    /// answers nobody, or has no address there.
    pub here: Option<SocketAddr>,
    /// Where the other one answers.
    pub there: SocketAddr,
}

/// A device that is known by its key ([`Builder::device_key`](crate::Builder::device_key))
/// has another one, or shows none any more: it was replaced or reset, or somebody else
/// uses its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IdentityChanged {
    /// The device.
    pub id: DeviceId,
    /// Where it asks from, or answers.
    pub from: SocketAddr,
}

/// The events of [`EasyHttpAsync::presence`](crate::EasyHttpAsync::presence),
/// also as a [`Stream`]. It ends when the device stops. Dropping it is all
/// that it takes to hear no more. [`Presence`] is its blocking twin.
pub struct PresenceAsync {
    /// The devices that were here when it began, and have not been told yet.
    here: std::vec::IntoIter<Peer>,
    next: ReusableBoxFuture<'static, (Received, Receiver<Arc<PresenceEvent>>)>,
}

type Received = Result<Arc<PresenceEvent>, RecvError>;

impl PresenceAsync {
    /// The devices that are here, and all that happens from now on.
    pub(crate) fn new(node: &Node) -> Self {
        // While the table is locked, nothing is told.
        let peers = node.peers();
        let present = peers.iter().filter(|peer| peer.is_present);
        let (here, events) = match node.presence.listen() {
            Some(events) => (present.map(|peer| Peer::new(peer, node.now())).collect(), events),
            None => (Vec::new(), channel(1).1),
        };
        Self { here: here.into_iter(), next: ReusableBoxFuture::new(receive(events)) }
    }

    /// Waits for the next event. None when the device has stopped. Nothing is
    /// lost when this is cancelled.
    pub async fn next(&mut self) -> Option<PresenceEvent> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for PresenceAsync {
    type Item = PresenceEvent;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<PresenceEvent>> {
        if let Some(peer) = self.here.next() {
            return Poll::Ready(Some(PresenceEvent::Joined(peer)));
        }
        let (received, events) = ready!(self.next.poll(cx));
        self.next.set(receive(events));
        Poll::Ready(match received {
            Ok(event) => Some(Arc::unwrap_or_clone(event)),
            Err(RecvError::Lagged(count)) => Some(PresenceEvent::Missed(count)),
            Err(RecvError::Closed) => None,
        })
    }
}

async fn receive(
    mut events: Receiver<Arc<PresenceEvent>>,
) -> (Received, Receiver<Arc<PresenceEvent>>) {
    (events.recv().await, events)
}

impl fmt::Debug for PresenceAsync {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PresenceAsync").finish_non_exhaustive()
    }
}

/// The events of [`EasyHttp::presence`](crate::EasyHttp::presence): an iterator that waits
/// for the next one, and ends when the device stops.
pub struct Presence {
    presence: PresenceAsync,
    runtime: Handle,
}

impl Presence {
    pub(crate) fn new(presence: PresenceAsync, runtime: &Handle) -> Self {
        Self { presence, runtime: runtime.clone() }
    }
}

impl Iterator for Presence {
    type Item = PresenceEvent;

    fn next(&mut self) -> Option<PresenceEvent> {
        wait(&self.runtime, self.presence.next())
    }
}

impl FusedIterator for Presence {}

impl fmt::Debug for Presence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presence").finish_non_exhaustive()
    }
}

/// Where a device tells its events.
pub(crate) struct Announcer(Mutex<Told>);

/// Whom it tells. What may wait for them takes 32 kB, which a device does without whose user
/// does not ask.
enum Told {
    Nobody,
    Listeners {
        events: Sender<Arc<PresenceEvent>>,
        /// Whether the handlers are among them.
        are_handlers: bool,
    },
    /// The device has stopped.
    Closed,
}

impl Announcer {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Told::Nobody))
    }

    pub(crate) fn tell(&self, event: PresenceEvent) {
        if let Told::Listeners { events, .. } = &*lock(&self.0) {
            // It fails if nobody listens any more.
            let _ = events.send(Arc::new(event));
        }
    }

    pub(crate) fn listen(&self) -> Option<Receiver<Arc<PresenceEvent>>> {
        let mut told = lock(&self.0);
        if let Told::Nobody = *told {
            let events = Sender::new(limits::PRESENCE_EVENTS);
            *told = Told::Listeners { events, are_handlers: false };
        }
        match &*told {
            Told::Listeners { events, .. } => Some(events.subscribe()),
            _ => None,
        }
    }

    /// The same for the handlers. None if they listen already.
    fn listen_as_handlers(&self) -> Option<Receiver<Arc<PresenceEvent>>> {
        let events = self.listen()?;
        match &mut *lock(&self.0) {
            Told::Listeners { are_handlers, .. } => {
                (!std::mem::replace(are_handlers, true)).then_some(events)
            }
            _ => None,
        }
    }

    /// Ends what listens, after what has been told already.
    pub(crate) fn close(&self) {
        *lock(&self.0) = Told::Closed;
    }
}

/// Has the handlers called from now on.
pub(crate) fn have_handlers_called(node: &Arc<Node>) {
    if let Some(events) = node.presence.listen_as_handlers() {
        // Not a service: a handler may stop its own device.
        node.tasks.spawn(call_handlers(Arc::clone(node), events));
    }
}

/// Calls the handlers of what happens, one after the other, until the device
/// stops. It waits for each as long as it takes.
async fn call_handlers(node: Arc<Node>, mut events: Receiver<Arc<PresenceEvent>>) {
    loop {
        let received = tokio::select! {
            biased;
            () = node.tasks.stopping() => return,
            received = events.recv() => received,
        };
        let handlers = &node.handlers;
        match received.map(Arc::unwrap_or_clone) {
            Ok(PresenceEvent::Joined(peer)) => node.run_in_turn(handlers.joined(), peer).await,
            Ok(PresenceEvent::Left(peer)) => node.run_in_turn(handlers.left(), peer).await,
            Ok(PresenceEvent::Lost(peer)) => node.run_in_turn(handlers.lost(), peer).await,
            Ok(PresenceEvent::Moved(moved)) => node.run_in_turn(handlers.moved(), moved).await,
            Ok(PresenceEvent::DuplicateId(twin)) => {
                node.run_in_turn(handlers.duplicate_id(), twin).await;
            }
            Ok(PresenceEvent::IdentityChanged(changed)) => {
                node.run_in_turn(handlers.identity_changed(), changed).await;
            }
            Ok(PresenceEvent::Missed(count)) | Err(RecvError::Lagged(count)) => {
                tracing::warn!(count, "presence events were not told: a handler is too slow");
            }
            Err(RecvError::Closed) => return,
        }
    }
}
