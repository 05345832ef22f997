//! What can go wrong, sorted by who is at fault.

mod delivery;
mod start;
mod text;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::id::InvalidId;
use easyhttp_proto::secure::{InvalidKey, KeyId};

pub use delivery::Delivery;
pub use start::StartError;
pub(crate) use text::Words;

/// What a call or a start gives.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a call or a start failed. Its text names the thing, the cause and what to
/// do about it; [`delivery`](Self::delivery) says what is known of the command.
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
        /// Whether that device may have done what the other one was asked. Those of
        /// the Python package do not look whom a command is meant for.
        delivery: Delivery,
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
    /// Nothing was done, unless somebody on the path says so in its place.
    OtherKey {
        /// The device.
        id: DeviceId,
        /// Its address.
        address: SocketAddr,
        /// The key of this device. None if it has none.
        ours: Option<KeyId>,
        /// The key of the other one.
        theirs: KeyId,
        /// What is known of the command. With a key of ours, only an answer that is
        /// signed with it is proof.
        delivery: Delivery,
    },
    /// What answered did not prove that it has our network key: it has none, or
    /// somebody else speaks for the device.
    NotAuthenticated {
        /// The device.
        id: DeviceId,
        /// The address.
        address: SocketAddr,
        /// Whether it was the command that was answered so, or a PING before it.
        delivery: Delivery,
    },
    /// The device has had this very request before, so it was not run again:
    /// somebody sends copies of what we say. A copy may have been run.
    Replayed {
        /// The device.
        id: DeviceId,
        /// Its address.
        address: SocketAddr,
        /// Whether it was the command that was answered so, or a PING before it.
        delivery: Delivery,
    },
    /// The device had another key of its own before, or has none any more: it was
    /// replaced or reset, or somebody else uses its id.
    IdentityChanged {
        /// The device.
        id: DeviceId,
        /// The address.
        address: SocketAddr,
        /// Whether it was the command that was answered so, or a PING before it.
        delivery: Delivery,
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
        /// Whether it took too long. It runs on, so what comes of it is not known.
        runs_on: bool,
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
        /// What the status says of the command: 4xx that it was not run, 502 of a
        /// proxy nothing.
        delivery: Delivery,
    },
    /// The answer is not of this protocol.
    Protocol {
        /// The device.
        id: DeviceId,
        /// The address.
        address: SocketAddr,
        /// What is wrong with the answer.
        detail: String,
        /// Whether it was the command that was answered so, or a PING before it.
        delivery: Delivery,
    },
    /// The answer is larger than this device reads. The command was probably run.
    AnswerTooLarge {
        /// The device.
        id: DeviceId,
        /// Its address.
        address: SocketAddr,
        /// The limit in bytes.
        limit: usize,
    },
    /// The device's data does not fit the type that was asked for.
    UnexpectedData {
        /// The device.
        id: DeviceId,
        /// Where it does not fit.
        source: serde_json::Error,
    },

    // ---- the caller ----
    /// The message is larger than the sender or the receiver allows.
    TooLarge {
        /// The limit in bytes, if it is the one of this device. Then nothing was sent.
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
    /// The device has no device file beside which its outbox, or what it remembers, would
    /// be, and was not told another place
    /// ([`Builder::outbox_file`](crate::Builder::outbox_file)).
    #[cfg(feature = "outbox")]
    NoOutbox,
    /// The command only answers others, so it cannot be sent.
    NotARequest(easyhttp_proto::Command),
    /// The device has been stopped. Nothing was sent: a call that was under way
    /// then goes on.
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

    /// The device with this device file runs, and another program cannot see to its outbox
    /// ([`OutboxFile`](crate::OutboxFile)).
    #[cfg(feature = "outbox")]
    OutboxUnreachable {
        /// The device file.
        device_file: std::path::PathBuf,
        /// Why, and what to do.
        problem: String,
        /// Whether the device may have done what was asked.
        delivery: Delivery,
    },

    // ---- starting ----
    /// The device could not start.
    Start(StartError),
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
