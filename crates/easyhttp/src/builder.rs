//! Setting a device up.

use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::exchange::Event;
use easyhttp_proto::id::IntoDeviceId;

use crate::answer::{IntoFetchAnswer, IntoPushAnswer, Returned};
use crate::asynchronous::EasyHttpAsync;
use crate::blocking::EasyHttp;
use crate::error::{Error, Result};
use crate::handler::{Callback, Handler, Set, async_handlers, on, on_async, plain_handlers};
use crate::interfaces::Choice;
use crate::lifecycle::new_id;
#[cfg(feature = "outbox")]
use crate::outbox::{OutboxItem, RefusedItem};
use crate::peer::{Moved, Peer};
use crate::presence::{DuplicateId, IdentityChanged};
#[cfg(feature = "outbox")]
use crate::pushes::AfterCrash;
use crate::request::Request;
#[cfg(doc)]
use crate::secure::TrustFile;
use crate::secure::{IntoNetworkKey, keyring};
use crate::settings::{Identity, Limits, PORT, Settings};

/// Between how often, and how seldom, a device may announce itself.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);
const LONGEST_INTERVAL: Duration = Duration::from_secs(60 * 60);

/// Sets up a device; [`start`](Builder::start) starts it.
///
/// `Face` is what comes out: an [`EasyHttp`] or an [`EasyHttpAsync`].
#[must_use = "a builder does nothing until it is started"]
pub struct Builder<Face> {
    settings: Settings,
    handlers: Set,
    /// A setting that was wrong; starting says so.
    wrong: Option<Error>,
    face: PhantomData<fn() -> Face>,
}

impl<Face> Builder<Face> {
    pub(crate) fn new() -> Self {
        Self {
            settings: Settings::default(),
            handlers: Set::default(),
            wrong: None,
            face: PhantomData,
        }
    }

    /// Prints what happens to standard error. Off by default; `tracing` gets
    /// the same at the level `DEBUG`, whatever this says.
    pub fn debug(mut self, debug: bool) -> Self {
        self.settings.debug = debug;
        self
    }

    /// The TCP port to answer on; 0 picks one that is free. 5000 by default.
    pub fn port(mut self, port: u16) -> Self {
        let address = self.settings.listen.and_then(|(address, _)| address);
        self.settings.listen = Some((address, port));
        self
    }

    /// The address of this machine to answer on. By default all of them, those
    /// of IPv4 and IPv6. Others are told of this one alone.
    pub fn address(mut self, address: impl Into<IpAddr>) -> Self {
        let port = self.settings.listen.map_or(PORT, |(_, port)| port);
        self.settings.listen = Some((Some(address.into()), port));
        self
    }

    /// Answers nobody: the device only asks, has no port, and is not found by
    /// others.
    pub fn ask_only(mut self) -> Self {
        self.settings.listen = None;
        self
    }

    /// The file that keeps the device's id; it is made at the first start.
    /// `easyhttp_device.json` in the current folder by default.
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.identity = Identity::File(path.into());
        self
    }

    /// Where the [outbox](crate::Outbox) is kept, instead of beside the device file. A
    /// device without a device file has an outbox only if this says where. The file is
    /// made when something is put in; no two devices may have the same.
    #[cfg(feature = "outbox")]
    pub fn outbox_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.outbox = Some(path.into());
        self
    }

    /// Remembers on disk which pushes the device has done, so that one that is sent again
    /// after a restart of the device is not done again. It is kept in a file beside the
    /// device file, `.NAME.pushes`, or beside the [`outbox_file`](Self::outbox_file) of a
    /// device that has none. Off by default: then a device that was restarted refuses
    /// what it may have done before.
    ///
    /// A push then waits for the disk, once or twice; those that come at the same time
    /// wait together. `after_crash` says what is to become of one that was being done when
    /// the device stopped without warning.
    ///
    /// When the disk fails, what a handler has said is answered all the same; it is noted
    /// as soon as the disk takes it. Meanwhile a device with
    /// [`AfterCrash::Unknown`](crate::AfterCrash::Unknown) runs no push that has a key, as it
    /// could not keep its promise. The log warns, and
    /// [`Stats::pushes_not_noted`](crate::Stats::pushes_not_noted) counts.
    #[cfg(feature = "outbox")]
    pub fn durable(mut self, after_crash: AfterCrash) -> Self {
        self.settings.durable = Some(after_crash);
        self
    }

    /// Uses this id and no device file.
    pub fn id(mut self, id: impl IntoDeviceId) -> Self {
        match id.into_device_id() {
            Ok(id) => self.settings.identity = Identity::Fixed(id),
            Err(invalid) => self.wrong = Some(invalid.into()),
        }
        self
    }

    /// Uses a fresh id for this run, and no device file.
    pub fn random_id(mut self) -> Self {
        match new_id() {
            Ok(id) => self.settings.identity = Identity::Fixed(id),
            Err(error) => self.wrong = Some(error.into()),
        }
        self
    }

    /// Whether to find others by multicast, and be found. On by default.
    pub fn discovery(mut self, discovery: bool) -> Self {
        self.settings.discovery = discovery;
        self
    }

    /// The UDP port of discovery. 37020 by default, as all EasyHTTP devices
    /// have it; devices with another port do not see those, nor are they seen.
    pub fn discovery_port(mut self, port: u16) -> Self {
        self.settings.discovery_port = port;
        self
    }

    /// How often to announce this device: from a second to an hour, 5 s by
    /// default. What is beyond these counts as the nearest of them. With more than 50
    /// devices it is longer. Others notice after
    /// about twice this time that the device is gone.
    pub fn announce_interval(mut self, interval: Duration) -> Self {
        self.settings.announce_interval = interval.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL);
        self
    }

    /// The network interfaces to find others on, by name. By default all that
    /// are up, except those of containers, virtual machines and tunnels, whose
    /// names say it: `docker0`, `veth…`, `virbr0`, `tun0`, `wg0` and the like.
    /// No names mean the default. One that is not there yet is used as soon as it comes; at
    /// the start the log warns of it, as it may be misspelt.
    pub fn interfaces<I>(mut self, names: I) -> Self
    where
        I: IntoIterator<Item: Into<String>>,
    {
        let names: Vec<_> = names.into_iter().map(Into::into).collect();
        self.settings.interfaces =
            if names.is_empty() { Choice::Usual } else { Choice::Named(names) };
        self
    }

    /// Finds others on every network interface, those of containers, virtual
    /// machines and tunnels included.
    pub fn all_interfaces(mut self) -> Self {
        self.settings.interfaces = Choice::All;
        self
    }

    /// Names where a device is, as `"192.168.1.23:5000"` or
    /// `"kitchen.example:5000"`, for networks on which multicast does not pass.
    /// Its id need not be known: it is asked for its name, and for the devices
    /// that it knows, at the start and every 5 s until it answers. Can be
    /// repeated.
    pub fn peer(mut self, address: impl Into<String>) -> Self {
        let address = address.into();
        match is_host_and_port(&address) {
            // Addresses first: names have to be looked up.
            true if address.parse::<SocketAddr>().is_ok() => self.settings.peers.insert(0, address),
            true => self.settings.peers.push(address),
            false => self.wrong = Some(Error::InvalidAddress(address)),
        }
        self
    }

    /// Whether to find others by DNS-SD as well, and be found: as a service
    /// `_easyhttp._tcp.local`, and as the host `ID.local`, which browsers find.
    /// On by default; never done with another
    /// [`discovery_port`](Self::discovery_port) than the usual one, where only loopback
    /// is among the [`interfaces`](Self::interfaces), or where the feature `dns-sd` is
    /// off.
    pub fn dns_sd(mut self, dns_sd: bool) -> Self {
        self.settings.dns_sd = dns_sd;
        self
    }

    /// Whether to ask every address of the networks that this machine is on, at
    /// most 254 on each, for a device at its own port or at port 5000: at the
    /// start, and when an interface appears. For networks on which multicast
    /// does not pass. Off by default: such a sweep looks like an attack to
    /// those who watch a network.
    pub fn sweep(mut self, sweep: bool) -> Self {
        self.settings.sweep = sweep;
        self
    }

    /// Lets web pages of this origin send commands, such as
    /// `"http://panel.local:8080"`. None by default: a page in any browser on
    /// the network could otherwise drive the device.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.settings.allowed_origins.push(origin.into());
        self
    }

    /// A name by which this device may be addressed, beside its IP addresses
    /// and `localhost`. Requests that use another one are refused, because a
    /// web page can make any name of its own point here.
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.settings.host_names.push(name.into());
        self
    }

    /// Gives the device a network key: it proves to others that it has it, and hears
    /// only those who prove the same. Strangers can neither command nor ask it, nor
    /// answer in its peers' place. None by default.
    ///
    /// Make one by [`NetworkKey::from_entropy`](crate::NetworkKey::from_entropy), or by
    /// `easyhttp key new`, and give the same to every device. A text that is no key is an
    /// error when the device starts.
    pub fn network_key(self, key: impl IntoNetworkKey) -> Self {
        self.network_keys([key])
    }

    /// As [`network_key`](Self::network_key), with several: the first one signs, all of
    /// them are accepted. So a key is changed while devices go on talking: give the new
    /// and the old one to each, in this order, and when all have both, the new one alone.
    /// No keys mean that the device has none.
    pub fn network_keys<K: IntoNetworkKey>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        match keyring(keys) {
            Ok(keys) => self.settings.secure.keys = keys.map(Arc::new),
            Err(invalid) => self.wrong = Some(invalid.into()),
        }
        self
    }

    /// Whether what the device says over HTTP is encrypted. Off by default. It needs a
    /// [`network_key`](Self::network_key); everybody who has that can read it. Ids,
    /// addresses, sizes and times can be seen by all.
    pub fn encrypt(mut self, encrypt: bool) -> Self {
        self.settings.secure.encrypts = encrypt;
        self
    }

    /// Gives the device a key of its own, in this file, which is made at the first start
    /// and can be read by its owner alone. Who knows this device by its key takes no
    /// other one for it, although all have the same network key; and so does this device
    /// with others, of which the first key that they show is kept in a [`TrustFile`]
    /// beside it. It needs a [`network_key`](Self::network_key), and some 0.1 ms a call. It is
    /// not there without the feature `device-keys`.
    #[cfg(feature = "device-keys")]
    pub fn device_key(mut self, path: impl Into<PathBuf>) -> Self {
        self.settings.secure.device_key = Some(path.into());
        self
    }

    /// Whether a device that has a [`network_key`](Self::network_key) listens to those
    /// that have none as well, such as Python devices. Off by default. Then anybody on
    /// the network can command this device, as if it had no key.
    pub fn allow_legacy(mut self, allow: bool) -> Self {
        self.settings.secure.allows_open = allow;
        self
    }

    /// How long a whole call may take. 3 s by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.limits.call = timeout;
        self
    }

    /// What others may cost this device, and what calls may take. It replaces
    /// all limits, [`timeout`](Self::timeout) included.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.settings.limits = limits;
        self
    }

    plain_handlers! { self: Self => Self }

    fn insert_handler(mut self, handler: Handler) -> Self {
        self.handlers.insert(handler);
        self
    }

    pub(crate) fn finish(self) -> Result<(Settings, Set)> {
        let secure = &self.settings.secure;
        match self.wrong {
            Some(error) => Err(error),
            None if secure.keys.is_none() && (secure.encrypts || secure.device_key.is_some()) => {
                Err(Error::NoNetworkKey)
            }
            #[cfg(feature = "outbox")]
            None if self.settings.durable.is_some() && self.settings.beside("pushes").is_none() => {
                Err(Error::NoOutbox)
            }
            None => {
                let limits = self.settings.limits.clone().countable();
                Ok((Settings { limits, ..self.settings }, self.handlers))
            }
        }
    }
}

impl Builder<EasyHttp> {
    /// Starts the device. When this returns, its port answers.
    ///
    /// # Errors
    ///
    /// [`Error::Start`] if the port is in use, the device file cannot be read
    /// or is held by another device, and the like; [`Error::InvalidId`].
    pub fn start(self) -> Result<EasyHttp> {
        EasyHttp::start_with(self)
    }
}

impl Builder<EasyHttpAsync> {
    async_handlers! { self: Self => Self }

    /// Starts the device on the current tokio runtime. When this returns, its
    /// port answers.
    ///
    /// # Errors
    ///
    /// As [`Builder::<EasyHttp>::start`](Builder::start).
    pub async fn start(self) -> Result<EasyHttpAsync> {
        EasyHttpAsync::start_with(self).await
    }
}

/// Whether this names a host and a port on it.
fn is_host_and_port(text: &str) -> bool {
    let parts = text.rsplit_once(':');
    parts.is_some_and(|(host, port)| {
        let is_bare_v6 = host.contains(':') && !host.starts_with('[');
        !host.is_empty() && !is_bare_v6 && port.parse::<u16>().is_ok_and(|port| port != 0)
    })
}

impl<Face> std::fmt::Debug for Builder<Face> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
