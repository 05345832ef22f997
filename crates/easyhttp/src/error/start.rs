//! Why a device could not start.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

#[cfg(feature = "outbox")]
use crate::outbox::is_in_use;

/// Why a device could not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// Another program listens on the port.
    PortInUse {
        /// The TCP port.
        port: u16,
    },
    /// The operating system does not give us the address or the port.
    Listen {
        /// Where we wanted to listen.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The device file could not be read or written.
    DeviceFile {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the operating system said.
        source: io::Error,
    },
    /// The device file can be read, but not understood. It is left as it is.
    DeviceFileInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The key of the device, or the file of those that it trusts, cannot be used. It
    /// is left as it is.
    Identity {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The file of the outbox cannot be used. It is left as it is.
    #[cfg(feature = "outbox")]
    Outbox {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file of what the device remembers of pushes cannot be used. It is left as it
    /// is.
    #[cfg(feature = "outbox")]
    Pushes {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Another device runs with this device file, and so with this id.
    DeviceFileHeld {
        /// The file.
        path: PathBuf,
        /// Who holds it: process number and program, if they can be told.
        holder: Option<String>,
    },
    /// The operating system gave no random bytes for a new id.
    Randomness(getrandom::Error),
    /// No sockets for finding others could be opened.
    Discovery {
        /// The UDP port.
        port: u16,
        /// What the operating system said.
        source: io::Error,
    },
    /// No thread could be started.
    Runtime(io::Error),
}

impl StartError {
    /// Whether a file cannot be used because a program or a device is about to let go of it.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::DeviceFileHeld { holder, .. } => holder.is_none(),
            #[cfg(feature = "outbox")]
            Self::Outbox { source, .. } | Self::Pushes { source, .. } => is_in_use(source),
            _ => false,
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PortInUse { port } => write!(
                f,
                "port {port} is in use by another program: stop that one, choose another port, \
                 or 0 for any that is free"
            ),
            Self::Listen { address, source } => write!(
                f,
                "cannot listen on {address}: {source}. Choose another port (below 1024 needs \
                 root), or an address of this machine"
            ),
            Self::DeviceFile { path, action, source } => write!(
                f,
                "cannot {action} the device file {}: {source}. Make it and its folder readable \
                 and writable, or choose another file",
                path.display()
            ),
            Self::DeviceFileInvalid { path, problem } => write!(
                f,
                "the device file {} cannot be used: {problem}. Mend it, choose another file, or \
                 delete it to get a new id",
                path.display()
            ),
            Self::Identity { path, problem } => {
                write!(f, "cannot use {}: {problem}", path.display())
            }
            #[cfg(feature = "outbox")]
            Self::Outbox { path, source } => write!(
                f,
                "the outbox {} cannot be used: {source}. Make it readable and writable, or move \
                 it away to begin an empty one",
                path.display()
            ),
            #[cfg(feature = "outbox")]
            Self::Pushes { path, source } => write!(
                f,
                "what the device remembers of pushes, {}, cannot be used: {source}. Make it \
                 readable and writable, or move it away to begin anew",
                path.display()
            ),
            Self::DeviceFileHeld { path, holder } => write!(
                f,
                "the device file {} is held by {}: two devices cannot have one id. Stop that \
                 one, or choose another file",
                path.display(),
                holder.as_deref().unwrap_or("another process")
            ),
            Self::Randomness(source) => {
                write!(f, "the system gave no random bytes for a new id: {source}")
            }
            Self::Discovery { port, source } => write!(
                f,
                "cannot look for other devices on UDP port {port}: {source}. Stop the program \
                 that holds the port, or start without discovery"
            ),
            Self::Runtime(source) => write!(f, "cannot start a thread for the device: {source}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen { source, .. }
            | Self::DeviceFile { source, .. }
            | Self::Discovery { source, .. }
            | Self::Runtime(source) => Some(source),
            #[cfg(feature = "outbox")]
            Self::Outbox { source, .. } | Self::Pushes { source, .. } => Some(&**source),
            Self::Randomness(source) => Some(source),
            _ => None,
        }
    }
}
