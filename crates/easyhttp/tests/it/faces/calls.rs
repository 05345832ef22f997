//! PING, FETCH, PUSH and the rest: what is asked arrives, what is answered
//! comes back.

use std::sync::mpsc::channel;
use std::time::Duration;

use easyhttp::{Command, Error, HandlerError, PushAnswer, Value, json};
use serde::{Deserialize, Serialize};

use super::{Face, device, on_both_faces, pair};
use crate::support::{assert_error, assert_names, local, next};

on_both_faces!(
    a_ping_gives_the_round_trip,
    a_fetch_brings_what_the_handler_returned,
    a_fetch_as_gives_a_type_of_the_caller,
    data_that_does_not_fit_the_type_is_an_error_that_says_where,
    what_python_calls_false_arrives_as_it_is,
    nothing_arrives_as_nothing,
    json_arrives_as_it_was_written,
    a_push_that_is_accepted_is_ok,
    a_push_that_is_refused_is_an_error_with_the_reason,
    a_push_handler_may_return_all_that_the_documentation_says,
    a_request_says_who_asks_from_where_and_when,
    send_gives_the_answer_as_it_is,
    data_and_pong_can_be_sent_by_themselves,
    ids_and_addresses_are_taken_in_every_form,
);

fn a_ping_gives_the_round_trip<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    let took = asking.ping(answering.id()).unwrap();
    assert!(took > Duration::ZERO && took < Duration::from_secs(3), "{took:?}");
}

fn a_fetch_brings_what_the_handler_returned<F: Face>() {
    let sensor = device::<F>()
        .on_fetch(|fetch| json!({"temperature": 23.5, "of": fetch.data.value()["sensor"]}));
    let (asking, answering) = pair::<F>(sensor);
    let data = asking.fetch(answering.id(), json!({"sensor": "kitchen"})).unwrap();
    assert_eq!(data, json!({"temperature": 23.5, "of": "kitchen"}));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Reading {
    temperature: f64,
    unit: String,
}

fn a_fetch_as_gives_a_type_of_the_caller<F: Face>() {
    let reading = || Reading { temperature: -0.5, unit: "°C".to_owned() };
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(move |_| reading()));
    let data: Reading = asking.fetch_as(answering.id(), ()).unwrap();
    assert_eq!(data, reading());
    let data: Option<Vec<u8>> = asking.fetch_as(answering.id(), ()).ok();
    assert_eq!(data, None);
}

fn data_that_does_not_fit_the_type_is_an_error_that_says_where<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|_| json!({"temperature": "hot"})));
    let error = asking.fetch_as::<Reading>(answering.id(), ()).unwrap_err();
    assert_names(&error, &[&answering.id(), &"hot", &"f64"]);
    assert_error!(Err::<(), _>(error), Error::UnexpectedData { .. });
}

fn what_python_calls_false_arrives_as_it_is<F: Face>() {
    let echo = device::<F>()
        .on_fetch(|fetch| fetch.data)
        .on_push(|push| PushAnswer::refuse(push.data.raw()));
    let (asking, answering) = pair::<F>(echo);
    for falsy in [json!(0), json!(false), json!(""), json!([]), json!({}), json!(0.0)] {
        assert_eq!(asking.fetch(answering.id(), &falsy).unwrap(), falsy);
        let refused = asking.push(answering.id(), &falsy);
        assert_error!(refused, Error::Refused { reason, .. } if reason == Some(falsy.to_string()));
        let reply = asking.send(answering.id(), Command::Fetch, &falsy).unwrap();
        assert_eq!((reply.command, reply.data.value()), (Some(Command::Data), falsy));
    }
}

fn nothing_arrives_as_nothing<F: Face>() {
    let (queries, heard) = channel();
    let mute = device::<F>().on_fetch(move |fetch| queries.send(fetch.data.is_none()).unwrap());
    let (asking, answering) = pair::<F>(mute);
    assert_eq!(asking.fetch(answering.id(), ()).unwrap(), Value::Null);
    assert!(next(&heard));
    assert_eq!(asking.fetch(answering.id(), Value::Null).unwrap(), Value::Null);
    assert!(next(&heard));
    let nothing: Option<u8> = asking.fetch_as(answering.id(), None::<u8>).unwrap();
    assert_eq!((nothing, next(&heard)), (None, true));
}

fn json_arrives_as_it_was_written<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|fetch| fetch.data));
    for text in [
        r#""Grüße, 世界 🙂 \u0000 \" \\ \n""#,
        "18446744073709551615",
        "-9223372036854775808",
        "[1.0,1e2,-0.0]",
        r#"{"b":1,"a":{"":[[[]]]}}"#,
    ] {
        let value: Box<serde_json::value::RawValue> = serde_json::from_str(text).unwrap();
        let reply = asking.send(answering.id(), Command::Fetch, value).unwrap();
        assert_eq!(reply.data.raw(), text);
    }
}

fn a_push_that_is_accepted_is_ok<F: Face>() {
    let (pushes, heard) = channel();
    let lamp = device::<F>().on_push(move |push| pushes.send(push.data.value()).is_ok());
    let (asking, answering) = pair::<F>(lamp);
    asking.push(answering.id(), json!({"command": "led", "state": "on"})).unwrap();
    assert_eq!(next(&heard), json!({"command": "led", "state": "on"}));
    asking.push(answering.id(), ()).unwrap();
    assert_eq!(next(&heard), Value::Null);
}

fn a_push_that_is_refused_is_an_error_with_the_reason<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_push(|push| match push.data.value() {
        Value::Null => PushAnswer::Refused(None),
        data => PushAnswer::refuse(format!("not {data}")),
    }));
    let error = asking.push(answering.id(), "on").unwrap_err();
    assert_eq!(error.to_string(), format!("{} refused: not \"on\"", answering.id()));
    assert_error!(Err::<(), _>(error), Error::Refused { reason: Some(_), .. });

    let error = asking.push(answering.id(), ()).unwrap_err();
    assert_eq!(error.to_string(), format!("{} refused, and gave no reason", answering.id()));
    assert_error!(Err::<(), _>(error), Error::Refused { reason: None, .. });
}

fn a_push_handler_may_return_all_that_the_documentation_says<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    let push = || asking.push(answering.id(), ());
    answering.on_push(|_| ());
    push().unwrap();
    answering.on_push(|_| true);
    push().unwrap();
    answering.on_push(|_| PushAnswer::Accepted);
    push().unwrap();
    answering.on_push(|_| Ok::<_, HandlerError>(()));
    push().unwrap();
    answering.on_push(|_| false);
    assert_error!(push(), Error::Refused { reason: None, .. });
    answering.on_push(|_| Ok::<_, HandlerError>(false));
    assert_error!(push(), Error::Refused { reason: None, .. });
}

fn a_request_says_who_asks_from_where_and_when<F: Face>() {
    let (requests, heard) = channel();
    let (asking, answering) =
        pair::<F>(device::<F>().on_push(move |push| requests.send(push).is_ok()));
    asking.push(answering.id(), 1).unwrap();
    let push = next(&heard);
    assert_eq!(push.sender, Some(asking.id()));
    assert!(push.from.ip().is_loopback());
    assert_eq!(push.to_string(), format!("{} at 127.0.0.1", asking.id()));
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let age = now.cast_signed() - push.timestamp.unwrap();
    assert!((0..60).contains(&age), "{age}");
}

fn send_gives_the_answer_as_it_is<F: Face>() {
    let (asking, answering) = pair::<F>(
        device::<F>().on_fetch(|_| 7).on_push(|_| PushAnswer::refuse("not today")).on_data(|_| ()),
    );
    let send = |command| asking.send(answering.id(), command, ()).unwrap();

    let pong = send(Command::Ping);
    assert_eq!((pong.command, pong.data.is_none()), (Some(Command::Pong), true));
    assert_eq!(pong.from, local(answering.port().unwrap()));
    assert!(pong.took > Duration::ZERO);
    assert_eq!(pong.json.value()["header"]["sender_id"], answering.id().as_str());

    let data = send(Command::Fetch);
    assert_eq!((data.command, data.data.value()), (Some(Command::Data), json!(7)));

    let nack = send(Command::Push);
    assert_eq!(nack.command, Some(Command::Nack));
    assert_eq!(nack.reason.as_deref(), Some("not today"));

    let received = send(Command::Data);
    assert_eq!(received.command, None);
    assert_eq!(received.json.value(), json!({"status": "data_received"}));
}

fn data_and_pong_can_be_sent_by_themselves<F: Face>() {
    let (events, heard) = channel();
    let pongs = events.clone();
    let listening = device::<F>()
        .on_data(move |data| events.send(("data", data.sender, data.data.value())).unwrap())
        .on_pong(move |pong| pongs.send(("pong", pong.sender, Value::Null)).unwrap());
    let (asking, answering) = pair::<F>(listening);
    asking.send(answering.id(), Command::Data, json!({"x": 1})).unwrap();
    assert_eq!(next(&heard), ("data", Some(asking.id()), json!({"x": 1})));
    asking.send(answering.id(), Command::Pong, ()).unwrap();
    assert_eq!(next(&heard), ("pong", Some(asking.id()), Value::Null));
}

fn ids_and_addresses_are_taken_in_every_form<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().id("ab3f9z"));
    assert_eq!(answering.id().as_str(), "AB3F9Z");
    let at = local(answering.port().unwrap());
    let (id, text, address) = (answering.id(), String::from("AB3F9Z"), at.to_string());
    let forget = || assert!(asking.remove("ab3f9z").unwrap());

    forget();
    asking.add("AB3F9Z", &address).unwrap();
    asking.ping("aB3f9Z").unwrap();
    forget();
    asking.add(&text, &*address).unwrap();
    asking.ping(&text).unwrap();
    forget();
    asking.add(text.clone(), address).unwrap();
    asking.ping(text).unwrap();
    forget();
    asking.add(id, (at.ip(), at.port())).unwrap();
    asking.ping(id).unwrap();
    forget();
    asking.add(id, ([127, 0, 0, 1], at.port())).unwrap();
    asking.ping(id).unwrap();
}
