//! Reading JSON whose fields may be anything.
//!
//! A peer can send a list where an object belongs, or a float as a port. To
//! say which field is wrong, decoding must first take every value as it is;
//! these types do, in one pass and without copying.

use alloc::borrow::Cow;
use core::fmt;
use core::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::id::DeviceId;
use crate::limits;
use crate::malformed::Malformed;

/// A value where a text or a number belongs.
#[derive(Debug, Default)]
pub(crate) enum Scalar<'a> {
    #[default]
    Absent,
    Null,
    Unsigned(u64),
    Number(f64),
    Text(Cow<'a, str>),
    /// A boolean, a list or an object: right nowhere.
    Other,
}

impl Scalar<'_> {
    /// An id; `null` counts as absent.
    pub(crate) fn id(&self, field: &'static str) -> Result<Option<DeviceId>, Malformed> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Text(text) => text.parse().map(Some).map_err(|_| Malformed::Id { field }),
            _ => Err(Malformed::Id { field }),
        }
    }

    /// A TCP port; `null` counts as absent.
    pub(crate) fn port(&self, field: &'static str) -> Result<Option<u16>, Malformed> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Unsigned(number) => match u16::try_from(*number) {
                Ok(port) if port != 0 => Ok(Some(port)),
                _ => Err(Malformed::Port { field }),
            },
            _ => Err(Malformed::Port { field }),
        }
    }

    /// Seconds, fractions cut off; `null` counts as absent.
    pub(crate) fn seconds(&self, field: &'static str) -> Result<Option<i64>, Malformed> {
        match self {
            Self::Absent | Self::Null => Ok(None),
            Self::Unsigned(number) => Ok(Some(i64::try_from(*number).unwrap_or(i64::MAX))),
            // A cast from a float saturates.
            Self::Number(number) => Ok(Some(*number as i64)),
            _ => Err(Malformed::Number { field }),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Other)
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Scalar::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number as f64))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Number(number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.into())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// A value where an object with known fields belongs.
#[derive(Debug, Default)]
pub(crate) enum Section<T> {
    #[default]
    Absent,
    Object(T),
    /// Anything else, `null` included.
    Other,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Section<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SectionVisitor(PhantomData))
    }
}

struct SectionVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SectionVisitor<T> {
    type Value = Section<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Section::Object)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Section::Other)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Section::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Section::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Section::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Section::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Section::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Section::Other)
    }
}

/// Parses a whole body that must be an object, and says how it is not one.
pub(crate) fn object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Malformed> {
    // Raw values and skipped ones are parsed without a limit of their own.
    if depth(bytes) > limits::DEPTH {
        return Err(Malformed::TooDeep);
    }
    match serde_json::from_slice(bytes).map_err(|_| Malformed::NotJson)? {
        Section::Object(_) if is_empty_object(bytes) => Err(Malformed::Empty),
        Section::Object(object) => Ok(object),
        _ if bytes.trim_ascii() == b"null" => Err(Malformed::Empty),
        _ => Err(Malformed::NotAnObject),
    }
}

/// Whether JSON that is known to be an object has no fields.
fn is_empty_object(bytes: &[u8]) -> bool {
    matches!(bytes.trim_ascii(), [b'{', inner @ .., b'}'] if inner.trim_ascii().is_empty())
}

/// How deep arrays and objects nest. Right for valid JSON, total for any bytes.
fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = bytes.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    deepest
}

/// Moves behind the closing quote of a string.
fn skip_string(bytes: &mut core::slice::Iter<'_, u8>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_counts_brackets_outside_of_strings() {
        assert_eq!(depth(b"1"), 0);
        assert_eq!(depth(b"{}"), 1);
        assert_eq!(depth(br#"{"a":[{"b":"]}["}],"c":"\"{{{{"}"#), 3);
        assert_eq!(depth(b"]]]]["), 1);
    }
}
