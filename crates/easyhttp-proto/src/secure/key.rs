//! The network key, and the text in which people pass it on.
//!
//! ```text
//! EHK1-ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345
//! ```
//!
//! After `EHK1` come 28 letters of the alphabet of ids, each of five bits. The first
//! 26 are the 16 bytes, highest bits first, and two bits that are zero. The last two
//! make the letters x₀ … x₂₇ a word of a Reed–Solomon code over GF(32), whose
//! multiplication is that of polynomials modulo x⁵ + x² + 1: the sum of all letters
//! and the sum of all xᵢ·2²⁷⁻ⁱ are both zero. Two words of it differ in three letters
//! at least. So one wrong letter is found wherever it is, and two are as well, which
//! covers letters that have changed places.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use zeroize::{Zeroize, Zeroizing};

use super::keyring::{KeyId, Keys};
use crate::id::ALPHABET;

/// What the devices of one network share: 16 random bytes. Whoever has it is a
/// member.
///
/// It is wiped from memory when it is dropped, and shown by [`text`](Self::text) alone.
pub struct NetworkKey(Zeroizing<[u8; NetworkKey::LEN]>);

impl NetworkKey {
    /// How many bytes a key has.
    pub const LEN: usize = 16;

    /// Makes a new key of 16 bytes of entropy.
    pub fn from_entropy(entropy: [u8; Self::LEN]) -> Self {
        Self(Zeroizing::new(entropy))
    }

    /// The name of the key, which is no secret.
    pub fn id(&self) -> KeyId {
        Keys::derive(self).id()
    }

    /// The key as text, to be passed on to the other devices: a secret.
    pub fn text(&self) -> KeyText {
        let mut letters = Zeroizing::new([0; LETTERS]);
        let mut held = 0_u32;
        let mut bits = 0;
        let mut filled = 0;
        for byte in self.0.iter().copied().chain([0]) {
            held = held << 8 | u32::from(byte);
            bits += 8;
            while bits >= 5 && filled < DATA {
                bits -= 5;
                letters[filled] = (held >> bits & 31) as u8;
                filled += 1;
            }
        }
        held.zeroize();
        complete(&mut letters);

        let mut text = String::with_capacity(PREFIX.len() + LETTERS + LETTERS / GROUP);
        text.push_str(PREFIX);
        for group in letters.chunks(GROUP) {
            text.push('-');
            text.extend(group.iter().map(|letter| char::from(ALPHABET[usize::from(*letter)])));
        }
        KeyText(Zeroizing::new(text))
    }

    /// The keys in a text that has one a line, as key files have. What follows a `#` is a
    /// comment, and empty lines do not count: there may be no key.
    ///
    /// # Errors
    ///
    /// Which line is no key, counted from 1, and why.
    pub fn parse_lines(text: &[u8]) -> Result<Vec<Self>, (usize, InvalidKey)> {
        let mut keys = Vec::new();
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
            let key = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
            if key.is_empty() {
                continue;
            }
            // What is no text is no key either, whatever stands for it.
            let text = core::str::from_utf8(key).unwrap_or("\u{fffd}");
            keys.push(text.parse().map_err(|problem| (number, problem))?);
        }
        Ok(keys)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0[..]
    }
}

impl FromStr for NetworkKey {
    type Err = InvalidKey;

    /// Reads a key in upper or lower case; dashes and white space may be anywhere.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let is_between = |letter: &char| *letter == '-' || letter.is_whitespace();
        let mut all = text.chars().filter(|it| !is_between(it)).map(|it| it.to_ascii_uppercase());
        let Some(first) = all.next() else { return Err(InvalidKey::Empty) };
        let begins = |mut prefix: core::str::Chars<'_>| {
            let mut all = all.clone();
            prefix.next() == Some(first) && prefix.all(|it| all.next() == Some(it))
        };
        if !begins(PREFIX.chars()) {
            let is_other = begins(KIND.chars());
            return Err(if is_other { InvalidKey::Prefix } else { InvalidKey::PassPhrase });
        }

        let mut letters = Zeroizing::new([0; LETTERS]);
        let mut count = 0;
        for letter in all.skip(PREFIX.len() - 1) {
            let value = ALPHABET.iter().position(|known| char::from(*known) == letter);
            let value = value.ok_or(InvalidKey::Letter { position: count + 1 })?;
            if let Some(place) = letters.get_mut(count) {
                *place = value as u8;
            }
            count += 1;
        }
        if count != LETTERS {
            return Err(InvalidKey::Length { letters: count });
        }
        if syndromes(&letters) != (0, 0) {
            return Err(InvalidKey::Mistyped);
        }
        unpack(&letters).ok_or(InvalidKey::Mistyped)
    }
}

impl fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkKey({})", self.id())
    }
}

/// A network key as text. Its `Display` is the secret itself; it is wiped from memory
/// when it is dropped.
pub struct KeyText(Zeroizing<String>);

impl fmt::Display for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(secret)")
    }
}

/// Why a text is not a network key. Its `Display` says what to do, and nothing of the
/// text, which may be nearly a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidKey {
    /// There is no text.
    Empty,
    /// It does not begin as keys do: somebody made it up.
    PassPhrase,
    /// It begins as a key of another version, or the beginning is mistyped.
    Prefix,
    /// A character that keys do not have, at this place after `EHK1`, counted from 1
    /// without dashes.
    Letter {
        /// The place.
        position: usize,
    },
    /// So many letters after `EHK1` instead of 28.
    Length {
        /// How many there are.
        letters: usize,
    },
    /// All letters may be there, but they do not fit together.
    Mistyped,
}

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("there is no network key: the text is empty"),
            Self::PassPhrase => f.write_str(
                "this is not a network key: it does not begin with EHK1. A pass phrase cannot be \
                 one, because whoever records one request could guess it; make a key with \
                 `easyhttp key new`",
            ),
            Self::Prefix => f.write_str(
                "this is not a network key of this version: keys begin with EHK1. See whether the \
                 beginning is mistyped, or else update the program",
            ),
            Self::Letter { position } => write!(
                f,
                "the network key is mistyped: letter {position} after EHK1 is none that keys have. \
                 They consist of 23456789ABCDEFGHJKLMNPQRSTUVWXYZ, without 0, 1, I and O"
            ),
            Self::Length { letters } => write!(
                f,
                "the network key is not whole: it has {letters} letters after EHK1 instead of \
                 {LETTERS}"
            ),
            Self::Mistyped => f.write_str(
                "the network key is mistyped: its check letters do not fit. Compare it letter by \
                 letter",
            ),
        }
    }
}

impl core::error::Error for InvalidKey {}

const KIND: &str = "EHK";
const PREFIX: &str = "EHK1";

/// How many letters stand for the bytes.
const DATA: usize = 26;

/// The same and the two check letters.
const LETTERS: usize = DATA + 2;

/// How many letters stand together.
const GROUP: usize = 4;

/// The bytes of the letters, unless the last two bits are not zero.
fn unpack(letters: &[u8; LETTERS]) -> Option<NetworkKey> {
    let mut bytes = Zeroizing::new([0; NetworkKey::LEN]);
    let (mut held, mut bits, mut filled) = (0_u32, 0, 0);
    for letter in &letters[..DATA] {
        held = held << 5 | u32::from(*letter);
        bits += 5;
        if bits >= 8 && filled < NetworkKey::LEN {
            bits -= 8;
            bytes[filled] = (held >> bits) as u8;
            filled += 1;
        }
    }
    let is_zero = held & 3 == 0;
    held.zeroize();
    is_zero.then_some(NetworkKey(bytes))
}

/// Sets the check letters.
fn complete(letters: &mut [u8; LETTERS]) {
    letters[DATA..].fill(0);
    let (sum, weighted) = syndromes(letters);
    // With the letters a and b: sum + a + b = 0 and weighted + 2a + b = 0, so that
    // 3a = sum + weighted; plus is xor.
    let is_fit = |a: &u8| double(*a) ^ a == sum ^ weighted;
    let first = (0..32).find(is_fit).unwrap_or_default();
    letters[DATA] = first;
    letters[DATA + 1] = sum ^ first;
}

/// The two sums that are zero for a key.
fn syndromes(letters: &[u8; LETTERS]) -> (u8, u8) {
    letters.iter().fold((0, 0), |(sum, weighted), it| (sum ^ it, double(weighted) ^ it))
}

/// Twice this, in GF(32).
fn double(value: u8) -> u8 {
    let doubled = value << 1;
    if doubled & 32 == 0 { doubled } else { doubled ^ 0b10_0101 }
}
