//! What a body is, in 32 bytes: `Content-Digest` (RFC 9530) with SHA-256.

use alloc::string::String;
use core::fmt;

use sha2::Digest as _;
use sha2::Sha256;

use super::{base64, fields};

/// The SHA-256 of a body as it is on the wire, so after it was encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Of a whole body.
    pub fn of(body: &[u8]) -> Self {
        Self(Sha256::digest(body).into())
    }

    /// Of a body in parts.
    pub fn of_parts<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = Hasher::new();
        parts.into_iter().for_each(|part| hasher.update(part));
        hasher.finish()
    }

    /// The first six bytes.
    pub(super) fn first(&self) -> [u8; 6] {
        *self.0.first_chunk().expect("it has 32 bytes")
    }

    /// Adds the value of the field.
    pub(super) fn write(self, field: &mut String) {
        field.push_str("sha-256=:");
        base64::write(&self.0, field);
        field.push(':');
    }

    /// Reads the value of the field. There may be digests of other sorts as well.
    pub(super) fn read(field: &[u8]) -> Option<Self> {
        let mut found = None;
        fields::dictionary(field, fields::Cursor::bytes, |label, text| {
            match label == "sha-256" && found.replace(text).is_some() {
                true => None,
                false => Some(()),
            }
        })?;
        base64::read(found?).map(Self)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// Makes a [`Digest`] of a body that comes in parts.
#[derive(Debug, Clone, Default)]
pub struct Hasher(Sha256);

impl Hasher {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The body goes on.
    pub fn update(&mut self, part: &[u8]) {
        self.0.update(part);
    }

    /// The body ends.
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}
