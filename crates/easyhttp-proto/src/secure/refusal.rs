//! Why something was not accepted: for counters and logs, never for the wire.

use core::fmt;

use super::keyring::KeyId;

/// Why a message or a datagram was not accepted.
///
/// A sender is only told the [`status`](Self::status): the rest would help those who
/// try keys and forge messages, and nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no signature of this network.
    Unsigned,
    /// A field of the signature is there twice, too long, or not what it should be.
    Malformed,
    /// It is signed with another key, which has this name.
    UnknownKey(KeyId),
    /// The signature does not cover what it must.
    Components,
    /// The signature is false: another key, or something was changed.
    Signature,
    /// The epoch is none of ours: we have started since, or it is too old.
    Epoch,
    /// This very request was accepted before.
    Replayed,
    /// The body is not the one that was signed.
    Digest,
    /// The signature of the device is false, or not whole.
    Device,
    /// The body cannot be decrypted.
    Sealed,
}

impl Refusal {
    /// The HTTP status that the sender of a request gets.
    pub fn status(self) -> u16 {
        match self {
            Self::Replayed => 409,
            Self::Digest | Self::Device | Self::Sealed => 403,
            _ => 401,
        }
    }

    /// One word for a counter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unsigned => "unsigned",
            Self::Malformed => "malformed",
            Self::UnknownKey(_) => "unknown_key",
            Self::Components => "components",
            Self::Signature => "signature",
            Self::Epoch => "epoch",
            Self::Replayed => "replayed",
            Self::Digest => "digest",
            Self::Device => "device",
            Self::Sealed => "sealed",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsigned => "it is not signed",
            Self::Malformed => "its signature cannot be read",
            Self::UnknownKey(id) => return write!(f, "it is signed with the unknown key {id}"),
            Self::Components => "its signature does not cover all that it must",
            Self::Signature => "its signature is false",
            Self::Epoch => "its epoch is over or unknown",
            Self::Replayed => "it was accepted before",
            Self::Digest => "its body is not the one that was signed",
            Self::Device => "the signature of the device is false",
            Self::Sealed => "its body cannot be decrypted",
        })
    }
}

impl core::error::Error for Refusal {}
