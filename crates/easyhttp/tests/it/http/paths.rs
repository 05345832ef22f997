//! Other methods and other paths.

use serde_json::json;

use super::Served;
use crate::support::http::{ping, post};

#[test]
fn other_methods_are_told_which_one_is_right() {
    let served = Served::new();
    let mut client = served.connect();
    for method in ["GET", "PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "BREW"] {
        for request in [ping().method(method), post("").method(method)] {
            let answer = served.refuses(&mut client, &request);
            assert_eq!(answer.status, 405, "{answer}");
            assert_eq!(answer.header("allow"), Some("POST"));
            assert!(answer.error().contains(method), "{answer}");
        }
    }
}

#[test]
fn a_head_request_gets_the_same_without_a_body() {
    let served = Served::new();
    let mut client = served.connect();
    let answer = served.refuses(&mut client, &post("").method("HEAD"));
    assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")));
}

#[test]
fn other_paths_say_where_commands_go() {
    let served = Served::new();
    let mut client = served.connect();
    for path in [
        "/easyhttp",
        "/easyhttp/",
        "/easyhttp/api/",
        "/easyhttp/api/x",
        "/EasyHTTP/API",
        "//easyhttp/api",
        "/easyhttp/../easyhttp/api",
        "/favicon.ico",
        "/%65asyhttp/api",
        "*",
    ] {
        for method in ["GET", "POST", "OPTIONS"] {
            if path == "*" && method != "OPTIONS" {
                continue;
            }
            let answer = served.refuses(&mut client, &ping().path(path).method(method));
            assert_eq!(answer.status, 404, "{path}: {answer}");
            assert!(answer.error().contains("/easyhttp/api"), "{answer}");
        }
    }
}

#[test]
fn a_query_in_the_path_changes_nothing() {
    let served = Served::new();
    let answer = served.connect().ask(&ping().path("/easyhttp/api?x=1"));
    assert_eq!((answer.status, &answer.json()["type"]), (200, &json!(2)));
}
