//! One walk over a JSON text (RFC 8259): is it valid, and where are the fields of
//! the object that it is.
//!
//! A message is small, and most of what it costs would be reading it: building
//! values, and then raw values of those, took three times as long as this. What
//! is valid here and what is valid for serde_json is the same, which fuzzing
//! checks.

use core::ops::Range;

use crate::limits;
use crate::malformed::Malformed;

/// Gives all fields of a JSON object to `see`: the name between its quotes, with
/// its escapes, and the value. What `see` refuses ends the walk.
pub(super) fn object<'a>(
    text: &'a str,
    mut see: impl FnMut(&'a str, &'a str) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    each(text, true, |name, value| see(name, value).map(|()| true))
}

/// Gives the values of a JSON list to `see`, until it wants no more.
pub(super) fn list<'a>(
    text: &'a str,
    mut see: impl FnMut(&'a str) -> bool,
) -> Result<(), Malformed> {
    each(text, false, |_, value| Ok(see(value)))
}

fn each<'a>(
    text: &'a str,
    is_object: bool,
    mut see: impl FnMut(&'a str, &'a str) -> Result<bool, Malformed>,
) -> Result<(), Malformed> {
    let [open, close] = if is_object { *b"{}" } else { *b"[]" };
    let mut scan = Scan { bytes: text.as_bytes(), at: 0 };
    scan.space();
    scan.take(open)?;
    scan.space();
    if scan.peek() != Some(close) {
        loop {
            let name = if is_object { scan.name()? } else { 0..0 };
            let value = scan.value(limits::DEPTH - 1)?;
            if !see(&text[name], &text[value])? {
                return Ok(());
            }
            scan.space();
            if scan.peek() != Some(b',') {
                break;
            }
            scan.at += 1;
            scan.space();
        }
    }
    scan.take(close)?;
    scan.end()
}

/// Checks a JSON value of any kind, of so many levels.
pub(super) fn value(text: &[u8], levels: usize) -> Result<(), Malformed> {
    let mut scan = Scan { bytes: text, at: 0 };
    scan.space();
    scan.value(levels)?;
    scan.end()
}

/// How many levels a valid JSON text has; total for any bytes.
pub(super) fn levels(text: &[u8]) -> usize {
    let mut scan = Scan { bytes: text, at: 0 };
    let (mut inside, mut most) = (0_usize, 0);
    while let Some(byte) = scan.peek() {
        match byte {
            b'"' if scan.string().is_ok() => continue,
            b'{' | b'[' => {
                inside += 1;
                most = most.max(inside);
            }
            b'}' | b']' => inside = inside.saturating_sub(1),
            _ => {}
        }
        scan.at += 1;
    }
    most
}

struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Whether each level that is open is an object: a bit for each.
type Levels = u128;

const _: () = assert!(limits::DEPTH <= Levels::BITS as usize);

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Malformed> {
        if self.peek() != Some(byte) {
            return Err(Malformed::NotJson);
        }
        self.at += 1;
        Ok(())
    }

    /// Nothing but space may follow.
    fn end(&mut self) -> Result<(), Malformed> {
        self.space();
        if self.at == self.bytes.len() { Ok(()) } else { Err(Malformed::NotJson) }
    }

    /// The name of a field, and what stands between it and the value.
    fn name(&mut self) -> Result<Range<usize>, Malformed> {
        let start = self.at + 1;
        self.string()?;
        let name = start..self.at - 1;
        self.space();
        self.take(b':')?;
        self.space();
        Ok(name)
    }

    /// A value of so many levels, with all that is in it.
    fn value(&mut self, most: usize) -> Result<Range<usize>, Malformed> {
        let start = self.at;
        let (mut levels, mut inside): (Levels, usize) = (0, 0);
        'value: loop {
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(open @ (b'{' | b'[')) => {
                    self.at += 1;
                    self.space();
                    let is_object = open == b'{';
                    if inside == most {
                        return Err(Malformed::TooDeep);
                    }
                    if self.peek() == Some(if is_object { b'}' } else { b']' }) {
                        self.at += 1;
                    } else {
                        levels = levels << 1 | Levels::from(is_object);
                        inside += 1;
                        if is_object {
                            self.name()?;
                        }
                        continue 'value;
                    }
                }
                _ => return Err(Malformed::NotJson),
            }
            // A value has ended, and with it perhaps what it is in.
            while inside > 0 {
                self.space();
                let is_object = levels & 1 == 1;
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if is_object {
                            self.name()?;
                        }
                        continue 'value;
                    }
                    Some(b'}') if is_object => {}
                    Some(b']') if !is_object => {}
                    _ => return Err(Malformed::NotJson),
                }
                self.at += 1;
                levels >>= 1;
                inside -= 1;
            }
            return Ok(start..self.at);
        }
    }

    fn string(&mut self) -> Result<(), Malformed> {
        self.take(b'"')?;
        loop {
            self.skip_plain();
            match self.next() {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.escape()?,
                _ => return Err(Malformed::NotJson),
            }
        }
    }

    /// Moves to the next byte that is more than itself in a string, eight at a time.
    fn skip_plain(&mut self) {
        while let Some(eight) = self.bytes[self.at..].first_chunk() {
            match marks(u64::from_le_bytes(*eight)) {
                0 => self.at += 8,
                marks => {
                    self.at += marks.trailing_zeros() as usize / 8;
                    return;
                }
            }
        }
        while self.peek().is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..b' ')) {
            self.at += 1;
        }
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<(), Malformed> {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let digits = self.bytes.get(self.at..self.at + 4);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return Err(Malformed::NotJson);
                }
                self.at += 4;
                Ok(())
            }
            _ => Err(Malformed::NotJson),
        }
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Malformed> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(Malformed::NotJson) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Malformed> {
        if !self.bytes[self.at..].starts_with(word) {
            return Err(Malformed::NotJson);
        }
        self.at += word.len();
        Ok(())
    }
}

/// Marks with its highest bit each byte that is a quote, a backslash or a control
/// character: exact up to the first one, which is the lowest.
fn marks(eight: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let below = |bytes: u64, least: u8| bytes.wrapping_sub(EACH * u64::from(least)) & !bytes;
    let is = |byte: u8| below(eight ^ (EACH * u64::from(byte)), 1);
    (below(eight, b' ') | is(b'"') | is(b'\\')) & (EACH << 7)
}
