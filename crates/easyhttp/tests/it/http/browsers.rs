//! What keeps a web page from driving a device, and what lets one in.

use super::Served;
use crate::support::device;
use crate::support::http::{Client, Request, command, post};

const PANEL: &str = "http://panel.local:8080";

/// A PUSH: a command that a page would like to send.
fn push() -> Request {
    command(5, "on")
}

fn assert_taken(client: &mut Client, request: &Request) {
    let answer = client.ask(request);
    assert_eq!(answer.status, 200, "{request:?}: {answer}");
}

#[test]
fn only_json_is_taken() {
    let served = Served::new();
    let mut client = served.connect();
    for refused in [
        "text/plain",
        "text/plain;charset=UTF-8",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json-patch+json",
        "text/json",
        "application/jsonx",
        "application/xml; application/json",
        "*/*",
        "",
        ",application/json",
    ] {
        let answer = served.refuses(&mut client, &push().with("Content-Type", refused));
        assert_eq!(answer.status, 415, "{refused}: {answer}");
        assert!(answer.error().contains("application/json"));
    }
    let answer = served.refuses(&mut client, &push().without("Content-Type"));
    assert_eq!(answer.status, 415);

    for taken in [
        "application/json",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "Application/JSON",
        "application/json ; x=y",
    ] {
        assert_taken(&mut client, &push().with("Content-Type", taken));
    }
}

#[test]
fn requests_of_web_pages_are_refused() {
    let served = Served::new();
    let mut client = served.connect();
    for origin in ["http://evil.example", "https://127.0.0.1", "http://localhost:3000", "null"] {
        let answer = served.refuses(&mut client, &push().header("Origin", origin));
        assert_eq!(answer.status, 403, "{answer}");
        assert!(answer.error().contains(origin), "{answer}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    for site in ["cross-site", "same-site", "same-origin", "none"] {
        let answer = served.refuses(&mut client, &push().header("Sec-Fetch-Site", site));
        assert_eq!(answer.status, 403, "{answer}");
        assert!(answer.error().contains("web pages"), "{answer}");
    }
}

fn with_panel() -> Served {
    Served::with(device().allow_origin("http://other.local").allow_origin(PANEL))
}

#[test]
fn an_origin_that_the_owner_allows_is_let_in() {
    let served = with_panel();
    let mut client = served.connect();
    let request = push().header("Origin", PANEL).header("Sec-Fetch-Site", "cross-site");
    let answer = client.ask(&request);
    assert_eq!(answer.status, 200, "{answer}");
    assert_eq!(served.ran.recv(), Ok("push"));
    assert_eq!(answer.header("access-control-allow-origin"), Some(PANEL));
    assert_eq!(answer.header("vary"), Some("origin"));
    // Its page may also read what went wrong.
    let answer = client.ask(&post("{").header("Origin", PANEL));
    assert_eq!(answer.status, 400);
    assert_eq!(answer.header("access-control-allow-origin"), Some(PANEL));
    // Without a page nothing changes.
    assert_eq!(client.ask(&push()).header("access-control-allow-origin"), None);
}

#[test]
fn an_origin_is_allowed_exactly_or_not_at_all() {
    let served = with_panel();
    let mut client = served.connect();
    for origin in [
        "http://panel.local",
        "https://panel.local:8080",
        "http://panel.local:8081",
        "http://panel.local:8080.evil.example",
        "http://panel.local:8080/",
        "null",
    ] {
        let answer = served.refuses(&mut client, &push().header("Origin", origin));
        assert_eq!(answer.status, 403, "{origin}: {answer}");
    }
}

/// What a browser asks before it sends JSON from a page.
fn preflight(origin: &str) -> Request {
    post("")
        .method("OPTIONS")
        .without("Content-Type")
        .header("Origin", origin)
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type")
}

#[test]
fn a_browser_that_asks_first_is_answered_for_allowed_origins_alone() {
    let served = with_panel();
    let mut client = served.connect();
    let answer = client.ask(&preflight(PANEL));
    assert_eq!((answer.status, &*answer.body), (204, &b""[..]));
    assert_eq!(answer.header("access-control-allow-origin"), Some(PANEL));
    assert_eq!(answer.header("access-control-allow-methods"), Some("POST"));
    assert_eq!(
        answer.header("access-control-allow-headers"),
        Some("content-type, idempotency-key")
    );
    client.assert_works(served.id());
    assert_eq!(served.ran.recv(), Ok("ping"));

    // Some browsers ask of a device in a local network whether it wants to be asked.
    let private = |origin| preflight(origin).header("Access-Control-Request-Private-Network", true);
    for asks in [preflight("http://evil.example"), private("http://evil.example"), private("null")]
    {
        let answer = served.refuses(&mut client, &asks);
        assert_eq!(answer.status, 403);
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
}

#[test]
fn a_device_is_addressed_by_its_ip_address_or_as_localhost() {
    let served = Served::new();
    let mut client = served.connect();
    for host in [
        "127.0.0.1",
        "127.0.0.1:5000",
        "192.168.1.23:80",
        "[::1]",
        "[::1]:5000",
        "[fe80::1:2]:5000",
        "localhost",
        "localhost:5000",
        "LocalHost:1",
    ] {
        assert_taken(&mut client, &push().with("Host", host));
    }
}

#[test]
fn a_name_that_somebody_else_made_point_here_is_refused() {
    let served = Served::new();
    let mut client = served.connect();
    for host in [
        "evil.example",
        "evil.example:5000",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "kitchen.local",
        "kitchen",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "::1.example",
    ] {
        let answer = served.refuses(&mut client, &push().with("Host", host));
        assert!(matches!(answer.status, 400 | 403), "{host}: {answer}");
    }
    let answer = served.refuses(&mut client, &push().with("Host", "evil.example"));
    assert_eq!(answer.status, 403);
    assert!(answer.error().contains("evil.example"), "{answer}");

    // A request for a whole URL names the host twice.
    let url = |host| push().path(&format!("http://{host}/easyhttp/api"));
    assert_eq!(served.refuses(&mut client, &url("evil.example")).status, 403);
    assert_taken(&mut client, &url("127.0.0.1:5000"));
}

#[test]
fn there_is_one_host_header() {
    let served = Served::new();
    let mut client = served.connect();
    for request in [
        push().without("Host"),
        push().header("Host", "127.0.0.1"),
        push().header("Host", "evil.example"),
        push().with("Host", ""),
        push().with("Host", "two words"),
        push().with("Host", "127.0.0.1/path"),
    ] {
        let answer = served.refuses(&mut client, &request);
        assert_eq!(answer.status, 400, "{request:?}: {answer}");
        assert!(answer.error().contains("Host"), "{answer}");
    }
}

#[test]
fn a_name_that_the_owner_gave_is_taken() {
    let served = Served::with(device().host_name("Kitchen.local").host_name("oven"));
    let mut client = served.connect();
    for host in ["kitchen.local", "KITCHEN.local:5000", "oven"] {
        assert_taken(&mut client, &push().with("Host", host));
        assert_eq!(served.ran.recv(), Ok("push"));
    }
    for host in ["kitchen", "kitchen.local.evil.example", "xkitchen.local"] {
        assert_eq!(served.refuses(&mut client, &push().with("Host", host)).status, 403);
    }
}
