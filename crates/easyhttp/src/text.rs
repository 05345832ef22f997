//! Text that many share.

use std::ops::Deref;
use std::sync::Arc;

/// A text that is not copied from one owner to the next.
#[derive(Clone)]
pub(crate) enum Text {
    /// One allocation for the text and its owners.
    Small(Arc<str>),
    /// Left where it was.
    Large(Arc<String>),
}

impl Text {
    /// Up to this many bytes a text is better copied than left where it is.
    pub(crate) const SMALL: usize = 64 * 1024;
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self::Small(text.into())
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self::Large(Arc::new(text))
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Small(text) => text,
            Self::Large(text) => text,
        }
    }
}
