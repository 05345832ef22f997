//! Bodies that are wrong in one place: each gets 400 and a text that names it.

use easyhttp_proto::exchange::{Answer, Request};
use serde_json::Value;

const NOT_JSON: &str = "Invalid JSON data";
const NO_JSON: &str = "No JSON data";
const NO_OBJECT: &str = "must be a JSON object";
const NO_TYPE: &str = "command type";
const TOO_DEEP: &str = "deeper than 128";

#[test]
fn a_body_that_is_no_json_object_is_refused() {
    for (body, named) in [
        ("", NOT_JSON),
        (" \n", NOT_JSON),
        ("{", NOT_JSON),
        ("hello", NOT_JSON),
        (r#"{"type":1}}"#, NOT_JSON),
        (r#"{"type":1,}"#, NOT_JSON),
        (r#"{'type':1}"#, NOT_JSON),
        ("null", NO_JSON),
        (" null\n", NO_JSON),
        ("{}", NO_JSON),
        (" { } ", NO_JSON),
        ("[]", NO_OBJECT),
        (r#"[{"type":1}]"#, NO_OBJECT),
        (r#""PING""#, NO_OBJECT),
        (r#""""#, NO_OBJECT),
        ("1", NO_OBJECT),
        ("-1.5", NO_OBJECT),
        ("true", NO_OBJECT),
    ] {
        assert_refused(body, named);
    }
}

#[test]
fn a_body_that_is_not_utf8_is_refused() {
    for body in [
        &b"\xff"[..],
        b"{\"type\":1,\"header\":{\"sender_id\":\"AB3F9\xff\"}}",
        b"{\"type\":4,\"data\":\"\xc3\x28\"}",
        b"{\"type\":4,\"data\":{\"\xff\":1}}",
        b"{\"type\":1,\"\xff\":1}",
        b"{\"type\":1,\"x\":\"\xff\"}",
        // PING in UTF-16.
        b"\xff\xfe{\0\"\0t\0y\0p\0e\0\"\0:\x01\0}\0",
    ] {
        assert_refused(body, NOT_JSON);
    }
}

#[test]
fn a_type_that_is_no_command_is_refused() {
    assert_refused(r#"{"header":{}}"#, NO_TYPE);
    for value in [
        r#""1""#,
        r#""PING""#,
        "1.0",
        "1.5",
        "1e0",
        "true",
        "null",
        "0",
        "-0",
        "-1",
        "10",
        "257",
        "4294967297",
        "18446744073709551615",
        "18446744073709551616",
        "1e308",
        "1e400",
        "[1]",
        r#"{"PING":1}"#,
    ] {
        assert_refused(format!(r#"{{"type":{value}}}"#), NO_TYPE);
    }
}

#[test]
fn a_command_that_only_answers_or_discovers_is_refused() {
    for number in 6..=9 {
        assert_refused(format!(r#"{{"type":{number},"header":{{}}}}"#), NO_TYPE);
    }
}

#[test]
fn a_header_that_is_no_object_is_refused() {
    for value in
        ["null", "[]", r#"[{"sender_id":"AB3F9Z"}]"#, r#""AB3F9Z""#, "1", "-1", "1.5", "false"]
    {
        assert_refused(format!(r#"{{"type":1,"header":{value}}}"#), "header");
    }
}

#[test]
fn an_id_that_is_not_six_letters_or_digits_is_refused() {
    for field in ["sender_id", "recipient_id"] {
        for value in [
            r#""""#,
            r#""AB3F9""#,
            r#""AB3F9ZZ""#,
            r#""AB3F9!""#,
            r#""AB 3F9""#,
            r#""AB3F9\n""#,
            r#""AB3F9\u0000""#,
            // Six bytes, then six characters.
            r#""ÄÖÜ""#,
            r#""ÄB3F9Z""#,
            "123456",
            "1.5",
            "false",
            r#"["AB3F9Z"]"#,
            r#"{"id":"AB3F9Z"}"#,
        ] {
            assert_header_refused(field, value);
        }
    }
}

#[test]
fn a_port_that_is_not_1_to_65535_is_refused() {
    for value in
        ["0", "65536", "70000", "-1", "1.5", "5000.0", r#""x""#, r#""5000""#, "true", "[]", "{}"]
    {
        assert_header_refused("sender_port", value);
    }
}

#[test]
fn a_timestamp_that_is_no_number_is_refused() {
    for value in [r#""1767225600""#, r#""now""#, "true", "[]", "{}"] {
        assert_header_refused("timestamp", value);
    }
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    for body in [
        r#"{"type":1,"type":1}"#,
        r#"{"type":1,"header":{},"header":{}}"#,
        r#"{"type":4,"data":1,"data":2}"#,
        r#"{"type":1,"header":{"sender_id":"AB3F9Z","sender_id":"7H8G2K"}}"#,
        // The same key in another spelling.
        r#"{"type":1,"t\u0079pe":3}"#,
    ] {
        assert_refused(body, NOT_JSON);
    }
}

#[test]
fn a_body_may_nest_128_deep_and_no_deeper() {
    for (before, after, around) in [
        (r#"{"type":4,"data":"#, "}", 1),
        (r#"{"type":4,"unknown":"#, "}", 1),
        (r#"{"type":4,"error":"#, "}", 1),
        (r#"{"type":4,"header":{"unknown":"#, "}}", 2),
    ] {
        let nested = |depth: usize| {
            let lists = depth - around;
            format!("{before}{}{}{after}", "[".repeat(lists), "]".repeat(lists))
        };
        assert_accepted(&nested(128));
        assert_refused(nested(129), TOO_DEEP);
        assert_refused(nested(200), TOO_DEEP);
        assert_refused(nested(100_000), TOO_DEEP);
    }
    // Deep where a flat value belongs, and where objects nest.
    let lists = "[".repeat(200) + &"]".repeat(200);
    for field in ["type", "header"] {
        assert_refused(format!(r#"{{"{field}":{lists}}}"#), TOO_DEEP);
    }
    assert_refused(format!(r#"{{"type":1,"header":{{"sender_id":{lists}}}}}"#), TOO_DEEP);
    let objects = r#"{"a":"#.repeat(200) + "1" + &"}".repeat(200);
    assert_refused(format!(r#"{{"type":4,"data":{objects}}}"#), TOO_DEEP);
    // Never closed, and no more than text.
    assert_refused("[".repeat(1_000_000), TOO_DEEP);
    assert_accepted(&format!(r#"{{"type":4,"data":"\"{}"}}"#, "[".repeat(200)));
}

#[test]
fn what_is_not_known_is_ignored_and_what_is_missing_is_none() {
    for body in [
        r#"{"type":1}"#,
        r#"{"type":1,"header":{}}"#,
        r#"{"type":1,"header":{"sender_id":null,"sender_port":null,"recipient_id":null,"timestamp":null}}"#,
        r#"{"type":1,"version":["any"],"y":{"z":[1,null]},"y":2}"#,
        r#"{"type":1,"header":{"x":{"sender_id":1},"":0}}"#,
        r#"{"type":1,"error":"of any kind"}"#,
    ] {
        let header = assert_accepted(body).header;
        assert_eq!(header, easyhttp_proto::Header::default(), "{body}");
    }
}

#[test]
fn a_time_is_understood_however_it_is_written() {
    for (written, seconds) in [
        ("1767225600", 1_767_225_600),
        // As Python's `time.time()` gives it.
        ("1767225600.75", 1_767_225_600),
        ("0", 0),
        ("-1", -1),
        // Beyond what a float can tell from its neighbours.
        ("-9007199254740993", -9_007_199_254_740_993),
        ("1e300", i64::MAX),
        ("-1e300", i64::MIN),
        ("18446744073709551615", i64::MAX),
    ] {
        let body = format!(r#"{{"type":1,"header":{{"timestamp":{written}}}}}"#);
        assert_eq!(assert_accepted(&body).header.timestamp, Some(seconds), "{written}");
    }
}

/// The body gets 400, and the text of the error contains `named`.
#[track_caller]
fn assert_refused(body: impl AsRef<[u8]>, named: &str) {
    let body = body.as_ref();
    let shown = String::from_utf8_lossy(&body[..body.len().min(200)]);
    let answer = match Request::read(body) {
        Ok(request) => panic!("accepted: {shown}\n{request:?}"),
        Err(malformed) => Answer::from(malformed),
    };
    let text: Value = serde_json::from_slice(&answer.body.to_vec()).unwrap();
    let text = text["error"].as_str().unwrap();
    assert_eq!(answer.status, 400, "{shown}");
    assert!(text.contains(named), "{shown}\nis refused by {text:?}, which does not name {named:?}");
}

/// A request with this field in its header gets 400, and the text names the field.
#[track_caller]
fn assert_header_refused(field: &str, value: &str) {
    let body = format!(r#"{{"type":1,"header":{{"{field}":{value}}}}}"#);
    assert_refused(body, &format!("header.{field}"));
}

#[track_caller]
fn assert_accepted(body: &str) -> Request<'_> {
    Request::read(body.as_bytes()).unwrap_or_else(|malformed| {
        panic!("refused by {malformed:?}: {}", &body[..body.len().min(200)])
    })
}
