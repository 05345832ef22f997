//! What goes wrong with the other side, and the exit code of that.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Place;

#[test]
fn a_device_that_refuses_or_fails_is_1() {
    let place = Place::new();
    let device = place.serve("none", &[]);
    let (id, at) = (device.id.as_str(), device.at());
    place.run(&["fetch", id, "--at", &at, "--json"]).assert_failed(1, "no_handler");
    let pushed = place.run(&["push", id, "on", "--at", &at, "--json"]);
    let error = pushed.assert_failed(1, "no_handler");
    assert_eq!(error["id"], id);

    let busy = answering("HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n");
    place.run(&["ping", "AB3F9Z", "--at", &busy, "--json"]).assert_failed(1, "busy");
}

#[test]
fn a_device_that_is_not_there_is_3_and_those_that_are_get_named() {
    let place = Place::new();
    let device = place.serve("there", &[]);
    let missing = place.run(&["fetch", "ZZZZZZ", "--timeout", "0.5", "--json"]);
    let error = missing.assert_failed(3, "unknown_device");
    assert_eq!(error["seen"], json!([device.id]));
    assert!(missing.err.contains(&format!("known are {}", device.id)), "{missing:?}");
    assert!(missing.err.contains("hint: "), "{missing:?}");

    // One wrong letter.
    let last = if device.id.ends_with('Z') { "Y" } else { "Z" };
    let slip = format!("{}{last}", &device.id[..5]);
    let missing = place.run(&["ping", &slip, "--timeout", "0.5"]);
    assert!(missing.err.contains(&format!("did you mean {}?", device.id)), "{missing:?}");
}

#[test]
fn the_timeout_is_that_of_finding_too() {
    let place = Place::new();
    let started = Instant::now();
    place.run(&["ping", "AB3F9Z", "--timeout", "0.2", "--json"]).assert_failed(3, "unknown_device");
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[test]
fn another_device_at_the_address_is_3() {
    let place = Place::new();
    let mut device = place.serve("other", &["--push-exec", "exit 0"]);
    let pushed = place.run(&["push", "AB3F9Z", "on", "--at", &device.at(), "--json"]);
    let error = pushed.assert_failed(3, "wrong_device");
    assert_eq!(error["found"], device.id);
    assert_eq!(error["address"], device.at());
    // It was not told what another one should do.
    place.run(&["send", &device.id, "data", "\"end\"", "--at", &device.at()]).assert_done();
    loop {
        let event: serde_json::Value = serde_json::from_str(&device.child.line()).unwrap();
        assert_ne!(event["event"], "push");
        if event["event"] == "data" {
            break;
        }
    }
}

#[test]
fn an_address_without_a_device_is_4() {
    let place = Place::new();
    let ping = |at: &str, more: &[&str]| {
        place.run(&[&["ping", "AB3F9Z", "--json", "--at", at], more].concat())
    };
    ping("127.0.0.1:1", &[]).assert_failed(4, "unreachable");
    ping("no-such-host.invalid:5000", &[]).assert_failed(4, "unknown_host");
    ping(&answering(""), &[]).assert_failed(4, "interrupted");

    // It takes the connection, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = silent.local_addr().unwrap().to_string();
    let started = Instant::now();
    let error = ping(&at, &["--timeout", "0.3"]).assert_failed(4, "timed_out");
    assert!(error["message"].as_str().unwrap().contains("300ms"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn what_is_no_device_is_5() {
    let place = Place::new();
    let ping = |response| place.run(&["ping", "AB3F9Z", "--json", "--at", &answering(response)]);
    let missing = ping("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(missing.assert_failed(5, "not_taken")["status"], 404);
    ping("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello").assert_failed(5, "protocol");
}

#[test]
fn what_is_too_large_is_5() {
    let place = Place::new();
    let large = "x".repeat(1024 * 1024 + 1);
    let pushed =
        place.run_with_input(&["push", "AB3F9Z", "-", "--at", "127.0.0.1:1", "--json"], &large);
    pushed.assert_failed(5, "too_large");
}

/// A server that answers every request with this, and closes.
fn answering(response: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(response.as_bytes());
        }
    });
    address.to_string()
}
