//! What two implementations make of the same bytes, and which differences there
//! may be: ours may refuse what hyper takes, for a reason that [`rules`] names.
//! Never may it take what hyper refuses, or take it for something else.

pub mod oracle;
pub mod ours;
mod pieces;
pub mod rules;
mod wire;

use easyhttp_proto::http::{Fault, Fields};

pub use pieces::spelled_out;

/// A request or an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Method, path and version of a request, the status of an answer.
    pub start: String,
    /// The names in lower case, those with one name together in their order.
    pub fields: Vec<(String, Vec<u8>)>,
    /// None as long as it is not whole.
    pub body: Option<Vec<u8>>,
}

/// What came of a connection.
#[derive(Debug, PartialEq, Eq)]
pub struct Heard {
    /// All that began; only the last one can have no body.
    pub messages: Vec<Message>,
    /// And then.
    pub end: End,
}

/// How it went on after the last message.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// It needs more bytes to know.
    Waits,
    /// The connection is not used any more.
    Closed,
    /// What came next was refused, ours for this.
    Refused(Option<Fault>),
}

impl Heard {
    /// The messages that are whole.
    pub fn whole(&self) -> &[Message] {
        let count = self.messages.iter().take_while(|message| message.body.is_some()).count();
        &self.messages[..count]
    }
}

impl Message {
    fn new<'a>(start: String, fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut fields: Vec<_> = fields
            .map(|(name, value)| (String::from_utf8_lossy(name).to_lowercase(), value.to_vec()))
            .collect();
        fields.sort_by(|one, other| one.0.cmp(&other.0));
        Self { start, fields, body: None }
    }

    fn of_ours(start: String, fields: Fields<'_>) -> Self {
        Self::new(start, fields.iter())
    }

    fn of_hyper(start: String, fields: &hyper::HeaderMap) -> Self {
        let fields = fields.iter().map(|(name, value)| (name.as_ref(), value.as_bytes()));
        Self::new(start, fields)
    }
}
