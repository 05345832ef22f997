//! One walk over a JSON text (RFC 8259): is it valid, and where are the fields of
//! the object that it is.
//!
//! A message is small, and most of what it costs would be reading it: building
//! values, and then raw values of those, took three times as long as this. What
//! is valid here and what is valid for serde_json is the same, which fuzzing
//! checks.

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
    let mut scan = Scan { rest: text.as_bytes() };
    scan.space();
    scan.take(open)?;
    scan.space();
    if scan.peek() != Some(close) {
        loop {
            let start = scan.rest.len();
            let name = match is_object {
                true => {
                    let end = scan.name()?;
                    &text[text.len() - start + 1..text.len() - end - 1]
                }
                false => "",
            };
            let start = scan.rest.len();
            scan.value(limits::DEPTH - 1)?;
            if !see(name, &text[text.len() - start..text.len() - scan.rest.len()])? {
                return Ok(());
            }
            scan.space();
            if scan.peek() != Some(b',') {
                break;
            }
            scan.skip(1);
            scan.space();
        }
    }
    scan.take(close)?;
    scan.end()
}

/// Checks a JSON value of any kind, of so many levels.
pub(super) fn value(text: &[u8], levels: usize) -> Result<(), Malformed> {
    let mut scan = Scan { rest: text };
    scan.space();
    scan.value(levels)?;
    scan.end()
}

/// How many levels a valid JSON text has; total for any bytes.
pub(super) fn levels(text: &[u8]) -> usize {
    let mut scan = Scan { rest: text };
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
        scan.skip(1);
    }
    most
}

/// How much a tree of any values holds that is made of this JSON text, as
/// [`limits::TREE`] counts it. Of what is no JSON it says
/// something.
pub fn weight(text: &str) -> usize {
    let mut scan = Scan { rest: text.as_bytes() };
    let mut weight = 1;
    while let Some(byte) = scan.peek() {
        match byte {
            // Nothing in it counts.
            b'"' => scan.skip_string(),
            b',' | b':' | b'[' => weight += 1,
            b'{' => weight += 9,
            _ => {}
        }
        scan.skip(1);
    }
    weight
}

/// What has not been looked at yet.
struct Scan<'a> {
    rest: &'a [u8],
}

/// Whether each level that is open is an object: a bit for each.
type Levels = u128;

const _: () = assert!(limits::DEPTH <= Levels::BITS as usize);

impl Scan<'_> {
    fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or_default();
    }

    fn space(&mut self) {
        while let [b' ' | b'\t' | b'\n' | b'\r', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    fn take(&mut self, byte: u8) -> Result<(), Malformed> {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                Ok(())
            }
            _ => Err(Malformed::NotJson),
        }
    }

    /// Nothing but space may follow.
    fn end(&mut self) -> Result<(), Malformed> {
        self.space();
        if self.rest.is_empty() { Ok(()) } else { Err(Malformed::NotJson) }
    }

    /// The name of a field, and what stands between it and the value. Gives how
    /// much was left behind the name.
    fn name(&mut self) -> Result<usize, Malformed> {
        self.string()?;
        let left = self.rest.len();
        self.space();
        self.take(b':')?;
        self.space();
        Ok(left)
    }

    /// A value of so many levels, with all that is in it.
    fn value(&mut self, most: usize) -> Result<(), Malformed> {
        let (mut levels, mut inside): (Levels, usize) = (0, 0);
        'value: loop {
            match self.peek() {
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(b'n') => self.word(b"null")?,
                Some(open @ (b'{' | b'[')) => {
                    self.skip(1);
                    self.space();
                    let is_object = open == b'{';
                    if inside == most {
                        return Err(Malformed::TooDeep);
                    }
                    if self.peek() == Some(if is_object { b'}' } else { b']' }) {
                        self.skip(1);
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
                        self.skip(1);
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
                self.skip(1);
                levels >>= 1;
                inside -= 1;
            }
            return Ok(());
        }
    }

    fn string(&mut self) -> Result<(), Malformed> {
        self.take(b'"')?;
        loop {
            self.skip_plain();
            match self.rest {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Ok(());
                }
                [b'\\', rest @ ..] => {
                    self.rest = rest;
                    self.escape()?;
                }
                _ => return Err(Malformed::NotJson),
            }
        }
    }

    /// Moves to the quote at the end of a string that is known to be valid.
    fn skip_string(&mut self) {
        self.skip(1);
        while let Some(at) = memchr::memchr2(b'"', b'\\', self.rest) {
            self.skip(at);
            match self.peek() {
                Some(b'"') => return,
                _ => self.skip(2),
            }
        }
        self.rest = &[];
    }

    /// Moves to the next byte that is more than itself in a string.
    fn skip_plain(&mut self) {
        // Most strings end soon. In those that do not, many are looked at together.
        if self.skip_eight() {
            while let Some((many, rest)) = self.rest.split_first_chunk()
                && are_plain(many)
            {
                self.rest = rest;
            }
            while self.skip_eight() {}
        }
        while self.peek().is_some_and(is_plain) {
            self.skip(1);
        }
    }

    /// Moves over the next eight bytes and says so, if all of them are plain;
    /// otherwise to the first that is not.
    fn skip_eight(&mut self) -> bool {
        let Some((eight, rest)) = self.rest.split_first_chunk() else { return false };
        let marks = marks(u64::from_le_bytes(*eight));
        match marks {
            0 => self.rest = rest,
            marks => self.skip(marks.trailing_zeros() as usize / 8),
        }
        marks == 0
    }

    /// What stands behind a backslash.
    fn escape(&mut self) -> Result<(), Malformed> {
        self.rest = match self.rest {
            [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [b'u', a, b, c, d, rest @ ..]
                if [a, b, c, d].iter().all(|it| it.is_ascii_hexdigit()) =>
            {
                rest
            }
            _ => return Err(Malformed::NotJson),
        };
        Ok(())
    }

    fn number(&mut self) -> Result<(), Malformed> {
        if self.peek() == Some(b'-') {
            self.skip(1);
        }
        match self.peek() {
            Some(b'0') => self.skip(1),
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.skip(1);
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.skip(1);
            if let Some(b'+' | b'-') = self.peek() {
                self.skip(1);
            }
            self.digits()?;
        }
        Ok(())
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Malformed> {
        let before = self.rest.len();
        while let [b'0'..=b'9', rest @ ..] = self.rest {
            self.rest = rest;
        }
        if self.rest.len() < before { Ok(()) } else { Err(Malformed::NotJson) }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Malformed> {
        self.rest = self.rest.strip_prefix(word).ok_or(Malformed::NotJson)?;
        Ok(())
    }
}

/// Whether a byte of a string is only itself: no quote, backslash or control
/// character.
fn is_plain(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\\' | 0..b' ')
}

/// Whether all are. It looks at each of them, so that the compiler can take them
/// together.
fn are_plain(bytes: &[u8; 64]) -> bool {
    bytes.iter().fold(true, |are, byte| are & is_plain(*byte))
}

/// Marks with its highest bit each byte that is a quote, a backslash or a control
/// character: exact up to the first one, which is the lowest.
fn marks(eight: u64) -> u64 {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    let below = |bytes: u64, least: u8| bytes.wrapping_sub(EACH * u64::from(least)) & !bytes;
    let is = |byte: u8| below(eight ^ (EACH * u64::from(byte)), 1);
    (below(eight, b' ') | is(b'"') | is(b'\\')) & (EACH << 7)
}
