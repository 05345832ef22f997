//! A text that is not shown, and wiped from memory.

use std::convert::Infallible;
use std::fmt;

use zeroize::Zeroizing;

/// What stands on the command line, or comes from elsewhere, as a network key. It
/// becomes one later: what cannot be parsed, the parser of the command line repeats
/// in its error.
#[derive(Clone)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    #[expect(clippy::unnecessary_wraps, reason = "the parser of the command line wants it")]
    pub(crate) fn parse(text: &str) -> Result<Self, Infallible> {
        Ok(text.to_owned().into())
    }

    pub(crate) fn text(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
