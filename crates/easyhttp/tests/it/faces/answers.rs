//! An answer may come in any form that HTTP/1.1 has, in pieces, early or late.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use easyhttp::{Error, json};
use serde_json::value::RawValue;

use super::{Face, device, on_both_faces};
use crate::support::fake_peer::{FakePeer, Seen, Then, answer, pong};
use crate::support::{Gate, PATIENCE, assert_error, id, limits, local, next, quickly};

on_both_faces!(
    an_answer_may_be_chunked,
    an_answer_may_end_with_the_connection,
    an_answer_may_have_words_before_it,
    an_answer_may_come_in_small_pieces,
    an_answer_may_take_its_time,
    a_large_answer_arrives_whole,
    answers_of_all_sizes_follow_each_other,
    what_is_cut_or_framed_twice_is_no_answer,
    a_peer_that_does_not_read_costs_no_more_than_the_time_of_a_call,
    a_peer_may_refuse_before_it_has_read_all,
    a_call_ends_well_while_its_device_is_dropped,
);

const PEER: &str = "PEER22";

/// Longer than a thread waits in one system call.
const SLOW: Duration = Duration::from_millis(120);

fn knowing<F: Face>(at: SocketAddr) -> F {
    let limits = limits(|limits| (limits.call, limits.connect) = (PATIENCE, PATIENCE));
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    asking.add(PEER, at).unwrap();
    asking
}

/// The body of a PONG.
fn pong_body() -> String {
    json!({"type": 2, "header": {"sender_id": PEER}}).to_string()
}

fn chunked() -> Vec<u8> {
    let body = pong_body();
    let (first, second) = body.split_at(7);
    format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         7;a=b\r\n{first}\r\n{:X}\r\n{second}\r\n0\r\nX-Trailer: 1\r\n\r\n",
        second.len()
    )
    .into_bytes()
}

fn an_answer_may_be_chunked<F: Face>() {
    let peer = FakePeer::answering(chunked());
    let asking = knowing::<F>(peer.at);
    for _ in 0..3 {
        asking.ping(PEER).unwrap();
        assert_eq!(next(&peer.seen), Seen::Request(0, json!(1)));
    }
}

fn an_answer_may_end_with_the_connection<F: Face>() {
    let answer = format!("HTTP/1.1 200 OK\r\n\r\n{}", pong_body()).into_bytes();
    let peer = FakePeer::new(move |_| Then::Close(answer.clone()));
    let asking = knowing::<F>(peer.at);
    for connection in 0..3 {
        asking.ping(PEER).unwrap();
        assert_eq!(next(&peer.seen), Seen::Request(connection, json!(1)));
        assert_eq!(next(&peer.seen), Seen::Closed(connection));
    }
}

fn an_answer_may_have_words_before_it<F: Face>() {
    let words = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    let peer = FakePeer::answering([&words[..], &pong(id(PEER))].concat());
    let asking = knowing::<F>(peer.at);
    for _ in 0..3 {
        asking.ping(PEER).unwrap();
        assert_eq!(next(&peer.seen), Seen::Request(0, json!(1)));
    }
}

/// A peer that is given a connection when a PING has been read from it.
fn raw_peer(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(local(0)).unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_nodelay(true).unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"}}") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            serve(stream);
        }
    });
    at
}

fn an_answer_may_come_in_small_pieces<F: Face>() {
    for answer in [pong(id(PEER)), chunked()] {
        let at = raw_peer(move |mut stream| {
            for byte in &answer {
                stream.write_all(&[*byte]).unwrap();
                // Together they take several times as long as a system call may.
                thread::sleep(Duration::from_millis(2));
            }
        });
        knowing::<F>(at).ping(PEER).unwrap();
    }
}

fn an_answer_may_take_its_time<F: Face>() {
    let peer = FakePeer::new(|_| {
        thread::sleep(SLOW);
        Then::Write(pong(id(PEER)))
    });
    let asking = knowing::<F>(peer.at);
    // However often such a call waited, the next one does as well.
    for _ in 0..3 {
        let took = asking.ping(PEER).unwrap();
        assert!(took >= SLOW, "{took:?}");
        assert_eq!(next(&peer.seen), Seen::Request(0, json!(1)));
    }
}

fn a_large_answer_arrives_whole<F: Face>() {
    let text = "Grüße, 世界 ".repeat(40_000);
    let answering = F::start_with(device::<F>().on_fetch({
        let text = text.clone();
        move |fetch| text.repeat(fetch.data.parse().unwrap_or_default())
    }));
    let answering = answering.unwrap();
    let asking = F::start_with(device::<F>()).unwrap();
    asking.meet(&answering);
    for times in [1, 0, 1] {
        let answered: String = asking.fetch_as(answering.id(), times).unwrap();
        assert!(answered == text.repeat(times));
        let reply = asking.send(answering.id(), easyhttp::Command::Fetch, times).unwrap();
        assert_eq!(reply.json.value()["data"], reply.data.value());
        assert!(reply.data.parse::<String>().unwrap() == answered);
    }
}

fn answers_of_all_sizes_follow_each_other<F: Face>() {
    let answer = |letter: &str, count: usize| (letter.repeat(count), vec![count; count / 10]);
    let answering = F::start_with(device::<F>().on_fetch(move |fetch| {
        let (letter, count): (String, usize) = fetch.data.parse().unwrap_or_default();
        answer(&letter, count)
    }));
    let answering = answering.unwrap();
    let asking = F::start_with(device::<F>()).unwrap();
    asking.meet(&answering);
    for (letter, count) in
        [("a", 600_000), ("b", 1), ("c", 60_000), ("d", 200_000), ("e", 0), ("f", 30_000)].repeat(2)
    {
        let answered: (String, Vec<usize>) =
            asking.fetch_as(answering.id(), (letter, count)).unwrap();
        assert!(answered == answer(letter, count), "{letter}");
    }
}

fn what_is_cut_or_framed_twice_is_no_answer<F: Face>() {
    let body = pong_body();
    let length = body.len();
    let chunks = "Transfer-Encoding: chunked\r\n\r\n";
    for (said, is_cut) in [
        (format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n{chunks}{body}"), false),
        (
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Length: 1\r\n\r\n{body}"
            ),
            false,
        ),
        (format!("HTTP/1.1 200 OK\nContent-Length: {length}\n\n{body}"), false),
        (format!("HTTP/1.1 200 OK\r\n{chunks}xyz\r\n{body}"), false),
        (format!("HTTP/1.1 200 OK\r\nX: {}", "x".repeat(100_000)), false),
        (format!("HTTP/1.1 200 OK\r\n{chunks}{length:x}\r\n{body}\r\n"), true),
    ] {
        let shown = said.chars().take(100).collect::<String>();
        let peer = FakePeer::new(move |_| Then::Close(said.clone().into()));
        match knowing::<F>(peer.at).ping(PEER) {
            Err(Error::Interrupted { .. }) if is_cut => {}
            Err(Error::Protocol { .. }) if !is_cut => {}
            other => panic!("{shown:?}: {other:?}"),
        }
    }
}

/// Data of more bytes than the system takes for a peer that does not read.
fn much() -> Box<RawValue> {
    RawValue::from_string(format!("\"{}\"", "x".repeat(16 * 1024 * 1024))).unwrap()
}

fn a_peer_that_does_not_read_costs_no_more_than_the_time_of_a_call<F: Face>() {
    let gate = Gate::default();
    let opened = gate.clone();
    let at = raw_peer(move |mut stream| {
        stream.write_all(&pong(id(PEER))).unwrap();
        gate.wait();
    });
    let limits = limits(|limits| (limits.call, limits.body) = (10 * SLOW, usize::MAX));
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    asking.add(PEER, at).unwrap();
    let much = much();
    asking.ping(PEER).unwrap();
    let pushed = quickly(PATIENCE / 2, || asking.push(PEER, &much));
    assert_error!(pushed, Error::TimedOut { sent: true, .. });
    opened.open();
}

fn a_peer_may_refuse_before_it_has_read_all<F: Face>() {
    let gate = Gate::default();
    let opened = gate.clone();
    let refusal = answer(413, json!({"error": "too large"}));
    let at = raw_peer(move |mut stream| {
        let mut first = [0; 1];
        stream.write_all(&pong(id(PEER))).unwrap();
        stream.read_exact(&mut first).unwrap();
        stream.write_all(&refusal).unwrap();
        gate.wait();
    });
    let limits = limits(|limits| (limits.call, limits.body) = (PATIENCE, usize::MAX));
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    asking.add(PEER, at).unwrap();
    let much = much();
    asking.ping(PEER).unwrap();
    let pushed = quickly(PATIENCE / 2, || asking.push(PEER, &much));
    assert_error!(pushed, Error::TooLarge { limit: None, .. });
    opened.open();
}

fn a_call_ends_well_while_its_device_is_dropped<F: Face>() {
    let (asked, is_asked) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let peer = FakePeer::new(move |_| {
        asked.send(()).unwrap();
        gate.wait();
        Then::Write(pong(id(PEER)))
    });
    let asking = knowing::<F>(peer.at);
    let handle = asking.handle();
    thread::scope(|scope| {
        let ping = scope.spawn(move || handle.ping(PEER));
        next(&is_asked);
        drop(asking);
        opened.open();
        ping.join().unwrap().unwrap();
    });
}
