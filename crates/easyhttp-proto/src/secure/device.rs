//! What a device shows of its own key (Ed25519), which tells it from other members.
//!
//! The public half is in the field `easyhttp-key`. The other half signs all that the network
//! key signs, with the label `dev`. What an id then means, [`Pins`](super::Pins) remember.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use super::device_key::has_signed;
use super::digest::Digest;
use super::keyring::KeyId;
use super::refusal::Refusal;
use super::short::InvalidText;
use super::{base64, fields};

/// The public key of a device: 44 letters of base64 as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey(pub(super) [u8; 32]);

impl PublicKey {
    /// A name for the key, as short as that of a network key. It is no proof, as many
    /// keys have the same.
    pub fn id(&self) -> KeyId {
        KeyId::new(Digest::of(&self.0).first())
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(44);
        base64::write(&self.0, &mut text);
        f.pad(&text)
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for PublicKey {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        base64::read(text.as_bytes()).map(Self).ok_or(InvalidText)
    }
}

/// A key that a message shows, and the signature that is to prove it.
#[derive(Clone)]
pub(super) struct Shown {
    key: PublicKey,
    signature: [u8; 64],
    text: Vec<u8>,
}

impl Shown {
    /// Of the value of `easyhttp-key` and the text of the signature.
    pub(super) fn read(key: &[u8], signature: &[u8], text: Vec<u8>) -> Option<Self> {
        let key = PublicKey(base64::read(fields::bytes(key)?)?);
        Some(Self { key, signature: base64::read(signature)?, text })
    }

    /// The key, if it made the signature.
    pub(super) fn check(&self) -> Result<PublicKey, Refusal> {
        let is_true = has_signed(&self.key, &self.text, &self.signature);
        is_true.then_some(self.key).ok_or(Refusal::Device)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({})", self.key)
    }
}
