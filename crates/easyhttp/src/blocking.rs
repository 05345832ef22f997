//! The blocking face. It has no logic of its own: it hands a future to a
//! runtime that keeps running between calls, and waits on a channel.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use easyhttp_proto::exchange::Event;
use easyhttp_proto::id::IntoDeviceId;
use easyhttp_proto::{Command, DeviceId};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::address::IntoAddress;
use crate::answer::{IntoFetchAnswer, IntoPushAnswer, Returned};
use crate::asynchronous::EasyHttpAsync;
use crate::builder::Builder;
use crate::call::Reply;
use crate::discovery::Interface;
use crate::error::{Error, Result, StartError};
use crate::handler::{Callback, Handler, on, plain_handlers};
use crate::peer::{Moved, Peer};
use crate::presence::DuplicateId;
use crate::request::Request;

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
    /// The runtime, in the handle that owns the device. It is shut down in the
    /// background: dropping it would wait, which is not allowed in async code.
    runtime: Option<Runtime>,
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
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("easyhttp")
            .enable_all()
            .build()
            .map_err(StartError::Runtime)?;
        match wait(runtime.handle(), EasyHttpAsync::start_with(builder)).flatten() {
            Ok(easy) => Ok(Self { easy, runtime: Some(runtime) }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Another handle of the same device, for threads and handlers. Dropping
    /// it does not stop the device.
    pub fn handle(&self) -> Self {
        Self { easy: self.easy.handle(), runtime: None }
    }

    /// Says goodbye, frees the port and waits for the handlers and connections
    /// that still run, up to [`Limits::stop`](crate::Limits::stop). Called
    /// again, or from a handler of this device, it does not wait for those.
    pub fn stop(&self) {
        // Asked here, because the future runs on another thread.
        let inside_handler = self.easy.node.tasks.is_inside_handler();
        let stop = Arc::clone(&self.easy.node).stop(inside_handler);
        // The handlers go on this thread: what they hold may wait for the
        // device's own. It fails if the runtime is gone, and the device with it.
        let handlers = wait(self.easy.node.tasks.runtime(), stop);
        drop(handlers);
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
        let id = id.into_device_id()?;
        self.call(|easy| async move { easy.find(id, wait).await })
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
        self.call(|easy| async move { Ok(easy.interfaces().await) }).unwrap_or_default()
    }

    /// Starts to find others and to be found; see [`EasyHttpAsync::start_discovery`].
    pub fn start_discovery(&self) -> Result<()> {
        self.easy.start_discovery()
    }

    /// Stops to find others and to be found; see [`EasyHttpAsync::stop_discovery`].
    pub fn stop_discovery(&self) {
        self.easy.stop_discovery();
    }

    // ---- talking ----

    /// Asks whether a device is there; see [`EasyHttpAsync::ping`].
    pub fn ping(&self, id: impl IntoDeviceId) -> Result<Duration> {
        let id = id.into_device_id()?;
        self.call(|easy| async move { easy.ping(id).await })
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
        let (id, query) = (id.into_device_id()?, raw(query)?);
        let data = self.call(|easy| async move { easy.node.fetch(id, query).await })?;
        data.parse().map_err(|source| Error::UnexpectedData { id, source })
    }

    /// Sends a command, and returns when it was accepted; see [`EasyHttpAsync::push`].
    pub fn push(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<()> {
        let (id, data) = (id.into_device_id()?, raw(data)?);
        self.call(|easy| async move { easy.push(id, data).await })
    }

    /// Sends any command that can be asked; see [`EasyHttpAsync::send`].
    pub fn send(
        &self,
        id: impl IntoDeviceId,
        command: Command,
        data: impl Serialize,
    ) -> Result<Reply> {
        let (id, data) = (id.into_device_id()?, raw(data)?);
        self.call(|easy| async move { easy.send(id, command, data).await })
    }

    // ---- events ----

    plain_handlers! { self: &Self => () }

    fn insert_handler(&self, handler: Handler) {
        self.easy.node.handlers.insert(handler);
    }

    /// Runs a method of the async face, and waits for what it gives.
    fn call<T, F>(&self, method: impl FnOnce(EasyHttpAsync) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        wait(self.easy.node.tasks.runtime(), method(self.easy.handle()))?
    }
}

impl Drop for EasyHttp {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            self.stop();
            runtime.shutdown_background();
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

/// Runs a future on the device's runtime, and waits for it on this thread.
/// Unlike `block_on` this works everywhere, in async code too.
fn wait<T: Send + 'static>(
    runtime: &tokio::runtime::Handle,
    future: impl Future<Output = T> + Send + 'static,
) -> Result<T> {
    let (sender, receiver) = mpsc::sync_channel(1);
    runtime.spawn(async move {
        let _ = sender.send(future.await);
    });
    // It fails if the runtime is gone, and the device with it.
    receiver.recv().map_err(|_| Error::Stopped)
}

fn raw(data: impl Serialize) -> Result<Box<serde_json::value::RawValue>> {
    serde_json::value::to_raw_value(&data).map_err(Error::InvalidData)
}
