//! How far the memory of a device has come.

use alloc::string::String;
use core::fmt;

/// Which memory a device has, and how many PUSHes it had noted in it at some moment.
///
/// As text it is the value of [`MEMORY_HEADER`](super::MEMORY_HEADER):
/// `00000000deadbeef-42`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_structs, reason = "it is what the header says, and no more")]
pub struct Mark {
    /// Drawn when the memory was made: another name, another memory.
    pub name: u64,
    /// How many PUSHes have been noted in it.
    pub count: u64,
}

impl Mark {
    /// How many hexadecimal digits the name has.
    const DIGITS: usize = 16;

    /// Reads a mark. None if it is not written exactly as we do.
    pub fn read(text: &[u8]) -> Option<Self> {
        let (name, rest) = text.split_at_checked(Self::DIGITS)?;
        let count = rest.strip_prefix(b"-")?;
        Some(Self { name: read_hex(name)?, count: read_decimal(count)? })
    }

    /// Appends the text.
    pub fn write(self, text: &mut String) {
        write_hex(self.name, text);
        text.push('-');
        text.push_str(itoa::Buffer::new().format(self.count));
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", self.name, self.count)
    }
}

/// Sixteen digits, the letters among them in lower case.
pub(super) fn read_hex(digits: &[u8]) -> Option<u64> {
    let digits: &[u8; Mark::DIGITS] = digits.try_into().ok()?;
    digits.iter().try_fold(0, |number, digit| {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u64::from(value))
    })
}

pub(super) fn write_hex(number: u64, text: &mut String) {
    let mut digits = [0; Mark::DIGITS];
    for (place, digit) in digits.iter_mut().rev().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (4 * place)) as usize & 0xf];
    }
    text.push_str(core::str::from_utf8(&digits).unwrap_or_default());
}

/// A number as one writes it: without a sign, and without zeros before it.
fn read_decimal(digits: &[u8]) -> Option<u64> {
    let is_plain = !digits.is_empty() && (!digits.starts_with(b"0") || digits == b"0");
    if !is_plain {
        return None;
    }
    digits.iter().try_fold(0_u64, |number, digit| match digit {
        b'0'..=b'9' => number.checked_mul(10)?.checked_add(u64::from(digit - b'0')),
        _ => None,
    })
}
