//! What travels over HTTP: decode and encode.
//!
//! A message is a JSON object, in a request and in an answer alike:
//!
//! ```json
//! {"version": "0.4.0", "type": 3,
//!  "header": {"sender_id": "AB3F9Z", "sender_port": 5000,
//!             "recipient_id": "7H8G2K", "timestamp": 1767225600},
//!  "data": {"sensor": "temperature"}}
//! ```

mod body;
mod usual;

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;

use serde::Serialize;

use crate::json::{self, Json};
use crate::{Command, DeviceId, Malformed, VERSION, limits};

pub use body::{Body, Data};

/// One command or one answer. `data` is raw JSON until somebody asks for it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Message<'a> {
    /// Which version of the protocol the sender speaks, if it says so in up to
    /// [`limits::VERSION`] printable ASCII characters.
    pub version: Option<Cow<'a, str>>,
    /// What the message asks for or says.
    pub command: Command,
    /// Who speaks, to whom, when.
    pub header: Header,
    /// What a FETCH asks for, or what DATA and PUSH carry. JSON `null` is read
    /// as no data.
    pub data: Option<Json<'a>>,
    /// Why a NACK refuses. An extension that older devices do not send.
    pub error: Option<Reason<'a>>,
}

/// Who speaks, to whom, when. Every field may be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// The device that sent the message.
    pub sender_id: Option<DeviceId>,
    /// The TCP port on which the sender answers; none if it does not.
    pub sender_port: Option<u16>,
    /// The device that the message is meant for.
    pub recipient_id: Option<DeviceId>,
    /// When it was sent, in seconds since 1970 by the sender's clock.
    pub timestamp: Option<i64>,
}

impl Header {
    /// A header with all four fields; `timestamp` in seconds since 1970.
    pub fn new(
        sender_id: DeviceId,
        sender_port: Option<u16>,
        recipient_id: Option<DeviceId>,
        timestamp: i64,
    ) -> Self {
        Self { sender_id: Some(sender_id), sender_port, recipient_id, timestamp: Some(timestamp) }
    }
}

/// Why a NACK refuses: a word for programs, and a sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Reason<'a> {
    /// One of the codes in [`crate::exchange::code`].
    pub code: Cow<'a, str>,
    /// What happened.
    pub message: Cow<'a, str>,
}

impl<'a> Message<'a> {
    /// A message without data.
    pub fn new(command: Command, header: Header) -> Self {
        Self { version: Some(VERSION.into()), command, header, data: None, error: None }
    }

    /// The same message with data; JSON `null` is no data.
    pub fn with_data(mut self, data: Option<Json<'a>>) -> Self {
        self.data = data.and_then(Json::unless_null);
        self
    }

    /// The same message with a reason.
    pub fn with_error(
        mut self,
        code: impl Into<Cow<'a, str>>,
        message: impl Into<Cow<'a, str>>,
    ) -> Self {
        self.error = Some(Reason { code: code.into(), message: message.into() });
        self
    }

    /// Reads a message. Total: any bytes give a message or the reason why not.
    ///
    /// # Errors
    ///
    /// [`Malformed`] names the field that is wrong. Fields that are not known
    /// are ignored.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, Malformed> {
        core::str::from_utf8(bytes).map_err(|_| Malformed::NotJson).and_then(Self::decode_text)
    }

    /// Reads a message as [`decode`](Self::decode) does, of what is known to be
    /// text.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    pub fn decode_text(text: &'a str) -> Result<Self, Malformed> {
        usual::read(text).map_or_else(|| Self::decode_unusual(text), Ok)
    }

    fn decode_unusual(text: &'a str) -> Result<Self, Malformed> {
        let names = ["version", "type", "header", "data", "error"];
        let [version, command, header, data, error] = json::object(text, names)?;
        let command = json::unsigned(command).and_then(Command::from_number);
        Ok(Self {
            version: json::version(version),
            command: command.ok_or(Malformed::UnknownCommand)?,
            header: header.map_or(Ok(Header::default()), Header::read)?,
            data: data.and_then(Json::unless_null),
            error: error.and_then(Reason::read),
        })
    }

    /// Writes the message as JSON, without spaces.
    pub fn encode(&self) -> Vec<u8> {
        let mut json = self.begin(self.data.map_or(0, |data| data.get().len()));
        if let Some(data) = self.data {
            json.extend_from_slice(DATA);
            json.extend_from_slice(data.get().as_bytes());
        }
        self.end(json)
    }

    /// Writes the message with data that `write` appends as JSON. What it writes as
    /// `null` is no data.
    ///
    /// # Errors
    ///
    /// That of `write`, or that the data is nested too deep to be read by others.
    pub fn encode_with(
        &self,
        write: impl FnOnce(&mut Vec<u8>) -> serde_json::Result<()>,
    ) -> serde_json::Result<Vec<u8>> {
        let mut json = self.begin(0);
        let before = json.len();
        json.extend_from_slice(DATA);
        write(&mut json)?;
        let data = &json[before + DATA.len()..];
        if json::is_deeper(data, LEVELS) {
            return Err(serde::ser::Error::custom("it is nested too deep"));
        }
        if data == b"null" {
            json.truncate(before);
        }
        Ok(self.end(json))
    }

    /// What stands before the data, with room for so many bytes of it.
    fn begin(&self, room: usize) -> Vec<u8> {
        let mut json = Vec::with_capacity(limits::ENVELOPE + room);
        json.push(b'{');
        if let Some(version) = &self.version {
            json.extend_from_slice(b"\"version\":");
            match &**version {
                VERSION => write_plain(&mut json, VERSION),
                other => write_value(&mut json, &other),
            }
            json.push(b',');
        }
        json.extend_from_slice(b"\"type\":");
        write_number(&mut json, self.command.number());
        let Header { sender_id, sender_port, recipient_id, timestamp } = &self.header;
        json.extend_from_slice(b",\"header\":{\"sender_id\":");
        write_id(&mut json, *sender_id);
        if let Some(port) = sender_port {
            json.extend_from_slice(b",\"sender_port\":");
            write_number(&mut json, *port);
        }
        json.extend_from_slice(b",\"recipient_id\":");
        write_id(&mut json, *recipient_id);
        json.extend_from_slice(b",\"timestamp\":");
        match timestamp {
            Some(timestamp) => write_number(&mut json, *timestamp),
            None => json.extend_from_slice(b"null"),
        }
        json.push(b'}');
        json
    }

    /// What stands behind the data.
    fn end(&self, mut json: Vec<u8>) -> Vec<u8> {
        if let Some(error) = &self.error {
            json.extend_from_slice(b",\"error\":");
            write_value(&mut json, error);
        }
        json.push(b'}');
        json
    }
}

/// What stands between the header and the data.
const DATA: &[u8] = b",\"data\":";

/// How many levels data may have: the message itself is one.
const LEVELS: usize = limits::DEPTH - 1;

fn write_id(json: &mut Vec<u8>, id: Option<DeviceId>) {
    match id.map(<[u8; DeviceId::LEN]>::from) {
        Some([a, b, c, d, e, f]) => json.extend_from_slice(&[b'"', a, b, c, d, e, f, b'"']),
        None => json.extend_from_slice(b"null"),
    }
}

/// Writes a text that has nothing to escape.
fn write_plain(json: &mut Vec<u8>, text: &str) {
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
}

fn write_number(json: &mut Vec<u8>, number: impl itoa::Integer) {
    json.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Writes what is made of texts.
fn write_value(json: &mut Vec<u8>, value: &impl Serialize) {
    let text = serde_json::to_vec(value).expect("texts can always be written");
    json.extend_from_slice(&text);
}

impl Header {
    fn read(json: Json<'_>) -> Result<Self, Malformed> {
        let names = ["sender_id", "sender_port", "recipient_id", "timestamp"];
        let [sender_id, sender_port, recipient_id, timestamp] =
            json::section(json, names, Malformed::Header)?;
        Ok(Self {
            sender_id: json::id(sender_id, "header.sender_id")?,
            sender_port: json::port(sender_port, "header.sender_port")?,
            recipient_id: json::id(recipient_id, "header.recipient_id")?,
            timestamp: json::seconds(timestamp, "header.timestamp")?,
        })
    }
}

impl<'a> Reason<'a> {
    /// Reads the reason of a NACK. One that cannot be understood is none: the
    /// NACK itself says enough.
    fn read(json: Json<'a>) -> Option<Self> {
        let [code, message] =
            json::section(json, ["code", "message"], Malformed::NotAnObject).ok()?;
        let message = message.map_or(Some(Cow::default()), |message| json::text(Some(message)))?;
        Some(Self { code: json::text(code)?, message })
    }
}

/// The body of an answer that is no message: `{"error": …}`.
pub(crate) fn error_body(text: &str) -> Vec<u8> {
    #[derive(Serialize)]
    struct ErrorBody<'a> {
        error: &'a str,
    }
    serde_json::to_vec(&ErrorBody { error: text }).expect("a text can always be written")
}

/// Reads the text of `{"error": …}`, if the body is that.
pub(crate) fn read_error(body: &str) -> Option<String> {
    let [error] = json::object(body, ["error"]).ok()?;
    json::text(error).map(Cow::into_owned)
}
