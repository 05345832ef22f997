//! What other programs of its machine want of a device's outbox, and what they are told.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::DeviceId;
use crate::exchange::Answer;

/// The HTTP path at which a device takes wishes about its outbox, of programs of its own
/// machine that know its token.
pub const OUTBOX_PATH: &str = "/easyhttp/outbox";

/// The HTTP header with the token. A form cannot have it, and a script of a web page only
/// if the device allowed that.
pub const TOKEN_HEADER: &str = "easyhttp-token";

/// The body of such a request: `{"push": {…}}`, `{"list": 0}`, `{"cancel": 3}` or
/// `{"flush": null}`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Wish<'a> {
    /// A push that may wait.
    #[serde(borrow)]
    Push(Push<'a>),
    /// The items behind this number; not all of them if there are many.
    List(u64),
    /// Takes this item out.
    Cancel(u64),
    /// Tries all devices for which something waits.
    Flush,
}

/// A push that may wait.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(clippy::exhaustive_structs, reason = "whoever asks makes it")]
pub struct Push<'a> {
    /// Whom it is for.
    pub to: DeviceId,
    /// What is to be sent.
    #[serde(borrow)]
    pub data: &'a RawValue,
    /// How long it may wait, in seconds.
    pub seconds: u64,
}

/// What came of a wish: the body of the answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Granted {
    /// The push is kept on disk, with this number.
    Kept(u64),
    /// Items, in the order in which they came. Behind the last one there may be more,
    /// behind an empty list there are none.
    Items(Vec<Waiting>),
    /// Whether the item was there, and is not any more.
    Cancelled(bool),
    /// All were tried, and so many still wait.
    Left(usize),
    /// Not what was wished.
    Failed(Failed),
}

/// An item as others see it.
#[derive(Debug, Serialize, Deserialize)]
#[allow(clippy::exhaustive_structs, reason = "whoever answers makes it")]
pub struct Waiting {
    /// Its number.
    pub number: u64,
    /// Whom it is for.
    pub to: DeviceId,
    /// What is to be sent.
    pub data: Box<RawValue>,
    /// How often it was tried in this run.
    pub tries: u32,
    /// When it expires.
    pub expires_in: Duration,
    /// Whether an attempt may have reached the device.
    pub may_have_arrived: bool,
}

/// Why a wish was not granted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Failed {
    /// The push is for the device itself, which has this id.
    OwnId(DeviceId),
    /// So many items wait, and no more may.
    FullItems(usize),
    /// What waits would have more bytes than these.
    FullBytes(usize),
    /// The push is larger than so many bytes.
    TooLarge(usize),
    /// The device stops, and nothing was changed.
    Stopped,
    /// This, in words.
    Other(String),
}

impl<'a> Wish<'a> {
    /// Reads the body of a request, or says in which way it is none.
    ///
    /// # Errors
    ///
    /// The answer that such a request gets.
    pub fn read(text: &'a str) -> Result<Self, Answer> {
        serde_json::from_str(text).map_err(|error| Answer::error(400, &error.to_string()))
    }

    /// The body of the request.
    pub fn write(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("numbers, ids and JSON can always be written")
    }
}

impl Granted {
    /// Reads the body of an answer.
    ///
    /// # Errors
    ///
    /// If it is none.
    pub fn read(body: &[u8]) -> serde_json::Result<Self> {
        serde_json::from_slice(body)
    }

    /// The answer that says it.
    pub fn answer(&self) -> Answer {
        let status = if matches!(self, Self::Failed(_)) { 422 } else { 200 };
        Answer { status, ..Answer::json(self) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_one_object() {
        let read = |text: &'static str| Wish::read(text).map_err(|answer| answer.status);
        let push = read(r#"{"push": {"to": "7h8g2k", "data": {"a": [1e999]}, "seconds": 60}}"#);
        let Ok(Wish::Push(push)) = push else { panic!("{push:?}") };
        assert_eq!((push.to.as_str(), push.data.get()), ("7H8G2K", r#"{"a": [1e999]}"#));
        assert!(matches!(read(r#"{"list": 7}"#), Ok(Wish::List(7))));
        assert!(matches!(read(r#"{"cancel": 3}"#), Ok(Wish::Cancel(3))));
        assert!(matches!(read(r#"{"flush": null}"#), Ok(Wish::Flush)));
        for bad in [
            "",
            "{}",
            "[]",
            r#"{"drop": 1}"#,
            r#"{"cancel": -1}"#,
            r#"{"cancel": 1, "list": 0}"#,
            r#"{"push": {"to": "7H8G2K", "seconds": 60}}"#,
            r#"{"push": {"to": "7H8", "data": 1, "seconds": 60}}"#,
        ] {
            assert!(matches!(read(bad), Err(400)), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_what_was_meant() {
        let data: &RawValue = serde_json::from_str("[1]").unwrap();
        let wish = Wish::Push(Push { to: "7H8G2K".parse().unwrap(), data, seconds: 5 });
        let text = String::from_utf8(wish.write()).unwrap();
        assert_eq!(text, r#"{"push":{"to":"7H8G2K","data":[1],"seconds":5}}"#);

        let full = Granted::Failed(Failed::FullItems(9)).answer();
        assert_eq!(full.status, 422);
        let read = Granted::read(&full.body.to_vec()).unwrap();
        assert!(matches!(read, Granted::Failed(Failed::FullItems(9))), "{read:?}");
        assert_eq!(Granted::Kept(7).answer().body.to_vec(), br#"{"kept":7}"#);
    }
}
