//! The answers to good requests, and to those that are meant for another
//! device.

use std::sync::mpsc::channel;
use std::time::Duration;

use easyhttp::{HandlerError, PushAnswer, Value, json};

use super::Served;
use crate::support::http::{Answer, command, ping, post};
use crate::support::{Gate, PATIENCE, device, limits, next, quickly};

#[track_caller]
fn header_names(answer: &Answer) -> Vec<&str> {
    let mut names: Vec<_> = answer.headers.iter().map(|(name, _)| &**name).collect();
    names.sort_unstable();
    names
}

#[test]
fn an_answer_is_json_of_a_known_length() {
    let served = Served::new();
    let mut client = served.connect();
    for request in [ping(), command(4, 1), command(5, 1), post("{"), ping().path("/x")] {
        let mut answer = client.ask(&request);
        answer.headers.retain(|(name, _)| name != "easyhttp-memory");
        assert_eq!(header_names(&answer), ["content-length", "content-type", "date"]);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
        answer.json();
    }
}

#[test]
fn a_pong_says_who_is_there_and_nothing_else() {
    let served = Served::new();
    let answer = served.connect().ask(&ping()).json();
    let timestamp = answer["header"]["timestamp"].as_i64().unwrap();
    assert_eq!(
        answer,
        json!({
            "version": "0.4.0",
            "type": 2,
            "header": {
                "sender_id": served.id().as_str(),
                "sender_port": served.device.port(),
                "recipient_id": null,
                "timestamp": timestamp,
            },
        })
    );
}

#[test]
fn a_command_for_another_device_is_refused_and_a_ping_tells_who_is_here() {
    let served = Served::new();
    let mut client = served.connect();
    let to = |number: u8, recipient: &str| {
        let header = json!({"recipient_id": recipient});
        post(json!({"type": number, "header": header}).to_string())
    };
    for number in [2, 3, 4, 5] {
        let answer = served.refuses(&mut client, &to(number, "ZZZZZZ"));
        assert_eq!(answer.status, 421, "{answer}");
        assert_eq!(answer.json()["type"], 7);
        assert_eq!(answer.json()["error"]["code"], "wrong_recipient");
        assert_eq!(answer.json()["header"]["sender_id"], served.id().as_str());
    }
    let answer = client.ask(&to(1, "ZZZZZZ"));
    assert_eq!((answer.status, &answer.json()["type"]), (200, &json!(2)));
    assert_eq!(answer.json()["header"]["sender_id"], served.id().as_str());
    // Our own name is understood in either case.
    let own = served.id().as_str().to_ascii_lowercase();
    assert_eq!(client.ask(&to(5, &own)).status, 200);
}

#[test]
fn a_refusal_and_a_failure_say_why() {
    let device = device()
        .on_push(|_| PushAnswer::refuse("not today"))
        .on_fetch(|_| Err::<(), _>(HandlerError::new("no sensor")))
        .on_data(|_| std::panic::resume_unwind(Box::new("on purpose")))
        .start()
        .unwrap();
    let mut client = crate::support::http::Client::connect(device.port().unwrap());
    for (number, status, code, message) in [
        (5, 200, "refused", "not today"),
        (3, 500, "handler_failed", "no sensor"),
        (4, 500, "handler_failed", "it panicked"),
    ] {
        let answer = client.ask(&command(number, 1));
        assert_eq!((answer.status, &answer.json()["type"]), (status, &json!(7)), "{answer}");
        assert_eq!(answer.json()["error"], json!({"code": code, "message": message}));
    }
    client.assert_works(device.id());
}

#[test]
fn without_handlers_python_devices_get_what_they_expect_and_ours_a_note() {
    let device = device().start().unwrap();
    let mut client = crate::support::http::Client::connect(device.port().unwrap());
    let answer = client.ask(&command(3, 1));
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "fetch_handled"})));
    assert_eq!(answer.header("easyhttp-error"), Some("no_handler"));
    let answer = client.ask(&command(5, 1));
    assert_eq!((answer.status, &answer.json()["type"]), (400, &json!(7)));
    for (number, status) in [(2, "pong_received"), (4, "data_received")] {
        let answer = client.ask(&command(number, Value::Null));
        assert_eq!((answer.status, answer.json()), (200, json!({"status": status})));
    }
}

#[test]
fn a_device_whose_handlers_all_run_says_when_to_come_again() {
    let (asleep, sleeping) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = limits(|limits| {
        limits.handlers = 1;
        limits.handler = PATIENCE;
    });
    let device = device().limits(limits).on_push(move |_| {
        asleep.send(()).unwrap();
        gate.wait();
    });
    let device = device.start().unwrap();
    let connect = || crate::support::http::Client::connect(device.port().unwrap());
    let mut first = connect();
    first.send(command(5, 1).encode());
    next(&sleeping);

    let mut second = connect();
    let answer = quickly(PATIENCE / 2, || second.ask(&command(5, 1)));
    assert_eq!((answer.status, &answer.json()["type"]), (503, &json!(7)));
    assert_eq!(answer.json()["error"]["code"], "busy");
    assert_eq!(answer.header("retry-after"), Some("1"));
    quickly(Duration::from_secs(2), || second.assert_works(device.id()));
    opened.open();
    assert_eq!(first.answer().json()["type"], 6);
}
