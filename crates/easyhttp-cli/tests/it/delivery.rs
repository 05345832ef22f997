//! What became of a command, as a script learns it: by the exit code and in JSON.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Place, Ran};

const PEER: &str = "AB3F9Z";

impl Ran {
    /// Checks the exit code, and the error with what is known of the command.
    fn assert_delivery(&self, code: i32, word: &str, delivery: &str) {
        let error = self.assert_failed(code, word);
        assert_eq!(error["delivery"], delivery, "{self:?}");
        let says_to_look = self.err.contains("hint: it may have been done");
        assert_eq!(says_to_look, code == 6, "{self:?}");
    }
}

/// The ways to send a command that does something.
fn commands(id: &str, at: &str) -> [Vec<String>; 2] {
    [&["push", id, "on"][..], &["send", id, "push", "on"]].map(|command| {
        let all = [command, &["--at", at, "--json", "--timeout", "2"]].concat();
        all.into_iter().map(str::to_owned).collect()
    })
}

/// What they print.
fn ran(id: &str, at: &str) -> [Ran; 2] {
    let place = Place::new();
    commands(id, at).map(|command| {
        let command: Vec<_> = command.iter().map(String::as_str).collect();
        place.run(&command)
    })
}

#[test]
fn what_is_accepted_says_so() {
    let place = Place::new();
    let device = place.serve("lamp", &["--push-exec", "exit 0"]);
    for ran in ran(&device.id, &device.at()) {
        assert_eq!(ran.assert_done().json()["delivery"], "accepted");
    }
}

#[test]
fn what_is_refused_was_not_done() {
    let place = Place::new();
    let device = place.serve("lamp", &["--push-exec", "echo too hot >&2; exit 1"]);
    let [push, send] = ran(&device.id, &device.at());
    push.assert_delivery(1, "refused", "refused");
    // It prints the answer, which is no error of its own.
    assert_eq!((send.code, &send.json()["delivery"]), (Some(1), &json!("refused")), "{send:?}");

    let device = place.serve("none", &[]);
    for ran in ran(&device.id, &device.at()) {
        ran.assert_delivery(1, "no_handler", "refused");
    }
    let failed = || Some(nack(500, "handler_failed", "the motor is stuck"));
    for ran in ran(PEER, &peer(true, failed)) {
        ran.assert_delivery(1, "handler_failed", "refused");
    }
}

#[test]
fn what_was_not_sent_may_be_sent_again() {
    for ran in ran(PEER, "127.0.0.1:1") {
        ran.assert_delivery(4, "unreachable", "not_sent");
    }
    for ran in ran(PEER, "no-such-host.invalid:5000") {
        ran.assert_delivery(4, "unknown_host", "not_sent");
    }
    let place = Place::new();
    let push = place.run(&["push", PEER, "on", "--json", "--timeout", "0.2"]);
    push.assert_delivery(3, "unknown_device", "not_sent");
    let device = place.serve("other", &["--push-exec", "exit 0"]);
    for ran in ran(PEER, &device.at()) {
        ran.assert_delivery(3, "wrong_device", "not_sent");
    }
}

#[test]
fn a_ping_that_fails_before_a_command_does_not_send_it() {
    // It closes, or does not answer, or not as a device does.
    for (answer, code, word) in [
        (Some(String::new()), 4, "unreachable"),
        (None, 4, "timed_out"),
        (Some(http(200, &json!("hello"))), 5, "protocol"),
        (Some(http(404, &json!({}))), 5, "not_taken"),
    ] {
        for ran in ran(PEER, &peer(false, move || answer.clone())) {
            ran.assert_delivery(code, word, "not_sent");
        }
    }
}

#[test]
fn what_was_sent_and_not_answered_is_6() {
    // It reads the request and closes, or keeps it, or says what no device does.
    for (answer, word) in [
        (Some(String::new()), "interrupted"),
        (None, "timed_out"),
        (Some("HTTP/1.1 200 OK\r\n".to_owned()), "interrupted"),
        (Some(http(200, &json!("hello"))), "protocol"),
        (Some(http(502, &json!({}))), "not_taken"),
        (
            Some(nack(500, "handler_timed_out", "it did not finish within 2.5s")),
            "handler_timed_out",
        ),
    ] {
        for ran in ran(PEER, &peer(true, move || answer.clone())) {
            ran.assert_delivery(6, word, "unknown");
        }
    }
}

#[test]
fn a_fetch_that_was_not_answered_may_be_sent_again_and_stays_4() {
    let place = Place::new();
    for (answer, word) in [(Some(String::new()), "interrupted"), (None, "timed_out")] {
        let at = peer(true, move || answer.clone());
        for fetch in [&["fetch", PEER][..], &["send", PEER, "fetch"]] {
            let ran = place.run(&[fetch, &["--at", &at, "--json", "--timeout", "1"]].concat());
            ran.assert_delivery(4, word, "unknown");
        }
    }
}

/// A NACK of the device.
fn nack(status: u16, code: &str, message: &str) -> String {
    let header = json!({"sender_id": PEER});
    let error = json!({"code": code, "message": message});
    http(status, &json!({"type": 7, "header": header, "error": error}))
}

fn http(status: u16, body: &Value) -> String {
    let body = body.to_string();
    format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

/// A server that reads every request, and then writes this and closes. None: it waits.
/// `pongs`: PINGs are answered as a device does.
fn peer(pongs: bool, answer: impl Fn() -> Option<String> + Clone + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = answer.clone();
            thread::spawn(move || serve(stream, pongs, answer));
        }
    });
    at
}

fn serve(mut stream: TcpStream, pongs: bool, answer: impl Fn() -> Option<String>) {
    while let Some(request) = read(&mut stream) {
        if pongs && request["type"] == 1 {
            let pong = json!({"type": 2, "header": {"sender_id": PEER}});
            let _ = stream.write_all(http(200, &pong).as_bytes());
        } else if let Some(answer) = answer() {
            let _ = stream.write_all(answer.as_bytes());
            return;
        }
    }
}

/// The next message. None: the connection has ended.
fn read(stream: &mut TcpStream) -> Option<Value> {
    let mut bytes = Vec::new();
    loop {
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&bytes);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| serde_json::from_str(body));
        if let Some(Ok(message)) = body {
            return Some(message);
        }
    }
}
