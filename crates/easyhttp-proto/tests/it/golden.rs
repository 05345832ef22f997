//! The recording of a Python device, replayed against our side of the protocol.
//!
//! `data/easyhttp-python-0.4.0a6.jsonl` has one request a line, with the HTTP
//! status and the JSON that the Python package 0.4.0a6 answered. What is its
//! own or changes each time stands there as `<own id>`, `<own port>` and
//! `<unix seconds>`.

use easyhttp_proto::exchange::{Answer, Event, Outcome, Rejection, Reply, Request, Speaker};
use easyhttp_proto::message::Data;
use easyhttp_proto::{Command, DeviceId};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

#[test]
fn every_recorded_request_gets_the_answer_that_a_python_device_gave() {
    for recorded in recording() {
        let expected = recorded.expected();
        let answer = recorded.our_answer();
        let body: Value = serde_json::from_slice(&answer.body.to_vec()).unwrap();
        assert_eq!((answer.status, body), expected, "{} ({})", recorded.case, recorded.callbacks);
    }
}

#[test]
fn every_recorded_answer_is_understood_by_the_asker() {
    for recorded in recording() {
        let answer = recorded.filled_in();
        let body = answer.to_string();
        let understood = match Reply::read(own().id, recorded.status, None, body.as_bytes()) {
            Ok(Reply::Message(message)) => message.command.name().to_owned(),
            Ok(Reply::Received) => "received".to_owned(),
            Err(Rejection::NoHandler) => "no handler".to_owned(),
            Err(Rejection::NotTaken { status: 400, message }) => message,
            other => panic!("{}: {other:?}", recorded.case),
        };
        let expected = match (&answer["type"], &answer["error"]) {
            // A refusal by status 400 is that of a device without a callback.
            (Value::Number(_), _) if recorded.status == 400 => "no handler",
            (Value::Number(number), _) => command_name(number.as_u64()),
            (_, Value::String(text)) => text,
            _ => "received",
        };
        assert_eq!(understood, expected, "{} ({})", recorded.case, recorded.callbacks);
    }
}

#[test]
fn a_device_without_a_server_leaves_its_port_out() {
    let request = Request::read(br#"{"type":1}"#).unwrap();
    let nowhere = Speaker::new(own().id, None, own().timestamp);
    let pong: Value =
        serde_json::from_slice(&request.answer(&nowhere, Outcome::Done).body.to_vec()).unwrap();
    let header = json!({"sender_id": "7H8G2K", "recipient_id": null, "timestamp": 1_767_225_601});
    assert_eq!(pong["header"], header);
}

/// One line of the recording.
struct Recorded {
    case: String,
    callbacks: String,
    request: String,
    status: u16,
    response: Value,
}

impl Recorded {
    /// What the recording has, apart from the differences that are wanted.
    fn expected(&self) -> (u16, Value) {
        let mut body = self.filled_in();
        if body.get("version").is_some() {
            // Ours is the version of the protocol, not that of a package.
            assert_eq!(body["version"], "0.4.0-alpha.6");
            body["version"] = json!("0.4.0");
        }
        match (&*self.case, &*self.callbacks) {
            // Ids are answered in upper case.
            ("lower-case sender", "bare") => {
                assert_eq!(body["header"]["recipient_id"], "ab3f9z");
                body["header"]["recipient_id"] = json!("AB3F9Z");
            }
            // What a callback returned is data, whether Python calls it false or not.
            ("fetch returns empty object", "falsy {}") => {
                assert_eq!(body, json!({"status": "fetch_handled"}));
                body = data_message(json!({}));
            }
            ("fetch returns 0", "falsy 0") => {
                assert_eq!(body, json!({"status": "fetch_handled"}));
                body = data_message(json!(0));
            }
            // A refusal says why.
            ("push refused" | "push without data", "handlers") => {
                assert_eq!(body["error"], Value::Null);
                body["error"] = json!({"code": "refused", "message": "only leds can be set"});
            }
            _ => {}
        }
        (self.status, body)
    }

    /// The recorded answer as our own device would have given it.
    fn filled_in(&self) -> Value {
        let text = self.response.to_string();
        let text = text.replace("<own id>", own().id.as_str());
        let text = text.replace("\"<own port>\"", &own().port.unwrap().to_string());
        let text = text.replace("\"<unix seconds>\"", &own().timestamp.to_string());
        serde_json::from_str(&text).unwrap()
    }

    /// What a device with the callbacks of the recording answers.
    fn our_answer(&self) -> Answer {
        let request = match Request::read(self.request.as_bytes()) {
            Ok(request) => request,
            Err(malformed) => return malformed.into(),
        };
        let returned: Box<RawValue>;
        let outcome = match (&*self.callbacks, request.event) {
            _ if !request.is_for(own().id) => Outcome::Misdirected,
            ("bare", _) => Outcome::NoHandler,
            ("handlers", Event::Fetch) => {
                returned = raw(&json!({"temperature": 23.5, "query": request.data}));
                Outcome::Value(Data::of(&returned).unwrap())
            }
            ("handlers", Event::Push) => {
                let data = request.data.map(|data| serde_json::from_str(data.get()).unwrap());
                match data.unwrap_or(Value::Null)["command"].as_str() {
                    Some("led") => Outcome::Accepted,
                    _ => Outcome::Refused(Some("only leds can be set".into())),
                }
            }
            ("handlers", _) => Outcome::Done,
            ("falsy {}", _) => {
                returned = raw(&json!({}));
                Outcome::Value(Data::of(&returned).unwrap())
            }
            ("falsy 0", _) => {
                returned = raw(&json!(0));
                Outcome::Value(Data::of(&returned).unwrap())
            }
            ("falsy None", _) => {
                returned = raw(&Value::Null);
                Outcome::Value(Data::of(&returned).unwrap())
            }
            (other, _) => panic!("the recording has callbacks that are not known: {other}"),
        };
        request.answer(&own(), outcome)
    }
}

fn recording() -> Vec<Recorded> {
    let lines = include_str!("../data/easyhttp-python-0.4.0a6.jsonl").lines();
    let recording: Vec<_> = lines
        .map(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            let text = |field: &str| line[field].as_str().unwrap().to_owned();
            Recorded {
                case: text("case"),
                callbacks: text("callbacks"),
                request: text("request"),
                status: line["status"].as_u64().unwrap().try_into().unwrap(),
                response: line["response"].clone(),
            }
        })
        .collect();
    assert_eq!(recording.len(), 33);
    recording
}

/// The device that answers, and the time at which it does.
fn own() -> Speaker {
    let id: DeviceId = "7H8G2K".parse().unwrap();
    Speaker::new(id, Some(5001), 1_767_225_601)
}

fn command_name(number: Option<u64>) -> &'static str {
    number.and_then(Command::from_number).unwrap().name()
}

/// The DATA message that our device sends to the one of the recording.
fn data_message(data: Value) -> Value {
    json!({
        "version": "0.4.0",
        "type": 4,
        "header": {
            "sender_id": "7H8G2K",
            "sender_port": 5001,
            "recipient_id": "AB3F9Z",
            "timestamp": 1_767_225_601,
        },
        "data": data,
    })
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}
