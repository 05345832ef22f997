//! The network keys of a device, and what is derived from each.
//!
//! ```text
//! HKDF-SHA256(salt = "easyhttp-secure-v1", key = the 16 bytes, info)
//!   info "mac"   32 bytes   signs requests and answers
//!   info "disc"  32 bytes   signs datagrams
//!   info "seal"  32 bytes   encrypts
//!   info "kid"    6 bytes   is the name of the key, on the wire
//! ```

use alloc::vec::Vec;
use core::fmt;

use hkdf::Hkdf;
use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::key::NetworkKey;
use super::short::short_text;

/// The network keys of a device: one that signs, and perhaps others that it still, or
/// already, accepts.
///
/// A key is replaced without a failed call in three rounds over all devices: the new
/// key is accepted by all, then signs on all, then the old one is forgotten.
pub struct Keyring {
    signing: Keys,
    accepted: Vec<Keys>,
}

impl Keyring {
    /// One that signs with the first key and accepts it and the others.
    pub fn new(signing: NetworkKey, accepted: impl IntoIterator<Item = NetworkKey>) -> Self {
        Self {
            signing: Keys::derive(&signing),
            accepted: accepted.into_iter().map(|key| Keys::derive(&key)).collect(),
        }
    }

    /// What signs.
    pub fn signing(&self) -> &Keys {
        &self.signing
    }

    /// The key of this name, if it is one of ours.
    pub fn get(&self, id: KeyId) -> Option<&Keys> {
        self.all().find(|keys| keys.id == id)
    }

    /// The key of this name, or else the one that signs: a peer says which one it
    /// uses, and may not know the newest yet.
    pub fn prefer(&self, id: Option<KeyId>) -> &Keys {
        id.and_then(|id| self.get(id)).unwrap_or(&self.signing)
    }

    /// The names of all, the signing one first.
    pub fn ids(&self) -> impl Iterator<Item = KeyId> {
        self.all().map(Keys::id)
    }

    fn all(&self) -> impl Iterator<Item = &Keys> {
        core::iter::once(&self.signing).chain(&self.accepted)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

/// What is derived from one network key. It is wiped from memory when it is dropped.
pub struct Keys {
    id: KeyId,
    /// Keyed once, which is half of the work for a short text.
    mac: Hmac<Sha256>,
    disc: Hmac<Sha256>,
    seal: Zeroizing<[u8; 32]>,
}

impl Keys {
    pub(super) fn derive(key: &NetworkKey) -> Self {
        let derived = Hkdf::<Sha256>::new(Some(b"easyhttp-secure-v1"), key.bytes());
        let hmac = |info| keyed(&*expand::<32>(&derived, info));
        Self {
            id: KeyId(*expand(&derived, b"kid")),
            mac: hmac(b"mac"),
            disc: hmac(b"disc"),
            seal: expand(&derived, b"seal"),
        }
    }

    /// The name of the key, which is no secret.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// For the signature of a message.
    pub(super) fn mac(&self) -> Hmac<Sha256> {
        self.mac.clone()
    }

    /// For the signature of a datagram.
    pub(super) fn disc(&self) -> Hmac<Sha256> {
        self.disc.clone()
    }

    /// What contents are encrypted with.
    pub(super) fn material(&self) -> &[u8] {
        &self.seal[..]
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({})", self.id)
    }
}

pub(super) fn keyed(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}

pub(super) fn expand<const N: usize>(from: &Hkdf<Sha256>, info: &[u8]) -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    from.expand(info, &mut bytes[..]).expect("less than 255 times 32 bytes");
    bytes
}

/// The name of a key: eight letters, as they are on the wire. It says nothing of the
/// key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 6]);

impl KeyId {
    pub(super) fn new(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }
}

short_text!(KeyId);
