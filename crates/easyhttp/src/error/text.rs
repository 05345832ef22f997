//! What people are told of an error.

use std::fmt;
use std::io;

use super::{Delivery, Error};

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
            Self::Unreachable { id, address, source } if is_out_of_descriptors(source) => write!(
                f,
                "cannot connect to {id} at {address}: {source}. This program has as many files and \
                 connections open as it may: close some, or allow more (ulimit -n)"
            ),
            Self::Unreachable { id, address, source } => write!(
                f,
                "cannot connect to {id} at {address}: {source}. Is the device running, and does \
                 a firewall let port {} through?",
                address.port()
            ),
            Self::TimedOut { id, address, after, sent } => {
                write!(f, "{id} at {address} did not answer within {after:?}")?;
                match sent {
                    true => write!(f, "; what became of the request is not known"),
                    false => write!(
                        f,
                        ". Is the device running, and does a firewall let port {} through?",
                        address.port()
                    ),
                }
            }
            Self::Interrupted { id, address, source } => write!(
                f,
                "the connection to {id} at {address} broke before it answered: {source}. What \
                 became of the request is not known"
            ),
            Self::WrongDevice { id, address, found, delivery } => {
                write!(f, "{address} is not {id}: ")?;
                match found {
                    Some(found) => write!(f, "device {found} answers there")?,
                    None => write!(f, "another device answers there")?,
                }
                match delivery {
                    Delivery::Unknown => write!(f, ", and may have done what {id} was asked"),
                    _ => Ok(()),
                }
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
            Self::OtherKey { id, address, ours: Some(ours), theirs, .. } => write!(
                f,
                "{id} at {address} has the network key {theirs}, and this device {ours}: give both \
                 the same one"
            ),
            Self::OtherKey { id, address, ours: None, theirs, .. } => write!(
                f,
                "{id} at {address} has the network key {theirs}, and this device none: give it \
                 that one"
            ),
            Self::NotAuthenticated { id, address, .. } => write!(
                f,
                "what answers for {id} at {address} did not prove that it has our network key: \
                 give that device the key, or have this one listen to devices without one"
            ),
            Self::Replayed { id, address, .. } => write!(
                f,
                "{id} at {address} has had this very request before, and did not run it again: \
                 somebody on the network sends copies, of which one may have been run"
            ),
            Self::IdentityChanged { id, address, .. } => write!(
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
            Self::HandlerFailed { id, message, runs_on: false } => {
                write!(f, "the handler of {id} failed: {}", Words(message))
            }
            Self::HandlerFailed { id, message, runs_on: true } => write!(
                f,
                "the handler of {id} took too long: {}. It runs on, so what comes of it is not \
                 known",
                Words(message)
            ),
            Self::Busy { id } => {
                write!(f, "{id} is busy: all its handlers run. Try again in a second")
            }
            Self::NotTaken { id, address, status, message, .. } => {
                write!(f, "{id} at {address} did not take the request: HTTP {status}")?;
                if message.is_empty() { Ok(()) } else { write!(f, ", {}", Words(message)) }
            }
            Self::Protocol { id, address, detail, .. } => write!(
                f,
                "{id} at {address} did not answer as an EasyHTTP device: {detail}. Is the address \
                 right?"
            ),
            Self::UnexpectedData { id, source } => {
                write!(f, "the data of {id} does not fit the type asked for: {source}")
            }
            Self::AnswerTooLarge { id, limit, .. } => write!(
                f,
                "the answer of {id} is larger than {limit} bytes, the limit of this device"
            ),
            Self::TooLarge { limit: Some(limit) } => {
                write!(f, "the message is larger than {limit} bytes, the limit of this device")
            }
            Self::TooLarge { limit: None } => {
                write!(f, "the message is larger than the other device allows")
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
                "this device has no device file beside which an outbox, or what it remembers, \
                 could be: give it one, or say where the outbox is to be",
            ),
            #[cfg(feature = "outbox")]
            Self::Outbox { path, source } => write!(
                f,
                "the outbox {} cannot be used: {source}. Make it and its folder readable and \
                 writable, and see that there is room on the disk",
                path.display()
            ),
            #[cfg(feature = "outbox")]
            Self::OutboxUnreachable { device_file, problem, .. } => write!(
                f,
                "the outbox of the device with the file {} cannot be used: {problem}",
                device_file.display()
            ),
            Self::Stopped => f.write_str("the device has been stopped"),
            Self::Start(start) => start.fmt(f),
        }
    }
}

/// Whether the process, or the system, has no file descriptor left.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        [Errno::MFILE, Errno::NFILE]
            .iter()
            .any(|it| error.raw_os_error() == Some(it.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        let _ = error;
        false
    }
}

/// What another device said, without what a terminal or a log would obey.
pub(crate) struct Words<'a>(pub(crate) &'a str);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c.is_control() {
            true => write!(f, "{}", c.escape_default()),
            false => write!(f, "{c}"),
        })
    }
}
