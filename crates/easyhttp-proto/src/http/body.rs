//! Where the bytes of a body are among those that arrive.

use super::fault::Fault;
use super::fields::Framing;
use crate::limits;

/// How many digits the size of a chunk may have; more can only be zeros.
const SIZE_DIGITS: usize = 16;

/// What a field after the last chunk counts at least, in bytes, so that there
/// are no more of them than a head may have.
const TRAILER_FIELD: usize = limits::HEADER_BLOCK / limits::HEADERS;

/// How much of a body has been read.
#[derive(Debug)]
pub(super) struct Body {
    state: State,
    /// How many bytes of it were there.
    seen: u64,
    /// How many bytes the chunks may still say besides their sizes: extensions
    /// and fields, which nobody uses.
    besides: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// This many bytes are to come, and then the end.
    Length(u64),
    /// All that comes, to the end of the connection.
    UntilEnd,
    /// The line that says how large the next chunk is.
    ChunkSize,
    /// This many bytes of a chunk are to come.
    Chunk(u64),
    /// The CRLF after a chunk.
    ChunkEnd,
    /// Fields after the last chunk.
    Trailer,
    Whole,
}

/// What the next bytes are.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// This many bytes of the body.
    Payload(usize),
    /// This many bytes that only say how it is framed.
    Frame(usize),
    /// Nothing yet.
    Missing,
    /// Nothing of this body: it is whole.
    End,
}

impl Body {
    pub(super) fn new(framing: Framing) -> Self {
        let state = match framing {
            Framing::Length(length) => State::Length(length),
            Framing::Chunked => State::ChunkSize,
            Framing::UntilEnd => State::UntilEnd,
        };
        Self { state, seen: 0, besides: limits::HEADER_BLOCK }
    }

    /// How many bytes are certain to come.
    pub(super) fn expected(&self) -> u64 {
        match self.state {
            State::Length(left) | State::Chunk(left) => left,
            _ => 0,
        }
    }

    /// Says what the first of these bytes are, of a body of `limit` bytes at
    /// most. When there are more, asking again with a greater limit goes on.
    pub(super) fn next(&mut self, bytes: &[u8], limit: u64) -> Result<Part, Fault> {
        let coming = match self.state {
            State::UntilEnd => bytes.len() as u64,
            _ => self.expected(),
        };
        if coming > limit.saturating_sub(self.seen) {
            return Err(Fault::BodyTooLarge);
        }
        match self.state {
            State::Whole | State::Length(0) => {
                self.state = State::Whole;
                Ok(Part::End)
            }
            _ if bytes.is_empty() => Ok(Part::Missing),
            State::UntilEnd => Ok(self.take(bytes, u64::MAX, |_| State::UntilEnd)),
            State::Length(left) => Ok(self.take(bytes, left, State::Length)),
            State::Chunk(left) => Ok(self.take(bytes, left, |left| match left {
                0 => State::ChunkEnd,
                left => State::Chunk(left),
            })),
            State::ChunkSize => {
                let Some(line) = line(bytes, self.besides + SIZE_DIGITS)? else {
                    return Ok(Part::Missing);
                };
                let (size, digits) = chunk_size(line)?;
                self.spend(line.len() - digits.min(SIZE_DIGITS))?;
                self.state = match size {
                    0 => State::Trailer,
                    size => State::Chunk(size),
                };
                Ok(Part::Frame(line.len() + 2))
            }
            State::ChunkEnd => match bytes {
                [b'\r', b'\n', ..] => {
                    self.state = State::ChunkSize;
                    Ok(Part::Frame(2))
                }
                [b'\r'] => Ok(Part::Missing),
                _ => Err(Fault::Chunk("a chunk is longer than it says")),
            },
            State::Trailer => {
                let Some(line) = line(bytes, self.besides)? else { return Ok(Part::Missing) };
                if line.is_empty() {
                    self.state = State::Whole;
                } else if is_field(line) {
                    self.spend(TRAILER_FIELD.max(line.len() + 2))?;
                } else {
                    return Err(Fault::Chunk("what follows the last chunk is no field"));
                }
                Ok(Part::Frame(line.len() + 2))
            }
        }
    }

    /// Whether there is nothing more to come.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.state, State::Whole | State::Length(0))
    }

    /// The connection has ended, after so many bytes that were not read yet.
    pub(super) fn end(&mut self, unread: usize) -> Result<(), Fault> {
        match self.state {
            State::UntilEnd => self.state = State::Length(unread as u64),
            _ if self.is_whole() => {}
            _ => return Err(Fault::Cut),
        }
        Ok(())
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Fault> {
        let left = self.besides.checked_sub(bytes);
        self.besides = left.ok_or(TOO_MUCH_BESIDES)?;
        Ok(())
    }

    fn take(&mut self, bytes: &[u8], left: u64, then: impl FnOnce(u64) -> State) -> Part {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.seen += taken as u64;
        self.state = then(left - taken as u64);
        Part::Payload(taken)
    }
}

const TOO_MUCH_BESIDES: Fault = Fault::Chunk("there is too much besides the chunks");

/// The first line of these bytes, without its end. None if it is not whole.
fn line(bytes: &[u8], most: usize) -> Result<Option<&[u8]>, Fault> {
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(most + 2)]) {
        Some(end) => match bytes[..end].split_last() {
            Some((b'\r', line)) => Ok(Some(line)),
            _ => Err(Fault::Chunk("a line does not end in CRLF")),
        },
        None if bytes.len() >= most + 2 => Err(TOO_MUCH_BESIDES),
        None => Ok(None),
    }
}

/// What the line before a chunk says (RFC 9112, 7.1), and in how many digits;
/// extensions are ignored.
fn chunk_size(line: &[u8]) -> Result<(u64, usize), Fault> {
    let count = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = line.split_at(count);
    let size = core::str::from_utf8(digits).ok().and_then(|it| u64::from_str_radix(it, 16).ok());
    let is_extension = matches!(rest.trim_ascii_start(), [] | [b';', ..]) && is_text(rest);
    match size {
        Some(size) if is_extension => Ok((size, count)),
        _ => Err(Fault::Chunk("the size of a chunk is not a number")),
    }
}

fn is_field(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    !name.is_empty() && name.len() < line.len() && name.iter().all(is_token) && is_text(line)
}

/// Whether there is no control character but tabs.
fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == b'\t' || !byte.is_ascii_control())
}
