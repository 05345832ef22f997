//! Connections are kept for the next call, and nobody notices when they end.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use easyhttp::Error;
use serde_json::json;

use super::{Face, device, on_both_faces};
use crate::support::fake_peer::{FakePeer, Seen, Then, pong};
use crate::support::{assert_error, id, limits, next, own_port};

on_both_faces!(
    calls_to_one_device_share_a_connection,
    a_connection_that_the_peer_closed_is_not_used_again,
    a_connection_that_nobody_uses_is_closed,
    a_connection_whose_answer_did_not_come_is_not_used_again,
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
