//! Short values that are base64 for URLs wherever they are shown or sent.

use core::fmt;

/// A text that is not what it should be: letters of base64, and so many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidText;

impl fmt::Display for InvalidText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("it is not base64 of the right length")
    }
}

impl core::error::Error for InvalidText {}

/// Writes and reads a type of some bytes.
macro_rules! short_text {
    ($name:ident) => {
        impl $name {
            pub(super) fn read(text: &[u8]) -> Option<Self> {
                $crate::secure::base64::read_url(text).map(Self)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let mut text = alloc::string::String::new();
                $crate::secure::base64::write_url(&self.0, &mut text);
                f.pad(&text)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = $crate::secure::InvalidText;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::read(text.as_bytes()).ok_or($crate::secure::InvalidText)
            }
        }
    };
}

pub(super) use short_text;
