//! The key of one device (Ed25519), and what it signs.

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use super::device::PublicKey;

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

/// Whether the other half of this key has signed a text.
pub(super) fn has_signed(key: &PublicKey, text: &[u8], signature: &[u8; 64]) -> bool {
    let Ok(key) = VerifyingKey::from_bytes(&key.0) else { return false };
    // Strictly: with some keys anything else is a signature of anything.
    key.verify_strict(text, &Signature::from_bytes(signature)).is_ok()
}
