//! Bodies that are no message: 400 that says which field, no handler, and the
//! next request on the connection works.

use serde_json::json;

use super::Served;
use crate::support::http::{Client, post};

/// Asserts that each of these bodies is refused with a text that has `word`.
fn assert_refused<B: AsRef<[u8]>>(word: &str, bodies: impl IntoIterator<Item = B>) {
    let served = Served::new();
    let mut client = served.connect();
    for body in bodies {
        let answer = served.refuses(&mut client, &post(&body));
        let shown: String = String::from_utf8_lossy(body.as_ref()).chars().take(200).collect();
        assert_eq!(answer.status, 400, "{shown}");
        assert!(answer.error().contains(word), "{shown}: {answer}");
    }
}

#[test]
fn what_is_no_json_is_refused() {
    let not_json = [
        "",
        " ",
        "{",
        "}",
        "hello",
        "{\"type\":1",
        "{type:1}",
        "{'type':1}",
        "{\"type\":1}}",
        "{\"type\":1} x",
        "{\"type\":01}",
        "{\"type\":1,}",
        "type=1",
        "\u{feff}{\"type\":1}",
        "{\"type\":4,\"data\":NaN}",
        "{\"type\":4,\"data\":\"\n\"}",
        "{\"type\":4,\"data\":}",
    ];
    assert_refused("Invalid JSON data", not_json);
}

#[test]
fn what_is_no_text_is_refused() {
    assert_refused(
        "Invalid JSON data",
        [
            &b"\xff\xfe{\0}\0"[..],
            b"\0",
            b"{\"type\":1,\"x\":\"\xff\"}",
            b"{\"type\":4,\"data\":\"\xc3\x28\"}",
            b"{\"type\":4,\"data\":{\"\xed\xa0\x80\":1}}",
            b"{\"type\":1,\"header\":{\"sender_id\":\"\xffB3F9Z\"}}",
        ],
    );
}

#[test]
fn json_with_nothing_in_it_is_refused() {
    assert_refused("No JSON data", ["null", "{}", " { } ", "\r\nnull\r\n"]);
}

#[test]
fn json_that_is_no_object_is_refused() {
    let no_objects = ["[]", "[{\"type\":1}]", "\"PING\"", "1", "-0.5", "true", "false"];
    assert_refused("must be a JSON object", no_objects);
}

#[test]
fn a_header_that_is_no_object_is_refused() {
    let wrong = ["null", "[]", "\"x\"", "1", "true"];
    assert_refused("header", wrong.map(|wrong| format!("{{\"type\":1,\"header\":{wrong}}}")));
}

#[test]
fn a_type_that_is_no_number_of_a_command_is_refused() {
    let wrong = [
        "\"1\"",
        "\"PING\"",
        "1.0",
        "1.5",
        "true",
        "false",
        "null",
        "[1]",
        "{\"a\":1}",
        "-1",
        "0",
        "6",
        "7",
        "8",
        "9",
        "10",
        "255",
        "256",
        "257",
        "4294967297",
        "18446744073709551615",
        "18446744073709551617",
        "1e0",
        "99999999999999999999999999999999999999999",
    ];
    assert_refused("Unknown command type", wrong.map(|wrong| format!("{{\"type\":{wrong}}}")));
    assert_refused("Unknown command type", ["{\"header\":{}}", "{\"data\":1}"]);
}

/// Messages whose header has each of these values in `field`.
fn headers_with(field: &str, values: &[&str]) -> Vec<String> {
    let message = |value| format!("{{\"type\":3,\"header\":{{\"{field}\":{value}}}}}");
    values.iter().map(message).collect()
}

#[test]
fn an_id_that_is_none_is_refused() {
    let long = format!("\"{}\"", "A".repeat(100_000));
    let wrong = [
        "\"\"",
        "\"AB3F9\"",
        "\"AB3F9Z7\"",
        "\"AB3F9!\"",
        "\"AB 3F9\"",
        "\"ÄB3F9\"",
        "\"ÄÖÜ\"",
        "\"AB3F9\\u0000\"",
        "123456",
        "1.5",
        "true",
        "[]",
        "[\"AB3F9Z\"]",
        "{}",
        &long,
    ];
    assert_refused("header.sender_id", headers_with("sender_id", &wrong));
    assert_refused("header.recipient_id", headers_with("recipient_id", &wrong));
}

#[test]
fn a_port_that_is_none_is_refused() {
    let wrong = ["0", "70000", "65536", "-1", "\"x\"", "\"5000\"", "5000.5", "true", "[]", "{}"];
    assert_refused("header.sender_port", headers_with("sender_port", &wrong));
}

#[test]
fn a_timestamp_that_is_no_number_is_refused() {
    let wrong = ["\"yesterday\"", "\"1767225600\"", "true", "[]", "{}"];
    assert_refused("header.timestamp", headers_with("timestamp", &wrong));
}

#[test]
fn what_is_nested_too_deep_is_refused() {
    let nest =
        |open: &str, close: &str, depth| format!("{}1{}", open.repeat(depth), close.repeat(depth));
    let deep = [nest("[", "]", 200), nest("{\"a\":", "}", 200), nest("[", "]", 100_000)];
    assert_refused("nested", deep.map(|deep| format!("{{\"type\":3,\"data\":{deep}}}")));
    assert_refused("nested", [format!("{{\"type\":3,\"header\":{}}}", nest("[", "]", 200))]);

    // What is below the limit is taken.
    let served = Served::new();
    let data = format!("{{\"type\":4,\"data\":{}}}", nest("[", "]", 100));
    assert_eq!(served.connect().ask(&post(data)).status, 200);
}

#[test]
fn strange_but_valid_values_are_taken() {
    let served = Served::new();
    let mut client = served.connect();
    for header in [
        json!({}),
        json!({"sender_id": null, "sender_port": null, "recipient_id": null, "timestamp": null}),
        json!({"timestamp": 1.5}),
        json!({"timestamp": -1e300}),
        json!({"timestamp": u64::MAX}),
        json!({"sender_port": 65535, "sender_id": "zzzzzz"}),
        json!({"sender_id": "AB3F9Z", "x": [[{}]]}),
    ] {
        let answer = client.ask(&post(json!({"type": 1, "header": header}).to_string()));
        assert_eq!(answer.status, 200, "{header}: {answer}");
    }
    for body in [
        " \r\n\t{ \"type\" : 1 } \n",
        "{\"type\":1,\"version\":[\"any\"],\"y\":{\"z\":1e999}}",
        "{\"\\u0074ype\":1}",
        "{\"type\":4,\"data\":\"\\ud800\"}",
    ] {
        let answer = client.ask(&post(body));
        assert_eq!(answer.status, 200, "{body}: {answer}");
    }
}

/// Every byte of a good request replaced, left out and cut off at.
#[test]
fn a_request_that_is_damaged_anywhere_is_answered() {
    let served = Served::new();
    let mut client = served.connect();
    let header = json!({"sender_id": "AB3F9Z", "sender_port": 5000, "timestamp": 1767225600});
    let good = json!({"type": 3, "header": header, "data": {"a": [1]}}).to_string().into_bytes();
    let ask = |client: &mut Client, body: &[u8]| {
        let answer = client.ask(&post(body));
        let shown = String::from_utf8_lossy(body);
        assert!(matches!(answer.status, 200 | 400 | 421), "{shown}: {answer}");
    };
    for at in 0..good.len() {
        ask(&mut client, &good[..at]);
        ask(&mut client, &[&good[..at], &good[at + 1..]].concat());
        for byte in *b"\0\"{}[:,9\xff" {
            let mut damaged = good.clone();
            damaged[at] = byte;
            ask(&mut client, &damaged);
        }
    }
    client.assert_works(served.id());
}
