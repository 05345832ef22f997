//! What the head of an answer says.

use std::time::Duration;

use easyhttp_proto::exchange::ERROR_HEADER;
use easyhttp_proto::http::AnswerHead;
use easyhttp_proto::pushes::{MEMORY_HEADER, Mark};

/// What the head of an answer says.
pub(crate) struct Said {
    pub(crate) status: u16,
    /// What the header [`ERROR_HEADER`] says.
    pub(crate) note: Option<String>,
    /// How far the memory of the device has come.
    pub(crate) mark: Option<Mark>,
    /// How long the device wants to be left alone, if it does.
    pub(crate) retry_after: Option<Duration>,
}

impl Said {
    pub(super) fn read(head: &AnswerHead<'_>) -> Self {
        let (mut note, mut mark, mut retry_after) = <(Seen<'_>, Seen<'_>, Seen<'_>)>::default();
        for (name, value) in head.fields.iter() {
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            match name.len() {
                11 if is("retry-after") => retry_after.see(value),
                14 if is(ERROR_HEADER) => note.see(value),
                15 if is(MEMORY_HEADER) => mark.see(value),
                _ => {}
            }
        }
        let seconds = retry_after.once().and_then(|it| str::from_utf8(it).ok()?.parse().ok());
        Self {
            status: head.status,
            note: note.once().and_then(|note| str::from_utf8(note).ok()).map(str::to_owned),
            mark: mark.once().and_then(Mark::read),
            retry_after: seconds.map(Duration::from_secs),
        }
    }
}

/// The values of a field, of which there is to be one.
#[derive(Default)]
struct Seen<'a> {
    first: Option<&'a [u8]>,
    is_twice: bool,
}

impl<'a> Seen<'a> {
    fn see(&mut self, value: &'a [u8]) {
        self.is_twice |= self.first.replace(value).is_some();
    }

    fn once(self) -> Option<&'a [u8]> {
        self.first.filter(|_| !self.is_twice)
    }
}
