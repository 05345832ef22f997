//! A Python device asks a Rust one.

use std::sync::mpsc;
use std::time::Duration;

use easyhttp::{EasyHttpAsync, HandlerError, PushAnswer, Request, Source, Value, json};

use super::program::Python;
use super::{device, start};
use crate::support::next;

const DATA: u8 = 4;
const PUSH: u8 = 5;
const ACK: u8 = 6;
const NACK: u8 = 7;

#[test]
fn a_ping_is_answered_and_makes_us_know_python() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    python.add(&easy);
    assert_eq!(python.call("ping", json!([easy.id()])), true);
    let [peer] = &easy.devices()[..] else { panic!("{:?}", easy.devices()) };
    assert_eq!((peer.id, peer.address()), (python.id, Some(python.address())));
    assert_eq!(peer.source, Source::Learned);
    // Known, so it can be asked.
    easy.ping(python.id).unwrap();
}

#[test]
fn a_fetch_gives_the_query_to_the_handler_and_the_data_to_python() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    python.add(&easy);
    easy.on_fetch(|fetch| json!({"asked": fetch.data, "by": fetch.sender}));
    for query in [json!({"sensor": "temperature", "unit": "°C"}), json!(["a"]), json!("b")] {
        let answer = python.fetch(easy.id(), query.clone());
        assert_eq!(answer["data"], json!({"asked": query, "by": python.id}));
        assert_eq!(answer["type"], DATA);
        assert_eq!(answer["header"]["sender_id"], *easy.id().as_str());
        assert_eq!(answer["header"]["sender_port"], easy.port().unwrap());
        assert_eq!(answer["header"]["recipient_id"], *python.id.as_str());
        assert!(answer["header"]["timestamp"].is_i64(), "{answer}");
    }
    let answer = python.fetch(easy.id(), ());
    assert_eq!(answer["data"]["asked"], Value::Null);
}

#[test]
fn falsy_data_arrives_as_data() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    python.add(&easy);
    for value in [json!(0), json!(0.0), json!(false), json!(""), json!([]), json!({})] {
        easy.on_fetch({
            let value = value.clone();
            move |_| value.clone()
        });
        let answer = python.fetch(easy.id(), ());
        assert_eq!((&answer["type"], &answer["data"]), (&json!(DATA), &value));
    }
}

#[test]
fn a_fetch_without_a_handler_or_without_data_is_only_handled() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    python.add(&easy);
    assert_eq!(python.fetch(easy.id(), ()), json!({"status": "fetch_handled"}));
    easy.on_fetch(|_| ());
    assert_eq!(python.fetch(easy.id(), ()), json!({"status": "fetch_handled"}));
}

#[test]
fn a_handler_that_fails_gives_python_none() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    python.add(&easy);
    easy.on_fetch(|_| Err::<(), _>(HandlerError::new("the sensor is not there")));
    assert_eq!(python.fetch(easy.id(), ()), Value::Null);
    easy.on_push(|_| -> bool { panic!("as a test") });
    assert_eq!(python.send(easy.id(), PUSH, "x"), Value::Null);
    assert_eq!(python.call("ping", json!([easy.id()])), true);
}

#[test]
fn data_and_pong_reach_their_handlers() {
    let Some(python) = Python::start() else { return };
    let (heard, events) = mpsc::channel();
    let easy = start();
    easy.on_data(sends_to(&heard));
    easy.on_pong(sends_to(&heard));
    python.add(&easy);
    let data = json!({"nested": [1, {"a": null}], "text": "°C"});
    assert_eq!(python.send(easy.id(), DATA, data.clone()), json!({"status": "data_received"}));
    let event = next(&events);
    assert_eq!((event.sender, event.data.value()), (Some(python.id), data));
    assert!(event.timestamp.is_some());
    assert_eq!(python.send(easy.id(), 2, ()), json!({"status": "pong_received"}));
    assert_eq!(next(&events).sender, Some(python.id));
}

#[test]
fn a_push_is_accepted_or_refused_as_the_handler_says() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    easy.on_push(|push| match push.data.value()["state"].as_str() {
        Some("on" | "off") => PushAnswer::Accepted,
        Some(_) => PushAnswer::refuse("state must be on or off"),
        None => PushAnswer::Refused(None),
    });
    python.add(&easy);
    let push = |data| python.send(easy.id(), PUSH, data);
    assert_eq!(push(json!({"state": "on"}))["type"], ACK);
    let refused = push(json!({"state": "blue"}));
    assert_eq!(refused["type"], NACK);
    let reason = json!({"code": "refused", "message": "state must be on or off"});
    assert_eq!(refused["error"], reason);
    let refused = push(json!({"state": 1}));
    assert_eq!((&refused["type"], refused.get("error")), (&json!(NACK), None));
}

#[test]
fn a_push_without_a_handler_gives_python_none() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    python.add(&easy);
    assert_eq!(python.send(easy.id(), PUSH, "x"), Value::Null);
}

#[test]
fn what_cannot_be_asked_gives_python_none() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    python.add(&easy);
    for number in [0, 6, 7, 8, 9, 10] {
        assert_eq!(python.send(easy.id(), number, "x"), Value::Null, "{number}");
    }
}

/// What is wrong with the package's own `push` is not ours to repair, but it
/// must not do anything either.
#[test]
fn the_push_of_the_python_package_sends_nothing() {
    let Some(python) = Python::start() else { return };
    let (heard, events) = mpsc::channel();
    let easy = start();
    easy.on_push(sends_to(&heard));
    python.add(&easy);
    assert_eq!(python.call("push", json!([easy.id(), {"command": "led"}])), false);
    python.send(easy.id(), PUSH, "after");
    assert_eq!(next(&events).data.value(), "after");
}

#[test]
fn a_command_for_another_device_does_not_reach_the_handler() {
    let Some(python) = Python::start() else { return };
    let (heard, events) = mpsc::channel();
    let easy = start();
    easy.on_push(sends_to(&heard));
    python.call("add", json!(["ABC123", "127.0.0.1", easy.port()]));
    assert_eq!(python.call("send", json!(["ABC123", PUSH, "x"])), Value::Null);
    python.add(&easy);
    python.send(easy.id(), PUSH, "after");
    assert_eq!(next(&events).data.value(), "after");
}

#[test]
fn a_device_that_has_stopped_is_offline_for_python() {
    let Some(python) = Python::start() else { return };
    let easy = start();
    python.add(&easy);
    assert_eq!(python.call("ping", json!([easy.id()])), true);
    easy.stop();
    assert_eq!(python.call("ping", json!([easy.id()])), false);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn async_handlers_answer_python() {
    let Some(python) = Python::start() else { return };
    let easy = device(EasyHttpAsync::builder())
        .on_fetch_async(|fetch| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            fetch.data
        })
        .on_push_async(|push| async move { push.data.value() == "yes" })
        .start()
        .await
        .unwrap();
    python.call("add", json!([easy.id(), "127.0.0.1", easy.port()]));
    assert_eq!(python.fetch(easy.id(), "echo")["data"], "echo");
    assert_eq!(python.send(easy.id(), PUSH, "yes")["type"], ACK);
    assert_eq!(python.send(easy.id(), PUSH, "no")["type"], NACK);
}

fn sends_to(channel: &mpsc::Sender<Request>) -> impl Fn(Request) + Send + Sync + 'static {
    let channel = channel.clone();
    move |request| channel.send(request).unwrap()
}
