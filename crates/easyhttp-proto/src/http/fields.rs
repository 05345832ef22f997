//! The header fields of a message that was found to be well-formed.

use httparse::Header;

use crate::http::Fault;

/// The header fields of a message, in their order.
#[derive(Debug, Clone, Copy)]
pub struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Of lines that were checked, each with its CRLF.
    pub(super) fn new(lines: &'a [u8]) -> Self {
        Self(lines)
    }

    /// All fields: the name as it was sent, and the value without the spaces
    /// around it.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut lines = self.0;
        core::iter::from_fn(move || {
            let colon = lines.iter().position(|byte| *byte == b':')?;
            let (name, rest) = lines.split_at(colon);
            let end = memchr::memchr(b'\n', rest)?;
            lines = &rest[end + 1..];
            Some((name, rest[1..end].trim_ascii()))
        })
    }

    /// The values of the fields with this name.
    pub fn all(self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(other, _)| is(other, name)).map(|(_, value)| value)
    }

    /// The value of the only field with this name. None if there is none, or
    /// more than one.
    // It is asked for in many places, and would be in the program in each of them.
    #[inline(never)]
    pub fn only(self, name: &str) -> Option<&'a [u8]> {
        let mut all = self.all(name);
        all.next().filter(|_| all.next().is_none())
    }
}

/// Whether this is the name of a field, in any case.
pub(super) fn is(bytes: impl AsRef<[u8]>, name: &str) -> bool {
    bytes.as_ref().eq_ignore_ascii_case(name.as_bytes())
}

/// How the end of a body is known (RFC 9112, 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no body, or it has this many bytes.
    Length(u64),
    Chunked,
    /// The body of an answer that ends with the connection.
    UntilEnd,
}

/// What the fields say about the connection and the body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transfer {
    /// None if the fields say nothing about it.
    pub(super) framing: Option<Framing>,
    pub(super) expects_continue: bool,
    says_close: bool,
    says_keep_alive: bool,
}

impl Transfer {
    /// `is_old`: of HTTP/1.0.
    pub(super) fn read(fields: &[Header<'_>], is_old: bool) -> Result<Self, Fault> {
        let mut read = Self {
            framing: None,
            expects_continue: false,
            says_close: false,
            says_keep_alive: false,
        };
        for Header { name, value } in fields {
            // By its length, because most are none of these.
            match name.len() {
                14 if is(name, "content-length") => read.frame(Framing::Length(length(value)?))?,
                17 if is(name, "transfer-encoding") => {
                    if !is(value, "chunked") {
                        return Err(Fault::Length("Transfer-Encoding can only be chunked"));
                    }
                    if is_old {
                        return Err(Fault::Length("HTTP/1.0 has no chunks"));
                    }
                    read.frame(Framing::Chunked)?;
                }
                10 if is(name, "connection") => {
                    for option in value.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
                        read.says_close |= is(option, "close");
                        read.says_keep_alive |= is(option, "keep-alive");
                    }
                }
                6 if is(name, "expect") => {
                    if !is(value, "100-continue") {
                        return Err(Fault::Expectation);
                    }
                    read.expects_continue = true;
                }
                _ => {}
            }
        }
        Ok(read)
    }

    /// Whether the connection may be used again (RFC 9112, 9.3).
    pub(super) fn keeps_alive(&self, is_old: bool) -> bool {
        !self.says_close && (!is_old || self.says_keep_alive)
    }

    fn frame(&mut self, framing: Framing) -> Result<(), Fault> {
        match self.framing.replace(framing) {
            None => Ok(()),
            Some(_) => Err(Fault::Length("Content-Length or Transfer-Encoding is there twice")),
        }
    }
}

fn length(value: &[u8]) -> Result<u64, Fault> {
    let digits = core::str::from_utf8(value).ok();
    digits
        .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|digits| digits.parse().ok())
        .ok_or(Fault::Length("Content-Length is not a number"))
}
