//! A connection that many requests share, as those see it who speak to it without our client.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use easyhttp::{EasyHttp, NetworkKey, json};

use super::Served;
use crate::support::http::{Client, Request, command, ping, post, share};
use crate::support::{Gate, PATIENCE, device, eventually, limits};

/// A device that answers at once what it is asked, but to "wait" once the gate is open.
fn gated(gate: &Gate) -> EasyHttp {
    let gate = gate.clone();
    let limits = limits(|limits| limits.handler = PATIENCE);
    let device = device().limits(limits).on_fetch(move |fetch| {
        if fetch.data.raw() == "\"wait\"" {
            gate.wait();
        }
        fetch.data
    });
    device.start().unwrap()
}

fn sharing(port: u16) -> Client {
    let mut client = Client::connect(port);
    client.share();
    client
}

#[test]
fn answers_come_as_they_are_ready_each_with_the_number_of_its_request() {
    let gate = Gate::default();
    let device = gated(&gate);
    let mut client = sharing(device.port().unwrap());
    client.send(command(3, "wait").numbered(7));
    for (number, data) in [(0xabcdef01, "first"), (0, "second")] {
        client.send(command(3, data).numbered(number));
        let (answered, answer) = client.numbered().unwrap();
        assert_eq!((answered, answer.status), (number, 200));
        assert_eq!(answer.json()["data"], data);
    }
    gate.open();
    let (answered, answer) = client.numbered().unwrap();
    assert_eq!((answered, &answer.json()["data"]), (7, &json!("wait")));
    let stats = device.stats();
    assert_eq!((stats.connections_shared, stats.requests_answered), (1, 4));
}

#[test]
fn requests_may_arrive_in_any_pieces() {
    let device = gated(&Gate::default());
    let mut client = sharing(device.port().unwrap());
    let asked: Vec<u8> = (0..40).flat_map(|number| command(3, number).numbered(number)).collect();
    for size in [1, 7, 1000, asked.len()] {
        asked.chunks(size).for_each(|piece| client.send(piece));
        let mut answered = BTreeSet::new();
        for _ in 0..40 {
            let (number, answer) = client.numbered().unwrap();
            assert_eq!(answer.json()["data"], json!(number));
            answered.insert(number);
        }
        assert!(answered.into_iter().eq(0..40));
    }
}

#[test]
fn more_requests_than_a_device_runs_handlers_for_are_all_answered() {
    let gate = Gate::default();
    let device = gated(&gate);
    let mut client = sharing(device.port().unwrap());
    // Each on a connection of its own, all handlers run.
    let mut others: Vec<_> = (0..60).map(|_| Client::connect(device.port().unwrap())).collect();
    others.iter_mut().for_each(|other| other.send(command(3, "wait").encode()));
    eventually("they run", || device.stats().handlers_run == 60);
    (0..200).for_each(|number| client.send(command(3, "wait").numbered(number)));
    let mut statuses = BTreeMap::new();
    for answered in 0..200 {
        if answered == 196 {
            gate.open();
        }
        let (number, answer) = client.numbered().unwrap();
        assert!(statuses.insert(number, answer.status).is_none(), "{number} is answered twice");
    }
    let count = |status| statuses.values().filter(|other| **other == status).count();
    assert_eq!((count(200), count(503)), (4, 196));
}

#[test]
fn a_request_that_is_refused_is_one_of_many() {
    let served = Served::new();
    let mut client = sharing(served.device.port().unwrap());
    let refused = [
        (post("no json"), 400),
        (ping().without("Content-Type"), 415),
        (ping().header("Origin", "http://evil.example"), 403),
        (ping().with("Host", "evil.example"), 403),
        (ping().path("/elsewhere"), 404),
        (ping().method("GET"), 405),
        (share(), 400),
        (ping().method("GET").path("/easyhttp/stats"), 400),
    ];
    for (number, (request, status)) in (1..).zip(refused) {
        client.send(request.numbered(number));
        client.send(ping().numbered(0));
        let (answered, answer) = client.numbered().unwrap();
        assert_eq!((answered, answer.status), (number, status), "{request:?}: {answer}");
        assert_eq!(client.numbered().unwrap().1.status, 200, "{request:?}");
        assert_eq!(served.ran.recv(), Ok("ping"));
    }
    assert_eq!(served.ran.try_iter().next(), None);
}

#[test]
fn what_is_no_request_ends_the_connection_after_the_answers_before_it() {
    for (sent, status) in [
        ("hello, hello, hello".into(), None),
        ("0000002A\r\n".into(), None),
        ([b"00000007\r\n".to_vec(), b"no HTTP\r\n\r\n".to_vec()].concat(), Some(400)),
        (post("x".repeat(70_000)).numbered(7), Some(413)),
        (ping().header("Content-Length", 3).numbered(7), Some(400)),
    ] {
        let sent: Vec<u8> = sent;
        let device = gated(&Gate::default());
        let mut client = sharing(device.port().unwrap());
        client.send(command(3, "before").numbered(1));
        client.send(&sent);
        client.send(command(3, "behind").numbered(2));
        let shown = String::from_utf8_lossy(&sent[..sent.len().min(40)]);
        let answers: BTreeMap<_, _> = iter::from_fn(|| client.numbered()).collect();
        assert_eq!(answers[&1].json()["data"], "before", "{shown}");
        assert_eq!(answers.get(&7).map(|answer| answer.status), status, "{shown}");
        assert_eq!(device.stats().handlers_run, 1, "{shown}");
    }
}

#[test]
fn only_a_device_that_asks_for_it_gets_a_shared_connection() {
    let served = Served::new();
    let mut client = served.connect();
    let asked = |request: Request, status| {
        let answer = served.refuses(&mut served.connect(), &request);
        assert_eq!(answer.status, status, "{answer}");
        answer
    };
    let answer = asked(share().without("Upgrade"), 426);
    assert_eq!(answer.header("upgrade"), Some("easyhttp-shared"));
    asked(share().with("Upgrade", "websocket"), 426);
    asked(share().method("POST").header("Content-Type", "application/json"), 405);
    // A page cannot set an Upgrade of this kind, and would be seen by this.
    asked(share().header("Origin", "http://evil.example"), 403);
    asked(share().with("Host", "evil.example"), 403);
    client.assert_works(served.id());
    assert_eq!(served.device.stats().connections_shared, 0);
}

#[test]
fn a_device_with_a_network_key_shares_no_connection() {
    let device = device().network_key(NetworkKey::from_entropy([1; 16])).start().unwrap();
    let answer = Client::connect(device.port().unwrap()).ask(&share());
    assert_eq!(answer.status, 404, "{answer}");
}

#[test]
fn a_device_that_stops_answers_what_it_was_asked() {
    let gate = Gate::default();
    let device = gated(&gate);
    let mut client = sharing(device.port().unwrap());
    (0..5).for_each(|number| client.send(command(3, "wait").numbered(number)));
    eventually("their handlers run", || device.stats().handlers_run == 5);
    let stopping = std::thread::spawn(move || device.stop());
    gate.open();
    let mut numbers: Vec<_> = (0..5).map(|_| client.numbered().unwrap().0).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, [0, 1, 2, 3, 4]);
    client.assert_closes();
    stopping.join().unwrap();
}
