//! A Rust device asks a Python one.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use easyhttp::{Command, DeviceId, EasyHttp, Error, Reply, Result, Source, Value, json};

use super::program::Python;
use super::{device, start};
use crate::faces::{Asynchronous, Blocking, Face};
use crate::support::{assert_error, next};

#[test]
fn a_ping_is_answered_and_makes_python_know_us() {
    let Some(python) = Python::start() else { return };
    python.returns("on_ping", ());
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        easy.ping(python.id).unwrap();
        assert_eq!(python.next_call_of("on_ping")["sender_id"], *easy.id().as_str());
        assert_eq!(python.address_of(easy.id()).unwrap().port(), easy.port());
    });
}

#[test]
fn a_fetch_gives_what_the_callback_returned() {
    let Some(python) = Python::start() else { return };
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        for value in [
            json!({"temperature": 23.5, "humidity": 45}),
            json!([1, "two", null, [3.0]]),
            json!("warm – 23 °C, \"quoted\"\n"),
            json!({"a": {"b": [{"c": {}}, [[]], 0, false, "", null]}}),
            json!(23.5),
            json!(true),
        ] {
            python.returns("on_fetch", value.clone());
            assert_eq!(easy.fetch(python.id, Value::Null).unwrap(), value);
        }
    });
}

#[test]
fn a_query_reaches_the_callback_whether_falsy_or_not() {
    let Some(python) = Python::start() else { return };
    python.returns("on_fetch", "data");
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        for query in [
            json!({"sensor": "temperature", "unit": "°C"}),
            json!("temperature"),
            json!(0),
            json!(false),
            json!(""),
            json!([]),
            json!(null),
        ] {
            easy.fetch(python.id, query.clone()).unwrap();
            let call = python.next_call_of("on_fetch");
            assert_eq!(call["query"], query);
            assert_eq!(call["sender_id"], *easy.id().as_str());
        }
    });
}

#[test]
fn a_fetch_gives_null_where_python_has_nothing_to_say() {
    let Some(python) = Python::start() else { return };
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        assert_eq!(easy.fetch(python.id, Value::Null).unwrap(), Value::Null);
    });
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        for value in [json!(null), json!(0), json!(false), json!(""), json!([]), json!({})] {
            python.returns("on_fetch", value);
            assert_eq!(easy.fetch(python.id, Value::Null).unwrap(), Value::Null);
        }
        let reply = easy.send(python.id, Command::Fetch, Value::Null).unwrap();
        assert_eq!(reply.command, None);
        assert_eq!(reply.json.value(), json!({"status": "fetch_handled"}));
    });
}

#[test]
fn data_and_pong_reach_their_callbacks() {
    let Some(python) = Python::start() else { return };
    python.returns("on_data", ());
    python.returns("on_pong", ());
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        for data in [json!({"state": [1, 2]}), json!("text"), json!(0), json!(null)] {
            let reply = easy.send(python.id, Command::Data, data.clone()).unwrap();
            assert_eq!(reply.json.value(), json!({"status": "data_received"}));
            assert_eq!(python.next_call_of("on_data")["data"], data);
        }
        let reply = easy.send(python.id, Command::Pong, Value::Null).unwrap();
        assert_eq!(reply.json.value(), json!({"status": "pong_received"}));
        assert_eq!(python.next_call_of("on_pong")["sender_id"], *easy.id().as_str());
    });
}

#[test]
fn a_push_is_accepted_or_refused_as_the_callback_says() {
    let Some(python) = Python::start() else { return };
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        let data = json!({"command": "led", "state": "on"});
        python.returns("on_push", true);
        easy.push(python.id, data.clone()).unwrap();
        assert_eq!(python.next_call_of("on_push")["data"], data);

        python.returns("on_push", false);
        assert_error!(easy.push(python.id, data), Error::Refused { id, reason: None } if id == python.id);
    });
}

#[test]
fn a_push_without_a_callback_has_no_handler() {
    let Some(python) = Python::start() else { return };
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        let push = easy.push(python.id, json!("x"));
        assert_error!(push, Error::NoHandler { id } if id == python.id);
    });
}

#[test]
fn a_callback_that_raises_is_a_handler_that_failed() {
    let Some(python) = Python::start() else { return };
    python.raises("on_push");
    python.raises("on_fetch");
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        let fetch = easy.fetch(python.id, Value::Null);
        assert_error!(fetch, Error::HandlerFailed { id, .. } if id == python.id);
        let push = easy.push(python.id, json!("x"));
        assert_error!(push, Error::HandlerFailed { id, .. } if id == python.id);
        // The device is still there.
        easy.ping(python.id).unwrap();
    });
}

/// `def handle_ping(sender_id)`, as the package's own examples have it, is
/// called with more arguments than it takes.
#[test]
fn a_device_whose_on_ping_raises_still_answers_the_rest() {
    let Some(python) = Python::start() else { return };
    python.raises("on_ping");
    python.returns("on_fetch", "data");
    python.returns("on_push", true);
    on_both_faces(|easy| {
        easy.add(python.id, python.address());
        assert_error!(easy.ping(python.id), Error::HandlerFailed { .. });
        assert_eq!(easy.fetch(python.id, Value::Null).unwrap(), "data");
        easy.push(python.id, json!("x")).unwrap();
    });
}

#[test]
fn answers_reach_our_own_handlers_for_pong_and_data() {
    let Some(python) = Python::start() else { return };
    python.returns("on_fetch", "data");
    let (heard, events) = mpsc::channel();
    let easy = device(EasyHttp::builder())
        .on_pong({
            let heard = heard.clone();
            move |pong| heard.send((pong.sender, pong.data.value())).unwrap()
        })
        .on_data(move |data| heard.send((data.sender, data.data.value())).unwrap())
        .start()
        .unwrap();
    easy.add(python.id, python.address()).unwrap();
    easy.ping(python.id).unwrap();
    assert_eq!(next(&events), (Some(python.id), Value::Null));
    easy.fetch(python.id, ()).unwrap();
    assert_eq!(next(&events), (Some(python.id), json!("data")));
}

#[test]
fn a_port_where_nobody_listens_is_unreachable() {
    let Some(python) = Python::start() else { return };
    let (id, address) = (python.id, python.address());
    python.kill();
    on_both_faces(|easy| {
        easy.add(id, address);
        assert_error!(easy.ping(id), Error::Unreachable { address: at, .. } if at == address);
    });
}

#[test]
fn a_command_for_another_device_does_not_reach_the_callback() {
    let Some(python) = Python::start() else { return };
    python.returns("on_push", true);
    let other: DeviceId = "ABC123".parse().unwrap();
    on_both_faces(|easy| {
        easy.add(other, python.address());
        let push = easy.push(other, json!("x"));
        assert_error!(push, Error::WrongDevice { found: Some(id), .. } if id == python.id);
    });
    assert!(python.calls_of("on_push").is_empty());
}

#[test]
fn a_call_after_python_closed_the_kept_connection_works() {
    let Some(mut python) = Python::start() else { return };
    let easy = start();
    easy.add(python.id, python.address()).unwrap();
    easy.ping(python.id).unwrap();
    python.restart();
    python.returns("on_push", true);
    easy.push(python.id, "x").unwrap();
    assert_eq!(python.calls_of("on_push").len(), 1);
}

#[test]
fn the_blocking_python_device_is_deaf_between_its_calls() {
    let Some(python) = Python::start_sync() else { return };
    let patience = Duration::from_millis(300);
    let easy = device(EasyHttp::builder()).timeout(patience).start().unwrap();
    easy.add(python.id, python.address()).unwrap();
    let ping = easy.ping(python.id);
    assert_error!(ping, Error::TimedOut { sent: true, after, .. } if after == patience);
}

#[test]
fn the_blocking_python_device_answers_inside_its_calls() {
    let Some(python) = Python::start_sync() else { return };
    let easy = start();
    let device = easy.handle();
    let asker = python.id;
    easy.on_fetch(move |_| device.ping(asker).is_ok());
    python.add(&easy);
    assert_eq!(python.fetch(easy.id(), ())["data"], true);
    assert_eq!(easy.devices()[0].source, Source::Learned);
}

#[test]
fn a_device_keeps_its_id_when_it_moves_from_python_to_rust() {
    let Some(python) = Python::start() else { return };
    let easy =
        EasyHttp::builder().config_file(python.config_file()).port(0).discovery(false).start();
    assert_eq!(easy.unwrap().id(), python.id);
}

/// What these tests ask of a device, on whichever face.
trait Asker {
    fn id(&self) -> DeviceId;
    fn port(&self) -> u16;
    fn add(&self, id: DeviceId, address: SocketAddr);
    fn ping(&self, id: DeviceId) -> Result<Duration>;
    fn fetch(&self, id: DeviceId, query: Value) -> Result<Value>;
    fn push(&self, id: DeviceId, data: Value) -> Result<()>;
    fn send(&self, id: DeviceId, command: Command, data: Value) -> Result<Reply>;
}

impl<F: Face> Asker for F {
    fn id(&self) -> DeviceId {
        Face::id(self)
    }
    fn port(&self) -> u16 {
        Face::port(self).unwrap()
    }
    fn add(&self, id: DeviceId, address: SocketAddr) {
        Face::add(self, id, address).unwrap();
    }
    fn ping(&self, id: DeviceId) -> Result<Duration> {
        Face::ping(self, id)
    }
    fn fetch(&self, id: DeviceId, query: Value) -> Result<Value> {
        Face::fetch(self, id, query)
    }
    fn push(&self, id: DeviceId, data: Value) -> Result<()> {
        Face::push(self, id, data)
    }
    fn send(&self, id: DeviceId, command: Command, data: Value) -> Result<Reply> {
        Face::send(self, id, command, data)
    }
}

/// One Python device serves both: starting it takes most of a test's time.
fn on_both_faces(test: impl Fn(&dyn Asker)) {
    test(&Blocking::start_with(device(Blocking::builder())).unwrap());
    test(&Asynchronous::start_with(device(Asynchronous::builder())).unwrap());
}
