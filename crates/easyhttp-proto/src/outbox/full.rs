//! There is no room for another item.

use core::fmt;

/// There is no room for another item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Full {
    /// So many items wait, and no more may.
    Items(usize),
    /// With this one, the data of all would have more bytes than these.
    Bytes(usize),
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Items(most) => write!(f, "{most} items wait, and no more may"),
            Self::Bytes(most) => {
                write!(f, "with this one, what waits would have more than {most} bytes")
            }
        }
    }
}

impl core::error::Error for Full {}
