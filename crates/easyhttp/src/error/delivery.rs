//! What is known of a command whose call failed.

use std::fmt;

use super::Error;

/// What became of a command, as far as its sender can know it. That it was accepted
/// is no error: then the call is `Ok`.
///
/// It is about the command alone: a PING that went before it does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Delivery {
    /// Not one byte of it left this device, so it may be sent again.
    NotSent,
    /// The device answered that it did not accept it, or that its handler failed.
    Refused,
    /// It left, and no answer came that says what became of it. The device may have
    /// done it, or may still do it.
    Unknown,
}

impl Delivery {
    /// A word for programs: `not_sent`, `refused` or `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::Refused => "refused",
            Self::Unknown => "unknown",
        }
    }

    /// What an HTTP status says of a command that was sent, wherever it is from. What
    /// asks for another request or blames ours did not run it, and who has no time did
    /// not, either; all others may be said by who only passes it on.
    pub(crate) fn of_status(status: u16) -> Self {
        match status {
            300..=499 | 503 => Self::Refused,
            _ => Self::Unknown,
        }
    }
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Error {
    /// What is known of the command: whether it was sent, and what the device said.
    ///
    /// ```no_run
    /// # fn run(easy: &easyhttp::EasyHttp) {
    /// use easyhttp::Delivery;
    ///
    /// match easy.push("7H8G2K", "off").map_err(|error| error.delivery()) {
    ///     Ok(()) => println!("it is off"),
    ///     Err(Delivery::NotSent) => println!("try again"),
    ///     Err(Delivery::Refused) => println!("it does not want to"),
    ///     Err(_) => println!("have a look"),
    /// }
    /// # }
    /// ```
    pub fn delivery(&self) -> Delivery {
        match self {
            Self::UnknownDevice { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { sent: false, .. }
            | Self::Ambiguous { .. }
            | Self::TooLarge { limit: Some(_) }
            | Self::InvalidId(_)
            | Self::InvalidKey(_)
            | Self::NoNetworkKey
            | Self::OwnId { .. }
            | Self::InvalidAddress(_)
            | Self::InvalidData(_)
            | Self::NotARequest(_)
            | Self::Stopped
            | Self::Start(_) => Delivery::NotSent,
            #[cfg(feature = "outbox")]
            Self::OutboxFull(_) | Self::NoOutbox | Self::Outbox { .. } => Delivery::NotSent,

            Self::Refused { .. }
            | Self::NoHandler { .. }
            | Self::HandlerFailed { runs_on: false, .. }
            | Self::Busy { .. }
            | Self::TooLarge { limit: None } => Delivery::Refused,

            Self::TimedOut { sent: true, .. }
            | Self::Interrupted { .. }
            | Self::HandlerFailed { runs_on: true, .. }
            | Self::AnswerTooLarge { .. }
            | Self::UnexpectedData { .. } => Delivery::Unknown,
            #[cfg(feature = "outbox")]
            Self::Unsure { .. } => Delivery::Unknown,

            Self::WrongDevice { delivery, .. }
            | Self::OtherKey { delivery, .. }
            | Self::NotAuthenticated { delivery, .. }
            | Self::Replayed { delivery, .. }
            | Self::IdentityChanged { delivery, .. }
            | Self::NotTaken { delivery, .. }
            | Self::Protocol { delivery, .. } => *delivery,
            #[cfg(feature = "outbox")]
            Self::OutboxUnreachable { delivery, .. } => *delivery,
        }
    }
    /// The same error for a command that was to follow the PING of which it tells.
    pub(crate) fn before_it_was_sent(mut self) -> Self {
        match &mut self {
            Self::WrongDevice { delivery, .. }
            | Self::OtherKey { delivery, .. }
            | Self::NotAuthenticated { delivery, .. }
            | Self::Replayed { delivery, .. }
            | Self::IdentityChanged { delivery, .. }
            | Self::NotTaken { delivery, .. }
            | Self::Protocol { delivery, .. } => *delivery = Delivery::NotSent,
            // No PONG is.
            Self::AnswerTooLarge { id, address, .. } => {
                let (id, address, detail) = (*id, *address, self.to_string());
                return Self::Protocol { id, address, detail, delivery: Delivery::NotSent };
            }
            _ => {}
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Duration;

    use easyhttp_proto::secure::NetworkKey;
    use easyhttp_proto::{Command, DeviceId};

    use super::*;
    use crate::StartError;

    const ALL: [Delivery; 3] = [Delivery::NotSent, Delivery::Refused, Delivery::Unknown];

    fn refused() -> io::Error {
        io::ErrorKind::ConnectionRefused.into()
    }

    fn no_json() -> serde_json::Error {
        serde_json::from_str::<u8>("x").unwrap_err()
    }

    fn some() -> (DeviceId, std::net::SocketAddr) {
        ("7H8G2K".parse().unwrap(), ([127, 0, 0, 1], 5000).into())
    }

    /// Errors that tell all of the command by what they are.
    fn plain() -> Vec<(Error, Delivery)> {
        let (id, address) = some();
        let after = Duration::from_secs(3);
        let no_key = "x".parse::<NetworkKey>().unwrap_err();
        vec![
            (Error::UnknownDevice { id, seen: vec![] }, Delivery::NotSent),
            (Error::Unreachable { id, address, source: refused() }, Delivery::NotSent),
            (Error::TimedOut { id, address, after, sent: false }, Delivery::NotSent),
            (Error::Ambiguous { id, addresses: vec![address] }, Delivery::NotSent),
            (Error::TooLarge { limit: Some(1) }, Delivery::NotSent),
            (Error::InvalidId("x".parse::<DeviceId>().unwrap_err()), Delivery::NotSent),
            (Error::InvalidKey(no_key), Delivery::NotSent),
            (Error::NoNetworkKey, Delivery::NotSent),
            (Error::OwnId { id }, Delivery::NotSent),
            (Error::InvalidAddress("x".into()), Delivery::NotSent),
            (Error::InvalidData(no_json()), Delivery::NotSent),
            (Error::NotARequest(Command::Ack), Delivery::NotSent),
            (Error::Stopped, Delivery::NotSent),
            (Error::Start(StartError::PortInUse { port: 1 }), Delivery::NotSent),
            (Error::Refused { id, reason: None }, Delivery::Refused),
            (Error::NoHandler { id }, Delivery::Refused),
            (Error::HandlerFailed { id, message: "".into(), runs_on: false }, Delivery::Refused),
            (Error::Busy { id }, Delivery::Refused),
            (Error::TooLarge { limit: None }, Delivery::Refused),
            (Error::TimedOut { id, address, after, sent: true }, Delivery::Unknown),
            (Error::Interrupted { id, address, source: "it broke".into() }, Delivery::Unknown),
            (Error::HandlerFailed { id, message: "".into(), runs_on: true }, Delivery::Unknown),
            (Error::AnswerTooLarge { id, address, limit: 1 }, Delivery::Unknown),
            (Error::UnexpectedData { id, source: no_json() }, Delivery::Unknown),
        ]
    }

    /// Errors that were told it.
    fn told(delivery: Delivery) -> [Error; 7] {
        let (id, address) = some();
        let theirs = NetworkKey::from_entropy([1; 16]).id();
        let message = String::new();
        [
            Error::WrongDevice { id, address, found: None, delivery },
            Error::OtherKey { id, address, ours: None, theirs, delivery },
            Error::NotAuthenticated { id, address, delivery },
            Error::Replayed { id, address, delivery },
            Error::IdentityChanged { id, address, delivery },
            Error::NotTaken { id, address, status: 404, message, delivery },
            Error::Protocol { id, address, detail: String::new(), delivery },
        ]
    }

    #[test]
    fn every_error_says_what_is_known_of_the_command() {
        for (error, expected) in plain() {
            assert_eq!(error.delivery(), expected, "{error}");
        }
        for expected in ALL {
            for error in told(expected) {
                assert_eq!(error.delivery(), expected, "{error}");
            }
        }
    }

    #[test]
    fn what_was_said_to_a_ping_was_not_said_to_the_command() {
        let (id, address) = some();
        let large = Error::AnswerTooLarge { id, address, limit: 1 };
        for error in told(Delivery::Unknown).into_iter().chain([large]) {
            assert_eq!(error.before_it_was_sent().delivery(), Delivery::NotSent);
        }
    }

    #[test]
    fn a_status_is_proof_only_if_nobody_would_pass_the_request_on_first() {
        for status in [307, 400, 401, 403, 404, 408, 409, 413, 415, 421, 431, 499, 503] {
            assert_eq!(Delivery::of_status(status), Delivery::Refused, "{status}");
        }
        for status in [0, 200, 202, 204, 299, 500, 502, 504, 599, 65535] {
            assert_eq!(Delivery::of_status(status), Delivery::Unknown, "{status}");
        }
    }

    #[test]
    fn the_words_are_those_of_programs() {
        assert_eq!(ALL.map(Delivery::as_str), ["not_sent", "refused", "unknown"]);
        assert_eq!(format!("{:>8}", Delivery::Refused), " refused");
    }
}
