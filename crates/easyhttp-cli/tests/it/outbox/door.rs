//! How the program reaches a device that runs: who is let in, and what is said when the
//! device does not answer.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{later, outbox, token_file, waiting};
use crate::support::Place;

#[test]
fn whoever_has_not_the_token_gets_nothing() {
    let place = Place::new();
    place.run(&["key", "new", "--file", "network.key"]).assert_done();
    for more in [&[][..], &["--key-file", "network.key"]] {
        let origin = ["--allow-origin", "http://panel.local:8080"];
        let mut hub = place.serve("hub", &[&origin[..], more].concat());
        let content = fs::read_to_string(token_file(&place)).unwrap();
        let token = serde_json::from_str::<Value>(&content).unwrap()["token"].clone();
        let token = token.as_str().unwrap();
        let other = token.chars().rev().collect::<String>();
        let (host, typed) = ("host: 127.0.0.1\r\n", "content-type: application/json\r\n");
        let right = format!("easyhttp-token: {token}\r\n");
        let page = "origin: http://panel.local:8080\r\n";
        let push = r#"{"push":{"to":"7H8G2K","data":1,"seconds":60}}"#;
        for (lines, expected) in [
            (format!("{host}{typed}"), 403),
            (format!("{host}{typed}easyhttp-token: {other}\r\n"), 403),
            (format!("{host}{typed}easyhttp-token: {}\r\n", &token[1..]), 403),
            (format!("{host}{typed}{right}{right}"), 403),
            (format!("{host}{typed}{right}origin: http://evil.example\r\n"), 403),
            // Whatever else that page may do.
            (format!("{host}{typed}{right}{page}"), 403),
            (format!("{host}{typed}{right}sec-fetch-site: same-origin\r\n"), 403),
            (format!("host: evil.example\r\n{typed}{right}"), 403),
            (format!("{host}content-type: text/plain\r\n{right}"), 415),
            (format!("{host}{typed}{right}"), 200),
        ] {
            let (status, answer) = ask(hub.port, &lines, push);
            assert_eq!(status, expected, "{lines}{answer}");
            assert!(!answer.contains(token));
        }
        assert_eq!(waiting(&place).len(), 1, "the last one alone");
        let stats = ["stats", &hub.id, "--at", &hub.at(), "--json"];
        let stats = place.run(&[&stats, more].concat()).assert_done().json();
        assert_eq!(stats["stats"]["outbox_refused"], 4, "{stats}");
        let wrong = ask(hub.port, &format!("{host}{typed}{right}"), r#"{"drop": 1}"#);
        assert_eq!(wrong.0, 400, "{wrong:?}");
        let number = waiting(&place)[0]["number"].to_string();
        outbox(&place, &["cancel", &number]).assert_done();
        let _ = hub.child.end(Signal::TERM);

        // Each run has another one.
        let again = place.serve("hub", more);
        assert_eq!(ask(again.port, &format!("{host}{typed}{right}"), push).0, 403);
    }
}

#[test]
fn a_token_that_others_can_read_is_not_shown() {
    let place = Place::new();
    let mut hub = place.serve("hub", &[]);
    let mode = |mode| {
        fs::set_permissions(token_file(&place), PermissionsExt::from_mode(mode)).unwrap();
    };
    mode(0o644);
    let exposed = later(&place, "7H8G2K", "1", &[]).assert_failed(5, "outbox_unreachable");
    let message = exposed["message"].as_str().unwrap();
    assert!(message.contains("0644") && message.contains(".hub.json.token"), "{message}");
    mode(0o600);
    later(&place, "7H8G2K", "1", &[]).assert_done();
    assert_eq!(hub.child.end(Signal::TERM).0, Some(0));
    assert!(!token_file(&place).exists());
}

#[test]
fn when_nobody_knows_whether_it_is_kept_it_is_6() {
    let place = Place::new();
    // A device that is killed just after it has asked for the wish.
    let (listener, _lock) = busy_hub(&place);
    let device = std::thread::spawn(move || wish(&listener).1);
    let unsure = later(&place, "7H8G2K", "1", &[]).assert_failed(6, "outbox_unreachable");
    assert_eq!(unsure["delivery"], "unknown");
    let told = device.join().unwrap();
    assert!(told.ends_with(r#"{"push":{"to":"7H8G2K","data":1,"seconds":604800}}"#), "{told}");
}

#[test]
fn a_flush_of_a_device_that_runs_takes_no_longer_than_it_may() {
    let place = Place::new();
    let (listener, _lock) = busy_hub(&place);
    let items = r#"{"items":[{"number":7,"to":"7H8G2K","data":1,"tries":3,"expires_in":{"secs":9,"nanos":0},"may_have_arrived":false}]}"#;
    let device = std::thread::spawn(move || {
        let (mut flush, asked) = wish(&listener);
        assert!(asked.contains("flush"), "{asked}");
        // It is at it. Whoever does not wait asks what is left.
        listener.set_nonblocking(true).unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        for items in [items, r#"{"items":[]}"#] {
            while let Err(error) = listener.accept().map(|(mut stream, _)| {
                stream.set_nonblocking(false).unwrap();
                let asked = read_wish(&mut stream);
                assert!(asked.contains("list"), "{asked}");
                let length = items.len();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                stream.write_all((head + items).as_bytes()).unwrap();
            }) {
                assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
                assert!(Instant::now() < deadline, "nobody asks what is left");
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        let _ = flush.read(&mut [0]);
    });
    let flushed = outbox(&place, &["flush", "--timeout", "0.3", "--json"]);
    assert_eq!((flushed.code, flushed.json()), (Some(4), json!({"waiting": 1})), "{flushed:?}");
    device.join().unwrap();
}

/// Takes the place of the device `hub`, which has this listener and this lock.
fn busy_hub(place: &Place) -> (TcpListener, fs::File) {
    fs::write(place.folder.join("hub.json"), "{\"device_id\": \"AB3F9Z\"}").unwrap();
    let lock = fs::File::create(place.folder.join(".hub.json.lock")).unwrap();
    lock.lock().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let token = json!({"address": address, "token": "0".repeat(64)}).to_string();
    fs::write(token_file(place), token).unwrap();
    fs::set_permissions(token_file(place), PermissionsExt::from_mode(0o600)).unwrap();
    (listener, lock)
}

/// The next wish of another program, and the connection on which it came.
fn wish(listener: &TcpListener) -> (TcpStream, String) {
    let mut stream = listener.accept().unwrap().0;
    let asked = read_wish(&mut stream);
    (stream, asked)
}

/// Asks for a wish, and reads it, with the head before it.
fn read_wish(stream: &mut TcpStream) -> String {
    let mut bytes = [0; 4096];
    let count = stream.read(&mut bytes).unwrap();
    stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    let count = stream.read(&mut bytes[count..]).unwrap() + count;
    String::from_utf8(bytes[..count].to_vec()).unwrap()
}

/// What a device answers to this request for its outbox, and its status.
fn ask(port: u16, lines: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let length = body.len();
    let request = format!(
        "POST /easyhttp/outbox HTTP/1.1\r\nconnection: close\r\n{lines}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    (answer[9..12].parse().unwrap(), answer)
}
