//! Connections that take the places of others.

use std::net::Ipv4Addr;

use easyhttp::json;

use super::{SHORT, limited};
use crate::support::http::{Client, command, ping, post};
use crate::support::{Gate, PATIENCE, device, eventually, limits};

/// 64 addresses that are not where honest ones come from.
fn crowd() -> impl Iterator<Item = Ipv4Addr> {
    (0..64).map(|number| Ipv4Addr::new(127, 0, 1, number))
}

#[test]
fn one_address_takes_the_places_of_itself_alone() {
    let (device, port) = limited(|limits| limits.connections_per_address = 4);
    let mut honest = Client::connect_from(Ipv4Addr::new(127, 0, 0, 2), port);
    let greedy = Ipv4Addr::new(127, 0, 0, 3);
    let _silent: Vec<_> = (0..20).map(|_| Client::connect_from(greedy, port)).collect();
    // That is accepted after all of them.
    Client::connect(port).assert_works(device.id());
    honest.assert_works(device.id());
    let stats = device.stats();
    assert_eq!((stats.address_connections_evicted, stats.connections_evicted), (16, 0));
}

#[test]
fn a_newcomer_is_served_among_connections_of_every_sort() {
    let half_head = b"POST /easyhttp/api HT".to_vec();
    let half_body = post("{\"type\"").header("Content-Length", 100).encode();
    let whole_and_half = [ping().encode(), half_body.clone()].concat();
    for sent in [Vec::new(), half_head, half_body, ping().encode(), whole_and_half] {
        let (device, port) = limited(|limits| {
            limits.connections = 32;
            (limits.header_read, limits.body_read) = (10 * PATIENCE, 10 * PATIENCE);
            limits.idle = 10 * PATIENCE;
        });
        let mut honest = Client::connect(port);
        honest.assert_works(device.id());
        let mut others = Vec::new();
        for address in crowd().chain(crowd()) {
            let mut other = Client::connect_from(address, port);
            other.send(&sent);
            others.push(other);
            if others.len() % 16 == 0 {
                Client::connect(port).assert_works(device.id());
                // One that is used keeps its place.
                honest.assert_works(device.id());
            }
        }
        assert!(device.stats().connections_evicted >= 96, "{:?}", device.stats());
        assert_eq!(device.stats().connections_refused, 0);
    }
}

#[test]
fn what_is_being_answered_keeps_its_place() {
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = limits(|limits| {
        limits.connections = 2;
        limits.handler = PATIENCE;
    });
    let device = device().limits(limits).on_fetch(move |_| opened.wait()).start().unwrap();
    let port = device.port().unwrap();
    let mut asking: Vec<_> = (0..2).map(|_| Client::connect(port)).collect();
    asking.iter_mut().for_each(|client| client.send(command(3, 1).encode()));
    eventually("both are being answered", || device.stats().handlers_run == 2);
    Client::connect(port).assert_closes();
    assert_eq!(device.stats().connections_refused, 1);
    gate.open();
    asking.iter_mut().for_each(|client| assert_eq!(client.answer().status, 200));
}

#[test]
fn each_sort_of_slow_connection_is_closed_and_counted() {
    let (device, port) = limited(|limits| {
        (limits.header_read, limits.body_read, limits.idle) = (SHORT, SHORT, SHORT);
    });
    let half_body = post("{\"type\"").header("Content-Length", 100).encode();
    for sent in [&b""[..], b"POST /easyhttp/api HT", &half_body, &ping().encode()] {
        let mut client = Client::connect(port);
        client.send(sent);
        while client.try_answer().is_some() {}
    }
    let stats = device.stats();
    // The silent one, and the one that asked nothing more.
    assert_eq!(stats.connections_idle, 2, "{stats:?}");
    assert_eq!((stats.headers_too_slow, stats.bodies_too_slow), (1, 1), "{stats:?}");
}

#[test]
fn the_next_head_has_its_time_from_its_first_byte() {
    let (device, port) = limited(|limits| {
        limits.idle = PATIENCE;
        limits.header_read = SHORT;
    });
    let mut client = Client::connect(port);
    client.assert_works(device.id());
    client.send(b"POST /easyhttp/api HT");
    client.assert_closes();
    assert_eq!(device.stats().headers_too_slow, 1);
}

#[test]
fn a_message_that_is_refused_is_counted_and_the_log_does_not_break() {
    let (device, port) = limited(|_| ());
    let mut client = Client::connect(port);
    let answer = client.ask(&post(json!({"type": 1, "header": "\u{1b}[31m\n"}).to_string()));
    assert_eq!(answer.status, 400);
    client.assert_works(device.id());
    assert_eq!(device.stats().messages_malformed, 1);
}

#[test]
fn each_sort_of_slow_connection_that_is_shared_is_closed_and_counted() {
    let slow = || {
        limited(|limits| {
            (limits.header_read, limits.idle) = (SHORT, SHORT);
        })
    };
    let (device, port) = slow();
    let mut client = Client::connect(port);
    client.share();
    client.assert_closes();
    assert_eq!(device.stats().connections_idle, 1);

    let (device, port) = slow();
    let mut client = Client::connect(port);
    client.share();
    let whole = ping().numbered(1);
    client.send([&*whole, &whole[..40]].concat());
    assert_eq!(client.numbered().unwrap().1.status, 200);
    client.assert_closes();
    assert_eq!(device.stats().headers_too_slow, 1);
}

#[test]
fn who_does_not_read_has_no_more_answered_than_sockets_hold() {
    let limits = limits(|limits| limits.header_read = SHORT);
    let device = device().limits(limits).on_fetch(|_| "x".repeat(60_000)).start().unwrap();
    let mut client = Client::connect(device.port().unwrap());
    client.share();
    let asked = command(3, 1).numbered(1).repeat(2000);
    client.send(&asked);
    eventually("it is closed", || device.stats().answers_unread == 1);
    // Two sockets of some megabytes at the most, and what waits at once.
    let answered = device.stats().requests_answered;
    assert!(answered < 500, "{answered} answers of 60 kB");
}
