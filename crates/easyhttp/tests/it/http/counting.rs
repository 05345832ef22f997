//! What a device counts of what it refuses, and who may read it.

use easyhttp::{Stats, Value};
use serde_json::json;

use super::Served;
use crate::support::http::{Client, Request, ping, post};

fn get(path: &str) -> Request {
    ping().method("GET").path(path).without("Content-Type")
}

/// What a device counts of one request, beside the request and its connection.
#[track_caller]
fn counted(bytes: impl AsRef<[u8]>) -> Stats {
    let served = Served::new();
    let mut client = served.connect();
    client.send(bytes);
    client.answer();
    let mut stats = served.device.stats();
    for counter in
        [&mut stats.requests_answered, &mut stats.connections_accepted, &mut stats.handlers_run]
    {
        assert!(*counter <= 1);
        *counter = 0;
    }
    stats
}

/// Asserts that what is sent counts once, as this and nothing else.
macro_rules! assert_counts {
    ($request:expr => $($counter:ident)?) => {{
        let expected = serde_json::to_value(Stats::default()).unwrap();
        $(let mut expected = expected;
        expected[stringify!($counter)] = 1.into();)?
        assert_eq!(serde_json::to_value(counted($request)).unwrap(), expected);
    }};
}

#[test]
fn every_refusal_counts_once() {
    assert_counts!(ping().encode() => );
    assert_counts!(b"?\r\n\r\n" => heads_malformed);
    assert_counts!(ping().without("Host").encode() => heads_malformed);
    assert_counts!(ping().header("X", "x".repeat(20_000)).encode() => heads_too_large);
    assert_counts!(ping().with("Host", "evil.example").encode() => wrong_hosts);
    assert_counts!(ping().header("Origin", "http://evil.example").encode() => wrong_origins);
    assert_counts!(ping().header("Sec-Fetch-Site", "cross-site").encode() => wrong_origins);
    assert_counts!(ping().with("Content-Type", "text/plain").encode() => wrong_types);
    assert_counts!(ping().path("/").encode() => wrong_methods);
    assert_counts!(ping().path("/elsewhere").encode() => wrong_paths);
    assert_counts!(post(" ".repeat(2_000_000)).encode() => bodies_too_large);
    assert_counts!(ping().chunked().encode() => );
    assert_counts!(post("x\r\n").header("Transfer-Encoding", "chunked").encode() => heads_malformed);
    for body in [&b"{}"[..], b"[", b"\xff", b"{\"type\": 6}"] {
        assert_counts!(post(body).encode() => messages_malformed);
    }
    let header = json!({"recipient_id": "ZZZZZZ"});
    let mut message = json!({"type": 3, "header": header});
    assert_counts!(post(message.to_string()).encode() => wrong_recipients);
    // It tells whoever asks who is here.
    message["type"] = 1.into();
    assert_counts!(post(message.to_string()).encode() => );
}

#[test]
fn this_machine_may_read_what_was_counted() {
    let served = Served::new();
    let mut client = served.connect();
    served.refuses(&mut client, &ping().path("/elsewhere"));
    let answer = client.ask(&get("/easyhttp/stats"));
    assert_eq!(answer.status, 200, "{answer}");
    let expected: Value = serde_json::to_value(served.device.stats()).unwrap();
    // It was counted when this was answered, and so was not in it yet.
    let mut read = answer.json();
    read["requests_answered"] = json!(read["requests_answered"].as_u64().unwrap() + 1);
    assert_eq!(read, expected);
    assert_eq!(read["wrong_paths"], 1);
    assert!(read.as_object().unwrap().values().all(Value::is_u64), "{read}");
}

#[test]
fn pages_of_other_origins_may_not() {
    let served = Served::new();
    let mut client = Client::connect(served.device.port().unwrap());
    for (name, value) in [("Origin", "http://evil.example"), ("Sec-Fetch-Site", "cross-site")] {
        let answer = client.ask(&get("/easyhttp/stats").header(name, value));
        assert_eq!(answer.status, 403, "{answer}");
    }
    let answer = client.ask(&get("/easyhttp/stats").method("POST"));
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")));
}
