//! Keys of devices for those who build without the feature `device-keys`: there are none.

use super::device::PublicKey;

/// The secret key of a device. There is none without the feature `device-keys`.
#[derive(Debug)]
#[non_exhaustive]
pub enum DeviceKey {}

impl DeviceKey {
    /// The public half.
    pub fn public(&self) -> PublicKey {
        match *self {}
    }

    pub(super) fn sign(&self, _: &[u8]) -> [u8; 64] {
        match *self {}
    }
}

/// Nothing is proved by a signature that cannot be checked.
pub(super) fn has_signed(_: &PublicKey, _: &[u8], _: &[u8; 64]) -> bool {
    false
}
