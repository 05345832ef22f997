//! Each scenario is written once, for any [`Face`], and runs on both.
//!
//! A scenario is plain code on a plain thread. The async face is driven from
//! there by `block_on`, as a program would that is mostly not async.

mod addresses;
mod answers;
mod async_handlers;
mod calls;
mod connections;
mod counting;
mod delivery;
mod discovery;
#[cfg(feature = "outbox")]
mod durable;
mod failures;
mod handlers;
#[cfg(feature = "device-keys")]
mod identity;
mod many;
mod next_address;
#[cfg(feature = "outbox")]
mod outbox;
mod peers;
mod presence;
mod presence_events;
mod presence_stream;
mod retries;
mod runtimes;
mod secure;
mod settings;
mod starting;
mod stopping;
mod ways;

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::LazyLock;
use std::time::Duration;

use easyhttp::{
    Builder, Command, DeviceId, DuplicateId, EasyHttp, EasyHttpAsync, IdentityChanged, Interface,
    IntoAddress, IntoDeviceId, IntoFetchAnswer, IntoNetworkKey, IntoPushAnswer, Many, ManyAsync,
    Moved, Peer, Presence, PresenceAsync, PresenceEvent, Reply, Request, Result, Stats, Value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::runtime::Runtime;

use crate::support::{local, quiet};

/// Everything that a device can do on both faces. A method that one of them
/// lacks does not compile.
pub(crate) trait Face: Sized + Debug + Send + Sync + 'static {
    type Device: 'static;
    type Many<T: Send + 'static>: ToMany<T>;
    type Presence: Send;

    fn builder() -> Builder<Self::Device>;
    fn start() -> Result<Self>;
    fn start_with(builder: Builder<Self::Device>) -> Result<Self>;
    fn handle(&self) -> Self;
    fn stop(&self);

    fn id(&self) -> DeviceId;
    fn port(&self) -> Option<u16>;

    fn devices(&self) -> Vec<Peer>;
    fn discovered(&self) -> Vec<DeviceId>;
    fn find(&self, id: impl IntoDeviceId, wait: Duration) -> Result<Peer>;
    fn add(&self, id: impl IntoDeviceId, address: impl IntoAddress) -> Result<()>;
    fn remove(&self, id: impl IntoDeviceId) -> Result<bool>;
    fn start_discovery(&self) -> Result<()>;
    fn stop_discovery(&self);
    fn interfaces(&self) -> Vec<Interface>;
    fn set_network_keys<K: IntoNetworkKey>(&self, keys: impl IntoIterator<Item = K>) -> Result<()>;
    fn stats(&self) -> Stats;
    fn stats_of(&self, id: impl IntoDeviceId) -> Result<Value>;

    fn ping(&self, id: impl IntoDeviceId) -> Result<Duration>;
    fn fetch(&self, id: impl IntoDeviceId, query: impl Serialize) -> Result<Value>;
    fn fetch_as<T>(&self, id: impl IntoDeviceId, query: impl Serialize) -> Result<T>
    where
        T: DeserializeOwned + Send + 'static;
    fn push(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<()>;
    fn send(&self, id: impl IntoDeviceId, command: Command, data: impl Serialize) -> Result<Reply>;

    fn ping_all(&self) -> Self::Many<Duration>;
    fn fetch_all(&self, query: impl Serialize) -> Self::Many<Value>;
    fn fetch_all_as<T>(&self, query: impl Serialize) -> Self::Many<T>
    where
        T: DeserializeOwned + Send + 'static;
    fn push_all(&self, data: impl Serialize) -> Self::Many<()>;

    fn presence(&self) -> Self::Presence;
    fn next_event(presence: &mut Self::Presence) -> Option<PresenceEvent>;

    fn on_ping(&self, handler: impl Fn(Request) + Send + Sync + 'static);
    fn on_pong(&self, handler: impl Fn(Request) + Send + Sync + 'static);
    fn on_fetch<R: IntoFetchAnswer<M>, M>(
        &self,
        handler: impl Fn(Request) -> R + Send + Sync + 'static,
    );
    fn on_data(&self, handler: impl Fn(Request) + Send + Sync + 'static);
    fn on_push<R: IntoPushAnswer>(&self, handler: impl Fn(Request) -> R + Send + Sync + 'static);
    fn on_joined(&self, handler: impl Fn(Peer) + Send + Sync + 'static);
    fn on_left(&self, handler: impl Fn(Peer) + Send + Sync + 'static);
    fn on_lost(&self, handler: impl Fn(Peer) + Send + Sync + 'static);
    fn on_moved(&self, handler: impl Fn(Moved) + Send + Sync + 'static);
    fn on_duplicate_id(&self, handler: impl Fn(DuplicateId) + Send + Sync + 'static);
    #[cfg_attr(not(feature = "device-keys"), expect(dead_code))]
    fn on_identity_changed(&self, handler: impl Fn(IdentityChanged) + Send + Sync + 'static);

    /// Makes another device known to this one, as `add` does.
    fn meet(&self, other: &Self) {
        self.add(other.id(), local(other.port().unwrap())).unwrap();
    }
}

/// A command to many devices, as it is on both faces.
pub(crate) trait ToMany<T>: Sized + Debug {
    fn only(self, picks: impl FnMut(&Peer) -> bool + Send + 'static) -> Self;
    fn within(self, time: Duration) -> Self;
    fn joining(self, time: Duration) -> Self;
    fn next_one(&mut self) -> Option<(DeviceId, Result<T>)>;
    fn all(self) -> BTreeMap<DeviceId, Result<T>>;
}

macro_rules! face {
    ($Face:ident, $Device:ty, $Many:ident, $Presence:ty, $wait:expr) => {
        impl<T: Send + 'static> ToMany<T> for $Many<T> {
            fn only(self, picks: impl FnMut(&Peer) -> bool + Send + 'static) -> Self {
                self.only(picks)
            }
            fn within(self, time: Duration) -> Self {
                self.within(time)
            }
            fn joining(self, time: Duration) -> Self {
                self.joining(time)
            }
            fn next_one(&mut self) -> Option<(DeviceId, Result<T>)> {
                $wait(self.next())
            }
            fn all(self) -> BTreeMap<DeviceId, Result<T>> {
                $wait(self.all())
            }
        }

        #[derive(Debug)]
        pub(crate) struct $Face($Device);

        impl Face for $Face {
            type Device = $Device;
            type Many<T: Send + 'static> = $Many<T>;
            type Presence = $Presence;

            fn builder() -> Builder<Self::Device> {
                <$Device>::builder()
            }
            fn start() -> Result<Self> {
                $wait(<$Device>::start()).map(Self)
            }
            fn start_with(builder: Builder<Self::Device>) -> Result<Self> {
                $wait(builder.start()).map(Self)
            }
            fn handle(&self) -> Self {
                Self(self.0.handle())
            }
            fn stop(&self) {
                $wait(self.0.stop())
            }

            fn id(&self) -> DeviceId {
                self.0.id()
            }
            fn port(&self) -> Option<u16> {
                self.0.port()
            }

            fn devices(&self) -> Vec<Peer> {
                self.0.devices()
            }
            fn discovered(&self) -> Vec<DeviceId> {
                self.0.discovered()
            }
            fn find(&self, id: impl IntoDeviceId, wait: Duration) -> Result<Peer> {
                $wait(self.0.find(id, wait))
            }
            fn add(&self, id: impl IntoDeviceId, address: impl IntoAddress) -> Result<()> {
                self.0.add(id, address)
            }
            fn remove(&self, id: impl IntoDeviceId) -> Result<bool> {
                self.0.remove(id)
            }
            fn start_discovery(&self) -> Result<()> {
                self.0.start_discovery()
            }
            fn stop_discovery(&self) {
                self.0.stop_discovery()
            }
            fn stats(&self) -> Stats {
                self.0.stats()
            }
            fn stats_of(&self, id: impl IntoDeviceId) -> Result<Value> {
                $wait(self.0.stats_of(id))
            }
            fn interfaces(&self) -> Vec<Interface> {
                $wait(self.0.interfaces())
            }
            fn set_network_keys<K: IntoNetworkKey>(
                &self,
                keys: impl IntoIterator<Item = K>,
            ) -> Result<()> {
                self.0.set_network_keys(keys)
            }

            fn ping(&self, id: impl IntoDeviceId) -> Result<Duration> {
                $wait(self.0.ping(id))
            }
            fn fetch(&self, id: impl IntoDeviceId, query: impl Serialize) -> Result<Value> {
                $wait(self.0.fetch(id, query))
            }
            fn fetch_as<T>(&self, id: impl IntoDeviceId, query: impl Serialize) -> Result<T>
            where
                T: DeserializeOwned + Send + 'static,
            {
                $wait(self.0.fetch_as(id, query))
            }
            fn push(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<()> {
                $wait(self.0.push(id, data))
            }
            fn send(
                &self,
                id: impl IntoDeviceId,
                command: Command,
                data: impl Serialize,
            ) -> Result<Reply> {
                $wait(self.0.send(id, command, data))
            }

            fn ping_all(&self) -> $Many<Duration> {
                self.0.ping_all()
            }
            fn fetch_all(&self, query: impl Serialize) -> $Many<Value> {
                self.0.fetch_all(query)
            }
            fn fetch_all_as<T>(&self, query: impl Serialize) -> $Many<T>
            where
                T: DeserializeOwned + Send + 'static,
            {
                self.0.fetch_all_as(query)
            }
            fn push_all(&self, data: impl Serialize) -> $Many<()> {
                self.0.push_all(data)
            }

            fn presence(&self) -> $Presence {
                self.0.presence()
            }
            fn next_event(presence: &mut $Presence) -> Option<PresenceEvent> {
                $wait(presence.next())
            }

            fn on_ping(&self, handler: impl Fn(Request) + Send + Sync + 'static) {
                self.0.on_ping(handler)
            }
            fn on_pong(&self, handler: impl Fn(Request) + Send + Sync + 'static) {
                self.0.on_pong(handler)
            }
            fn on_fetch<R: IntoFetchAnswer<M>, M>(
                &self,
                handler: impl Fn(Request) -> R + Send + Sync + 'static,
            ) {
                self.0.on_fetch(handler)
            }
            fn on_data(&self, handler: impl Fn(Request) + Send + Sync + 'static) {
                self.0.on_data(handler)
            }
            fn on_push<R: IntoPushAnswer>(
                &self,
                handler: impl Fn(Request) -> R + Send + Sync + 'static,
            ) {
                self.0.on_push(handler)
            }
            fn on_joined(&self, handler: impl Fn(Peer) + Send + Sync + 'static) {
                self.0.on_joined(handler)
            }
            fn on_left(&self, handler: impl Fn(Peer) + Send + Sync + 'static) {
                self.0.on_left(handler)
            }
            fn on_lost(&self, handler: impl Fn(Peer) + Send + Sync + 'static) {
                self.0.on_lost(handler)
            }
            fn on_moved(&self, handler: impl Fn(Moved) + Send + Sync + 'static) {
                self.0.on_moved(handler)
            }
            fn on_duplicate_id(&self, handler: impl Fn(DuplicateId) + Send + Sync + 'static) {
                self.0.on_duplicate_id(handler)
            }
            fn on_identity_changed(
                &self,
                handler: impl Fn(IdentityChanged) + Send + Sync + 'static,
            ) {
                self.0.on_identity_changed(handler)
            }
        }
    };
}

face!(Blocking, EasyHttp, Many, Presence, std::convert::identity);
face!(Asynchronous, EasyHttpAsync, ManyAsync, PresenceAsync, on_runtime);

/// The runtime of all async devices of these tests.
fn on_runtime<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());
    RUNTIME.block_on(future)
}

/// Makes two tests of each scenario: `blocking::NAME` and `asynchronous::NAME`.
macro_rules! on_both_faces {
    ($($scenario:ident),* $(,)?) => {
        mod blocking {
            $(#[test] fn $scenario() { super::$scenario::<crate::faces::Blocking>(); })*
        }
        mod asynchronous {
            $(#[test] fn $scenario() { super::$scenario::<crate::faces::Asynchronous>(); })*
        }
    };
}
use on_both_faces;

/// A device for tests, not started yet.
fn device<F: Face>() -> Builder<F::Device> {
    quiet(F::builder())
}

/// A device that asks, and the device that these handlers make, which it knows.
fn pair<F: Face>(answering: Builder<F::Device>) -> (F, F) {
    let asking = F::start_with(device::<F>()).unwrap();
    let answering = F::start_with(answering).unwrap();
    asking.meet(&answering);
    (asking, answering)
}
