//! What a handler is given.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;

use easyhttp_proto::DeviceId;
use easyhttp_proto::json::{self, Json};
use easyhttp_proto::limits;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::text::Text;

/// A request of a peer, as a handler gets it.
///
/// Its `Display` says who asks: `7H8G2K at 192.168.1.23`.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Request {
    /// The device that asks. None if it did not say: curl need not.
    pub sender: Option<DeviceId>,
    /// The query of a FETCH, the data of DATA and PUSH; nothing for PING and PONG.
    pub data: Data,
    /// When it was sent, in seconds since 1970 by the sender's clock.
    pub timestamp: Option<i64>,
    /// Where the request, or the answer to a call of ours, came from.
    pub from: SocketAddr,
}

impl Request {
    pub(crate) fn new(header: easyhttp_proto::Header, data: Data, from: SocketAddr) -> Self {
        Self { sender: header.sender_id, data, timestamp: header.timestamp, from }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.sender {
            Some(id) => write!(f, "{id} at {}", self.from.ip()),
            None => write!(f, "somebody at {}", self.from.ip()),
        }
    }
}

/// JSON as it arrived: parsed when it is asked for, and as what it is asked for.
/// Clones share it.
#[derive(Clone, Default)]
pub struct Data(Option<Part>);

/// A part of a text that was parsed already.
#[derive(Clone)]
struct Part {
    of: Text,
    at: Range<usize>,
}

impl Data {
    /// A whole text.
    pub(crate) fn all(text: Text) -> Self {
        Self(Some(Part { at: 0..text.len(), of: text }))
    }

    /// A copy of this value.
    pub(crate) fn copied(value: Option<Json<'_>>) -> Self {
        value.map_or(Self::default(), |value| Self::all(value.get().into()))
    }

    /// This value, which is a part of a text and stays there.
    pub(crate) fn within(text: &Text, value: Option<Json<'_>>) -> Self {
        let Some(part) = value.map(Json::get) else { return Self::default() };
        let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
        let at = start..start.wrapping_add(part.len());
        match text.get(at.clone()) {
            Some(_) => Self(Some(Part { of: text.clone(), at })),
            None => Self::all(part.into()),
        }
    }

    /// Whether there is no data, or JSON `null`.
    pub fn is_none(&self) -> bool {
        self.raw() == "null"
    }

    /// The JSON text; `null` if there is no data.
    pub fn raw(&self) -> &str {
        self.0.as_ref().and_then(|part| part.of.get(part.at.clone())).unwrap_or("null")
    }

    /// The data as a type of yours.
    ///
    /// A [`Value`] takes up to 126 times the bytes of its text, so as one, or as a
    /// collection of them, the data may not hold more than 8,192 values. Each name of a
    /// field counts one as well, and an object eight more. A type of yours has no such
    /// limit: `Vec<f64>` takes any list that a message can carry. None nests deeper than
    /// 127 levels.
    ///
    /// # Errors
    ///
    /// If the data does not fit the type; the error says where.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        let text = self.raw();
        // A text shorter than that cannot hold so much.
        if text.len() > limits::TREE / 9 && is_tree::<T>() && json::weight(text) > limits::TREE {
            return Err(serde::de::Error::custom(format_args!(
                "it holds more than {} values, which as a `Value` take too much memory: ask for \
                 it as a type of yours",
                limits::TREE
            )));
        }
        serde_json::from_str(text)
    }

    /// The data as any JSON value. One that holds too much (see [`Data::parse`]), or a
    /// number beyond the range of `f64` (as `1e999`), is given as `null`;
    /// [`Data::parse`] gives an error.
    pub fn value(&self) -> Value {
        self.parse().unwrap_or_default()
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}

impl fmt::Debug for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.raw())
    }
}

impl Serialize for Data {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.parse::<Box<RawValue>>().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// Whether a type is [`Value`], or a collection of it.
fn is_tree<T>() -> bool {
    std::any::type_name::<T>().contains(std::any::type_name::<Value>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_values_holds_no_more_than_it_may() {
        let data = |text: &str| Data::all(text.into());
        let list = |count: usize| format!("[{}0]", "0,".repeat(count - 1));
        assert_eq!(
            data(&list(limits::TREE - 1)).value().as_array().unwrap().len(),
            limits::TREE - 1
        );
        let much = data(&list(limits::TREE));
        assert_eq!(much.value(), Value::Null);
        assert!(much.parse::<Vec<Value>>().unwrap_err().to_string().contains("8192 values"));
        assert_eq!(much.parse::<Vec<u8>>().unwrap().len(), limits::TREE);
        let objects = data(&format!("[{}{{}}]", "{\"\":0},".repeat(1000)));
        assert!(objects.parse::<Value>().is_err());
        // In a string nothing counts, and neither does what is escaped end it.
        let string = data(&format!("\"\\\"{}\"", "{[,".repeat(10_000)));
        assert!(string.value().is_string());
    }

    #[test]
    fn a_value_within_a_text_is_not_copied() {
        for text in [Text::from(r#"{"a":[1,2]}"#), Text::from(r#"{"a":[1,2]}"#.to_owned())] {
            let all: std::collections::BTreeMap<&str, &RawValue> =
                serde_json::from_str(&text).unwrap();
            let data = Data::within(&text, Some(all["a"].into()));
            assert_eq!((data.raw(), data.raw().as_ptr()), ("[1,2]", all["a"].get().as_ptr()));
            assert_eq!(data.clone().raw().as_ptr(), data.raw().as_ptr());
        }
    }

    #[test]
    fn a_value_of_elsewhere_is_copied() {
        let text = Text::from("[1,2]");
        let value: Box<RawValue> = serde_json::from_str("[1,2]").unwrap();
        assert_eq!(Data::within(&text, Some((&*value).into())).raw(), "[1,2]");
        assert_eq!(Data::copied(Some((&*value).into())).raw(), "[1,2]");
        assert!(Data::within(&text, None).is_none());
    }
}
