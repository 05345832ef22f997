//! Reading JSON whose fields may be anything.
//!
//! A peer can send a list where an object belongs, or a float as a port. To
//! say which field is wrong, decoding first takes every value as JSON, and
//! then looks at those that it knows.

mod scan;

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use serde::de::Deserialize;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::id::DeviceId;
use crate::limits;
use crate::malformed::Malformed;

pub use scan::weight;

/// JSON that was found to be valid, as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

impl<'a> Json<'a> {
    /// A value of so many levels, without the space around it.
    pub(crate) fn read(text: &'a str, levels: usize) -> Result<Self, Malformed> {
        scan::value(text.as_bytes(), levels)?;
        Ok(Self(text.trim_ascii()))
    }

    /// The text.
    pub fn get(self) -> &'a str {
        self.0
    }

    /// The value as a type of the caller's.
    ///
    /// # Errors
    ///
    /// If it does not fit the type.
    pub fn parse<T: Deserialize<'a>>(self) -> serde_json::Result<T> {
        serde_json::from_str(self.0)
    }

    /// The same, if it is not `null`.
    pub(crate) fn unless_null(self) -> Option<Self> {
        Some(self).filter(|json| json.0 != "null")
    }
}

impl<'a> From<&'a RawValue> for Json<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get())
    }
}

impl fmt::Debug for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: Box<RawValue> = self.parse().map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

/// The values of the fields with these names, of a whole text that must be an
/// object with any.
pub(crate) fn object<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Result<[Option<Json<'a>>; N], Malformed> {
    if !is_object(text) {
        scan::value(text.as_bytes(), limits::DEPTH)?;
        let is_null = text.trim_ascii() == "null";
        return Err(if is_null { Malformed::Empty } else { Malformed::NotAnObject });
    }
    match fields(text, names)? {
        (fields, true) => Ok(fields),
        (_, false) => Err(Malformed::Empty),
    }
}

/// The values of the fields with these names, of a value that should be an object;
/// `otherwise` is the error if it is anything else.
pub(crate) fn section<'a, const N: usize>(
    json: Json<'a>,
    names: [&str; N],
    otherwise: Malformed,
) -> Result<[Option<Json<'a>>; N], Malformed> {
    if is_object(json.0) { Ok(fields(json.0, names)?.0) } else { Err(otherwise) }
}

/// The first values of a list, as many as `most`.
pub(crate) fn list(json: Json<'_>, most: usize) -> Result<Vec<Json<'_>>, Malformed> {
    let mut values = Vec::new();
    scan::list(json.0, |value| {
        values.push(Json(value));
        values.len() < most
    })?;
    Ok(values)
}

/// The values of these fields, and whether there are any fields.
fn fields<'a, const N: usize>(
    text: &'a str,
    names: [&str; N],
) -> Result<([Option<Json<'a>>; N], bool), Malformed> {
    let mut values = [None; N];
    let mut has_any = false;
    scan::object(text, |name, value| {
        has_any = true;
        let index_of = |name: &str| names.iter().position(|known| *known == name);
        let index = match index_of(name) {
            None if has_escapes(name) => index_of(&unescaped(name)?),
            index => index,
        };
        // With two of one name, nobody knows which one counts.
        match index.map(|index| values[index].replace(Json(value))) {
            Some(Some(_)) => Err(Malformed::NotJson),
            _ => Ok(()),
        }
    })?;
    Ok((values, has_any))
}

/// A string between its quotes, without its escapes.
fn unescaped(inside: &str) -> Result<Cow<'_, str>, Malformed> {
    if !has_escapes(inside) {
        return Ok(inside.into());
    }
    let text = serde_json::from_str::<String>(&format!("\"{inside}\""));
    text.map(Cow::Owned).map_err(|_| Malformed::NotJson)
}

fn has_escapes(inside: &str) -> bool {
    inside.as_bytes().contains(&b'\\')
}

/// Whether the values of a valid JSON text nest deeper than so many levels.
pub(crate) fn is_deeper(text: &[u8], levels: usize) -> bool {
    // Most have fewer brackets in all, and those are found fast.
    memchr::memchr2_iter(b'[', b'{', text).nth(levels).is_some() && scan::levels(text) > levels
}

/// An unsigned whole number, if that is what stands there.
pub(crate) fn unsigned(json: Option<Json<'_>>) -> Option<u64> {
    // Every such JSON number is one for Rust, and nothing else of JSON is.
    json?.0.parse().ok()
}

/// A text, if that is what stands there.
pub(crate) fn text(json: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    let quoted = json?.0.strip_prefix('"')?.strip_suffix('"')?;
    unescaped(quoted).ok()
}

/// The version that somebody speaks. What cannot be shown in a line counts as
/// absent.
pub(crate) fn version(json: Option<Json<'_>>) -> Option<Cow<'_, str>> {
    let is_shown = |text: &str| text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    text(json).filter(|text| (1..=limits::VERSION).contains(&text.len()) && is_shown(text))
}

/// An id; one that is absent or `null` is none.
pub(crate) fn id(
    json: Option<Json<'_>>,
    field: &'static str,
) -> Result<Option<DeviceId>, Malformed> {
    let Some(json) = json.and_then(Json::unless_null) else { return Ok(None) };
    let id = text(Some(json)).and_then(|text| text.parse().ok());
    id.map(Some).ok_or(Malformed::Id { field })
}

/// A TCP port; one that is absent or `null` is none.
pub(crate) fn port(json: Option<Json<'_>>, field: &'static str) -> Result<Option<u16>, Malformed> {
    let Some(json) = json.and_then(Json::unless_null) else { return Ok(None) };
    match unsigned(Some(json)).map(u16::try_from) {
        Some(Ok(port)) if port != 0 => Ok(Some(port)),
        _ => Err(Malformed::Port { field }),
    }
}

/// Seconds, fractions cut off; a value that is absent or `null` is none.
pub(crate) fn seconds(
    json: Option<Json<'_>>,
    field: &'static str,
) -> Result<Option<i64>, Malformed> {
    let Some(Json(number)) = json.and_then(Json::unless_null) else { return Ok(None) };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_brackets_outside_of_strings() {
        for (text, levels) in
            [("1", 0), ("{}", 1), (r#"{"a":[{"b":"]}["}],"c":"\"{{{{"}"#, 3), ("[[[[],[]]]]", 4)]
        {
            assert!(!is_deeper(text.as_bytes(), levels), "{text}");
            assert!(levels == 0 || is_deeper(text.as_bytes(), levels - 1), "{text}");
        }
    }

    #[test]
    fn a_string_holds_what_serde_json_lets_it_hold_wherever_it_stands() {
        for byte in 0..128 {
            for length in [1, 10, 100, 200] {
                for at in 0..length {
                    let mut text = [b"\"", &*[b'x'].repeat(length), b"\""].concat();
                    text[at + 1] = byte;
                    let expected = serde_json::from_slice::<&RawValue>(&text).is_ok();
                    let found = scan::value(&text, limits::DEPTH).is_ok();
                    assert_eq!(found, expected, "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn what_is_valid_is_what_serde_json_takes() {
        let texts = [
            r#""\u00e9\ud800 \/ \b""#,
            r#""\x""#,
            r#""\u12g4""#,
            "\"\t\"",
            "\"\u{7f}é\"",
            "\"",
            "0",
            "-0",
            "-",
            "01",
            "1.",
            "1.5",
            ".5",
            "1e5",
            "1E+05",
            "1e",
            "1e-",
            "--1",
            "+1",
            "NaN",
            "true",
            "tru",
            "truex",
            "null",
            "[]",
            "[1]",
            "[1,]",
            "[,1]",
            "[1 2]",
            "{}",
            "{\"a\":1}",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "{\"a\":}",
            "[{]}",
            "[}",
            "{]",
            " [ 1 , { \"a\" : [ ] } ] ",
            "[1]]",
            "1 1",
            "",
        ];
        for text in texts {
            let expected = serde_json::from_str::<&RawValue>(text).is_ok();
            assert_eq!(scan::value(text.as_bytes(), limits::DEPTH).is_ok(), expected, "{text}");
        }
    }
}
