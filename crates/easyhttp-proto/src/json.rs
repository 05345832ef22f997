//! Reading JSON whose fields may be anything.
//!
//! A peer can send a list where an object belongs, or a float as a port. To
//! say which field is wrong, decoding first takes every value as raw JSON, and
//! then looks at those that it knows.

use alloc::borrow::Cow;

use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::id::DeviceId;
use crate::limits;
use crate::malformed::Malformed;

/// Parses a whole body that must be an object, and says how it is not one.
pub(crate) fn object<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Malformed> {
    object_of(core::str::from_utf8(bytes).map_err(|_| Malformed::NotJson)?)
}

/// The same of what is known to be text.
pub(crate) fn object_of<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Malformed> {
    // Raw values are parsed without a limit of their own.
    if is_deeper(text, limits::DEPTH) {
        return Err(Malformed::TooDeep);
    }
    if is_object(text) {
        let object = serde_json::from_str(text).map_err(|_| Malformed::NotJson)?;
        return if has_fields(text) { Ok(object) } else { Err(Malformed::Empty) };
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get() == "null" => Err(Malformed::Empty),
        Ok(_) => Err(Malformed::NotAnObject),
        Err(_) => Err(Malformed::NotJson),
    }
}

/// Parses an object inside of one that was parsed already; `otherwise` is the
/// error if it is anything else.
pub(crate) fn section<'a, T: Deserialize<'a>>(
    raw: &'a RawValue,
    otherwise: Malformed,
) -> Result<T, Malformed> {
    // serde takes a list for an object as well.
    if !is_object(raw.get()) {
        return Err(otherwise);
    }
    serde_json::from_str(raw.get()).map_err(|_| Malformed::NotJson)
}

/// Whether arrays and objects nest deeper than so many levels. Right for valid
/// JSON, total for any text.
pub(crate) fn is_deeper(text: &str, levels: usize) -> bool {
    // Most have fewer brackets in all, and those are found fast.
    memchr::memchr2_iter(b'[', b'{', text.as_bytes()).nth(levels).is_some() && depth(text) > levels
}

fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut bytes = text.bytes();
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

/// A field that is there, even if it is `null`.
pub(crate) fn present<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// An unsigned whole number, if that is what stands there.
pub(crate) fn unsigned(raw: Option<&RawValue>) -> Option<u64> {
    // Every such JSON number is one for Rust, and nothing else of JSON is.
    raw?.get().parse().ok()
}

/// A text, if that is what stands there.
pub(crate) fn text(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let raw = raw?.get();
    let quoted = raw.strip_prefix('"')?.strip_suffix('"')?;
    if quoted.contains('\\') { serde_json::from_str(raw).ok() } else { Some(quoted.into()) }
}

/// The version that somebody speaks. What cannot be shown in a line counts as
/// absent.
pub(crate) fn version(raw: Option<&RawValue>) -> Option<Cow<'_, str>> {
    let is_shown = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    text(raw).filter(|text| (1..=limits::VERSION).contains(&text.len()) && is_shown(text))
}

/// An id; one that is absent or `null` is none.
pub(crate) fn id(
    raw: Option<&RawValue>,
    field: &'static str,
) -> Result<Option<DeviceId>, Malformed> {
    if raw.is_none() {
        return Ok(None);
    }
    let id = text(raw).and_then(|text| text.parse().ok());
    id.map(Some).ok_or(Malformed::Id { field })
}

/// A TCP port; one that is absent or `null` is none.
pub(crate) fn port(raw: Option<&RawValue>, field: &'static str) -> Result<Option<u16>, Malformed> {
    if raw.is_none() {
        return Ok(None);
    }
    match unsigned(raw).map(u16::try_from) {
        Some(Ok(port)) if port != 0 => Ok(Some(port)),
        _ => Err(Malformed::Port { field }),
    }
}

/// Seconds, fractions cut off; a value that is absent or `null` is none.
pub(crate) fn seconds(
    raw: Option<&RawValue>,
    field: &'static str,
) -> Result<Option<i64>, Malformed> {
    let Some(raw) = raw else { return Ok(None) };
    let number = raw.get();
    number
        .parse()
        // The cast saturates.
        .or_else(|_| serde_json::from_str::<f64>(number).map(|seconds| seconds as i64))
        .map(Some)
        .map_err(|_| Malformed::Number { field })
}

fn is_object(text: &str) -> bool {
    text.trim_ascii_start().starts_with('{')
}

/// Whether JSON that is known to be an object has any.
fn has_fields(text: &str) -> bool {
    text.contains('"')
}

/// Moves behind the closing quote of a string.
fn skip_string(bytes: &mut core::str::Bytes<'_>) {
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
        assert_eq!(depth("1"), 0);
        assert_eq!(depth("{}"), 1);
        assert_eq!(depth(r#"{"a":[{"b":"]}["}],"c":"\"{{{{"}"#), 3);
        assert_eq!(depth("]]]]["), 1);
    }
}
