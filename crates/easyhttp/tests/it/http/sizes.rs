//! Too much of anything gets an answer that says so.

use super::Served;
use crate::support::device;
use crate::support::http::{Request, ping, post};
use crate::support::limits;

const MEBIBYTE: usize = 1024 * 1024;

/// A DATA message of this many bytes.
fn of_size(bytes: usize) -> Request {
    let frame = r#"{"type":4,"data":""}"#;
    post(frame.replace("\"\"", &format!("\"{}\"", "x".repeat(bytes - frame.len()))))
}

#[test]
fn a_body_of_exactly_the_limit_is_taken() {
    let served = Served::new();
    let mut client = served.connect();
    for request in [of_size(MEBIBYTE), of_size(MEBIBYTE).chunked()] {
        assert_eq!(client.ask(&request).status, 200);
    }
}

#[test]
fn a_body_above_the_limit_is_refused_and_the_next_request_works() {
    let served = Served::new();
    let mut client = served.connect();
    for bytes in [MEBIBYTE + 1, 2 * MEBIBYTE, 8 * MEBIBYTE] {
        for request in [of_size(bytes), of_size(bytes).chunked()] {
            let answer = served.refuses(&mut client, &request);
            assert_eq!(answer.status, 413, "{answer}");
            assert!(answer.error().contains("1048576 bytes"), "{answer}");
        }
    }
}

#[test]
fn the_limit_can_be_set() {
    let served = Served::with(device().limits(limits(|limits| limits.body = 100)));
    let mut client = served.connect();
    assert_eq!(client.ask(&of_size(100)).status, 200);
    assert_eq!(served.ran.recv(), Ok("data"));
    assert_eq!(served.refuses(&mut client, &of_size(101)).status, 413);
}

#[test]
fn who_asks_before_sending_a_large_body_is_answered_first() {
    let served = Served::new();
    let mut client = served.connect();
    let request = of_size(MEBIBYTE).header("Expect", "100-continue");
    client.send(request.encode_head());
    assert_eq!(client.answer().status, 100);
    client.send(&request.encode()[request.encode_head().len()..]);
    assert_eq!(client.answer().status, 200);

    // One that is too large may be sent or not: curl waits, and then sends.
    let request = of_size(2 * MEBIBYTE).header("Expect", "100-continue");
    client.send(request.encode());
    let mut answer = client.answer();
    if answer.status == 100 {
        answer = client.answer();
    }
    assert_eq!(answer.status, 413, "{answer}");
    client.assert_works(served.id());
}

#[test]
fn a_body_that_is_declared_far_too_large_is_refused_before_it_comes() {
    let served = Served::new();
    for length in [1 << 30, u64::MAX / 2] {
        let mut client = served.connect();
        client.send(post("").with("Content-Length", length).encode_head());
        let answer = client.answer();
        assert_eq!(answer.status, 413, "{answer}");
        assert_eq!(answer.header("connection"), Some("close"));
        client.assert_closes();
    }
    served.connect().assert_works(served.id());
}

#[test]
fn a_refused_request_with_a_body_leaves_the_connection_usable() {
    let served = Served::new();
    let mut client = served.connect();
    let large = "x".repeat(2 * MEBIBYTE);
    for request in [
        post(&large).path("/elsewhere"),
        post(&large).method("PUT"),
        post(&large).with("Content-Type", "text/plain"),
        post(&large).with("Host", "evil.example").chunked(),
    ] {
        served.refuses(&mut client, &request);
    }
}

#[test]
fn headers_up_to_the_limit_are_taken() {
    let served = Served::new();
    let mut client = served.connect();
    // With those that each request has, 64.
    let many = || (0..61).fold(ping(), |request, n| request.header(&format!("X-{n}"), n));
    assert_eq!(client.ask(&many()).status, 200);
    assert_eq!(served.connect().ask(&many().header("X-61", 61)).status, 431);
    assert_eq!(client.ask(&ping().header("X-Long", "x".repeat(15 * 1024))).status, 200);
}

#[test]
fn too_many_and_too_large_headers_get_an_answer() {
    let served = Served::new();
    let many = (0..200).fold(ping(), |request, n| request.header(&format!("X-{n}"), n));
    let too_much = [
        many,
        ping().header("X-Long", "x".repeat(17 * 1024)),
        ping().header("X-Long", "x".repeat(200 * 1024)),
        (0..50).fold(ping(), |request, n| request.header(&format!("X-{n}"), "x".repeat(400))),
        ping().path(&format!("/easyhttp/api?{}", "x".repeat(20 * 1024))),
    ];
    // Often: an answer that is lost with its connection is lost by chance.
    for request in too_much.iter().cycle().take(100) {
        let mut client = served.connect();
        let answer = client.ask(request);
        assert_eq!(answer.status, 431, "{answer}");
        assert!(answer.error().contains("too many bytes or fields"), "{answer}");
        client.assert_closes();
    }
    served.connect().assert_works(served.id());
}
