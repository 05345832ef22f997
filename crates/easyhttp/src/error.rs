//! What can go wrong, sorted by who is at fault.

mod start;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::id::InvalidId;
use easyhttp_proto::secure::{InvalidKey, KeyId};

pub use start::StartError;

/// What a call or a start gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call or a start failed. Its text names the thing, the cause and what to
/// do about it.
#[non_exhaustive]
pub enum Error {
    // ---- the network, or the peer's absence ----
    /// No address of this device is known.
    UnknownDevice {
        /// The device that was asked for.
        id: DeviceId,
        /// The devices that are known.
        seen: Vec<DeviceId>,
    },
    /// No connection to the device could be made. Nothing was sent.
    Unreachable {
        /// The device.
        id: DeviceId,
        /// The address that was tried.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The device did not answer in time.
    TimedOut {
        /// The device.
        id: DeviceId,
        /// The address that was tried.
        address: SocketAddr,
        /// How long was waited.
        after: Duration,
        /// Whether the request may have reached the device, so that it is not
        /// known whether it was run.
        sent: bool,
    },
    /// The connection broke before an answer came. Whether the command was run
    /// is not known.
    Interrupted {
        /// The device.
        id: DeviceId,
        /// Its address.
        address: SocketAddr,
        /// What broke.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another device answers at the address.
    WrongDevice {
        /// The device that was asked.
        id: DeviceId,
        /// The address that was tried.
        address: SocketAddr,
        /// The device that answered, if it said so.
        found: Option<DeviceId>,
    },
    /// Two devices have this id, so nobody knows which of them is meant.
    /// Nothing was sent.
    Ambiguous {
        /// Their id.
        id: DeviceId,
        /// Where they answer.
        addresses: Vec<SocketAddr>,
    },

    /// The device has another network key than this one, or one of the two has none.
    /// Nothing was done.
    OtherKey {
        /// The device.
        id: DeviceId,
        /// Its address.
        address: SocketAddr,
        /// The key of this device. None if it has none.
        ours: Option<KeyId>,
        /// The key of the other one.
        theirs: KeyId,
    },
    /// What answered did not prove that it has our network key: it has none, or
    /// somebody else speaks for the device.
    NotAuthenticated {
        /// The device.
        id: DeviceId,
        /// The address.
        address: SocketAddr,
    },
    /// The device has had this very request before, so it was not run again:
    /// somebody sends copies of what we say.
    Replayed {
        /// The device.
        id: DeviceId,
        /// Its address.
        address: SocketAddr,
    },
    /// The device had another key of its own before, or has none any more: it was
    /// replaced or reset, or somebody else uses its id.
    IdentityChanged {
        /// The device.
        id: DeviceId,
        /// The address.
        address: SocketAddr,
    },

    /// An item of the outbox was sent and not answered, and the device cannot be asked
    /// about it: it does not know the keys by which it would be known again, or has
    /// forgotten. Whether it was done is not known.
    #[cfg(feature = "outbox")]
    Unsure {
        /// The device.
        id: DeviceId,
    },

    // ---- the peer ----
    /// The device's handler refused.
    Refused {
        /// The device.
        id: DeviceId,
        /// Why, in the device's words, if it gave a reason.
        reason: Option<String>,
    },
    /// The device has no handler for the command.
    NoHandler {
        /// The device.
        id: DeviceId,
    },
    /// The device's handler returned an error, panicked, or took too long.
    HandlerFailed {
        /// The device.
        id: DeviceId,
        /// How, in the device's words.
        message: String,
    },
    /// The device runs as many handlers as it allows. Try again in a second.
    Busy {
        /// The device.
        id: DeviceId,
    },
    /// The device did not take the request: its settings do not allow it, or
    /// what answers there is no EasyHTTP device.
    NotTaken {
        /// The device.
        id: DeviceId,
        /// The address.
        address: SocketAddr,
        /// The HTTP status.
        status: u16,
        /// Why, in the device's words; may be empty.
        message: String,
    },
    /// The answer is not of this protocol.
    Protocol {
        /// The device.
        id: DeviceId,
        /// The address.
        address: SocketAddr,
        /// What is wrong with the answer.
        detail: String,
    },
    /// The device's data does not fit the type that was asked for.
    UnexpectedData {
        /// The device.
        id: DeviceId,
        /// Where it does not fit.
        source: serde_json::Error,
    },

    // ---- the caller ----
    /// A message is larger than the sender or the receiver allows.
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// The limit in bytes, if it is known.
        limit: Option<usize>,
    },
    /// A text that is not a device id.
    InvalidId(InvalidId),
    /// A text that is not a network key.
    InvalidKey(InvalidKey),
    /// The device has no network key. Encryption, a key of its own and other network
    /// keys need one, which it gets before it starts.
    NoNetworkKey,
    /// The device itself was asked for.
    OwnId {
        /// Its id.
        id: DeviceId,
    },
    /// What is not an address of one device.
    InvalidAddress(String),
    /// Data that JSON cannot say.
    InvalidData(serde_json::Error),
    /// There is no room for another item in the outbox
    /// ([`Limits::outbox_items`](crate::Limits::outbox_items),
    /// [`Limits::outbox_bytes`](crate::Limits::outbox_bytes)). Nothing waits for room.
    #[cfg(feature = "outbox")]
    OutboxFull(easyhttp_proto::outbox::Full),
    /// The device has no outbox: it has no device file beside which it would be, and was
    /// not told another place ([`Builder::outbox_file`](crate::Builder::outbox_file)).
    #[cfg(feature = "outbox")]
    NoOutbox,
    /// The command only answers others, so it cannot be sent.
    NotARequest(easyhttp_proto::Command),
    /// The device has been stopped. A call that was under way then may have
    /// been run.
    Stopped,

    // ---- this device ----
    /// The file of the outbox cannot be read or written.
    #[cfg(feature = "outbox")]
    Outbox {
        /// The file.
        path: std::path::PathBuf,
        /// What is wrong with it, or with the disk.
        source: Box<dyn std::error::Error + Send + Sync>,
    },

    // ---- starting ----
    /// The device could not start.
    Start(StartError),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownDevice { id, seen } if seen.is_empty() => write!(
                f,
                "no device {id}: no device has been found yet. Is it running, and on the same \
                 network? If multicast does not pass there, name its address"
            ),
            Self::UnknownDevice { id, seen } => {
                write!(f, "no device {id}; known are ")?;
                for (i, other) in seen.iter().enumerate() {
                    write!(f, "{}{other}", if i == 0 { "" } else { ", " })?;
                }
                write!(f, ". Start it, or name its address")
            }
            Self::Unreachable { id, address, source } => write!(
                f,
                "cannot connect to {id} at {address}: {source}. Is the device running, and does \
                 a firewall let port {} through?",
                address.port()
            ),
            Self::TimedOut { id, address, after, sent } => {
                write!(f, "{id} at {address} did not answer within {after:?}")?;
                if *sent {
                    write!(f, "; whether it did what it was asked is not known")?;
                }
                Ok(())
            }
            Self::Interrupted { id, address, source } => write!(
                f,
                "the connection to {id} at {address} broke before it answered: {source}. Whether \
                 it did what it was asked is not known"
            ),
            Self::WrongDevice { id, address, found: Some(found) } => {
                write!(f, "{address} is not {id}: device {found} answers there")
            }
            Self::WrongDevice { id, address, found: None } => {
                write!(f, "{address} is not {id}: another device answers there")
            }
            Self::Ambiguous { id, addresses } => {
                write!(f, "two devices have the id {id}: ")?;
                for (i, address) in addresses.iter().enumerate() {
                    write!(f, "{}at {address}", if i == 0 { "" } else { " and " })?;
                }
                write!(
                    f,
                    ". Give one of them another id (delete its device file), or name an address"
                )
            }
            Self::OtherKey { id, address, ours: Some(ours), theirs } => write!(
                f,
                "{id} at {address} has the network key {theirs}, and this device {ours}: give both \
                 the same one"
            ),
            Self::OtherKey { id, address, ours: None, theirs } => write!(
                f,
                "{id} at {address} has the network key {theirs}, and this device none: give it \
                 that one"
            ),
            Self::NotAuthenticated { id, address } => write!(
                f,
                "what answers for {id} at {address} did not prove that it has our network key: \
                 give that device the key, or have this one listen to devices without one"
            ),
            Self::Replayed { id, address } => write!(
                f,
                "{id} at {address} has had this very request before, and did not run it again: \
                 somebody on the network sends copies"
            ),
            Self::IdentityChanged { id, address } => write!(
                f,
                "what answers for {id} at {address} has another key than {id} had before: if that \
                 device was replaced or reset, forget its key (easyhttp trust forget {id}); or \
                 else somebody uses its id"
            ),
            Self::Refused { id, reason: Some(reason) } => {
                write!(f, "{id} refused: {}", Words(reason))
            }
            Self::Refused { id, reason: None } => write!(f, "{id} refused, and gave no reason"),
            Self::NoHandler { id } => write!(f, "{id} has no handler for this command"),
            Self::HandlerFailed { id, message } => {
                write!(f, "the handler of {id} failed: {}", Words(message))
            }
            Self::Busy { id } => {
                write!(f, "{id} is busy: all its handlers run. Try again in a second")
            }
            Self::NotTaken { id, address, status, message } => {
                write!(f, "{id} at {address} did not take the request: HTTP {status}")?;
                if message.is_empty() { Ok(()) } else { write!(f, ", {}", Words(message)) }
            }
            Self::Protocol { id, address, detail } => write!(
                f,
                "{id} at {address} did not answer as an EasyHTTP device: {detail}. Is the address \
                 right?"
            ),
            Self::UnexpectedData { id, source } => {
                write!(f, "the data of {id} does not fit the type asked for: {source}")
            }
            Self::TooLarge { what, limit: Some(limit) } => {
                write!(f, "{what} is larger than {limit} bytes, the limit of this device")
            }
            Self::TooLarge { what, limit: None } => {
                write!(f, "{what} is larger than the other device allows")
            }
            Self::InvalidId(invalid) => invalid.fmt(f),
            Self::InvalidKey(invalid) => invalid.fmt(f),
            Self::NoNetworkKey => f.write_str(
                "there is no network key: encryption, a device key and other network keys need one. \
                 Start the device with it",
            ),
            Self::OwnId { id } => write!(f, "{id} is this device itself: name another one"),
            Self::InvalidAddress(given) => write!(
                f,
                "{given:?} is not an address: give an IP address and a port, such as \
                 192.168.1.23:5000"
            ),
            Self::InvalidData(source) => write!(f, "the data cannot be written as JSON: {source}"),
            Self::NotARequest(command) => write!(
                f,
                "{command} cannot be sent: it only answers others. PING, PONG, FETCH, DATA and \
                 PUSH can"
            ),
            #[cfg(feature = "outbox")]
            Self::Unsure { id } => write!(
                f,
                "an item for {id} was sent and not answered, and {id} cannot tell whether it has \
                 had it: look there, and send it again if it is not done"
            ),
            #[cfg(feature = "outbox")]
            Self::OutboxFull(full) => {
                write!(f, "the outbox is full: {full}. Cancel items, or allow more")
            }
            #[cfg(feature = "outbox")]
            Self::NoOutbox => f.write_str(
                "this device has no outbox, because it has no device file: give it one, or say \
                 where the outbox is to be",
            ),
            #[cfg(feature = "outbox")]
            Self::Outbox { path, source } => write!(
                f,
                "the outbox {} cannot be used: {source}. Make it and its folder readable and \
                 writable, and see that there is room on the disk",
                path.display()
            ),
            Self::Stopped => f.write_str("the device has been stopped"),
            Self::Start(start) => start.fmt(f),
        }
    }
}

/// What another device said, without what a terminal or a log would obey.
struct Words<'a>(&'a str);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c.is_control() {
            true => write!(f, "{}", c.escape_default()),
            false => write!(f, "{c}"),
        })
    }
}

/// The same text: it is what a `main` that returns the error prints.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unreachable { source, .. } => Some(source),
            Self::Interrupted { source, .. } => Some(&**source),
            Self::UnexpectedData { source, .. } | Self::InvalidData(source) => Some(source),
            #[cfg(feature = "outbox")]
            Self::Outbox { source, .. } => Some(&**source),
            Self::Start(start) => start.source(),
            _ => None,
        }
    }
}

impl From<InvalidId> for Error {
    fn from(invalid: InvalidId) -> Self {
        Self::InvalidId(invalid)
    }
}

impl From<InvalidKey> for Error {
    fn from(invalid: InvalidKey) -> Self {
        Self::InvalidKey(invalid)
    }
}

impl From<StartError> for Error {
    fn from(start: StartError) -> Self {
        Self::Start(start)
    }
}
