//! The recording of a Python device, replayed against a real one of ours.
//!
//! `data/easyhttp-python-0.4.0a6.jsonl` has one request a line, with the
//! callbacks that were registered, the HTTP status and the JSON that the
//! Python package 0.4.0a6 answered. What is its own or changes each time
//! stands there as `<own id>`, `<own port>` and `<unix seconds>`.

use easyhttp::{Builder, EasyHttp, Value, json};

use crate::support::device;
use crate::support::http::{Client, post};

#[test]
fn every_recorded_request_gets_the_answer_that_a_python_device_gave() {
    let lines = include_str!("../../data/easyhttp-python-0.4.0a6.jsonl").lines();
    assert_eq!(lines.clone().count(), 33);
    for line in lines {
        let recorded: Value = serde_json::from_str(line).unwrap();
        let device = with_callbacks(recorded["callbacks"].as_str().unwrap()).start().unwrap();
        let request = post(recorded["request"].as_str().unwrap());
        let answer = Client::connect(device.port().unwrap()).ask(&request);
        assert_eq!(answer.status, recorded["status"], "{recorded}");
        assert_eq!(generalised(answer.json(), &device), expected(&recorded), "{recorded}");
    }
}

/// A device with the callbacks that the recording names.
fn with_callbacks(name: &str) -> Builder<EasyHttp> {
    let bare = device();
    match name {
        "bare" => bare,
        "handlers" => bare
            .on_ping(|_| ())
            .on_pong(|_| ())
            .on_data(|_| ())
            .on_fetch(|fetch| json!({"temperature": 23.5, "query": fetch.data}))
            .on_push(|push| push.data.value()["command"] == "led"),
        "falsy {}" => bare.on_fetch(|_| json!({})),
        "falsy 0" => bare.on_fetch(|_| 0),
        "falsy None" => bare.on_fetch(|_| ()),
        other => panic!("the recording has callbacks that are not known: {other}"),
    }
}

/// Our answer, with what is our own replaced as in the recording.
fn generalised(mut answer: Value, device: &EasyHttp) -> Value {
    if let Some(Value::Object(header)) = answer.get_mut("header") {
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let age = now - header["timestamp"].as_u64().unwrap();
        assert!(age < 60, "{age}");
        assert_eq!(header["sender_id"], device.id().as_str());
        assert_eq!(header["sender_port"], device.port().unwrap());
        header.insert("timestamp".to_owned(), json!("<unix seconds>"));
        header.insert("sender_id".to_owned(), json!("<own id>"));
        header.insert("sender_port".to_owned(), json!("<own port>"));
    }
    answer
}

/// What was recorded, apart from the differences that are wanted.
fn expected(recorded: &Value) -> Value {
    let mut expected = recorded["response"].clone();
    if expected.get("version").is_some() {
        // Ours is the version of the protocol, not that of a package.
        assert_eq!(expected["version"], "0.4.0-alpha.6");
        expected["version"] = json!("0.4.0");
    }
    match recorded["case"].as_str().unwrap() {
        // Ids are answered in upper case.
        "lower-case sender" => {
            assert_eq!(expected["header"]["recipient_id"], "ab3f9z");
            expected["header"]["recipient_id"] = json!("AB3F9Z");
        }
        // What a callback returned is data, whether Python calls it false or not.
        "fetch returns empty object" => expected = data(&expected, json!({})),
        "fetch returns 0" => expected = data(&expected, json!(0)),
        _ => {}
    }
    expected
}

/// The DATA message in place of the status that a Python device answered.
fn data(recorded: &Value, data: Value) -> Value {
    assert_eq!(*recorded, json!({"status": "fetch_handled"}));
    json!({
        "version": "0.4.0",
        "type": 4,
        "header": {
            "sender_id": "<own id>",
            "sender_port": "<own port>",
            "recipient_id": "AB3F9Z",
            "timestamp": "<unix seconds>",
        },
        "data": data,
    })
}
