//! JSON in and out.
//!
//! Data is kept as the text that it came as, so that what goes through the
//! program keeps its numbers and the order of its members.

use std::fmt;

use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::value::{RawValue, to_raw_value};

/// How wide JSON may be to stay on one line when people read it.
const ONE_LINE: usize = 80;

/// Reads JSON. A word that is not JSON is taken as a string; what begins like
/// an object, an array or a string was meant to be JSON.
pub(crate) fn parse(text: &str) -> serde_json::Result<Box<RawValue>> {
    let text = text.trim();
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => Ok(raw.to_owned()),
        Err(error) if text.starts_with(['{', '[', '"']) => Err(error),
        Err(_) => to_raw_value(text),
    }
}

/// JSON as people read it: on one line if it is short, else indented.
pub(crate) fn pretty(raw: &str) -> String {
    let compact = compact(raw);
    if compact.len() <= ONE_LINE { compact } else { layout(&compact, true) }
}

/// JSON without a space or a line break outside of its strings.
pub(crate) fn compact(raw: &str) -> String {
    layout(raw, false)
}

/// Writes valid JSON anew, and changes nothing but the space between tokens.
fn layout(raw: &str, indented: bool) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut depth = 0;
    let mut in_string = false;
    let mut is_escaped = false;
    let mut just_opened = false;
    let break_line = |out: &mut String, depth: usize| {
        if indented {
            out.push('\n');
            out.extend(std::iter::repeat_n("  ", depth));
        }
    };
    for char in raw.chars() {
        if in_string {
            out.push(char);
            in_string = is_escaped || char != '"';
            is_escaped = char == '\\' && !is_escaped;
            continue;
        }
        if char.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(char, '}' | ']');
        depth -= usize::from(closes);
        if just_opened != closes {
            break_line(&mut out, depth);
        }
        out.push(char);
        just_opened = matches!(char, '{' | '[');
        depth += usize::from(just_opened);
        match char {
            '"' => in_string = true,
            ',' => break_line(&mut out, depth),
            ':' if indented => out.push(' '),
            _ => {}
        }
    }
    out
}

/// A JSON object whose members keep the order in which they were put.
#[derive(Debug, Default)]
pub(crate) struct Object(Vec<(&'static str, Box<RawValue>)>);

impl Object {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Serialize) -> Self {
        // Nothing that the program prints fails to be JSON: texts, numbers, and
        // JSON that was read before.
        if let Ok(value) = to_raw_value(&value) {
            self.0.push((name, value));
        }
        self
    }

    /// With the member only if there is a value.
    pub(crate) fn with_some(self, name: &'static str, value: Option<impl Serialize>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// With the members of another one behind its own.
    pub(crate) fn with_all(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }
}

impl Serialize for Object {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// On one line, whatever the data in it looks like.
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let json = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        f.write_str(&compact(&json))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_a_string_and_broken_json_is_an_error() {
        let parsed = |text| parse(text).map(|raw| raw.get().to_owned()).ok();
        assert_eq!(parsed("on").as_deref(), Some("\"on\""));
        assert_eq!(parsed("two words").as_deref(), Some("\"two words\""));
        assert_eq!(parsed("1.2.3").as_deref(), Some("\"1.2.3\""));
        assert_eq!(parsed(" true\n").as_deref(), Some("true"));
        assert_eq!(parsed("12345678901234567890123").as_deref(), Some("12345678901234567890123"));
        assert_eq!(parsed("{\"b\":1,\"a\":2}").as_deref(), Some("{\"b\":1,\"a\":2}"));
        for broken in ["{command: led}", "[1,", "\"open", "{\"a\":1} x"] {
            assert_eq!(parsed(broken), None, "{broken}");
        }
    }

    #[test]
    fn only_the_space_between_tokens_changes() {
        let raw = "{ \"b\" : [ ] , \"a\":[1e999,\t\"x \\\" { y\\\\\" ,{}],\n\"\":null}";
        assert_eq!(compact(raw), r#"{"b":[],"a":[1e999,"x \" { y\\",{}],"":null}"#);
        assert_eq!(
            layout(raw, true),
            "{\n  \"b\": [],\n  \"a\": [\n    1e999,\n    \"x \\\" { y\\\\\",\n    {}\n  ],\n  \
             \"\": null\n}"
        );
        assert_eq!(pretty("[1, 2]"), "[1,2]");
    }

    #[test]
    fn an_object_is_one_line_in_the_order_given() {
        let data: Box<RawValue> = serde_json::from_str("[1,\n2]").unwrap();
        let object = Object::new().with("z", "a\nb").with("a", data).with_some("n", None::<u8>);
        assert_eq!(object.to_string(), r#"{"z":"a\nb","a":[1,2]}"#);
    }
}
