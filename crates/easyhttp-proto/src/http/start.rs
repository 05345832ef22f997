//! The heads of messages: what they say besides their body.

use core::mem::MaybeUninit;

use alloc::vec::Vec;
use httparse::{Error, Header, ParserConfig, Status};

use super::fault::Fault;
use super::fields::{Fields, Framing, Transfer};
use crate::limits;

/// The head of a request.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// As `POST`.
    pub method: &'a str,
    /// What is asked for, as it was sent: a path, mostly.
    pub target: &'a str,
    /// The header fields.
    pub fields: Fields<'a>,
    /// Whether the connection may be used for another request.
    pub keeps_alive: bool,
    /// Whether it is HTTP/1.0, which closes unless it is told otherwise.
    pub is_old: bool,
    /// Whether the sender waits to be told that it may send the body.
    pub expects_continue: bool,
}

/// The head of an answer.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct AnswerHead<'a> {
    /// As 200.
    pub status: u16,
    /// The header fields.
    pub fields: Fields<'a>,
    /// Whether the connection may be used for another request.
    pub keeps_alive: bool,
}

impl<'a> RequestHead<'a> {
    /// What the target names: a path without its query.
    pub fn path(&self) -> &'a str {
        let path = split_url(self.target).map_or(self.target, |(_, path)| path);
        match path.split('?').next() {
            Some("") | None => "/",
            Some(path) => path,
        }
    }

    /// The host and port of a target that is a whole URL.
    pub fn authority(&self) -> Option<&'a str> {
        split_url(self.target).map(|(authority, _)| authority)
    }

    /// Reads a head. None if it is not whole.
    pub(super) fn read(bytes: &'a [u8], most: usize) -> Result<Option<(Self, Framing)>, Fault> {
        with_room(most, |room| {
            let mut parsed = httparse::Request::new(&mut []);
            let config = ParserConfig::default();
            let end = config.parse_request_with_uninit_headers(&mut parsed, bytes, room);
            let Some(fields) = fields(bytes, end)? else { return Ok(None) };
            let target = parsed.path.unwrap_or_default();
            if !is_target(target) {
                return Err(Fault::Head("what is asked for is no path and no URL"));
            }
            let is_old = parsed.version == Some(0);
            let transfer = Transfer::read(parsed.headers, is_old)?;
            let framing = transfer.framing.unwrap_or(Framing::Length(0));
            let head = Self {
                method: parsed.method.unwrap_or_default(),
                target,
                fields,
                keeps_alive: transfer.keeps_alive(is_old),
                is_old,
                expects_continue: transfer.expects_continue
                    && !is_old
                    && framing != Framing::Length(0),
            };
            Ok(Some((head, framing)))
        })
    }
}

impl<'a> AnswerHead<'a> {
    /// Reads a head. None if it is not whole.
    pub(super) fn read(bytes: &'a [u8], most: usize) -> Result<Option<(Self, Framing)>, Fault> {
        with_room(most, |room| {
            let mut parsed = httparse::Response::new(&mut []);
            let config = ParserConfig::default();
            let end = config.parse_response_with_uninit_headers(&mut parsed, bytes, room);
            let Some(fields) = fields(bytes, end)? else { return Ok(None) };
            let is_old = parsed.version == Some(0);
            let transfer = Transfer::read(parsed.headers, is_old)?;
            let status = parsed.code.unwrap_or_default();
            if status < 100 {
                return Err(Fault::Head("there is no status"));
            }
            let framing = match status {
                100..200 | 204 | 304 => Framing::Length(0),
                _ => transfer.framing.unwrap_or(Framing::UntilEnd),
            };
            let keeps_alive = transfer.keeps_alive(is_old) && framing != Framing::UntilEnd;
            Ok(Some((Self { status, fields, keeps_alive }, framing)))
        })
    }
}

/// Whether this is a path, the `*` of OPTIONS, or a URL (RFC 9112, 3.2), of the
/// characters that RFC 3986 allows.
fn is_target(target: &str) -> bool {
    let is_form = match split_url(target) {
        Some((authority, _)) => is_authority(authority),
        None => target.starts_with('/') || target == "*",
    };
    is_form && target.bytes().all(is_of_url)
}

/// Whether RFC 3986 has a meaning for it.
fn is_of_url(byte: u8) -> bool {
    matches!(byte, b'a'..=b'z' | b'?'..=b'[' | b'&'..=b';' | b'=' | b'!' | b'$' | b'%' | b']' | b'_' | b'~')
}

/// The authority of a URL, and what follows it.
fn split_url(target: &str) -> Option<(&str, &str)> {
    // Nearly always; looking for a scheme takes longer than all the rest.
    if target.starts_with('/') {
        return None;
    }
    let (scheme, rest) = target.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    scheme.eq_ignore_ascii_case("http").then(|| rest.split_at(end))
}

/// Whether this is a name, or an address, which may be in brackets, perhaps with
/// a port. It never names a user (RFC 9110, 4.2.4).
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, port),
        _ => (text, ""),
    };
    let is_host = match host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(address) => consists_of(address, b":."),
        None => consists_of(host, b"-._~"),
    };
    is_host && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether there are only letters, digits and these, and at least one.
fn consists_of(text: &str, others: &[u8]) -> bool {
    !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || others.contains(&byte))
}

/// Lends room for so many fields: on the stack if they are as few as usual.
fn with_room<'a, T>(most: usize, read: impl FnOnce(&mut [MaybeUninit<Header<'a>>]) -> T) -> T {
    if most <= limits::HEADERS {
        read(&mut [const { MaybeUninit::uninit() }; limits::HEADERS][..most])
    } else {
        let mut room: Vec<_> = (0..most).map(|_| MaybeUninit::uninit()).collect();
        read(&mut room)
    }
}

/// The fields of a head that was parsed: what is between its first line and its
/// last. None if it is not whole.
fn fields(head: &[u8], end: httparse::Result<usize>) -> Result<Option<Fields<'_>>, Fault> {
    match end.map_err(fault)? {
        Status::Partial => Ok(None),
        Status::Complete(end) if end == head.len() => {
            let first = memchr::memchr(b'\n', head).map_or(end, |end| end + 1);
            Ok(Some(Fields::new(&head[first..end - 2])))
        }
        Status::Complete(_) => Err(Fault::Head("its end is not certain")),
    }
}

fn fault(error: Error) -> Fault {
    match error {
        Error::TooManyHeaders => Fault::HeadTooLarge,
        Error::HeaderName => Fault::Head("a field has no good name"),
        Error::HeaderValue => Fault::Head("a field has no good value"),
        Error::NewLine => Fault::Head("a line does not end in CRLF"),
        Error::Status => Fault::Head("there is no status"),
        Error::Token => Fault::Head("the first line is not one of HTTP"),
        Error::Version => Fault::Head("the version is not 1.1 or 1.0"),
    }
}
