//! Why a command did not do what it was asked, and the exit code of that.

use std::io;
use std::process::ExitCode;

use easyhttp::{Command, Delivery, Error, InvalidKey, KeyFileError, StartError};
use serde::Serialize;

use crate::json::Object;

/// The name in JSON of what became of a command.
pub(crate) const DELIVERY: &str = "delivery";

/// What it is when a device did what it was asked.
pub(crate) const ACCEPTED: &str = "accepted";

/// What to do when nobody knows.
const LOOK: &str = "it may have been done: look before you send it again";

/// The exit codes. Scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    Done = 0,
    /// The device refused, or its handler failed.
    Refused = 1,
    Usage = 2,
    /// No such device was found, another one answers at the address, or two
    /// have the id.
    NotFound = 3,
    /// Unreachable, or timed out: what was to be done was not sent, or does no harm if
    /// it is sent again.
    NoAnswer = 4,
    Other = 5,
    /// A command left, and no answer says what came of it.
    Unknown = 6,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// A command that ends before it is done.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) exit: Exit,
    /// What to say about it. None if all is said, or nobody listens.
    pub(crate) report: Option<Box<Report>>,
}

/// What is said about a failure.
#[derive(Debug)]
pub(crate) struct Report {
    /// A word for programs.
    pub(crate) code: &'static str,
    /// What happened.
    pub(crate) message: String,
    /// What to do about it, in terms of this program.
    pub(crate) hint: Option<String>,
    /// The ids, texts and the like that the message names.
    pub(crate) details: Object,
}

impl Failure {
    pub(crate) fn new(exit: Exit, code: &'static str, message: impl Into<String>) -> Self {
        let details = Object::new();
        let report = Report { code, message: message.into(), hint: None, details };
        Self { exit, report: Some(Box::new(report)) }
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, "usage", message)
    }

    /// A failure that was printed already.
    pub(crate) fn said(exit: Exit) -> Self {
        Self { exit, report: None }
    }

    /// The failure of a call. A command that may have been done, and would do something
    /// once more, has an exit code of its own.
    pub(crate) fn of_call(command: Command, error: Error) -> Self {
        let delivery = error.delivery();
        let failure = Self::from(error).with_delivery(delivery);
        let is_repeatable = matches!(command, Command::Ping | Command::Fetch);
        match delivery {
            Delivery::Unknown if !is_repeatable => {
                Self { exit: Exit::Unknown, ..failure }.with_hint(LOOK)
            }
            _ => failure,
        }
    }

    /// With what is known of the command.
    pub(crate) fn with_delivery(self, delivery: Delivery) -> Self {
        self.with_detail(DELIVERY, delivery.as_str())
    }

    /// A failure of what goes before a command.
    pub(crate) fn before_it_was_sent(failure: impl Into<Self>) -> Self {
        failure.into().with_delivery(Delivery::NotSent)
    }

    pub(crate) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        if let Some(report) = &mut self.report {
            report.hint = Some(hint.into());
        }
        self
    }

    /// With one more thing that programs want to know.
    pub(crate) fn with_detail(mut self, name: &'static str, value: impl Serialize) -> Self {
        if let Some(report) = &mut self.report {
            report.details = std::mem::take(&mut report.details).with(name, value);
        }
        self
    }

    /// The message alone.
    pub(crate) fn message(&self) -> &str {
        self.report.as_ref().map_or("", |report| &report.message)
    }

    /// What stands behind `"error"` in JSON.
    pub(crate) fn error(&self) -> Object {
        self.report.as_ref().map_or_else(Object::new, |report| report.error())
    }
}

impl Report {
    pub(crate) fn to_object(&self) -> Object {
        Object::new().with("error", self.error())
    }

    fn error(&self) -> Object {
        let object = Object::new().with("code", self.code).with("message", &self.message);
        object.with_all(&self.details)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let (exit, code) = classify(&error);
        let mut failure = Self::new(exit, code, error.to_string());
        if let Some(report) = &mut failure.report {
            report.details = details(&error);
        }
        failure
    }
}

fn classify(error: &Error) -> (Exit, &'static str) {
    match error {
        Error::Refused { .. } => (Exit::Refused, "refused"),
        Error::NoHandler { .. } => (Exit::Refused, "no_handler"),
        Error::HandlerFailed { runs_on: false, .. } => (Exit::Refused, "handler_failed"),
        Error::HandlerFailed { runs_on: true, .. } => (Exit::Refused, "handler_timed_out"),
        Error::Busy { .. } => (Exit::Refused, "busy"),
        Error::OtherKey { .. } => (Exit::Refused, "other_key"),
        Error::Replayed { .. } => (Exit::Refused, "replayed"),
        Error::InvalidKey(_) => (Exit::Usage, "invalid_key"),
        Error::NoNetworkKey => (Exit::Usage, "no_network_key"),
        Error::InvalidId(_) => (Exit::Usage, "invalid_id"),
        Error::InvalidAddress(_) => (Exit::Usage, "invalid_address"),
        Error::InvalidData(_) => (Exit::Usage, "invalid_data"),
        Error::OwnId { .. } => (Exit::Usage, "own_id"),
        Error::NotARequest(_) => (Exit::Usage, "not_a_request"),
        Error::UnknownDevice { .. } => (Exit::NotFound, "unknown_device"),
        Error::WrongDevice { .. } => (Exit::NotFound, "wrong_device"),
        Error::NotAuthenticated { .. } => (Exit::NotFound, "not_authenticated"),
        Error::IdentityChanged { .. } => (Exit::NotFound, "identity_changed"),
        Error::Ambiguous { .. } => (Exit::NotFound, "ambiguous"),
        Error::Unreachable { .. } => (Exit::NoAnswer, "unreachable"),
        Error::TimedOut { .. } => (Exit::NoAnswer, "timed_out"),
        Error::Interrupted { .. } => (Exit::NoAnswer, "interrupted"),
        Error::NotTaken { .. } => (Exit::Other, "not_taken"),
        Error::Protocol { .. } => (Exit::Other, "protocol"),
        Error::UnexpectedData { .. } => (Exit::Other, "unexpected_data"),
        Error::TooLarge { .. } | Error::AnswerTooLarge { .. } => (Exit::Other, "too_large"),
        Error::OutboxFull(_) => (Exit::Other, "outbox_full"),
        Error::Outbox { .. } => (Exit::Other, "outbox"),
        Error::OutboxUnreachable { .. } => (Exit::Other, "outbox_unreachable"),
        Error::Unsure { .. } => (Exit::Other, "unsure"),
        Error::Stopped => (Exit::Other, "stopped"),
        Error::Start(start) => (Exit::Other, start_code(start)),
        _ => (Exit::Other, "other"),
    }
}

fn start_code(error: &StartError) -> &'static str {
    match error {
        StartError::PortInUse { .. } => "port_in_use",
        StartError::Listen { .. } => "listen",
        StartError::DeviceFile { .. } => "device_file",
        StartError::DeviceFileInvalid { .. } => "device_file_invalid",
        StartError::DeviceFileHeld { .. } => "device_file_held",
        StartError::Identity { .. } => "identity",
        StartError::Outbox { .. } => "outbox",
        StartError::Pushes { .. } => "pushes",
        StartError::Randomness(_) => "randomness",
        StartError::Discovery { .. } => "discovery",
        StartError::Runtime(_) => "runtime",
        _ => "start",
    }
}

fn details(error: &Error) -> Object {
    let object = Object::new();
    match error {
        Error::UnknownDevice { id, seen } => object.with("id", id).with("seen", seen),
        Error::WrongDevice { id, address, found, .. } => {
            object.with("id", id).with("address", address).with("found", found)
        }
        Error::Ambiguous { id, addresses } => object.with("id", id).with("addresses", addresses),
        Error::OtherKey { id, address, ours, theirs, .. } => {
            let object = object.with("id", id).with("address", address);
            let ours = ours.map(|key| key.to_string());
            object.with("ours", ours).with("theirs", theirs.to_string())
        }
        Error::NotAuthenticated { id, address, .. }
        | Error::IdentityChanged { id, address, .. }
        | Error::Replayed { id, address, .. }
        | Error::AnswerTooLarge { id, address, .. }
        | Error::Unreachable { id, address, .. }
        | Error::TimedOut { id, address, .. }
        | Error::Interrupted { id, address, .. }
        | Error::Protocol { id, address, .. } => object.with("id", id).with("address", address),
        Error::NotTaken { id, address, status, .. } => {
            object.with("id", id).with("address", address).with("status", status)
        }
        Error::Refused { id, reason } => object.with("id", id).with("reason", reason),
        Error::NoHandler { id }
        | Error::HandlerFailed { id, .. }
        | Error::Busy { id }
        | Error::UnexpectedData { id, .. } => object.with("id", id),
        _ => object,
    }
}

impl From<InvalidKey> for Failure {
    fn from(invalid: InvalidKey) -> Self {
        Error::from(invalid).into()
    }
}

impl From<KeyFileError> for Failure {
    fn from(error: KeyFileError) -> Self {
        let code = match error {
            KeyFileError::Exposed { .. } => "key_file_exposed",
            KeyFileError::Invalid { .. } | KeyFileError::Empty { .. } => "key_file_invalid",
            _ => "key_file",
        };
        Self::new(Exit::Other, code, error.to_string())
    }
}

/// What cannot be printed ends the program, without a word if its reader went
/// away (`easyhttp discover | head -1`).
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::said(Exit::Done),
            _ => Self::new(Exit::Other, "output", format!("cannot write the output: {error}")),
        }
    }
}
