//! Names of times: which run of a server, and which part of it, a request is for.

use super::short::short_text;

/// How many bytes make a request one of a kind.
pub const NONCE: usize = 16;

/// A part of the time for which a server runs: 12 random bytes, 16 letters as text.
/// What was signed for one is worth nothing in another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch([u8; Epoch::LEN]);

impl Epoch {
    /// How many bytes it has.
    pub const LEN: usize = 12;

    /// Of 12 random bytes.
    pub const fn from_entropy(entropy: [u8; Self::LEN]) -> Self {
        Self(entropy)
    }
}

short_text!(Epoch);
