//! What an answer says, as it goes out.

use alloc::vec::Vec;

use serde::Serialize;

use super::{DATA, LEVELS, Message};
use crate::json;

/// The room for data that is not written yet, in bytes: most have less, and need no other
/// one. With 8 bytes of the allocator's it is as large as what glibc takes back from another
/// thread without a lock; a handler on its own thread writes what the server's frees.
const ROOM: usize = 120;

/// Data that a handler gives away: JSON that any message can carry.
#[derive(Debug, Clone)]
pub struct Data(Vec<u8>);

impl Data {
    /// This value.
    ///
    /// # Errors
    ///
    /// If it cannot be written, or is nested too deep to be read by others.
    pub fn of(value: &(impl Serialize + ?Sized)) -> serde_json::Result<Self> {
        serde_json::to_vec(value).and_then(Self::checked)
    }

    /// What `write` appends as JSON.
    ///
    /// # Errors
    ///
    /// That of `write`, or that the data is nested too deep to be read by others.
    pub fn write_with(
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> serde_json::Result<Self> {
        let mut data = Vec::with_capacity(ROOM);
        write(&mut data)?;
        Self::checked(data)
    }

    fn checked(data: Vec<u8>) -> serde_json::Result<Self> {
        if json::is_deeper(&data, LEVELS) {
            return Err(serde::ser::Error::custom("its data is nested too deep"));
        }
        Ok(Self(data))
    }

    /// The JSON text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The body of an answer, JSON, in parts that follow each other: data stays where its
/// handler has written it.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// All of it, or what stands before the data.
    before: Vec<u8>,
    /// The data, and what stands behind it.
    rest: Vec<u8>,
}

impl Body {
    /// That of a message with this data.
    pub(crate) fn with_data(message: &Message<'_>, data: Data) -> Self {
        let mut before = message.begin(0);
        before.extend_from_slice(DATA);
        Self { before, rest: message.end(data.0) }
    }

    /// Its parts, of which some are empty.
    pub fn parts(&self) -> [&[u8]; 2] {
        [&self.before, &self.rest]
    }

    /// What its data was written to, with what stands behind it.
    pub fn into_data(self) -> Vec<u8> {
        self.rest
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.before.len() + self.rest.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All of it in one piece.
    pub fn to_vec(&self) -> Vec<u8> {
        self.parts().concat()
    }
}

impl From<Vec<u8>> for Body {
    fn from(whole: Vec<u8>) -> Self {
        Self { before: whole, rest: Vec::new() }
    }
}
