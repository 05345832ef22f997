//! The blocking face. It has no logic of its own: it runs the futures of the async
//! one on the thread that calls, and blocks that thread while there is nothing to
//! run. What a device does between calls goes on a runtime of one thread.

use std::io;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use easyhttp_proto::exchange::Event;
use easyhttp_proto::id::IntoDeviceId;
use easyhttp_proto::{Command, DeviceId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::{Builder as RuntimeBuilder, Handle};
use tokio::sync::oneshot;

use crate::address::IntoAddress;
use crate::answer::{IntoFetchAnswer, IntoPushAnswer, Returned};
use crate::asynchronous::EasyHttpAsync;
use crate::builder::Builder;
use crate::call::{Face, Reply};
use crate::counters::Stats;
use crate::discovery::Interface;
use crate::error::{Result, StartError};
use crate::handler::{Callback, Handler, on, plain_handlers};
use crate::many::{Many, ManyAsync};
#[cfg(feature = "outbox")]
use crate::outbox::{Outbox, OutboxItem, RefusedItem};
use crate::peer::{Moved, Peer};
use crate::presence::{DuplicateId, IdentityChanged, Presence};
use crate::request::Request;
use crate::secure::IntoNetworkKey;
use crate::wait::wait;

/// A device for programs without async. It answers others by itself, between
/// the calls that are made on it and while they run.
///
/// [`EasyHttpAsync`] is its async twin, with the same methods; what they say
/// about errors holds here. All methods work from any thread: from a handler of
/// this device, and also from inside somebody's async runtime, where they block
/// the thread. Dropping the device stops it, as [`stop`](Self::stop) does.
///
/// ```no_run
/// use easyhttp::{EasyHttp, PushAnswer, json};
///
/// # fn main() -> easyhttp::Result<()> {
/// let easy = EasyHttp::builder()
///     .on_fetch(|_| json!({"temperature": 23.5}))
///     .on_push(|push| match push.data.value()["state"].as_str() {
///         Some("on" | "off") => PushAnswer::Accepted,
///         _ => PushAnswer::refuse("state must be on or off"),
///     })
///     .start()?;
/// println!("{} is up", easy.id());
/// easy.push("7H8G2K", json!({"command": "led", "state": "on"}))?;
/// # Ok(()) }
/// ```
pub struct EasyHttp {
    easy: EasyHttpAsync,
    /// Kept as long as anybody may make a call.
    runtime: Arc<OwnRuntime>,
}

/// The runtime of a device, on a thread of its own. It ends in the background when this
/// is dropped: waiting for it is not allowed in async code.
pub(crate) struct OwnRuntime {
    handle: Handle,
    /// Its thread waits for the end of this.
    _running: oneshot::Sender<()>,
}

impl OwnRuntime {
    fn start() -> io::Result<Self> {
        // tokio's runtime of several threads, with one, would be slower, and would bring
        // 100 kB of code into every program.
        let runtime =
            RuntimeBuilder::new_current_thread().thread_name("easyhttp").enable_all().build()?;
        let handle = runtime.handle().clone();
        let (running, dropped) = oneshot::channel();
        thread::Builder::new().name("easyhttp".to_owned()).spawn(move || {
            let _ = runtime.block_on(dropped);
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, _running: running })
    }
}

impl EasyHttp {
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
    pub fn start() -> Result<Self> {
        Self::builder().start()
    }

    pub(crate) fn start_with(builder: Builder<Self>) -> Result<Self> {
        let runtime = Arc::new(OwnRuntime::start().map_err(StartError::Runtime)?);
        let mut easy = wait(&runtime.handle, EasyHttpAsync::start_with(builder))?;
        easy.face = Face::Blocking;
        Ok(Self { easy, runtime })
    }

    /// Another handle of the same device, for threads and handlers. Dropping
    /// it does not stop the device.
    pub fn handle(&self) -> Self {
        Self { easy: self.easy.handle(), runtime: Arc::clone(&self.runtime) }
    }

    /// Says goodbye, frees the port and waits for the handlers, connections and
    /// calls to many that still run, up to [`Limits::stop`](crate::Limits::stop). Called
    /// again, or from a handler of this device, it does not wait for those.
    pub fn stop(&self) {
        // Asked here: the future runs on another thread. This one may be about to
        // end, and not fit to run any more.
        let inside_handler = self.easy.node.tasks.is_inside_handler();
        let stop = Arc::clone(&self.easy.node).stop(inside_handler);
        let (sender, stopped) = mpsc::sync_channel(1);
        self.easy.node.tasks.runtime().spawn(async move { sender.send(stop.await) });
        // The handlers go on this thread: what they hold may wait for the
        // device's own.
        drop(stopped.recv());
    }

    /// The device's name.
    pub fn id(&self) -> DeviceId {
        self.easy.id()
    }

    /// The TCP port on which the device answers. None if it only asks.
    pub fn port(&self) -> Option<u16> {
        self.easy.port()
    }

    // ---- who is there ----

    /// The devices that are known, in the order of their ids.
    pub fn devices(&self) -> Vec<Peer> {
        self.easy.devices()
    }

    /// The devices that announced themselves by multicast.
    pub fn discovered(&self) -> Vec<DeviceId> {
        self.easy.discovered()
    }

    /// Waits until a device is known; see [`EasyHttpAsync::find`].
    pub fn find(&self, id: impl IntoDeviceId, wait: Duration) -> Result<Peer> {
        self.wait(self.easy.find(id, wait))
    }

    /// Names the address of a device; see [`EasyHttpAsync::add`].
    pub fn add(&self, id: impl IntoDeviceId, address: impl IntoAddress) -> Result<()> {
        self.easy.add(id, address)
    }

    /// Forgets a device; see [`EasyHttpAsync::remove`].
    pub fn remove(&self, id: impl IntoDeviceId) -> Result<bool> {
        self.easy.remove(id)
    }

    /// What discovery does on each interface; see [`EasyHttpAsync::interfaces`].
    pub fn interfaces(&self) -> Vec<Interface> {
        self.wait(self.easy.interfaces())
    }

    /// Starts to find others and to be found; see [`EasyHttpAsync::start_discovery`].
    pub fn start_discovery(&self) -> Result<()> {
        self.easy.start_discovery()
    }

    /// Stops to find others and to be found; see [`EasyHttpAsync::stop_discovery`].
    pub fn stop_discovery(&self) {
        self.easy.stop_discovery();
    }

    /// Gives the device other network keys from now on: the first one signs, all of
    /// them are accepted. So a key is changed while the device runs; see
    /// [`Builder::network_keys`].
    ///
    /// # Errors
    ///
    /// [`Error::InvalidKey`](crate::Error::InvalidKey);
    /// [`Error::NoNetworkKey`](crate::Error::NoNetworkKey) if the device was started
    /// without one, or if no keys are given.
    pub fn set_network_keys<K: IntoNetworkKey>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<()> {
        self.easy.set_network_keys(keys)
    }

    // ---- what has happened ----

    /// What this device has done and refused; see [`EasyHttpAsync::stats`].
    pub fn stats(&self) -> Stats {
        self.easy.stats()
    }

    /// The [`stats`](Self::stats) of another device on this machine; see
    /// [`EasyHttpAsync::stats_of`].
    ///
    /// # Errors
    ///
    /// As [`ping`](Self::ping), and [`Error::NotTaken`](crate::Error::NotTaken) if it is on
    /// another machine.
    pub fn stats_of(&self, id: impl IntoDeviceId) -> Result<Value> {
        self.wait(self.easy.stats_of(id.into_device_id()?))
    }

    // ---- talking ----

    /// Asks whether a device is there; see [`EasyHttpAsync::ping`].
    pub fn ping(&self, id: impl IntoDeviceId) -> Result<Duration> {
        self.wait(self.easy.ping(id))
    }

    /// Asks a device for data; see [`EasyHttpAsync::fetch`].
    pub fn fetch(&self, id: impl IntoDeviceId, query: impl Serialize) -> Result<Value> {
        self.fetch_as(id, query)
    }

    /// Asks a device for data of a type of yours; see [`EasyHttpAsync::fetch_as`].
    pub fn fetch_as<T: DeserializeOwned>(
        &self,
        id: impl IntoDeviceId,
        query: impl Serialize,
    ) -> Result<T> {
        self.wait(self.easy.fetch_as(id, query))
    }

    /// Sends a command, and returns when it was accepted; see [`EasyHttpAsync::push`].
    pub fn push(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<()> {
        self.wait(self.easy.push(id, data))
    }

    /// Sends any command that can be asked; see [`EasyHttpAsync::send`].
    pub fn send(
        &self,
        id: impl IntoDeviceId,
        command: Command,
        data: impl Serialize,
    ) -> Result<Reply> {
        self.wait(self.easy.send(id, command, data))
    }

    /// Where pushes wait for devices that are away: on disk, until they are delivered.
    #[cfg(feature = "outbox")]
    pub fn outbox(&self) -> Outbox<'_> {
        Outbox::of(&self.easy.node)
    }

    // ---- talking to many ----

    /// Asks all devices that are known whether they are there, at the same time; see
    /// [`Many`].
    pub fn ping_all(&self) -> Many<Duration> {
        self.many(self.easy.ping_all())
    }

    /// [`fetch`](Self::fetch)es from all devices that are known, at the same time; see
    /// [`Many`].
    ///
    /// ```no_run
    /// # fn main() -> easyhttp::Result<()> {
    /// use std::time::Duration;
    ///
    /// let easy = easyhttp::EasyHttp::start()?;
    /// let table = easy.fetch_all(()).within(Duration::from_secs(2)).all();
    /// for (id, reading) in table {
    ///     println!("{id}: {reading:?}");
    /// }
    /// # Ok(()) }
    /// ```
    pub fn fetch_all(&self, query: impl Serialize) -> Many<Value> {
        self.fetch_all_as(query)
    }

    /// As [`fetch_all`](Self::fetch_all), with the data as a type of yours.
    pub fn fetch_all_as<T: DeserializeOwned + Send + 'static>(
        &self,
        query: impl Serialize,
    ) -> Many<T> {
        self.many(self.easy.fetch_all_as(query))
    }

    /// [`push`](Self::push)es to all devices that are known, at the same time; see
    /// [`Many`]. The result of each says whether it has accepted.
    pub fn push_all(&self, data: impl Serialize) -> Many<()> {
        self.many(self.easy.push_all(data))
    }

    fn many<T: Send + 'static>(&self, many: ManyAsync<T>) -> Many<T> {
        Many::new(many, &self.runtime)
    }

    // ---- events ----

    /// All that happens to devices from now on, one event after the other, until this
    /// device stops; see [`EasyHttpAsync::presence`].
    ///
    /// ```no_run
    /// # fn main() -> easyhttp::Result<()> {
    /// use easyhttp::PresenceEvent;
    ///
    /// let easy = easyhttp::EasyHttp::start()?;
    /// for event in easy.presence() {
    ///     match event {
    ///         PresenceEvent::Joined(peer) => println!("{} is here", peer.id),
    ///         PresenceEvent::Left(peer) | PresenceEvent::Lost(peer) => {
    ///             println!("{} is gone", peer.id);
    ///         }
    ///         _ => {}
    ///     }
    /// }
    /// # Ok(()) }
    /// ```
    pub fn presence(&self) -> Presence {
        Presence::new(self.easy.presence(), self.easy.node.tasks.runtime())
    }

    plain_handlers! { self: &Self => () }

    fn insert_handler(&self, handler: Handler) {
        self.easy.node.insert_handler(handler);
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        wait(self.easy.node.tasks.runtime(), future)
    }
}

impl Drop for EasyHttp {
    fn drop(&mut self) {
        if self.easy.is_owner {
            self.stop();
        }
    }
}

impl std::fmt::Debug for EasyHttp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EasyHttp")
            .field("id", &self.id())
            .field("port", &self.port())
            .finish_non_exhaustive()
    }
}
