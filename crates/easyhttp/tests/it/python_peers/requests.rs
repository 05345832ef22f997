//! What our client sends, as a Python web server receives it, to the byte.

use std::time::{SystemTime, UNIX_EPOCH};

use easyhttp::{Command, EasyHttp, Value, json};

use super::program::Recorder;
use super::{device, start};

#[test]
fn a_request_is_what_python_devices_send() {
    let Some(recorder) = Recorder::start() else { return };
    let easy = start();
    easy.add(recorder.id, recorder.address).unwrap();
    easy.send(recorder.id, Command::Fetch, json!({"sensor": "temperature", "unit": "°C"})).unwrap();

    // An address that nobody has answered from is PINGed first.
    let ping = recorder.next_request();
    let fetch = recorder.next_request();
    for request in [&ping, &fetch] {
        assert_eq!(request["line"], "POST /easyhttp/api HTTP/1.1");
        let headers = request["headers"].as_array().unwrap();
        let header =
            |name: &str| headers.iter().find(|header| header[0] == name).unwrap()[1].clone();
        assert_eq!(header("content-type"), "application/json");
        assert_eq!(header("host"), recorder.address.to_string());
        assert_eq!(header("content-length"), body(request).len().to_string());
        assert_eq!(headers.len(), 3, "{headers:?}");
    }

    let [id, port, asked] =
        [easy.id().to_string(), easy.port().unwrap().to_string(), recorder.id.to_string()];
    let head = |number: u8, request: &Value| {
        let timestamp = timestamp(request);
        format!(
            r#"{{"version":"0.4.0","type":{number},"header":{{"sender_id":"{id}","sender_port":{port},"recipient_id":"{asked}","timestamp":{timestamp}}}"#
        )
    };
    assert_eq!(body(&ping), head(1, &ping) + "}");
    let data = r#","data":{"sensor":"temperature","unit":"°C"}}"#;
    assert_eq!(body(&fetch), head(3, &fetch) + data);
}

#[test]
fn a_timestamp_is_in_whole_seconds() {
    let Some(recorder) = Recorder::start() else { return };
    let easy = start();
    easy.add(recorder.id, recorder.address).unwrap();
    let before = now();
    easy.ping(recorder.id).unwrap();
    let timestamp = timestamp(&recorder.next_request());
    assert!((before..=now()).contains(&timestamp), "{timestamp}");
}

#[test]
fn a_device_that_only_asks_says_no_port() {
    let Some(recorder) = Recorder::start() else { return };
    let easy = device(EasyHttp::builder()).ask_only().start().unwrap();
    easy.add(recorder.id, recorder.address).unwrap();
    easy.ping(recorder.id).unwrap();
    let request = recorder.next_request();
    let body: Value = serde_json::from_str(body(&request)).unwrap();
    let keys: Vec<_> = body["header"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["recipient_id", "sender_id", "timestamp"]);
}

#[test]
fn falsy_data_is_sent_and_null_is_not() {
    let Some(recorder) = Recorder::start() else { return };
    let easy = start();
    easy.add(recorder.id, recorder.address).unwrap();
    easy.ping(recorder.id).unwrap();
    recorder.next_request();
    for (data, ending) in [
        (json!(0), r#","data":0}"#),
        (json!(false), r#","data":false}"#),
        (json!(""), r#","data":""}"#),
        (json!([]), r#","data":[]}"#),
        (json!({}), r#","data":{}}"#),
        (json!(null), "}"),
    ] {
        easy.send(recorder.id, Command::Push, data).unwrap();
        let request = recorder.next_request();
        let body = body(&request);
        let (_, after_header) = body.rsplit_once(&timestamp(&request).to_string()).unwrap();
        assert_eq!(after_header, format!("}}{ending}"));
    }
}

fn body(request: &Value) -> &str {
    request["body"].as_str().unwrap()
}

fn timestamp(request: &Value) -> u64 {
    let body: Value = serde_json::from_str(body(request)).unwrap();
    body["header"]["timestamp"].as_u64().unwrap()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
