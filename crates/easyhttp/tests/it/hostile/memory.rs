//! Bodies that are large, or become large.

use easyhttp::{EasyHttp, Error, Value, json};

use super::limited;
use crate::support::http::{Client, Request, command, post};
use crate::support::{Gate, PATIENCE, assert_error, device, eventually, limits, local};

/// A FETCH with a query of so many bytes.
fn large(bytes: usize) -> Request {
    command(3, "x".repeat(bytes))
}

#[test]
fn large_bodies_share_a_budget_and_small_ones_need_none() {
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = limits(|limits| (limits.bodies, limits.handler) = (500_000, PATIENCE));
    let device = device().limits(limits).on_fetch(|_| 1).on_push(move |_| opened.wait());
    let device = device.start().unwrap();
    let port = device.port().unwrap();
    let mut first = Client::connect(port);
    first.send(command(5, "x".repeat(400_000)).encode());
    eventually("the handler runs", || device.stats().handlers_run == 1);
    let mut client = Client::connect(port);
    let answer = client.ask(&large(400_000));
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert!(answer.error().contains("large bodies"), "{answer}");
    assert_eq!(device.stats().bodies_busy, 1);
    // The connection goes on, and a small one is not concerned.
    assert_eq!(client.ask(&large(60_000)).status, 200);
    // The answer gives back what was held.
    gate.open();
    assert_eq!(first.answer().status, 200);
    eventually("there is room again", || client.ask(&large(400_000)).status == 200);
}

#[test]
fn a_connection_that_ends_gives_its_room_back() {
    let (_device, port) = limited(|limits| limits.bodies = 500_000);
    let request = large(300_000).encode();
    for _ in 0..10 {
        Client::connect(port).send(&request[..290_000]);
    }
    eventually("there is room again", || Client::connect(port).ask(&large(200_000)).status == 200);
}

#[test]
fn answers_that_nobody_reads_share_it_too() {
    let limits = limits(|limits| {
        limits.bodies = 1_000_000;
        limits.header_read = PATIENCE;
    });
    let device = device().limits(limits).on_fetch(|_| "x".repeat(900_000)).start().unwrap();
    let port = device.port().unwrap();
    // More than the sockets hold on the way.
    let mut unread = Client::connect(port);
    unread.send(command(3, 1).encode().repeat(30));
    eventually("there is no room for another one", || {
        Client::connect(port).ask(&command(3, 1)).status == 503
    });
    drop(unread);
    eventually("there is room again", || Client::connect(port).ask(&command(3, 1)).status == 200);
}

/// JSON of at most 1 MiB that as a tree of values is a hundred times as large.
fn bombs() -> [String; 4] {
    let list = |item: &str| {
        format!("[{}{item}]", format!("{item},").repeat(1_000_000 / (item.len() + 1) - 2))
    };
    let names: Vec<_> = (0..80_000).map(|number| format!("\"{number}\":0")).collect();
    [list("{\"\":0}"), list("[]"), list("0"), format!("{{{}}}", names.join(","))]
}

#[test]
fn a_bomb_is_null_to_those_who_want_any_value() {
    let answering = device()
        .on_fetch(|fetch| json!([fetch.data.raw().len(), fetch.data.value().is_null()]))
        .start()
        .unwrap();
    let mut client = Client::connect(answering.port().unwrap());
    for bomb in bombs() {
        let answer = client.ask(&post(format!("{{\"type\":3,\"data\":{bomb}}}")));
        assert_eq!(answer.json()["data"], json!([bomb.len(), true]));
    }
}

#[test]
fn a_bomb_as_an_answer_is_an_error_unless_its_type_is_known() {
    let limits = limits(|limits| (limits.handler, limits.call) = (PATIENCE, PATIENCE));
    let asking = device().limits(limits.clone()).start().unwrap();
    let numbers = || vec![0_u8; 400_000];
    let answering: EasyHttp = device().limits(limits).on_fetch(move |_| numbers()).start().unwrap();
    let id = answering.id();
    asking.add(id, local(answering.port().unwrap())).unwrap();
    assert_error!(asking.fetch(id, ()), Error::UnexpectedData { .. });
    assert_error!(asking.fetch_as::<Vec<Value>>(id, ()), Error::UnexpectedData { .. });
    assert_eq!(asking.fetch_as::<Vec<u8>>(id, ()).unwrap(), numbers());
}
