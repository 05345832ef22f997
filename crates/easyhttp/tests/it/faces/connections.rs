//! Connections are kept for the next call, and nobody notices when they end.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use easyhttp::{Command, Delivery, Error};
use serde_json::json;

use super::{Face, device, on_both_faces};
use crate::support::fake_peer::{FakePeer, Seen, Then, answer, pong};
use crate::support::{assert_error, id, limits, local, next, own_port};

on_both_faces!(
    calls_to_one_device_share_a_connection,
    a_connection_that_the_peer_closed_is_not_used_again,
    a_connection_that_nobody_uses_is_closed,
    a_connection_whose_answer_did_not_come_is_not_used_again,
    a_kept_connection_that_ends_without_an_answer_costs_a_fetch_nothing,
    a_kept_connection_that_broke_and_no_other_one_are_both_told,
    a_push_that_a_kept_connection_took_is_not_sent_again,
    a_push_does_not_go_to_a_kept_connection_that_has_ended,
    what_comes_behind_an_answer_is_no_answer,
    a_device_that_restarts_at_its_port_is_called_as_before,
    three_hundred_calls_at_once_all_succeed,
);

const PEER: &str = "PEER22";

fn knowing<F: Face>(peer: &FakePeer, client_idle: Duration) -> F {
    let limits = limits(|limits| limits.client_idle = client_idle);
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    asking.add(PEER, peer.at).unwrap();
    asking
}

fn ping_on(connection: usize) -> Seen {
    Seen::Request(connection, json!(1))
}

fn calls_to_one_device_share_a_connection<F: Face>() {
    let peer = FakePeer::ponging(id(PEER));
    let asking = knowing::<F>(&peer, Duration::from_secs(60));
    for _ in 0..20 {
        asking.ping(PEER).unwrap();
        assert_eq!(next(&peer.seen), ping_on(0));
    }
    asking.stop();
    assert_eq!(next(&peer.seen), Seen::Closed(0));
}

fn a_connection_that_the_peer_closed_is_not_used_again<F: Face>() {
    let peer = FakePeer::new(|_| Then::Close(pong(id(PEER))));
    let asking = knowing::<F>(&peer, Duration::from_secs(60));
    for connection in 0..20 {
        asking.ping(PEER).unwrap();
        assert_eq!(next(&peer.seen), ping_on(connection));
        assert_eq!(next(&peer.seen), Seen::Closed(connection));
    }
}

fn a_connection_that_nobody_uses_is_closed<F: Face>() {
    let peer = FakePeer::ponging(id(PEER));
    let asking = knowing::<F>(&peer, Duration::from_millis(50));
    for connection in 0..3 {
        asking.ping(PEER).unwrap();
        assert_eq!(next(&peer.seen), ping_on(connection));
        assert_eq!(next(&peer.seen), Seen::Closed(connection));
    }
}

fn a_connection_whose_answer_did_not_come_is_not_used_again<F: Face>() {
    let peer = FakePeer::new(|_| Then::Wait);
    let asking = F::start_with(device::<F>().timeout(Duration::from_millis(50))).unwrap();
    asking.add(PEER, peer.at).unwrap();
    for connection in 0..3 {
        assert_error!(asking.ping(PEER), Error::TimedOut { .. });
        assert_eq!(next(&peer.seen), ping_on(connection));
        assert_eq!(next(&peer.seen), Seen::Closed(connection));
    }
}

fn a_device_that_restarts_at_its_port_is_called_as_before<F: Face>() {
    let port = own_port();
    let asking = F::start_with(device::<F>()).unwrap();
    for round in 0..20 {
        let answering =
            F::start_with(device::<F>().port(port).id(PEER).on_fetch(move |_| round)).unwrap();
        asking.meet(&answering);
        assert_eq!(asking.fetch(PEER, ()).unwrap(), round);
        answering.stop();
    }
}

/// A peer that answers PINGs, and whatever comes first on a connection, by a PONG. What
/// comes next ends the connection, without an answer.
fn answering_once() -> FakePeer {
    let is_used = AtomicBool::new(false);
    FakePeer::new(move |request| {
        let has_answered = request["type"] != 1 && is_used.swap(true, Ordering::Relaxed);
        let header = json!({"sender_id": PEER});
        match request["type"].as_u64() {
            Some(1) => Then::Write(pong(id(PEER))),
            Some(3) if has_answered => {
                Then::Write(answer(200, json!({"type": 4, "header": header, "data": 7})))
            }
            _ => Then::Close(Vec::new()),
        }
    })
}

fn a_kept_connection_that_ends_without_an_answer_costs_a_fetch_nothing<F: Face>() {
    let peer = answering_once();
    let asking = knowing::<F>(&peer, Duration::from_secs(60));
    asking.ping(PEER).unwrap();
    assert_eq!(asking.fetch(PEER, ()).unwrap(), 7);
    let expected =
        [ping_on(0), Seen::Request(0, json!(3)), Seen::Closed(0), Seen::Request(1, json!(3))];
    assert_eq!([(); 4].map(|()| next(&peer.seen)), expected);
    // The new one is kept.
    asking.ping(PEER).unwrap();
    assert_eq!(next(&peer.seen), ping_on(1));
}

/// The request left on the connection that was kept, so nobody knows what came of it, and
/// the error names both.
fn a_kept_connection_that_broke_and_no_other_one_are_both_told<F: Face>() {
    for command in [Command::Ping, Command::Fetch] {
        let listener = TcpListener::bind(local(0)).unwrap();
        let at = listener.local_addr().unwrap();
        let answering = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            drop(listener);
            let mut buffer = [0; 4096];
            assert_ne!(stream.read(&mut buffer).unwrap(), 0);
            stream.write_all(&pong(id(PEER))).unwrap();
            assert_ne!(stream.read(&mut buffer).unwrap(), 0);
            stream.shutdown(Shutdown::Both).unwrap();
        });
        let asking = F::start_with(device::<F>()).unwrap();
        asking.add(PEER, at).unwrap();
        asking.ping(PEER).unwrap();
        let error = asking.send(PEER, command, ()).unwrap_err();
        answering.join().unwrap();
        assert_eq!(error.delivery(), Delivery::Unknown, "{error}");
        let broke = "broke before it answered: no other one could be made: ";
        assert!(error.to_string().contains(broke), "{error}");
        let Error::Interrupted { source, .. } = error else { panic!("{error:?}") };
        let kind = source.downcast_ref::<io::Error>().map(io::Error::kind);
        assert_eq!(kind, Some(io::ErrorKind::ConnectionRefused));
    }
}

fn a_push_that_a_kept_connection_took_is_not_sent_again<F: Face>() {
    let peer = answering_once();
    let asking = knowing::<F>(&peer, Duration::from_secs(60));
    asking.ping(PEER).unwrap();
    assert_error!(asking.push(PEER, 1), Error::Interrupted { .. });
    let expected = [ping_on(0), Seen::Request(0, json!(5)), Seen::Closed(0)];
    assert_eq!([(); 3].map(|()| next(&peer.seen)), expected);
    asking.ping(PEER).unwrap();
    assert_eq!(next(&peer.seen), ping_on(1));
}

fn a_push_does_not_go_to_a_kept_connection_that_has_ended<F: Face>() {
    let ack = || answer(200, json!({"type": 6, "header": {"sender_id": PEER}}));
    let peer = FakePeer::new(move |request| match request["type"].as_u64() {
        Some(1) => Then::Close(pong(id(PEER))),
        _ => Then::Close(ack()),
    });
    let asking = knowing::<F>(&peer, Duration::from_secs(60));
    asking.ping(PEER).unwrap();
    assert_eq!([(); 2].map(|()| next(&peer.seen)), [ping_on(0), Seen::Closed(0)]);
    for connection in 1..10 {
        asking.push(PEER, 1).unwrap();
        assert_eq!(next(&peer.seen), Seen::Request(connection, json!(5)));
        assert_eq!(next(&peer.seen), Seen::Closed(connection));
    }
}

fn what_comes_behind_an_answer_is_no_answer<F: Face>() {
    // Two answers to one request: the second is another device's.
    let peer = FakePeer::answering([pong(id(PEER)), pong(id("THER22"))].concat());
    let asking = knowing::<F>(&peer, Duration::from_secs(60));
    for connection in 0..5 {
        asking.ping(PEER).unwrap();
        assert_eq!(next(&peer.seen), ping_on(connection));
        assert_eq!(next(&peer.seen), Seen::Closed(connection));
    }
}

/// More than a device has handlers or takes connections.
fn three_hundred_calls_at_once_all_succeed<F: Face>() {
    let asked = F::start_with(device::<F>()).unwrap();
    let asking = F::start_with(device::<F>().timeout(Duration::from_secs(60))).unwrap();
    let asked_id = asked.id();
    asking.meet(&asked);
    // As many as may run meet here, so that those of no others are left over.
    let together = Barrier::new(64);
    let arrived = AtomicUsize::new(0);
    asked.on_fetch(move |fetch| {
        if arrived.fetch_add(1, Ordering::Relaxed) < 64 {
            together.wait();
        }
        fetch.data
    });
    let failed = thread::scope(|scope| {
        let call = |n| {
            let handle = asking.handle();
            scope.spawn(move || (handle.fetch(asked_id, n), n))
        };
        let calls: Vec<_> = (0..300).map(call).collect();
        let done = calls.into_iter().map(|call| call.join().unwrap());
        done.filter(|(got, n)| !got.as_ref().is_ok_and(|got| got == n)).collect::<Vec<_>>()
    });
    assert!(failed.is_empty(), "{} failed, the first: {:?}", failed.len(), failed.first());
}
