//! What a handler may return.

use std::fmt;
use std::io::{self, Write};

use easyhttp_proto::exchange::Outcome;
use easyhttp_proto::limits;
use easyhttp_proto::message::Data;
use easyhttp_proto::pushes::PushOutcome;
use serde::Serialize;

use crate::room;

/// A handler could not do its work. The peer is told the message; of one with more than
/// 16 KiB, the beginning.
///
/// Every error converts into it, so `?` works in a handler. The closure has to
/// say what it returns, because `?` does not:
///
/// ```
/// # let builder = easyhttp::EasyHttp::builder();
/// use easyhttp::HandlerError;
///
/// builder.on_fetch(|fetch| -> Result<_, HandlerError> {
///     let n: u32 = fetch.data.parse()?;
///     Ok(n * 2)
/// });
/// ```
#[derive(Debug)]
pub struct HandlerError {
    message: String,
}

impl HandlerError {
    /// An error with a message for the peer.
    pub fn new(message: impl fmt::Display) -> Self {
        Self { message: message.to_string() }
    }

    /// As much of the message as the peer is told.
    pub(crate) fn told(self) -> String {
        told(self.message)
    }
}

// Not an `std::error::Error` itself, so that every error can convert into it.
impl<E: std::error::Error> From<E> for HandlerError {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}

/// What the handler of a PUSH decides.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PushAnswer {
    /// It is done: the peer gets an ACK.
    Accepted,
    /// It is not done: the peer gets a NACK, with the reason if there is one; of one with
    /// more than 16 KiB, the beginning.
    Refused(Option<String>),
}

impl PushAnswer {
    /// Refuses with a reason, which the peer gets.
    pub fn refuse(reason: impl fmt::Display) -> Self {
        Self::Refused(Some(reason.to_string()))
    }
}

/// What the handler of a PUSH may return: a [`PushAnswer`], a `bool`, nothing
/// (which accepts), or a `Result` of one of these and a [`HandlerError`].
pub trait IntoPushAnswer {
    /// Gives the answer, or the error.
    fn into_push_answer(self) -> Result<PushAnswer, HandlerError>;
}

impl IntoPushAnswer for PushAnswer {
    fn into_push_answer(self) -> Result<PushAnswer, HandlerError> {
        Ok(self)
    }
}

impl IntoPushAnswer for bool {
    fn into_push_answer(self) -> Result<PushAnswer, HandlerError> {
        Ok(if self { PushAnswer::Accepted } else { PushAnswer::Refused(None) })
    }
}

impl IntoPushAnswer for () {
    fn into_push_answer(self) -> Result<PushAnswer, HandlerError> {
        Ok(PushAnswer::Accepted)
    }
}

impl<T: IntoPushAnswer> IntoPushAnswer for Result<T, HandlerError> {
    fn into_push_answer(self) -> Result<PushAnswer, HandlerError> {
        self?.into_push_answer()
    }
}

/// What the handler of a FETCH has returned, as JSON.
#[derive(Debug)]
pub struct FetchAnswer(Data);

/// What the handler of a FETCH may return: anything that serialises, falsy
/// values included, or a `Result` of it and a [`HandlerError`]. A `Result` with
/// another error type fails when it is asked.
///
/// `M` is found by the compiler: it keeps the two cases apart.
pub trait IntoFetchAnswer<M> {
    /// Gives the data as JSON, or the error.
    fn into_fetch_answer(self) -> Result<FetchAnswer, HandlerError>;
}

/// Marks a handler that returns data.
#[derive(Debug)]
#[non_exhaustive]
pub struct Always;

/// Marks a handler that returns data or a [`HandlerError`].
#[derive(Debug)]
#[non_exhaustive]
pub struct Fallible;

impl<T: Serialize> IntoFetchAnswer<Always> for T {
    fn into_fetch_answer(self) -> Result<FetchAnswer, HandlerError> {
        // Such a result serialises, and would travel as {"Err": …}, a success.
        if std::any::type_name::<T>().starts_with("core::result::Result<") {
            return Err(HandlerError::new(
                "its closure for FETCH returns a Result whose error is not a HandlerError",
            ));
        }
        Ok(FetchAnswer(Data::write_with(|json| write_in(json, room::grow, &self))?))
    }
}

impl<T: Serialize> IntoFetchAnswer<Fallible> for Result<T, HandlerError> {
    fn into_fetch_answer(self) -> Result<FetchAnswer, HandlerError> {
        self?.into_fetch_answer()
    }
}

/// Appends a value as JSON.
pub(crate) fn write_json(json: &mut Vec<u8>, value: &impl Serialize) -> serde_json::Result<()> {
    write_in(json, Vec::reserve, value)
}

fn write_in(json: &mut Vec<u8>, grow: Grow, value: &impl Serialize) -> serde_json::Result<()> {
    serde_json::to_writer(Roomy { json, grow }, value)
}

/// Makes room for so many bytes more.
type Grow = fn(&mut Vec<u8>, usize);

/// Keeps some room behind what is long: otherwise the few bytes that follow it would have
/// all of it copied to where there is twice the room.
struct Roomy<'a> {
    json: &'a mut Vec<u8>,
    grow: Grow,
}

impl Write for Roomy<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let wanted = bytes.len() + bytes.len() / 8;
        if self.json.capacity() - self.json.len() < wanted {
            (self.grow)(self.json, wanted);
        }
        self.json.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a handler returned, whichever it was.
#[derive(Debug)]
pub(crate) enum Returned {
    Done,
    Value(Data),
    Push(PushAnswer),
    Failed(String),
    /// It has not returned in time, and runs on.
    Unfinished(String),
}

impl Returned {
    /// What is told of a handler that panicked.
    pub(crate) const PANICKED: &str = "it panicked";

    pub(crate) fn fetch<M>(answer: impl IntoFetchAnswer<M>) -> Self {
        answer.into_fetch_answer().map_or_else(Self::error, |FetchAnswer(data)| Self::Value(data))
    }

    pub(crate) fn push(answer: impl IntoPushAnswer) -> Self {
        answer.into_push_answer().map_or_else(Self::error, |answer| {
            Self::Push(match answer {
                PushAnswer::Refused(Some(reason)) => PushAnswer::Refused(Some(told(reason))),
                short => short,
            })
        })
    }

    fn error(error: HandlerError) -> Self {
        Self::Failed(error.told())
    }

    /// The same, unless it makes an answer of more than `limit` bytes, which
    /// the peer would not read.
    pub(crate) fn within(self, limit: usize) -> Self {
        match self {
            Self::Value(value) if value.as_bytes().len() + limits::ENVELOPE > limit => {
                Self::Failed(format!("its data makes an answer of more than {limit} bytes"))
            }
            fits => fits,
        }
    }

    /// What a device remembers of it, if it is the handler of a PUSH.
    pub(crate) fn push_outcome(&self) -> PushOutcome {
        match self {
            Self::Push(PushAnswer::Refused(reason)) => PushOutcome::Refused(reason.clone()),
            Self::Failed(message) | Self::Unfinished(message) => {
                PushOutcome::Failed(message.clone())
            }
            Self::Push(PushAnswer::Accepted) | Self::Done | Self::Value(_) => PushOutcome::Accepted,
        }
    }

    pub(crate) fn into_outcome(self) -> Outcome {
        match self {
            Self::Done => Outcome::Done,
            Self::Value(value) => Outcome::Value(value),
            Self::Push(PushAnswer::Accepted) => Outcome::Accepted,
            Self::Push(PushAnswer::Refused(reason)) => Outcome::Refused(reason),
            Self::Failed(message) => Outcome::Failed(message),
            Self::Unfinished(message) => Outcome::Unfinished(message),
        }
    }
}

/// As much of a text as a peer is told.
fn told(mut text: String) -> String {
    if text.len() > limits::REASON {
        let end = (0..=limits::REASON).rev().find(|&end| text.is_char_boundary(end));
        text.truncate(end.unwrap_or_default());
        text.push('…');
    }
    text
}
