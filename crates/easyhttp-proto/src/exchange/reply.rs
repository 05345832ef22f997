//! What an answer means to the one who asked.

use alloc::borrow::ToOwned;
use alloc::string::String;

#[cfg(doc)]
use super::ERROR_HEADER;
use super::code;
use crate::json;
use crate::message::read_error;
use crate::{Command, DeviceId, Malformed, Message};

/// What a peer answered, when it did what it was asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reply<'a> {
    /// PONG, DATA, ACK, or the NACK of a handler that refused.
    Message(Message<'a>),
    /// `{"status": …}`: received, and there is nothing to say.
    Received,
}

/// Why a peer did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rejection {
    /// It has no handler for the command.
    NoHandler,
    /// Its handler failed.
    HandlerFailed {
        /// How, in the peer's words.
        message: String,
        /// Whether it has not finished in time, and runs on.
        runs_on: bool,
    },
    /// It runs as many handlers as it allows.
    Busy,
    /// It is another device than the one that was asked.
    WrongDevice {
        /// The device that answered, if it said so.
        found: Option<DeviceId>,
        /// The HTTP status. With 200 that device did what was asked: those that
        /// do not look at `recipient_id` do it for anybody.
        status: u16,
    },
    /// The message was too large for it.
    TooLarge,
    /// It did not take the request.
    NotTaken {
        /// The HTTP status.
        status: u16,
        /// Why, in the peer's words.
        message: String,
    },
    /// Its answer is not of this protocol.
    NotUnderstood {
        /// The HTTP status.
        status: u16,
        /// What is wrong with the answer.
        malformed: Malformed,
    },
}

impl<'a> Reply<'a> {
    /// Reads an HTTP answer from the device `asked`. `note` is what its header
    /// [`ERROR_HEADER`] says.
    ///
    /// # Errors
    ///
    /// [`Rejection`] if the peer did not do what it was asked.
    pub fn read(
        asked: DeviceId,
        status: u16,
        note: Option<&str>,
        body: &'a [u8],
    ) -> Result<Self, Rejection> {
        // What is no text is no JSON, as nothing is.
        Self::read_text(asked, status, note, core::str::from_utf8(body).unwrap_or_default())
    }

    /// Reads an answer as [`read`](Self::read) does, of which the body is known
    /// to be text.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub fn read_text(
        asked: DeviceId,
        status: u16,
        note: Option<&str>,
        body: &'a str,
    ) -> Result<Self, Rejection> {
        let message = match Message::decode_text(body) {
            Ok(message) => message,
            Err(malformed) => return Self::read_other(status, note, body, malformed),
        };
        let sender = message.header.sender_id;
        // Whoever does not say who it is may be anybody.
        if status == 421 || sender != Some(asked) {
            return Err(Rejection::WrongDevice { found: sender, status });
        }
        let words = || message.error.as_ref().map_or("", |reason| &reason.message).to_owned();
        match (status, message.command) {
            (200, _) => Ok(Self::Message(message)),
            (413, _) => Err(Rejection::TooLarge),
            (503, _) => Err(Rejection::Busy),
            (500, Command::Nack) => Err(Rejection::HandlerFailed {
                message: words(),
                runs_on: message.error.is_some_and(|reason| reason.code == code::HANDLER_TIMED_OUT),
            }),
            // A Python device without a handler for PUSH says no more than this.
            (400, Command::Nack) => Err(Rejection::NoHandler),
            _ => Err(Rejection::NotTaken { status, message: words() }),
        }
    }

    /// Reads an answer that is no message.
    fn read_other(
        status: u16,
        note: Option<&str>,
        body: &str,
        malformed: Malformed,
    ) -> Result<Self, Rejection> {
        let has_status = || json::object(body, ["status"]).is_ok_and(|[status]| status.is_some());
        match status {
            200 if note == Some(code::NO_HANDLER) => Err(Rejection::NoHandler),
            200 if has_status() => Ok(Self::Received),
            200 => Err(Rejection::NotUnderstood { status, malformed }),
            413 => Err(Rejection::TooLarge),
            421 => Err(Rejection::WrongDevice { found: None, status }),
            // A Python device whose callback raised an exception.
            500 => Err(Rejection::HandlerFailed {
                message: read_error(body).unwrap_or_else(|| "Internal Server Error".to_owned()),
                runs_on: false,
            }),
            503 => Err(Rejection::Busy),
            _ => Err(Rejection::NotTaken { status, message: read_error(body).unwrap_or_default() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> DeviceId {
        "7H8G2K".parse().unwrap()
    }

    #[test]
    fn any_answer_is_read_without_a_panic() {
        for status in [0, 200, 204, 400, 404, 421, 500, 503, 65535] {
            for body in ["", "{", "[]", "null", "{}", "\"x\"", "{\"error\":1}", "{\"status\":[]}"] {
                let _ = Reply::read(own(), status, None, body.as_bytes());
            }
        }
    }

    #[test]
    fn the_status_counts_when_a_nack_says_nothing() {
        let nack = br#"{"type":7,"header":{"sender_id":"7H8G2K"}}"#;
        assert_eq!(Reply::read(own(), 413, None, nack).unwrap_err(), Rejection::TooLarge);
        let failed = Reply::read(own(), 500, None, nack).unwrap_err();
        assert!(matches!(failed, Rejection::HandlerFailed { .. }));
    }

    #[test]
    fn a_note_from_another_device_is_not_believed() {
        let body = br#"{"type":4,"header":{"sender_id":"ZZZZZZ"}}"#;
        let rejection = Reply::read(own(), 200, Some(code::NO_HANDLER), body).unwrap_err();
        let found = "ZZZZZZ".parse().ok();
        assert_eq!(rejection, Rejection::WrongDevice { found, status: 200 });
    }
}
