//! What a device says of itself, and whom it knows, by GET.

use serde_json::json;

use super::Served;
use crate::support::device;
use crate::support::http::{Client, Request, ping};

fn get(path: &str) -> Request {
    ping().method("GET").path(path).without("Content-Type")
}

#[test]
fn a_device_says_who_it_is_and_whom_it_knows() {
    let served = Served::new();
    let mut client = served.connect();
    let answer = client.ask(&get("/"));
    let expected = json!({
        "device": served.id().as_str(),
        "version": "0.4.0",
        "api": "/easyhttp/api",
    });
    assert_eq!((answer.status, answer.json()), (200, expected));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    // This machine is nobody's business, and the asker knows itself.
    let other = device().start().unwrap();
    let header = json!({"sender_id": other.id().as_str(), "sender_port": other.port()});
    client.ask(&crate::support::http::post(json!({"type": 1, "header": header}).to_string()));
    let answer = client.ask(&get("/easyhttp/peers"));
    assert_eq!((answer.status, answer.json()), (200, json!({"peers": []})));
    client.assert_works(served.id());
}

#[test]
fn it_is_read_by_get_alone() {
    let served = Served::new();
    let mut client = served.connect();
    for path in ["/", "/easyhttp/peers"] {
        for method in ["POST", "PUT", "OPTIONS", "HEAD"] {
            let answer = served.refuses(&mut client, &get(path).method(method));
            assert_eq!((answer.status, answer.header("allow")), (405, Some("GET")), "{method}");
        }
    }
}

#[test]
fn pages_of_other_origins_learn_nothing() {
    const PANEL: &str = "http://panel.local:8080";
    let allowing = device().allow_origin(PANEL).start().unwrap();
    let mut client = Client::connect(allowing.port().unwrap());
    for path in ["/", "/easyhttp/peers"] {
        for (name, value) in [
            ("Origin", "http://evil.example"),
            ("Origin", "null"),
            ("Sec-Fetch-Site", "cross-site"),
            ("Sec-Fetch-Site", "same-origin"),
        ] {
            let answer = client.ask(&get(path).header(name, value));
            assert_eq!(answer.status, 403, "{path}: {name}: {value}: {answer}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
        }
        let answer = client.ask(&get(path).with("Host", "evil.example"));
        assert_eq!(answer.status, 403, "{path}: {answer}");
        let answer = client.ask(&get(path).header("Origin", PANEL));
        assert_eq!(answer.status, 200, "{path}: {answer}");
        assert_eq!(answer.header("access-control-allow-origin"), Some(PANEL));
        // Somebody typed the address.
        let answer = client.ask(&get(path).header("Sec-Fetch-Site", "none"));
        assert_eq!(answer.status, 200, "{path}: {answer}");
    }
}
