//! The key of one device (Ed25519): what tells it from other members.
//!
//! Its public half is in the field `easyhttp-key`, and signs all that the network key
//! signs, with the label `dev`. What an id then means, [`Pins`](super::Pins) remember.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::digest::Digest;
use super::keyring::KeyId;
use super::refusal::Refusal;
use super::short::InvalidText;
use super::{base64, fields};

/// The secret key of a device. It is wiped from memory when it is dropped.
pub struct DeviceKey(SigningKey);

impl DeviceKey {
    /// How many bytes a key has.
    pub const LEN: usize = 32;

    /// The key of this seed: random bytes, or those that were kept.
    pub fn from_seed(seed: &[u8; Self::LEN]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// What is to be kept, and to be kept secret.
    pub fn seed(&self) -> Zeroizing<[u8; Self::LEN]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public half.
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key().to_bytes())
    }

    pub(super) fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.0.sign(text).to_bytes()
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceKey({})", self.public())
    }
}

/// The public key of a device: 44 letters of base64 as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PublicKey([u8; 32]);

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
        let key = VerifyingKey::from_bytes(&self.key.0).map_err(|_| Refusal::Device)?;
        let signature = Signature::from_bytes(&self.signature);
        // Strictly: with some keys anything else is a signature of anything.
        key.verify_strict(&self.text, &signature).map_err(|_| Refusal::Device)?;
        Ok(self.key)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Shown({})", self.key)
    }
}
