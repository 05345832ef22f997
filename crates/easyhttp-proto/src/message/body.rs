//! What an answer says, as it goes out.

use alloc::boxed::Box;
use alloc::vec::Vec;

use serde_json::value::RawValue;

use super::{DATA, Message};

/// Up to this many bytes data is better copied to what stands around it than sent
/// as a part of its own.
const SMALL: usize = 4 * 1024;

/// The body of an answer, JSON, in parts that follow each other: large data stays
/// where its handler has written it.
#[derive(Debug, Clone, Default)]
pub struct Body {
    /// All of it, or what stands before the data.
    before: Vec<u8>,
    /// Data, and what stands behind it.
    apart: Option<(Box<RawValue>, Vec<u8>)>,
}

impl Body {
    /// That of a message with this data.
    pub(crate) fn with_data(message: &Message<'_>, data: Box<RawValue>) -> Self {
        let is_small = data.get().len() <= SMALL;
        let mut before = message.begin(if is_small { data.get().len() } else { 0 });
        before.extend_from_slice(DATA);
        if !is_small {
            return Self { before, apart: Some((data, message.end(Vec::new()))) };
        }
        before.extend_from_slice(data.get().as_bytes());
        message.end(before).into()
    }

    /// Its parts, of which some are empty.
    pub fn parts(&self) -> [&[u8]; 3] {
        match &self.apart {
            Some((data, after)) => [&self.before, data.get().as_bytes(), after],
            None => [&self.before, b"", b""],
        }
    }

    /// How many bytes it has.
    pub fn len(&self) -> usize {
        self.parts().iter().map(|part| part.len()).sum()
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
        Self { before: whole, apart: None }
    }
}
