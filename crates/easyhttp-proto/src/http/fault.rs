//! Why bytes are not a message.

use core::fmt;

/// Why what arrived is not a message that is taken. Its `Display` says it to
/// whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The head is not HTTP/1.1 or 1.0; the text says where.
    Head(&'static str),
    /// The head has more bytes, or more fields, than allowed.
    HeadTooLarge,
    /// It is not certain where the body ends; the text says why.
    Length(&'static str),
    /// A chunk of the body is none; the text says why.
    Chunk(&'static str),
    /// The request expects something else than `100-continue`.
    Expectation,
    /// The body has more bytes than allowed.
    BodyTooLarge,
    /// On a connection that is shared, a message has no number before it.
    Number,
    /// The connection ended in the middle of the message.
    Cut,
}

impl Fault {
    /// The HTTP status that says so to the sender of a request.
    pub fn status(self) -> u16 {
        match self {
            Self::Head(_) | Self::Length(_) | Self::Chunk(_) | Self::Number | Self::Cut => 400,
            Self::BodyTooLarge => 413,
            Self::Expectation => 417,
            Self::HeadTooLarge => 431,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head(detail) => write!(f, "the head is not HTTP/1.1: {detail}"),
            Self::HeadTooLarge => f.write_str("the head has too many bytes or fields"),
            Self::Length(detail) => write!(f, "the length of the body is not certain: {detail}"),
            Self::Chunk(detail) => write!(f, "the body is not whole: {detail}"),
            Self::Expectation => f.write_str("Expect can only be 100-continue"),
            Self::BodyTooLarge => f.write_str("the body is too large"),
            Self::Number => f.write_str("the line before the message is not its number"),
            Self::Cut => f.write_str("the connection ended before the message was whole"),
        }
    }
}

impl core::error::Error for Fault {}
