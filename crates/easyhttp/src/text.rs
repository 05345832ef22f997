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
pub(crate) const SMALL: usize = 64 * 1024;

impl Text {
    /// The body that has arrived, if it is text.
    pub(crate) fn of_body(incoming: &mut Incoming) -> Option<Self> {
        match incoming.body() {
            body if body.len() <= SMALL => str::from_utf8(body).ok().map(Self::from),
            _ => String::from_utf8(incoming.take_body()).ok().map(Self::from),
        }
    }
}

/// The room of the last large text, for the next one: to have it anew, and to clear it,
/// takes longer than to read the text from a socket.
#[derive(Default)]
pub(crate) struct Spare(Option<Arc<String>>);

impl Spare {
    /// Remembers where this text is.
    pub(crate) fn remember(&mut self, text: &Text) {
        if let Text::Large(text) = text {
            self.0 = Some(Arc::clone(text));
        }
    }

    /// Gives the room, if nobody has the text any more.
    pub(crate) fn take(&mut self) -> Option<Vec<u8>> {
        let text = self.0.take_if(|text| Arc::strong_count(text) == 1)?;
        Arc::into_inner(text).map(String::into_bytes)
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
