//! The async face.

use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::exchange::Event;
use easyhttp_proto::id::IntoDeviceId;
use easyhttp_proto::{Command, DeviceId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::address::IntoAddress;
use crate::answer::{IntoFetchAnswer, IntoPushAnswer, Returned};
use crate::builder::Builder;
use crate::call::{Face, Reply};
use crate::counters::Stats;
use crate::discovery::Interface;
use crate::error::{Error, Result};
use crate::handler::{Callback, Handler, async_handlers, on, on_async, plain_handlers};
use crate::many::ManyAsync;
use crate::node::Node;
#[cfg(feature = "outbox")]
use crate::outbox::{OutboxAsync, OutboxItem, RefusedItem};
use crate::peer::{Moved, Peer};
use crate::presence::{DuplicateId, IdentityChanged, PresenceAsync};
use crate::request::Request;
use crate::secure::IntoNetworkKey;

/// A device on a tokio runtime. [`EasyHttp`](crate::EasyHttp) is its blocking twin.
///
/// Dropping it stops the device: its port is free at once, and what still runs
/// ends by itself. [`stop`](Self::stop) waits for that.
///
/// ```no_run
/// # async fn run() -> easyhttp::Result<()> {
/// use easyhttp::{EasyHttpAsync, json};
///
/// let easy = EasyHttpAsync::builder()
///     .on_fetch(|_| json!({"temperature": 23.5}))
///     .start()
///     .await?;
/// println!("{} is up", easy.id());
/// println!("{}", easy.fetch("7H8G2K", ()).await?);
/// # Ok(()) }
/// ```
pub struct EasyHttpAsync {
    pub(crate) node: Arc<Node>,
    /// Whether dropping this stops the device.
    pub(crate) is_owner: bool,
    /// How the calls of this handle wait.
    pub(crate) face: Face,
}

impl EasyHttpAsync {
    /// Sets up a device.
    pub fn builder() -> Builder<Self> {
        Builder::new()
    }

    /// Starts a device with the defaults: port 5000, `easyhttp_device.json` in
    /// the current folder, discovery on.
    ///
    /// # Errors
    ///
    /// As [`Builder::start`].
    pub async fn start() -> Result<Self> {
        Self::builder().start().await
    }

    pub(crate) async fn start_with(builder: Builder<impl Sized>) -> Result<Self> {
        let (settings, handlers) = builder.finish()?;
        let node = Node::start(settings, handlers).await?;
        Ok(Self { node, is_owner: true, face: Face::Asynchronous })
    }

    /// Another handle of the same device, for tasks and handlers. Dropping it
    /// does not stop the device.
    pub fn handle(&self) -> Self {
        Self { node: Arc::clone(&self.node), is_owner: false, face: self.face }
    }

    /// Another handle, for threads that wait for one call and do nothing else.
    ///
    /// A call on it may block the thread that polls it, for 100 ms at the most.
    /// Mostly the answer is there by then, and no other thread had to run for it.
    /// What takes longer goes on as any other call does, so it can be raced and timed
    /// out, with that delay.
    ///
    /// The runtime needs a thread of its own beside those that wait so: a
    /// multi-thread one, used by a thread that is none of its workers.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use easyhttp::EasyHttpAsync;
    ///
    /// let runtime = tokio::runtime::Runtime::new()?;
    /// let easy = runtime.block_on(EasyHttpAsync::start())?;
    /// println!("{}", runtime.block_on(easy.blocking_handle().fetch("7H8G2K", ()))?);
    /// # Ok(()) }
    /// ```
    pub fn blocking_handle(&self) -> Self {
        let mut handle = self.handle();
        handle.face = Face::Blocking;
        handle
    }

    /// Says goodbye, frees the port and waits for the handlers, connections and
    /// calls to many that still run, up to [`Limits::stop`](crate::Limits::stop). Called
    /// again, or from a handler of this device, it does not wait for those.
    /// The handlers are dropped when it returns.
    pub async fn stop(&self) {
        let inside_handler = self.node.tasks.is_inside_handler();
        Arc::clone(&self.node).stop(inside_handler).await;
    }

    /// The device's name.
    pub fn id(&self) -> DeviceId {
        self.node.id
    }

    /// The TCP port on which the device answers. None if it only asks.
    pub fn port(&self) -> Option<u16> {
        self.node.port
    }

    // ---- who is there ----

    /// The devices that are known so far, in the order of their ids. Right after
    /// the start there are none yet: [`find`](Self::find) waits for one, and
    /// [`on_joined`](Self::on_joined) tells of each.
    pub fn devices(&self) -> Vec<Peer> {
        self.node.devices()
    }

    /// The devices that announced themselves by multicast.
    pub fn discovered(&self) -> Vec<DeviceId> {
        self.node.peers().iter().filter(|peer| peer.is_discovered()).map(|peer| peer.id).collect()
    }

    /// Waits until a device is known, and gives it at once if it is.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownDevice`] after `wait`; [`Error::InvalidId`].
    pub async fn find(&self, id: impl IntoDeviceId, wait: Duration) -> Result<Peer> {
        self.node.find(id.into_device_id()?, wait).await
    }

    /// Names the address of a device, as discovery would.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidId`], [`Error::InvalidAddress`], [`Error::OwnId`].
    pub fn add(&self, id: impl IntoDeviceId, address: impl IntoAddress) -> Result<()> {
        self.node.add(id.into_device_id()?, address.into_address()?)
    }

    /// Forgets a device, and says whether it was known. It comes back when it
    /// is heard again.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidId`].
    pub fn remove(&self, id: impl IntoDeviceId) -> Result<bool> {
        let id = id.into_device_id()?;
        Ok(self.node.peers().remove(id))
    }

    /// The network interfaces of this machine, and what discovery does on each:
    /// for those who ask why two devices do not see each other. Empty while
    /// discovery is stopped.
    pub async fn interfaces(&self) -> Vec<Interface> {
        self.node.interfaces().await
    }

    /// Starts to find others and to be found, if it does not run already.
    ///
    /// # Errors
    ///
    /// [`Error::Start`] if the UDP port cannot be used; [`Error::Stopped`].
    pub fn start_discovery(&self) -> Result<()> {
        self.node.start_discovery()
    }

    /// Stops to find others and to be found. Those that are known stay known, and
    /// keep this device as long as it answers.
    pub fn stop_discovery(&self) {
        self.node.stop_discovery();
    }

    /// Gives the device other network keys from now on: the first one signs, all of
    /// them are accepted. So a key is changed while the device runs; see
    /// [`Builder::network_keys`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidKey`]; [`Error::NoNetworkKey`] if the device was started
    /// without one, or if no keys are given.
    pub fn set_network_keys<K: IntoNetworkKey>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<()> {
        self.node.set_network_keys(keys)
    }

    // ---- what has happened ----

    /// What this device has done and refused since it started, counted. All its
    /// handles give the same, also after it has stopped.
    ///
    /// This machine, and no other, can read the same by
    /// `curl http://localhost:5000/easyhttp/stats`.
    pub fn stats(&self) -> Stats {
        self.node.counters.read()
    }

    /// The [`stats`](Self::stats) of another device on this machine, with a field for
    /// each. Devices tell them to nobody else.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping), and [`Error::NotTaken`] if it is on another machine.
    pub async fn stats_of(&self, id: impl IntoDeviceId) -> Result<Value> {
        self.node.stats_of(id.into_device_id()?, self.face).await
    }

    // ---- talking ----

    /// Asks whether a device is there, and gives the round trip.
    ///
    /// In the first second after the start, this and all calls wait for a device
    /// that has not been heard yet. A call that is cancelled, by dropping its
    /// future, may have been run.
    ///
    /// # Errors
    ///
    /// As all calls: [`Error::UnknownDevice`], [`Error::Unreachable`],
    /// [`Error::TimedOut`], [`Error::WrongDevice`] and what else [`Error`] lists.
    pub async fn ping(&self, id: impl IntoDeviceId) -> Result<Duration> {
        self.node.ping(id.into_device_id()?, self.face, self.node.usual_time()).await
    }

    /// Asks a device for data. `query` is anything that serialises; `()` asks
    /// without a query. A device that has nothing to say gives `null`.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping), and [`Error::NoHandler`],
    /// [`Error::HandlerFailed`], [`Error::UnexpectedData`] if the data holds a
    /// number beyond `f64`.
    pub async fn fetch(&self, id: impl IntoDeviceId, query: impl Serialize) -> Result<Value> {
        self.fetch_as(id, query).await
    }

    /// As [`fetch`](Self::fetch), with the data as a type of yours.
    ///
    /// # Errors
    ///
    /// As [`fetch`](Self::fetch), and [`Error::UnexpectedData`] if the data
    /// does not fit the type.
    pub async fn fetch_as<T: DeserializeOwned>(
        &self,
        id: impl IntoDeviceId,
        query: impl Serialize,
    ) -> Result<T> {
        let id = id.into_device_id()?;
        let data = self.node.fetch(id, &query, self.face, self.node.usual_time()).await?;
        data.parse().map_err(|source| Error::UnexpectedData { id, source })
    }

    /// Sends a command, and returns when the device has accepted it.
    ///
    /// The device does it once, however often it has to be sent: when the connection breaks,
    /// when no answer comes or the device is busy, it is sent again within the
    /// [time of the call](crate::Limits::call), and a device that has had it already tells
    /// what came of it. It is sent again only to a device that remembers what it had, as all
    /// devices of this project do for 24 hours and 8,192 PUSHes
    /// ([`Limits::pushes`](crate::Limits::pushes)), but not over a restart, unless they are
    /// [`durable`](crate::Builder::durable); those of easyhttp-python do not, and get
    /// it once.
    ///
    /// If no answer came all the same, or the device was restarted in between, the error says
    /// so: its [`delivery`](Error::delivery) is [`Unknown`](crate::Delivery::Unknown). Whoever
    /// then calls `push` again sends another command, which may be done beside the first.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping), and [`Error::Refused`] with the device's
    /// reason, [`Error::NoHandler`], [`Error::HandlerFailed`].
    pub async fn push(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<()> {
        let id = id.into_device_id()?;
        self.node.push(id, &data, self.face, self.node.usual_time()).await
    }

    /// Sends any command that can be asked, and gives the answer as it is: a
    /// NACK is an answer.
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping), and [`Error::NotARequest`].
    pub async fn send(
        &self,
        id: impl IntoDeviceId,
        command: Command,
        data: impl Serialize,
    ) -> Result<Reply> {
        let id = id.into_device_id()?;
        self.node.call(id, command, &data, self.face, self.node.usual_time()).await
    }

    // ---- talking to many ----

    /// Asks all devices that are known whether they are there, at the same time, and gives
    /// each one's round trip; see [`ManyAsync`].
    pub fn ping_all(&self) -> ManyAsync<Duration> {
        ManyAsync::ping(&self.node)
    }

    /// [`fetch`](Self::fetch)es from all devices that are known, at the same time; see
    /// [`ManyAsync`].
    ///
    /// ```no_run
    /// # async fn run(easy: easyhttp::EasyHttpAsync) {
    /// use std::time::Duration;
    ///
    /// let table = easy.fetch_all(()).within(Duration::from_secs(2)).all().await;
    /// for (id, reading) in table {
    ///     println!("{id}: {reading:?}");
    /// }
    /// # }
    /// ```
    pub fn fetch_all(&self, query: impl Serialize) -> ManyAsync<Value> {
        self.fetch_all_as(query)
    }

    /// As [`fetch_all`](Self::fetch_all), with the data as a type of yours.
    pub fn fetch_all_as<T: DeserializeOwned + Send + 'static>(
        &self,
        query: impl Serialize,
    ) -> ManyAsync<T> {
        ManyAsync::fetch(&self.node, query)
    }

    /// [`push`](Self::push)es to all devices that are known, at the same time; see
    /// [`ManyAsync`]. The result of each says whether it has accepted.
    pub fn push_all(&self, data: impl Serialize) -> ManyAsync<()> {
        ManyAsync::push(&self.node, data)
    }

    /// Where pushes wait for devices that are away: on disk, until they are delivered.
    #[cfg(feature = "outbox")]
    pub fn outbox(&self) -> OutboxAsync {
        OutboxAsync::of(&self.node)
    }

    // ---- events ----

    /// All that happens to devices from now on, in the order in which it
    /// happens. It begins with a [`Joined`](crate::PresenceEvent::Joined) for each
    /// device that is here already, so nobody needs [`devices`](Self::devices)
    /// as well. What happens at this very moment is not missed; it may be told
    /// twice, so a device that has joined may join again.
    ///
    /// The handlers ([`on_joined`](Self::on_joined) and the like) are called one
    /// after the other, in the same order. A reader or a handler that falls
    /// behind by more than 1,024 events misses the oldest.
    ///
    /// ```no_run
    /// # async fn run(easy: easyhttp::EasyHttpAsync) {
    /// use easyhttp::PresenceEvent;
    ///
    /// let mut presence = easy.presence();
    /// while let Some(event) = presence.next().await {
    ///     match event {
    ///         PresenceEvent::Joined(peer) => println!("{} is here", peer.id),
    ///         PresenceEvent::Left(peer) | PresenceEvent::Lost(peer) => {
    ///             println!("{} is gone", peer.id);
    ///         }
    ///         _ => {}
    ///     }
    /// }
    /// # }
    /// ```
    pub fn presence(&self) -> PresenceAsync {
        PresenceAsync::new(&self.node)
    }

    plain_handlers! { self: &Self => () }
    async_handlers! { self: &Self => () }

    fn insert_handler(&self, handler: Handler) {
        self.node.insert_handler(handler);
    }
}

impl Drop for EasyHttpAsync {
    fn drop(&mut self) {
        if self.is_owner {
            self.node.stop_behind();
        }
    }
}

impl std::fmt::Debug for EasyHttpAsync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EasyHttpAsync")
            .field("id", &self.id())
            .field("port", &self.port())
            .finish_non_exhaustive()
    }
}
