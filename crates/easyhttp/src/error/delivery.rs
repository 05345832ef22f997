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
