//! How a device is set up, and where its limits start.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use easyhttp_proto::{DeviceId, datagram, limits};
use tokio::sync::Semaphore;

#[cfg(feature = "outbox")]
use crate::files::{beside, target};
use crate::interfaces::Choice;
#[cfg(feature = "outbox")]
use crate::pushes::AfterCrash;
use crate::secure::SecureSettings;

/// The TCP port of a device that is not given another one.
pub(crate) const PORT: u16 = 5000;

/// What a running device was set up with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) debug: bool,
    pub(crate) identity: Identity,
    /// Where the outbox is, if not beside the device file.
    #[cfg(feature = "outbox")]
    pub(crate) outbox: Option<PathBuf>,
    /// Whether pushes are remembered on disk.
    #[cfg(feature = "outbox")]
    pub(crate) durable: Option<AfterCrash>,
    /// The address, if it is to be only one, and the port to listen on. None:
    /// the device only asks.
    pub(crate) listen: Option<(Option<IpAddr>, u16)>,
    pub(crate) discovery: bool,
    pub(crate) discovery_port: u16,
    pub(crate) announce_interval: Duration,
    pub(crate) interfaces: Choice,
    /// `HOST:PORT` of devices that need not be found.
    pub(crate) peers: Vec<String>,
    pub(crate) dns_sd: bool,
    pub(crate) sweep: bool,
    pub(crate) host_names: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) secure: SecureSettings,
    pub(crate) limits: Limits,
}

/// Where the device's id comes from.
#[derive(Debug, Clone)]
pub(crate) enum Identity {
    /// A file, which is made at the first start.
    File(PathBuf),
    /// The caller says it.
    Fixed(DeviceId),
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            debug: false,
            identity: Identity::File("easyhttp_device.json".into()),
            #[cfg(feature = "outbox")]
            outbox: None,
            #[cfg(feature = "outbox")]
            durable: None,
            listen: Some((None, PORT)),
            discovery: true,
            discovery_port: datagram::PORT,
            announce_interval: limits::ANNOUNCE,
            interfaces: Choice::default(),
            peers: Vec::new(),
            dns_sd: true,
            sweep: false,
            host_names: Vec::new(),
            allowed_origins: Vec::new(),
            secure: SecureSettings::default(),
            limits: Limits::default(),
        }
    }
}

#[cfg(feature = "outbox")]
impl Settings {
    /// Where something is kept that belongs to the device: beside its device file, or
    /// else beside its outbox. None: it has neither.
    pub(crate) fn beside(&self, extension: &str) -> Option<PathBuf> {
        match (&self.identity, &self.outbox) {
            (Identity::File(path), _) | (Identity::Fixed(_), Some(path)) => {
                Some(beside(&target(path), extension))
            }
            (Identity::Fixed(_), None) => None,
        }
    }
}

/// The sizes, counts and times that bound what others can cost a device.
///
/// ```
/// let mut limits = easyhttp::Limits::default();
/// limits.connections = 32;
/// let builder = easyhttp::EasyHttp::builder().limits(limits);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Limits {
    /// How long connecting to a peer may take. 1.5 s.
    pub connect: Duration,
    /// How long a whole call may take. 3 s.
    pub call: Duration,
    /// How long a connection to a peer is kept for the next call. 4 s, less
    /// than the 5 s after which a Python device closes it.
    pub client_idle: Duration,
    /// The largest body of a request or an answer, in bytes. 1 MiB.
    pub body: usize,
    /// How long the body of a request may take. 20 s.
    pub body_read: Duration,
    /// The largest block of HTTP headers, in bytes. 16 KiB.
    pub header_block: usize,
    /// How many HTTP headers a request may have. 64.
    pub headers: usize,
    /// How long the headers of a request may take, and how long an answer waits to be
    /// read. 20 s.
    pub header_read: Duration,
    /// How long a connection may be silent after a request. 20 s.
    pub idle: Duration,
    /// How many connections are open at once. 256; then the oldest that has
    /// not completed a request makes way.
    pub connections: usize,
    /// How many connections one address may have. 128; then one of its own makes way.
    pub connections_per_address: usize,
    /// How many bytes all bodies of more than 64 KiB may have together that are being
    /// read, or are answers that are being sent. 16 MiB; then requests are answered
    /// by 503.
    pub bodies: usize,
    /// How many handlers run at once. 64; then requests are answered by 503.
    pub handlers: usize,
    /// How long an answer waits for its handler. 2.5 s, less than the 3 s
    /// after which askers are gone. The handler itself is never cut off. One
    /// that calls other devices wants a shorter [`call`](Self::call).
    pub handler: Duration,
    /// How many peers are known at once. 1,024; those that only claimed to
    /// exist make room first.
    pub peers: usize,
    /// How many PUSHes are remembered, in about 200 bytes each, so that one that comes
    /// again is not run again. 8,192; then the oldest are forgotten, and so is what is older
    /// than 24 hours.
    pub pushes: usize,
    /// How many requests a device with a network key takes in one epoch, which ends after
    /// 300 s in any case: it remembers each until the next one ends, in about 30 bytes.
    /// 32,768; at least 1,024.
    pub nonces: usize,
    /// How many items wait in the [outbox](crate::Outbox) at once, until the handler that
    /// is told what became of them has returned. 10,000; then another one is an error.
    #[cfg(feature = "outbox")]
    pub outbox_items: usize,
    /// How many bytes their data may have together. 64 MiB.
    #[cfg(feature = "outbox")]
    pub outbox_bytes: usize,
    /// How long stopping waits for handlers and connections. 5 s.
    pub stop: Duration,
}

/// Longer than anybody waits, and short enough for any clock and timer.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limits {
    /// The same, with what is meant as unlimited brought to what the libraries
    /// below can count.
    pub(crate) fn countable(mut self) -> Self {
        let times = [
            &mut self.connect,
            &mut self.call,
            &mut self.client_idle,
            &mut self.body_read,
            &mut self.header_read,
            &mut self.idle,
            &mut self.handler,
            &mut self.stop,
        ];
        times.into_iter().for_each(|time| *time = (*time).min(LONGEST));
        self.handlers = self.handlers.min(Semaphore::MAX_PERMITS);
        self.headers = self.headers.min(HEADERS_MOST);
        self
    }
}

/// The headers of each request are gathered in an array of this length.
const HEADERS_MOST: usize = 4096;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connect: limits::CONNECT,
            call: limits::CALL,
            client_idle: limits::CLIENT_IDLE,
            body: limits::BODY,
            body_read: limits::BODY_READ,
            header_block: limits::HEADER_BLOCK,
            headers: limits::HEADERS,
            header_read: limits::HEADER_READ,
            idle: limits::IDLE,
            connections: limits::CONNECTIONS,
            connections_per_address: limits::CONNECTIONS_PER_ADDRESS,
            bodies: limits::BODIES,
            handlers: limits::HANDLERS,
            handler: limits::HANDLER,
            peers: limits::PEERS,
            pushes: limits::PUSHES,
            nonces: limits::NONCES,
            #[cfg(feature = "outbox")]
            outbox_items: limits::OUTBOX_ITEMS,
            #[cfg(feature = "outbox")]
            outbox_bytes: limits::OUTBOX_BYTES,
            stop: limits::STOP,
        }
    }
}
