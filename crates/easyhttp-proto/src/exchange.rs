//! What answer a command gets, and what an answer means to the one who asked.
//!
//! A request goes through three steps, and only the middle one is the
//! device's own:
//!
//! 1. [`Request::read`] says what the peer wants, or why it is not a request.
//! 2. The device runs its handler, which gives an [`Outcome`].
//! 3. [`Request::answer`] says what travels back.
//!
//! The asker's side is one step: [`Reply::read`].

mod reply;

use alloc::borrow::Cow;
use alloc::string::String;

use serde::Serialize;

use crate::json::Json;
use crate::message::{Body, Data, error_body};
#[cfg(doc)]
use crate::pushes::MEMORY_HEADER;
use crate::pushes::Mark;
use crate::{Command, DeviceId, Header, Malformed, Message};

pub use reply::{Rejection, Reply};

/// The words for programs that travel in the `error` of a NACK.
pub mod code {
    /// The handler of a PUSH refused it.
    pub const REFUSED: &str = "refused";
    /// The device has no handler for the command.
    pub const NO_HANDLER: &str = "no_handler";
    /// The handler returned an error, or panicked.
    pub const HANDLER_FAILED: &str = "handler_failed";
    /// The handler had not finished when its time was over. It runs on, so nobody
    /// knows yet what comes of the command.
    pub const HANDLER_TIMED_OUT: &str = "handler_timed_out";
    /// As many handlers run as the device allows.
    pub const BUSY: &str = "busy";
    /// `recipient_id` names another device.
    pub const WRONG_RECIPIENT: &str = "wrong_recipient";
    /// A PUSH with this key runs, and has not ended.
    pub const IN_PROGRESS: &str = "in_progress";
    /// A PUSH with this key may have been run: the device does not remember any more.
    pub const FORGOTTEN: &str = "forgotten";
    /// A PUSH with this key and other data was run, or runs.
    pub const KEY_REUSED: &str = "key_reused";
}

/// The HTTP header that carries a [`code`] where the answer's JSON is fixed by
/// what older devices expect.
pub const ERROR_HEADER: &str = "easyhttp-error";

/// What can happen at a device, each with a handler of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// Somebody asked whether we are there.
    Ping,
    /// Somebody answered that they are there.
    Pong,
    /// Somebody asks for data.
    Fetch,
    /// Data arrived.
    Data,
    /// Somebody wants something written or done.
    Push,
}

impl Event {
    fn of(command: Command) -> Option<Self> {
        match command {
            Command::Ping => Some(Self::Ping),
            Command::Pong => Some(Self::Pong),
            Command::Fetch => Some(Self::Fetch),
            Command::Data => Some(Self::Data),
            Command::Push => Some(Self::Push),
            // Answers, and what travels by UDP: nothing that one can ask.
            Command::Ack | Command::Nack | Command::Discovery | Command::DiscoveryAck => None,
        }
    }
}

/// What a peer wants of this device.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request<'a> {
    /// What happened, which chooses the handler.
    pub event: Event,
    /// Who asks, whom, when.
    pub header: Header,
    /// The query of a FETCH, the data of DATA and PUSH.
    pub data: Option<Json<'a>>,
}

/// Who answers, and when: what the header of an answer says.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Speaker {
    /// The device's own id.
    pub id: DeviceId,
    /// The port on which it answers, if it does.
    pub port: Option<u16>,
    /// Now, in seconds since 1970.
    pub timestamp: i64,
}

impl Speaker {
    /// A speaker of all three.
    pub fn new(id: DeviceId, port: Option<u16>, timestamp: i64) -> Self {
        Self { id, port, timestamp }
    }

    /// A message from this speaker.
    pub fn message<'a>(&self, command: Command, recipient: Option<DeviceId>) -> Message<'a> {
        Message::new(command, Header::new(self.id, self.port, recipient, self.timestamp))
    }
}

/// What became of a request at the device.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Outcome {
    /// There is no handler for it.
    NoHandler,
    /// The handler of an event without an answer of its own has run.
    Done,
    /// The handler of a FETCH returned this.
    Value(Data),
    /// The handler of a PUSH accepted it.
    Accepted,
    /// The handler of a PUSH refused it, perhaps with a reason.
    Refused(Option<String>),
    /// The handler failed; the text says how.
    Failed(String),
    /// The handler has not finished in time, and runs on; the text says so.
    Unfinished(String),
    /// Too many handlers run already.
    Busy,
    /// The request is meant for another device, so no handler was asked.
    Misdirected,
    /// A PUSH with this key runs, and has not ended in time.
    InProgress,
    /// A PUSH with this key may have been run and forgotten, so no handler was asked.
    Forgotten,
    /// A PUSH with this key had other data, so no handler was asked.
    KeyReused,
}

/// What travels back: an HTTP status and a JSON body.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body, JSON.
    pub body: Body,
    /// What the header [`ERROR_HEADER`] says, if it is sent.
    pub note: Option<&'static str>,
    /// What the header [`MEMORY_HEADER`] says, if it is sent.
    pub memory: Option<Mark>,
}

impl Answer {
    /// An answer that is no message: `{"error": text}`.
    pub fn error(status: u16, text: &str) -> Self {
        Self { body: error_body(text).into(), ..Self::empty(status) }
    }

    /// An answer that says all by its status.
    pub fn empty(status: u16) -> Self {
        Self { status, body: Body::default(), note: None, memory: None }
    }
}

impl From<Malformed> for Answer {
    fn from(malformed: Malformed) -> Self {
        use alloc::string::ToString;
        Self::error(400, &malformed.to_string())
    }
}

impl<'a> Request<'a> {
    /// Reads the body of an HTTP request.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if it is not a message, or none that can be asked.
    pub fn read(body: &'a [u8]) -> Result<Self, Malformed> {
        core::str::from_utf8(body).map_err(|_| Malformed::NotJson).and_then(Self::read_text)
    }

    /// Reads a request as [`read`](Self::read) does, of which the body is known to
    /// be text.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_text(body: &'a str) -> Result<Self, Malformed> {
        let Message { command, header, data, .. } = Message::decode_text(body)?;
        let event = Event::of(command).ok_or(Malformed::UnknownCommand)?;
        Ok(Self { event, header, data })
    }

    /// Whether the request is meant for `own`. One that names nobody is.
    pub fn is_for(&self, own: DeviceId) -> bool {
        self.header.recipient_id.is_none_or(|recipient| recipient == own)
    }

    /// What `own` answers to the request, given what became of it.
    ///
    /// A PING is always answered, even one meant for another device: the PONG
    /// tells the asker who is here.
    pub fn answer(&self, own: &Speaker, outcome: Outcome) -> Answer {
        let message = |command| own.message(command, self.header.sender_id);
        let nack = |status, code, text: Cow<'_, str>| {
            Answer::message(status, &message(Command::Nack).with_error(code, text))
        };
        match (self.event, outcome) {
            (Event::Ping, _) => Answer::message(200, &message(Command::Pong)),
            (_, Outcome::Misdirected) => {
                nack(421, code::WRONG_RECIPIENT, "the command is meant for another device".into())
            }
            (_, Outcome::InProgress) => {
                nack(409, code::IN_PROGRESS, "this push is still being done".into())
            }
            (_, Outcome::Forgotten) => nack(
                412,
                code::FORGOTTEN,
                "this device does not remember whether it has had this push".into(),
            ),
            (_, Outcome::KeyReused) => {
                nack(422, code::KEY_REUSED, "another push had this Idempotency-Key".into())
            }
            (_, Outcome::Busy) => nack(503, code::BUSY, "too many handlers are running".into()),
            (_, Outcome::Failed(text)) => nack(500, code::HANDLER_FAILED, text.into()),
            (_, Outcome::Unfinished(text)) => nack(500, code::HANDLER_TIMED_OUT, text.into()),
            (Event::Pong, _) => Answer::status("pong_received"),
            (Event::Data, _) => Answer::status("data_received"),
            (Event::Fetch, Outcome::Value(value)) if value.as_bytes() != b"null" => {
                let body = Body::with_data(&message(Command::Data), value);
                Answer { body, ..Answer::empty(200) }
            }
            (Event::Fetch, Outcome::NoHandler) => {
                Answer { note: Some(code::NO_HANDLER), ..Answer::status("fetch_handled") }
            }
            (Event::Fetch, _) => Answer::status("fetch_handled"),
            (Event::Push, Outcome::NoHandler) => Answer::message(400, &message(Command::Nack)),
            (Event::Push, Outcome::Refused(None)) => Answer::message(200, &message(Command::Nack)),
            (Event::Push, Outcome::Refused(Some(reason))) => {
                nack(200, code::REFUSED, reason.into())
            }
            (Event::Push, _) => Answer::message(200, &message(Command::Ack)),
        }
    }
}

impl Answer {
    fn message(status: u16, message: &Message<'_>) -> Self {
        Self { body: message.encode().into(), ..Self::empty(status) }
    }

    fn status(status: &str) -> Self {
        #[derive(Serialize)]
        struct Status<'a> {
            status: &'a str,
        }
        Self::json(&Status { status })
    }

    /// An answer of texts alone.
    pub(crate) fn json(texts: &impl Serialize) -> Self {
        let body = serde_json::to_vec(texts).expect("a text can always be written");
        Self { body: body.into(), ..Self::empty(200) }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use serde_json::value::RawValue;

    use super::*;

    fn id(text: &str) -> DeviceId {
        text.parse().unwrap()
    }

    fn own() -> Speaker {
        Speaker::new(id("7H8G2K"), Some(5000), 1)
    }

    fn request(number: u8) -> Vec<u8> {
        alloc::format!(r#"{{"type":{number},"header":{{"sender_id":"AB3F9Z"}}}}"#).into_bytes()
    }

    /// What the asker understands of what the device answers.
    fn round(number: u8, outcome: Outcome) -> Result<(Option<Command>, String), Rejection> {
        let body = request(number);
        let answer = Request::read(&body).unwrap().answer(&own(), outcome);
        match Reply::read(own().id, answer.status, answer.note, &answer.body.to_vec())? {
            Reply::Message(message) => Ok((
                Some(message.command),
                message.data.map_or(String::new(), |data| data.get().to_string()),
            )),
            Reply::Received => Ok((None, String::new())),
        }
    }

    #[test]
    fn the_asker_understands_every_outcome() {
        let data = Data::of(&0).unwrap();
        assert_eq!(round(1, Outcome::NoHandler), Ok((Some(Command::Pong), "".to_string())));
        assert_eq!(round(2, Outcome::Done), Ok((None, "".to_string())));
        assert_eq!(round(3, Outcome::Value(data)), Ok((Some(Command::Data), "0".to_string())));
        assert_eq!(round(3, Outcome::NoHandler), Err(Rejection::NoHandler));
        assert_eq!(round(4, Outcome::NoHandler), Ok((None, "".to_string())));
        assert_eq!(round(5, Outcome::Accepted), Ok((Some(Command::Ack), "".to_string())));
        assert_eq!(round(5, Outcome::Refused(None)), Ok((Some(Command::Nack), "".to_string())));
        assert_eq!(round(5, Outcome::NoHandler), Err(Rejection::NoHandler));
        assert_eq!(round(5, Outcome::Busy), Err(Rejection::Busy));
        assert_eq!(
            round(5, Outcome::Failed("it panicked".to_string())),
            Err(Rejection::HandlerFailed { message: "it panicked".to_string(), runs_on: false })
        );
        assert_eq!(
            round(5, Outcome::Unfinished("it runs".to_string())),
            Err(Rejection::HandlerFailed { message: "it runs".to_string(), runs_on: true })
        );
        for (outcome, status) in
            [(Outcome::InProgress, 409), (Outcome::Forgotten, 412), (Outcome::KeyReused, 422)]
        {
            let told = round(5, outcome);
            assert!(matches!(&told, Err(Rejection::NotTaken { status: s, .. }) if *s == status));
        }
        assert_eq!(
            round(5, Outcome::Misdirected),
            Err(Rejection::WrongDevice { found: Some(own().id), status: 421 })
        );
    }

    #[test]
    fn data_of_any_size_arrives_as_it_was_returned() {
        for length in [0, 1, 100_000] {
            let text = "x".repeat(length);
            let expected = Ok((Some(Command::Data), alloc::format!("\"{text}\"")));
            assert_eq!(round(3, Outcome::Value(Data::of(&text).unwrap())), expected);
        }
    }

    #[test]
    fn a_value_that_nests_too_deep_is_no_data_of_an_answer() {
        let deep =
            |levels| RawValue::from_string("[".repeat(levels) + &"]".repeat(levels)).unwrap();
        assert!(Data::of(&deep(127)).is_ok());
        assert!(Data::of(&deep(128)).is_err());
    }

    #[test]
    fn an_answer_from_another_device_is_not_believed() {
        let body = request(1);
        let pong = Request::read(&body).unwrap().answer(&own(), Outcome::Misdirected);
        let body = pong.body.to_vec();
        let reply = Reply::read(id("ZZZZZZ"), pong.status, pong.note, &body);
        let found = Some(own().id);
        assert_eq!(reply.unwrap_err(), Rejection::WrongDevice { found, status: 200 });
    }

    #[test]
    fn answers_are_no_requests() {
        for number in [6, 7, 8, 9] {
            assert_eq!(Request::read(&request(number)).unwrap_err(), Malformed::UnknownCommand);
        }
    }
}
