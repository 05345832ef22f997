//! Why bytes are not what they should be.

use core::fmt;

use crate::limits;

/// Why bytes are not a message or a datagram. Its `Display` names the field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// The bytes are not JSON, or an object has a field twice.
    NotJson,
    /// `null`, or an object without fields.
    Empty,
    /// JSON, but no object.
    NotAnObject,
    /// Nested deeper than [`limits::DEPTH`].
    TooDeep,
    /// `type` is missing, or not the number of a command.
    UnknownCommand,
    /// `header` is no object.
    Header,
    /// An id that is not six letters or digits.
    Id {
        /// Where it stands.
        field: &'static str,
    },
    /// A port that is not a number from 1 to 65535.
    Port {
        /// Where it stands.
        field: &'static str,
    },
    /// `peers` is missing, or no list.
    Peers,
    /// A number that is none.
    Number {
        /// Where it stands.
        field: &'static str,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // The first two and `UnknownCommand` are the Python devices' own words.
            Self::NotJson => f.write_str("Invalid JSON data"),
            Self::Empty => f.write_str("No JSON data"),
            Self::UnknownCommand => f.write_str("Unknown command type"),
            Self::NotAnObject => f.write_str("the body must be a JSON object"),
            Self::TooDeep => write!(f, "the body is nested deeper than {} levels", limits::DEPTH),
            Self::Header => f.write_str("header must be a JSON object"),
            Self::Peers => f.write_str("peers must be a list"),
            Self::Id { field } => write!(f, "{field} must be six letters or digits"),
            Self::Port { field } => write!(f, "{field} must be a number from 1 to 65535"),
            Self::Number { field } => write!(f, "{field} must be a number"),
        }
    }
}

impl core::error::Error for Malformed {}
