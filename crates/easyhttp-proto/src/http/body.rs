//! Where the bytes of a body are among those that arrive.

use super::fault::Fault;
use super::fields::Framing;
use crate::limits;

/// The longest line that says how large a chunk is, in bytes. Sixteen digits are
/// enough; the rest are extensions, which nobody uses.
const CHUNK_LINE: usize = 256;

/// How much of a body has been read.
#[derive(Debug)]
pub(super) struct Body {
    state: State,
    /// How many bytes of it were there.
    seen: u64,
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
    /// Fields after the last chunk, which may have this many bytes more.
    Trailer(usize),
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
        Self { state, seen: 0 }
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
                let Some(line) = line(bytes, CHUNK_LINE)? else { return Ok(Part::Missing) };
                self.state = match chunk_size(line)? {
                    0 => State::Trailer(limits::HEADER_BLOCK),
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
            State::Trailer(left) => {
                let Some(line) = line(bytes, left)? else { return Ok(Part::Missing) };
                self.state = match line {
                    [] => State::Whole,
                    line if is_field(line) => State::Trailer(left.saturating_sub(line.len() + 2)),
                    _ => return Err(Fault::Chunk("what follows the last chunk is no field")),
                };
                Ok(Part::Frame(line.len() + 2))
            }
        }
    }

    /// The connection has ended.
    pub(super) fn end(&mut self) -> Result<(), Fault> {
        match self.state {
            State::UntilEnd | State::Whole | State::Length(0) => {
                self.state = State::Whole;
                Ok(())
            }
            _ => Err(Fault::Cut),
        }
    }

    fn take(&mut self, bytes: &[u8], left: u64, then: impl FnOnce(u64) -> State) -> Part {
        let taken = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        self.seen += taken as u64;
        self.state = then(left - taken as u64);
        Part::Payload(taken)
    }
}

/// The first line of these bytes, without its end. None if it is not whole.
fn line(bytes: &[u8], most: usize) -> Result<Option<&[u8]>, Fault> {
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(most + 2)]) {
        Some(end) => match bytes[..end].split_last() {
            Some((b'\r', line)) => Ok(Some(line)),
            _ => Err(Fault::Chunk("a line does not end in CRLF")),
        },
        None if bytes.len() >= most + 2 => Err(Fault::Chunk("a line between chunks is too long")),
        None => Ok(None),
    }
}

/// What the line before a chunk says (RFC 9112, 7.1); extensions are ignored.
fn chunk_size(line: &[u8]) -> Result<u64, Fault> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    let (digits, rest) = line.split_at(digits);
    let size = core::str::from_utf8(digits).ok().and_then(|it| u64::from_str_radix(it, 16).ok());
    let is_extension = matches!(rest.trim_ascii_start(), [] | [b';', ..]) && is_text(rest);
    size.filter(|_| is_extension).ok_or(Fault::Chunk("the size of a chunk is not a number"))
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
