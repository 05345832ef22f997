//! The nine commands and their numbers.

use core::fmt;
use core::str::FromStr;

/// What a message asks for or says. The number is its `type` on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
#[non_exhaustive]
pub enum Command {
    /// Are you there? Answered by [`Command::Pong`].
    Ping = 1,
    /// I am here.
    Pong = 2,
    /// Give me data, perhaps with a query. Answered by [`Command::Data`].
    Fetch = 3,
    /// Here is data: the answer to a FETCH, or sent by itself.
    Data = 4,
    /// Write or do this. Answered by [`Command::Ack`] or [`Command::Nack`].
    Push = 5,
    /// Accepted.
    Ack = 6,
    /// Refused, or failed.
    Nack = 7,
    /// I exist; who else does? Travels by UDP multicast only.
    Discovery = 8,
    /// I exist too. Travels by UDP only.
    DiscoveryAck = 9,
}

impl Command {
    /// All nine, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Ping,
        Self::Pong,
        Self::Fetch,
        Self::Data,
        Self::Push,
        Self::Ack,
        Self::Nack,
        Self::Discovery,
        Self::DiscoveryAck,
    ];

    /// The command's number on the wire.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The command with this number, if there is one.
    pub fn from_number(number: u64) -> Option<Self> {
        Self::ALL.into_iter().find(|command| u64::from(command.number()) == number)
    }

    /// The command's name, in upper case as the protocol writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ping => "PING",
            Self::Pong => "PONG",
            Self::Fetch => "FETCH",
            Self::Data => "DATA",
            Self::Push => "PUSH",
            Self::Ack => "ACK",
            Self::Nack => "NACK",
            Self::Discovery => "DISCOVERY",
            Self::DiscoveryAck => "DISCOVERY_ACK",
        }
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Takes a name in either case, or a number.
impl FromStr for Command {
    type Err = UnknownCommand;

    fn from_str(text: &str) -> Result<Self, UnknownCommand> {
        let by_number = || text.parse().ok().and_then(Self::from_number);
        Self::ALL
            .into_iter()
            .find(|command| command.name().eq_ignore_ascii_case(text))
            .or_else(by_number)
            .ok_or(UnknownCommand)
    }
}

/// A text that is neither the name nor the number of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCommand;

impl fmt::Display for UnknownCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not a command: the commands are ")?;
        for (i, command) in Command::ALL.into_iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{} {command}", command.number())?;
        }
        Ok(())
    }
}

impl core::error::Error for UnknownCommand {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_devices_in_the_field() {
        let numbered = Command::ALL.map(|command| (command.number(), command.name()));
        assert_eq!(
            numbered,
            [
                (1, "PING"),
                (2, "PONG"),
                (3, "FETCH"),
                (4, "DATA"),
                (5, "PUSH"),
                (6, "ACK"),
                (7, "NACK"),
                (8, "DISCOVERY"),
                (9, "DISCOVERY_ACK"),
            ]
        );
        for number in [0, 10, 42, u64::MAX] {
            assert_eq!(Command::from_number(number), None);
        }
    }

    #[test]
    fn names_and_numbers_are_both_understood() {
        assert_eq!("push".parse(), Ok(Command::Push));
        assert_eq!("5".parse(), Ok(Command::Push));
        assert_eq!("42".parse::<Command>(), Err(UnknownCommand));
    }
}
