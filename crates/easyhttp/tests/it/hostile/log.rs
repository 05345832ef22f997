//! What a device writes to the log while others send what a terminal would obey.

use std::fmt::{self, Write};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::{Arc, Mutex};

use easyhttp::{Command, EasyHttpAsync, HandlerError, Request, json};
use tokio::runtime;
use tokio::task::spawn_blocking;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use crate::support::fake_peer::{FakePeer, Then, answer};
use crate::support::folder::Folder;
use crate::support::http::{Client, post};
use crate::support::{own_port, quiet, udp};

/// Clears a screen, begins a line, and does the same in one character of Latin 1.
const HOSTILE: &str = "\u{1b}[2J\r\nforged: \u{9b}2J";

#[test]
fn nothing_that_a_peer_says_controls_who_reads_the_log() {
    let log = Log::of(async {
        let port = own_port();
        let served = quiet(EasyHttpAsync::builder()).discovery(true).interfaces(["lo"]);
        let served = served.discovery_port(port).on_fetch(echoed).on_push(echoed).start();
        let served = served.await.unwrap();
        let at = served.port().unwrap();
        spawn_blocking(move || tell(at, port)).await.unwrap();

        let asking = quiet(EasyHttpAsync::builder()).start().await.unwrap();
        for number in 0..ANSWERS {
            let peer = FakePeer::new(move |request| hostile_answer(number, request));
            asking.add("HST222", peer.at).unwrap();
            for command in [Command::Fetch, Command::Push, Command::Ping] {
                let _ = asking.send("HST222", command, HOSTILE).await;
            }
        }
    });
    for line in &log {
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
    let says = |part: &str| log.iter().any(|line| line.contains(part));
    for part in
        ["handlers_failed", "heads_malformed", "forged: ", "FETCH to HST222", "PUSH to HST222"]
    {
        assert!(says(part), "{part} is missing in {log:#?}");
    }
}

#[test]
fn a_chosen_interface_that_there_is_not_is_named_once() {
    let folder = Folder::new();
    let log = Log::of(async {
        let device = quiet(EasyHttpAsync::builder()).discovery(true).interfaces(["lo", "wlan9"]);
        // It looks whether its id is free before it starts.
        let device = device.config_file(folder.join("device.json"));
        device.discovery_port(own_port()).start().await.unwrap();
    });
    let warns =
        |line: &String| line.contains("wlan9") && line.contains("no such network interface");
    assert_eq!(log.iter().filter(|line| warns(line)).count(), 1, "{log:#?}");
}

#[test]
fn what_fails_again_and_again_does_not_fill_the_log() {
    let log = Log::of(async {
        let served = quiet(EasyHttpAsync::builder()).on_fetch(echoed).start().await.unwrap();
        let asking = quiet(EasyHttpAsync::builder()).start().await.unwrap();
        asking.add(served.id(), ([127, 0, 0, 1], served.port().unwrap())).unwrap();
        for number in 0..100 {
            assert!(asking.fetch(served.id(), format!("failure {number}")).await.is_err());
        }
        assert_eq!(served.stats().handlers_failed, 100);
    });
    let told: Vec<_> = log.iter().filter(|line| line.starts_with("WARN")).collect();
    assert!(told.len() <= 2, "{told:#?}");
    assert!(told[0].contains("handlers_failed") && told[0].contains("failure 0"), "{told:?}");
}

/// A handler that fails, and repeats what it was given.
fn echoed(request: Request) -> Result<(), HandlerError> {
    Err(HandlerError::new(request.data.value().to_string()))
}

/// Says it in all that a request or a datagram has.
fn tell(port: u16, discovery_port: u16) {
    let message = |kind: u8, id: &str| {
        json!({
            "version": HOSTILE, "type": kind, "data": HOSTILE,
            "header": {"sender_id": id, "sender_port": 1, "recipient_id": HOSTILE},
        })
    };
    for id in ["HST222", HOSTILE] {
        for kind in [1, 3, 5, 77] {
            let mut message = message(kind, id);
            Client::connect(port).ask(&post(message.to_string()));
            message["header"].as_object_mut().unwrap().remove("recipient_id");
            Client::connect(port).ask(&post(message.to_string()));
        }
        let datagram = json!({"version": HOSTILE, "type": 8, "id": id, "port": 1, "boot": 2});
        udp::multicast(discovery_port, datagram.to_string());
    }
    for bytes in ["\u{9b}2J", "%1b%5b2J"] {
        for name in ["host", "origin", "content-type", "user-agent", "expect"] {
            let mut client = Client::connect(port);
            client.send(post("{}").header(name, bytes).encode());
            client.try_answer();
        }
        let mut client = Client::connect(port);
        client.send(post("{}").method("GET").path(&format!("/{bytes}")).encode());
        client.try_answer();
    }
    for line in [format!("GET /{HOSTILE} HTTP/1.1\r\n\r\n"), format!("{HOSTILE}\r\n\r\n")] {
        let mut client = Client::connect(port);
        client.send(line);
        client.try_answer();
    }
}

const ANSWERS: usize = 7;

/// Says it in each part of an answer.
fn hostile_answer(number: usize, request: &easyhttp::Value) -> Then {
    let header = json!({"sender_id": "HST222"});
    let pong = json!({"version": HOSTILE, "type": 2, "header": header});
    if request["type"] == 1 && number.is_multiple_of(2) {
        return Then::Write(answer(200, pong));
    }
    Then::Write(match number {
        0 => answer(200, json!({"type": 4, "header": header, "data": HOSTILE})),
        1 => answer(200, json!({"type": 7, "header": header, "data": {"error": HOSTILE}})),
        2 => answer(500, json!({"error": HOSTILE, "message": HOSTILE})),
        3 => answer(404, HOSTILE),
        4 => answer(200, json!({"type": 2, "header": {"sender_id": HOSTILE}})),
        5 => {
            let head = format!("HTTP/1.1 200 {HOSTILE}\r\nX: {HOSTILE}\r\n\r\n");
            return Then::Close(head.into_bytes());
        }
        _ => return Then::Close(HOSTILE.as_bytes().to_vec()),
    })
}

/// Keeps each event as a line.
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    /// What is written while this runs, on one thread that no other test uses.
    fn of(future: impl Future<Output = ()>) -> Vec<String> {
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tracing::subscriber::with_default(Self(Arc::clone(&lines)), || {
            let mut future = pin!(future);
            runtime.block_on(poll_fn(|cx| {
                // Another test may just have found, before there was a subscriber, that
                // nobody wants to hear of something.
                tracing::callsite::rebuild_interest_cache();
                future.as_mut().poll(cx)
            }));
        });
        drop(runtime);
        std::mem::take(&mut *lines.lock().unwrap())
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("easyhttp")
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

/// The fields of an event, as they are.
struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, " {field}={value:?}");
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, " {field}={value}");
    }
}
