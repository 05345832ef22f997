//! The key that tells one PUSH from all others of its sender.

use alloc::string::String;
use alloc::sync::Arc;
use core::fmt;

use super::mark::{Mark, read_hex, write_hex};
use crate::limits;

/// What every key begins with that a device has made.
const OURS: &str = "eh1-";

/// What stands in [`KEY_HEADER`](super::KEY_HEADER).
///
/// As text it is the value of the header, with its quotes. What is written so reads as
/// the same key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "a key has a mark, or it has not")]
pub enum PushKey {
    /// Made by a device, of the last mark that it knew of the other one, and of a number
    /// that it uses once: `"eh1-00000000deadbeef-42-0123456789abcdef"`.
    Marked {
        /// What tells it from the other keys of this sender. It stands first, because it
        /// alone tells two keys from each other when they are compared.
        nonce: u64,
        /// What the other device had said of its memory.
        mark: Mark,
    },
    /// Made by anybody else, of visible characters: what stands between the quotes.
    Opaque(Arc<str>),
}

impl PushKey {
    /// A key for a device whose memory had come so far.
    pub fn new(mark: Mark, nonce: u64) -> Self {
        Self::Marked { mark, nonce }
    }

    /// Reads the value of the header: a string of
    /// [RFC 9651](https://www.rfc-editor.org/rfc/rfc9651#section-3.3.3) without parameters,
    /// or the same without its quotes, as people type it.
    ///
    /// # Errors
    ///
    /// If it is neither, empty, or has more than [`limits::PUSH_KEY`] bytes.
    pub fn read(field: &[u8]) -> Result<Self, InvalidPushKey> {
        // Most are ours.
        if let Some(ours) = field.strip_prefix(b"\"eh1-").and_then(|it| it.strip_suffix(b"\"")) {
            return Self::read_ours(ours).ok_or(InvalidPushKey);
        }
        let inside = match field.strip_prefix(b"\"") {
            Some(rest) => rest.strip_suffix(b"\"").filter(|inside| is_string(inside)),
            None => Some(field).filter(|field| field.iter().all(is_plain)),
        };
        let inside = inside.and_then(|inside| core::str::from_utf8(inside).ok());
        let inside = inside.filter(|inside| (1..=limits::PUSH_KEY).contains(&inside.len()));
        let inside = inside.ok_or(InvalidPushKey)?;
        match inside.strip_prefix(OURS) {
            Some(rest) => Self::read_ours(rest.as_bytes()).ok_or(InvalidPushKey),
            None => Ok(Self::Opaque(inside.into())),
        }
    }

    fn read_ours(text: &[u8]) -> Option<Self> {
        let dash = text.iter().rposition(|byte| *byte == b'-')?;
        Some(Self::Marked { mark: Mark::read(&text[..dash])?, nonce: read_hex(&text[dash + 1..])? })
    }

    /// Appends the value of the header.
    pub fn write(&self, text: &mut String) {
        text.push('"');
        match self {
            Self::Marked { mark, nonce } => {
                text.push_str(OURS);
                mark.write(text);
                text.push('-');
                write_hex(*nonce, text);
            }
            Self::Opaque(inside) => text.push_str(inside),
        }
        text.push('"');
    }

    /// How many bytes it takes beside its own size.
    pub(super) fn text(&self) -> usize {
        match self {
            Self::Marked { .. } => 0,
            Self::Opaque(inside) => inside.len(),
        }
    }
}

/// Whether this stands between the quotes of a string. It can be written in one way
/// only, so it is compared as it is.
fn is_string(mut inside: &[u8]) -> bool {
    loop {
        inside = match inside {
            [] => return true,
            [b'\\', b'\\' | b'"', rest @ ..] => rest,
            [b'\\' | b'"', ..] => return false,
            [b' '..=b'~', rest @ ..] => rest,
            _ => return false,
        }
    }
}

fn is_plain(byte: &u8) -> bool {
    byte.is_ascii_graphic() && !b"\"\\,;".contains(byte)
}

impl fmt::Display for PushKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(64);
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// A header that has no key in it as we read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidPushKey;

impl fmt::Display for InvalidPushKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Idempotency-Key must be there once: a text in quotes of up to {} visible characters, \
             which begins with {OURS} only if it is made as PROTOCOL.md says",
            limits::PUSH_KEY
        )
    }
}

impl core::error::Error for InvalidPushKey {}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    const MARK: Mark = Mark { name: 0xdead_beef, count: 42 };

    #[test]
    fn a_key_is_written_as_the_protocol_says_and_read_again() {
        let key = PushKey::new(MARK, 0x0123_4567_89ab_cdef);
        assert_eq!(key.to_string(), "\"eh1-00000000deadbeef-42-0123456789abcdef\"");
        assert_eq!(PushKey::read(key.to_string().as_bytes()), Ok(key));
        let most = Mark { name: u64::MAX, count: u64::MAX };
        assert_eq!(most.to_string(), "ffffffffffffffff-18446744073709551615");
        for mark in [most, MARK, Mark { name: 0, count: 0 }] {
            let mut written = String::new();
            mark.write(&mut written);
            assert_eq!(written, mark.to_string());
            assert_eq!(Mark::read(written.as_bytes()), Some(mark));
        }
    }

    #[test]
    fn the_keys_of_others_are_what_they_wrote() {
        let uuid = "8e03978e-40d5-43dd-bc93-6894a57f9324";
        for (field, inside) in [
            (alloc::format!("\"{uuid}\""), uuid),
            (uuid.to_string(), uuid),
            (r#""a \"b\" \\ c;d""#.to_string(), r#"a \"b\" \\ c;d"#),
        ] {
            let key = PushKey::read(field.as_bytes());
            assert_eq!(key, Ok(PushKey::Opaque(inside.into())), "{field}");
            assert_eq!(
                PushKey::read(key.unwrap().to_string().as_bytes()).unwrap().text(),
                inside.len()
            );
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "x".repeat(limits::PUSH_KEY + 1);
        for field in [
            "",
            "\"\"",
            "\"",
            "a b",
            "a,b",
            "\"a\";b=c",
            "\"a\" \"b\"",
            r#""a"b""#,
            r#""a\""#,
            r#""a\b""#,
            "é",
            "\"é\"",
            &long,
            "eh1-",
            "\"eh1-00000000deadbeef-42\"",
            "\"eh1-00000000deadbeef-42-0123456789ABCDEF\"",
            "\"eh1-00000000deadbeef-042-0123456789abcdef\"",
            "\"eh1-00000000deadbeef-+42-0123456789abcdef\"",
            "\"eh1-00000000deadbeef--0123456789abcdef\"",
            "\"eh1-00000000deadbeef-99999999999999999999-0123456789abcdef\"",
            "\"eh1-0000000deadbeef-42-0123456789abcdef\"",
        ] {
            assert_eq!(PushKey::read(field.as_bytes()), Err(InvalidPushKey), "{field}");
        }
    }
}
