//! What a handler is given.

use std::fmt;
use std::net::SocketAddr;

use easyhttp_proto::DeviceId;
use easyhttp_proto::json::Json;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;

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
    pub(crate) fn new(
        header: easyhttp_proto::Header,
        data: Option<Json<'_>>,
        from: SocketAddr,
    ) -> Self {
        Self {
            sender: header.sender_id,
            data: Data::from_raw(data),
            timestamp: header.timestamp,
            from,
        }
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
#[derive(Clone, Default)]
pub struct Data(Option<Box<str>>);

impl Data {
    pub(crate) fn from_raw(raw: Option<Json<'_>>) -> Self {
        Self(raw.map(|raw| raw.get().into()))
    }

    /// Of a text that was parsed already.
    pub(crate) fn from_json(text: &str) -> Self {
        Self(Some(text.into()))
    }

    /// Whether there is no data, or JSON `null`.
    pub fn is_none(&self) -> bool {
        self.raw() == "null"
    }

    /// The JSON text; `null` if there is no data.
    pub fn raw(&self) -> &str {
        self.0.as_deref().unwrap_or("null")
    }

    /// The data as a type of yours.
    ///
    /// # Errors
    ///
    /// If the data does not fit the type; the error says where.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_str(self.raw())
    }

    /// The data as any JSON value. A value with a number beyond the range of
    /// `f64` (as `1e999`) is given as `null`; [`Data::parse`] gives an error.
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
