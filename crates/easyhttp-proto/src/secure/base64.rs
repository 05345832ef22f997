//! Bytes as text (RFC 4648), in the only form that each length has: what is read
//! is written again as it was.

use alloc::string::String;

/// How bytes become text.
struct Form {
    letters: &'static [u8; 64],
    is_padded: bool,
}

const STANDARD: Form = Form {
    letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    is_padded: true,
};
const URL: Form = Form {
    letters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
    is_padded: false,
};

/// Adds the bytes in the standard alphabet, padded: digests, keys and signatures.
pub(super) fn write(bytes: &[u8], text: &mut String) {
    STANDARD.write(bytes, text);
}

/// Adds the bytes in the alphabet for URLs, not padded: names and random values.
pub(super) fn write_url(bytes: &[u8], text: &mut String) {
    URL.write(bytes, text);
}

/// Reads what [`write`] writes.
pub(super) fn read<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    STANDARD.read(text)
}

/// Reads what [`write_url`] writes.
pub(super) fn read_url<const N: usize>(text: &[u8]) -> Option<[u8; N]> {
    URL.read(text)
}

impl Form {
    fn write(&self, bytes: &[u8], text: &mut String) {
        for group in bytes.chunks(3) {
            let held = group.iter().fold(0, |held, byte| held << 8 | u32::from(*byte));
            let held = held << (8 * (3 - group.len()));
            for place in 0..4 {
                if place <= group.len() {
                    let index = held >> (18 - 6 * place) & 63;
                    text.push(char::from(self.letters[index as usize]));
                } else if self.is_padded {
                    text.push('=');
                }
            }
        }
    }

    fn read<const N: usize>(&self, text: &[u8]) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.read_into(text, &mut bytes).then_some(bytes)
    }

    /// Apart, so that the program has it once, and not once for each length.
    #[inline(never)]
    fn read_into(&self, text: &[u8], bytes: &mut [u8]) -> bool {
        let padding = &b"=="[..if self.is_padded { (3 - bytes.len() % 3) % 3 } else { 0 }];
        let Some(text) = text.strip_suffix(padding) else { return false };
        if text.len() != (bytes.len() * 8).div_ceil(6) {
            return false;
        }
        let (mut held, mut bits, mut filled) = (0, 0, 0);
        for letter in text {
            let Some(value) = self.value(*letter) else { return false };
            held = held << 6 | value;
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                bytes[filled] = (held >> bits) as u8;
                filled += 1;
                held &= (1 << bits) - 1;
            }
        }
        // Bits that nobody needs could be anything, and there would be two texts
        // for the same bytes.
        held == 0
    }

    fn value(&self, letter: u8) -> Option<u32> {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            _ if letter == self.letters[62] => 62,
            _ if letter == self.letters[63] => 63,
            _ => return None,
        };
        Some(u32::from(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648() {
        fn both<const N: usize>(bytes: &[u8; N], expected: &str) {
            let mut text = String::new();
            write(bytes, &mut text);
            assert_eq!(text, expected);
            assert_eq!(read(expected.as_bytes()), Some(*bytes));
            let mut text = String::new();
            write_url(bytes, &mut text);
            assert_eq!(text, expected.trim_end_matches('='));
            assert_eq!(read_url(text.as_bytes()), Some(*bytes));
        }
        both(b"", "");
        both(b"f", "Zg==");
        both(b"fo", "Zm8=");
        both(b"foo", "Zm9v");
        both(b"foob", "Zm9vYg==");
        both(b"fooba", "Zm9vYmE=");
        both(b"foobar", "Zm9vYmFy");
    }

    #[test]
    fn other_forms_of_the_same_are_refused() {
        for text in ["Zh==", "Zg=", "Zg", "Zg===", "Z===", " Zg==", "Zg==\n", "Zm8=", ""] {
            assert_eq!(read::<1>(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(read(b"+/+/"), Some([0xfb, 0xff, 0xbf]));
        assert_eq!(read::<3>(b"-_-_"), None);
        assert_eq!(read_url(b"-_-_"), Some([0xfb, 0xff, 0xbf]));
        assert_eq!(read_url::<3>(b"+/+/"), None);
    }
}
