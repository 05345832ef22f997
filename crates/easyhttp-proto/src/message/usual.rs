//! Reading a message that is written as [`Message::encode`] does it: without
//! spaces, and each field in its place. Nearly all are.
//!
//! It takes a quarter of the time of the long way, which is for all others, and
//! says what is wrong. Whatever is read here means the same there.

use super::{LEVELS, Message};
use crate::json::Json;
use crate::{Command, DeviceId, Header, limits};

/// None if the message is written in any other way, or not a message.
pub(super) fn read(text: &str) -> Option<Message<'_>> {
    let mut rest = Rest(text);
    rest.skip(r#"{"version":""#)?;
    let version = rest.version()?;
    rest.skip(r#"","type":"#)?;
    let command = Command::from_number(rest.number()?)?;
    rest.skip(r#","header":{"sender_id":"#)?;
    let sender_id = rest.id()?;
    let sender_port = match rest.skip(r#","sender_port":"#) {
        Some(()) => Some(u16::try_from(rest.number()?).ok().filter(|port| *port != 0)?),
        None => None,
    };
    rest.skip(r#","recipient_id":"#)?;
    let recipient_id = rest.id()?;
    rest.skip(r#","timestamp":"#)?;
    let timestamp = Some(i64::try_from(rest.number()?).ok()?);
    rest.skip("}")?;
    let data = match rest.skip(r#","data":"#) {
        Some(()) => rest.last_value()?,
        None => rest.skip("}").filter(|()| rest.0.is_empty()).map(|()| None)?,
    };
    let header = Header { sender_id, sender_port, recipient_id, timestamp };
    Some(Message { version: Some(version.into()), command, header, data, error: None })
}

/// What has not been read yet.
struct Rest<'a>(&'a str);

impl<'a> Rest<'a> {
    fn skip(&mut self, expected: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(expected)?;
        Some(())
    }

    /// The next bytes, as long as they are of this kind.
    fn take_while(&mut self, is_taken: impl Fn(u8) -> bool) -> &'a str {
        let length = self.0.bytes().take_while(|byte| is_taken(*byte)).count();
        let (taken, rest) = self.0.split_at(length);
        self.0 = rest;
        taken
    }

    fn version(&mut self) -> Option<&'a str> {
        let is_plain = |byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        Some(self.take_while(is_plain)).filter(|it| (1..=limits::VERSION).contains(&it.len()))
    }

    fn number(&mut self) -> Option<u64> {
        let (mut number, mut length) = (0_u64, 0);
        while let Some(digit @ b'0'..=b'9') = self.0.as_bytes().get(length) {
            number = number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
            length += 1;
        }
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        let is_json = digits == "0" || !matches!(digits.as_bytes(), [] | [b'0', ..]);
        is_json.then_some(number)
    }

    /// An id, or `null`.
    fn id(&mut self) -> Option<Option<DeviceId>> {
        if self.skip("null").is_some() {
            return Some(None);
        }
        self.skip("\"")?;
        let (id, rest) = self.0.split_at_checked(DeviceId::LEN)?;
        self.0 = rest;
        self.skip("\"")?;
        Some(Some(id.parse().ok()?))
    }

    /// A value, and after it the end of the message.
    fn last_value(&self) -> Option<Option<Json<'a>>> {
        let value = Json::read(self.0.strip_suffix('}')?, LEVELS).ok()?;
        Some(value.unless_null())
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};
    use alloc::vec;

    use super::*;

    const USUAL: &str = concat!(
        r#"{"version":"0.4.0","type":4,"header":{"sender_id":"7H8G2K","sender_port":5000,"#,
        r#""recipient_id":"AB3F9Z","timestamp":1767225601},"data":[1,"}{\"",{"a":null}]}"#
    );

    fn debug(message: Option<Message<'_>>) -> Option<String> {
        message.map(|message| format!("{message:?}"))
    }

    #[test]
    fn what_we_write_is_usual() {
        let none = USUAL.split_once(r#","data""#).unwrap().0.to_string() + "}";
        let portless = USUAL.replace(r#""sender_port":5000,"#, "");
        let nobody = USUAL.replace(r#""AB3F9Z""#, "null");
        for text in [USUAL, &none, &portless, &nobody] {
            let read = read(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(core::str::from_utf8(&read.encode()), Ok(text));
        }
    }

    #[test]
    fn what_is_nearly_usual_means_the_same_in_both_ways() {
        let mut texts = vec![USUAL.replace("[1,\"}{\\\"\",{\"a\":null}]", "null")];
        for at in 0..=USUAL.len() {
            let (before, after) = USUAL.split_at(at);
            let shorter = after.get(1..).unwrap_or_default();
            texts.push(format!("{before}{shorter}"));
            for other in [
                "0",
                "1",
                "-",
                "+",
                ".",
                "e",
                "a",
                "Z",
                " ",
                "\n",
                "\0",
                "é",
                "\"",
                "\\",
                "\\u0041",
                ",",
                ":",
                "[",
                "]",
                "{",
                "}",
                "null",
                "\"data\":1,",
                ",\"data\":1",
                ",\"x\":1",
            ] {
                texts.push(format!("{before}{other}{after}"));
                texts.push(format!("{before}{other}{shorter}"));
            }
        }
        let mut usual = 0;
        for text in texts {
            if let Some(read) = debug(read(&text)) {
                assert_eq!(Some(read), debug(Message::decode_unusual(&text).ok()), "{text}");
                usual += 1;
            }
        }
        assert!(usual > 500, "{usual}");
    }

    #[test]
    fn what_is_nested_too_deep_goes_the_long_way() {
        for levels in [limits::DEPTH - 1, limits::DEPTH] {
            let data = "[".repeat(levels) + &"]".repeat(levels);
            let text = USUAL.replace("[1,\"}{\\\"\",{\"a\":null}]", &data);
            assert_eq!(read(&text).is_some(), levels < limits::DEPTH);
            assert_eq!(Message::decode_unusual(&text).is_ok(), levels < limits::DEPTH);
        }
    }
}
