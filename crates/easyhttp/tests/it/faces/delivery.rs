//! What is known of a PUSH that was not accepted, from peers that do to it whatever can
//! be done.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use easyhttp::{Command, Delivery, Error, Result, json};

use super::{Face, device, on_both_faces, pair};
use crate::support::black_hole::BlackHole;
use crate::support::fake_peer::{FakePeer, Seen, Then, answer, pong};
use crate::support::{Gate, PATIENCE, assert_error, id, limits, local, own_port, quickly};

on_both_faces!(
    what_fails_before_the_push_leaves_it_unsent,
    what_the_device_answers_is_proof,
    what_is_no_answer_of_the_device_is_none,
    a_handler_that_runs_on_leaves_it_open,
    what_a_device_says_of_its_handler_counts_more_than_silence,
    what_never_connects_was_not_sent_however_little_time_there_is,
    what_was_said_at_one_address_is_not_forgotten_at_the_next,
    a_push_that_cannot_be_sent_says_so,
    a_fetch_that_left_was_sent_although_nobody_is_there_any_more,
    a_ping_that_left_before_the_push_was_no_push,
);

const PEER: &str = "PEER22";

/// What is known of a PUSH to an address.
#[track_caller]
fn delivery<T: std::fmt::Debug>(pushed: Result<T>) -> Delivery {
    pushed.expect_err("it is not accepted").delivery()
}

/// A device that asks the peer, and has this much time for it.
fn asking<F: Face>(peer: &FakePeer, timeout: Duration) -> F {
    let asking = F::start_with(device::<F>().timeout(timeout)).unwrap();
    asking.add(PEER, peer.at).unwrap();
    asking
}

/// A peer that is there, and does this to all but PINGs.
fn peer(then: impl Fn() -> Then + Send + Sync + 'static) -> FakePeer {
    FakePeer::new(move |request| match request["type"].as_u64() {
        Some(1) => Then::Write(pong(id(PEER))),
        _ => then(),
    })
}

/// A message of a device.
fn message(status: u16, number: u8, sender: &str, code: &str) -> Vec<u8> {
    let error = json!({"code": code, "message": "because"});
    answer(status, json!({"type": number, "header": {"sender_id": sender}, "error": error}))
}

/// A peer that answers a PING, and is gone as soon as it has the next request.
fn leaving() -> SocketAddr {
    let listener = TcpListener::bind(local(0)).unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        drop(listener);
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(&pong(id(PEER)));
        let _ = stream.read(&mut request);
    });
    at
}

fn a_fetch_that_left_was_sent_although_nobody_is_there_any_more<F: Face>() {
    let asking = F::start_with(device::<F>()).unwrap();
    asking.add(PEER, leaving()).unwrap();
    let fetched = asking.fetch(PEER, ());
    assert_eq!(delivery(fetched), Delivery::Unknown);
}

fn a_ping_that_left_before_the_push_was_no_push<F: Face>() {
    let (asking, at) = (F::start_with(device::<F>()).unwrap(), leaving());
    asking.add(PEER, at).unwrap();
    asking.ping(PEER).unwrap();
    // It is asked who it is once more.
    asking.remove(PEER).unwrap();
    asking.add(PEER, at).unwrap();
    match asking.push(PEER, 1) {
        Err(Error::Unreachable { source, .. }) => {
            assert_eq!(source.kind(), ErrorKind::ConnectionRefused);
        }
        other => panic!("{other:?}"),
    }
    // Nobody is there, so it is of no use to send it again.
    assert_eq!(asking.stats().pushes_sent_again, 0);
}

fn push_to<F: Face>(said: Vec<u8>) -> Result<()> {
    let peer = peer(move || Then::Write(said.clone()));
    asking::<F>(&peer, PATIENCE).push(PEER, 1)
}

fn what_fails_before_the_push_leaves_it_unsent<F: Face>() {
    let always: [fn() -> Then; 8] = [
        || Then::Wait,
        || Then::Close(Vec::new()),
        || Then::Close(b"HTTP/1.1 200 OK\r\n".to_vec()),
        || Then::Write(answer(200, "<html>")),
        || Then::Write(answer(404, "<html>")),
        || Then::Write(message(421, 7, "THER22", "wrong_recipient")),
        || Then::Write(pong(id("THER22"))),
        || Then::Write(answer(200, "x".repeat(2_000_000))),
    ];
    for then in always {
        let peer = FakePeer::new(move |_| then());
        let pushed = asking::<F>(&peer, Duration::from_millis(500)).push(PEER, 1);
        assert_eq!(pushed.as_ref().unwrap_err().delivery(), Delivery::NotSent, "{pushed:?}");
        let commands = peer.seen.try_iter().filter_map(|seen| match seen {
            Seen::Request(_, command) => Some(command),
            Seen::Closed(_) => None,
        });
        assert!(commands.into_iter().all(|command| command == 1));
    }
}

fn what_the_device_answers_is_proof<F: Face>() {
    for said in [
        message(200, 7, PEER, "refused"),
        message(400, 7, PEER, "no_handler"),
        message(403, 7, PEER, "x"),
        message(413, 7, PEER, "x"),
        message(500, 7, PEER, "handler_failed"),
        message(503, 7, PEER, "busy"),
        message(421, 7, "THER22", "wrong_recipient"),
        answer(403, json!({"error": "not from here"})),
        answer(413, ""),
        answer(500, "Internal Server Error"),
        answer(503, ""),
    ] {
        let shown = String::from_utf8_lossy(&said).into_owned();
        assert_eq!(delivery(push_to::<F>(said)), Delivery::Refused, "{shown}");
    }
}

fn what_is_no_answer_of_the_device_is_none<F: Face>() {
    for said in [
        answer(200, "<html>"),
        answer(200, json!({"status": "push_received"})),
        answer(204, ""),
        answer(502, "Bad Gateway"),
        answer(504, ""),
        answer(200, "x".repeat(2_000_000)),
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec(),
        message(500, 7, PEER, "handler_timed_out"),
        pong(id(PEER)),
        // It has done what the other one was asked, as devices of Python do.
        message(200, 6, "THER22", ""),
        message(500, 7, "THER22", "handler_failed"),
    ] {
        let shown = String::from_utf8_lossy(&said[..60.min(said.len())]).into_owned();
        assert_eq!(delivery(push_to::<F>(said)), Delivery::Unknown, "{shown}");
    }
    for said in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"] {
        let closing = peer(move || Then::Close(said.into()));
        let pushed = asking::<F>(&closing, PATIENCE).push(PEER, 1);
        assert_eq!(delivery(pushed), Delivery::Unknown, "{said}");
    }
    let waiting = peer(|| Then::Wait);
    let pushed = asking::<F>(&waiting, Duration::from_millis(200)).push(PEER, 1);
    assert_eq!(delivery(pushed), Delivery::Unknown);
}

fn a_handler_that_runs_on_leaves_it_open<F: Face>() {
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = limits(|limits| limits.handler = Duration::from_millis(50));
    let (asking, answering) = pair::<F>(device::<F>().limits(limits).on_push(move |_| gate.wait()));
    let pushed = asking.push(answering.id(), 1);
    assert_eq!(pushed.as_ref().unwrap_err().delivery(), Delivery::Unknown);
    assert_error!(pushed, Error::HandlerFailed { runs_on: true, .. });
    opened.open();
    answering.on_push(|_| -> bool { std::panic::resume_unwind(Box::new("on purpose")) });
    let pushed = asking.push(answering.id(), 1);
    assert_eq!(pushed.as_ref().unwrap_err().delivery(), Delivery::Refused);
    assert_error!(pushed, Error::HandlerFailed { runs_on: false, .. });
}

fn what_a_device_says_of_its_handler_counts_more_than_silence<F: Face>() {
    let gate = Gate::default();
    let opened = gate.clone();
    // It says so after the push was sent again: that one is not answered in time.
    let limits = limits(|limits| limits.handler = Duration::from_millis(1800));
    let (asking, answering) = pair::<F>(device::<F>().limits(limits).on_push(move |_| gate.wait()));
    let pushed = asking.push(answering.id(), 1);
    assert!(asking.stats().pushes_sent_again > 0);
    assert_eq!(pushed.as_ref().unwrap_err().delivery(), Delivery::Unknown);
    assert_error!(pushed, Error::HandlerFailed { runs_on: true, .. });
    opened.open();
}

fn what_never_connects_was_not_sent_however_little_time_there_is<F: Face>() {
    let hole = BlackHole::new();
    // The time for the call is over before the one for the connection.
    let limits = limits(|limits| {
        (limits.call, limits.connect) = (Duration::from_millis(200), PATIENCE);
    });
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    asking.add(PEER, hole.at).unwrap();
    for called in [asking.push(PEER, 1), asking.ping(PEER).map(|_| ())] {
        assert_eq!(called.as_ref().unwrap_err().delivery(), Delivery::NotSent);
        assert_error!(called, Error::TimedOut { sent: false, .. });
    }
}

fn what_was_said_at_one_address_is_not_forgotten_at_the_next<F: Face>() {
    for (said, expected) in [
        (message(421, 7, "THER22", "wrong_recipient"), Delivery::Refused),
        (message(200, 6, "THER22", ""), Delivery::Unknown),
    ] {
        let first = peer(move || Then::Write(said.clone()));
        let asking = F::start_with(device::<F>()).unwrap();
        // Nobody is at the other address.
        asking.add(PEER, local(own_port())).unwrap();
        asking.add(PEER, first.at).unwrap();
        asking.ping(PEER).unwrap();
        let pushed = asking.push(PEER, 1);
        assert_eq!(pushed.as_ref().unwrap_err().delivery(), expected);
        assert_error!(pushed, Error::WrongDevice { found: Some(_), .. });
    }
}

fn a_push_that_cannot_be_sent_says_so<F: Face>() {
    let was_sent = Arc::new(AtomicBool::new(false));
    let sent = Arc::clone(&was_sent);
    let (asking, answering) =
        pair::<F>(device::<F>().on_push(move |_| sent.store(true, Ordering::Relaxed)));
    let to = answering.id();
    let closed = id("CLSD22");
    asking.add(closed, local(own_port())).unwrap();
    quickly(PATIENCE, || {
        assert_eq!(delivery(asking.push("NEVER2", 1)), Delivery::NotSent);
        assert_eq!(delivery(asking.push(closed, 1)), Delivery::NotSent);
        assert_eq!(delivery(asking.push("no id", 1)), Delivery::NotSent);
        assert_eq!(delivery(asking.push(asking.id(), 1)), Delivery::NotSent);
        assert_eq!(delivery(asking.push(to, "x".repeat(2_000_000))), Delivery::NotSent);
        assert_eq!(delivery(asking.send(to, Command::Ack, ())), Delivery::NotSent);
    });
    asking.stop();
    assert_eq!(delivery(asking.push(to, 1)), Delivery::NotSent);
    assert!(!was_sent.load(Ordering::Relaxed));
}
