//! Text that many share.

use std::ops::Deref;
use std::sync::Arc;

use easyhttp_proto::http::Incoming;

/// A text that is not copied from one owner to the next.
#[derive(Clone)]
pub(crate) enum Text {
    /// One allocation for the text and its owners.
    Small(Arc<str>),
    /// Left where it was.
    Large(Arc<String>),
}

/// Up to this many bytes a text is better copied than left where it is.
const SMALL: usize = 64 * 1024;

impl Text {
    /// The body that has arrived, if it is text.
    pub(crate) fn of_body(incoming: &mut Incoming) -> Option<Self> {
        match incoming.body() {
            body if body.len() <= SMALL => str::from_utf8(body).ok().map(Self::from),
            _ => String::from_utf8(incoming.take_body()).ok().map(Self::from),
        }
    }
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
