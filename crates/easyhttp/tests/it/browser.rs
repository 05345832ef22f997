//! Web pages in a real browser, a headless Chromium: what a hostile one can do
//! to a device, and what one can whose origin the owner allowed.
//!
//! The page and the device are both on this machine, so that what the browser
//! itself has against pages that ask around in local networks does not hide
//! what the device does. The browser takes every name for this machine's.

mod chromium;
mod server;
mod tap;
mod visit;

use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

use easyhttp::{EasyHttp, HandlerError, PushAnswer, Value, json};

use crate::support::http::Client;
use crate::support::{device, local};
use chromium::Chromium;
use server::Asked;
use tap::{Exchange, Tap};
use visit::Site;

/// What a browser sends for a page of any origin, without asking before.
///
/// Of each of these something has to arrive: otherwise nothing is tested.
const ARRIVE: &[&str] = &[
    "form-x-www-form-urlencoded-1",
    "form-x-www-form-urlencoded-5",
    "form-form-data-1",
    "form-form-data-5",
    "form-plain-1",
    "form-plain-2",
    "form-plain-3",
    "form-plain-4",
    "form-plain-5",
    "form-cut",
    "form-smuggled",
    "form-redirected",
    "no-cors-ping",
    "no-cors-pong",
    "no-cors-fetch",
    "no-cors-data",
    "no-cors-push",
    "no-cors-json",
    "no-cors-typed",
    "no-cors-hidden",
    "no-cors-head",
    "no-referrer",
    "keepalive",
    "cors-text",
    "cors-json",
    "cors-put",
    "redirected-no-cors",
    "redirected-cors",
    "redirected-json",
    "get-about-cors",
    "get-about-no-cors",
    "get-peers-cors",
    "get-api-no-cors",
    "xhr-plain",
    "xhr-json",
    "beacon-text",
    "beacon-form",
    "websocket",
    "eventsource",
    "worker",
    "import",
    "img-api",
    "script-about",
    "script-global",
    "iframe-about",
    "embed-about",
    "object-about",
    "input-about",
    "link-stylesheet-about",
    "link-prefetch-about",
    "link-preload-about",
    "link-modulepreload-about",
    "div-background-about",
    "sandbox-form",
    "sandbox-no-cors",
    "sandbox-json",
    "data-form",
    "data-no-cors",
    "data-json",
    "blob-form",
    "blob-no-cors",
    "blob-json",
    "open",
    "open-about",
    "refresh",
    "blank",
    "ping",
];

/// The names by which pages reach the device; the last is one that its owner
/// gave it, and like an address in a local network, browsers do not trust it.
const HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "kitchen.example"];

#[test]
fn pages_drive_no_device_but_one_whose_owner_allowed_their_origin() {
    let Some(browser) = chromium::find() else { return };
    let site = Site::new();
    let panel = site.url("panel.example", "");
    let (device, ran) = watched(&panel);
    let tap = Tap::new(device.port().unwrap());
    let silent = crate::support::device().allow_origin(&*panel).start().unwrap();

    // A page of another host, and one of another port of the device's own host,
    // which is a secure context besides.
    let hostile = |host: &str, page: &str| {
        site.url(host, &format!("/hostile.html?device={}&page={page}", tap.port))
    };
    let mut browser = Chromium::start(&browser, &hostile("evil.example", "evil"));
    assert_nothing_read(&site.report(&mut browser), &device);
    tap.wait_for(expected("evil"));
    site.send_on(hostile("localhost", "near"));
    assert_nothing_read(&site.report(&mut browser), &device);
    tap.wait_for(expected("near"));
    tap.wait_for(["no-cors", "json"].map(|how| format!("near-service-worker-{how}")));

    let exchanges = tap.take();
    exchanges.iter().for_each(assert_refused);
    assert_eq!(ran.try_iter().next(), None, "a page ran a handler");
    for exchange in &exchanges {
        assert_refused_without_origin(&device, &ran, &exchange.asked);
    }
    assert_eq!(device.devices(), [], "a page made itself known");

    let ports = format!("device={}&silent={}", tap.port, silent.port().unwrap());
    site.send_on(format!("{panel}/panel.html?{ports}"));
    assert_served(&site.report(&mut browser), &device);
    assert_eq!(
        ran.try_iter().collect::<Vec<_>>(),
        ["ping", "fetch", "push", "push", "fetch", "push"]
    );
}

/// A device all of whose handlers tell that they ran.
fn watched(panel: &str) -> (EasyHttp, Receiver<&'static str>) {
    let (events, ran) = channel();
    let tell = move |name| events.send(name).unwrap();
    let [ping, pong, fetch, data, push] = std::array::from_fn(|_| tell.clone());
    let device = device()
        .host_name("kitchen.example")
        .allow_origin(panel)
        .on_ping(move |_| ping("ping"))
        .on_pong(move |_| pong("pong"))
        .on_fetch(move |asked| {
            fetch("fetch");
            match asked.data.parse::<String>().as_deref() {
                Ok("temperature") => Ok(23.5),
                _ => Err(HandlerError::new("no such sensor")),
            }
        })
        .on_data(move |_| data("data"))
        .on_push(move |asked| {
            push("push");
            match asked.data.parse::<String>().as_deref() {
                Ok("on") => PushAnswer::Accepted,
                _ => PushAnswer::refuse("it cannot do that"),
            }
        });
    (device.start().unwrap(), ran)
}

/// The queries of what has to arrive from a page.
fn expected(page: &str) -> impl Iterator<Item = String> {
    let of_host = move |host| ARRIVE.iter().map(move |name| format!("{page}-{host}-{name}"));
    HOSTS.into_iter().flat_map(of_host).chain([format!("{page}-report-only")])
}

/// Nothing of what a page saw says which device is there.
#[track_caller]
fn assert_nothing_read(seen: &Value, device: &EasyHttp) {
    let attempts = seen.as_object().unwrap();
    for (attempt, what) in attempts {
        assert!(!what.to_string().contains(device.id().as_str()), "{attempt} read {what:#}");
    }
    // It had its answers, those from its own name as well.
    assert_eq!(attempts["127.0.0.1-get-about-no-cors"], "opaque 0  ", "{seen:#}");
    assert_eq!(attempts["rebound"].as_object().map(|texts| texts.len()), Some(13), "{seen:#}");
}

/// What a browser sent was refused, and for what tells it from a device.
fn assert_refused(exchange: &Exchange) {
    let Exchange { asked, answer } = exchange;
    let is_told = asked.header("origin").is_some()
        || asked.header("sec-fetch-site").is_some_and(|site| site != "none")
        || asked.header("host").is_some_and(|host| host.starts_with("rebound.example"));
    let is_introduction = matches!(asked.path(), "/" | "/easyhttp/peers");
    match answer.status {
        403 if is_told => {}
        // Nothing tells that a page asks. No page can read the answer.
        200 if !is_told && is_introduction && asked.method() == "GET" => {}
        404 | 405 if !is_told && asked.method() != "POST" => {}
        _ => panic!("{asked}\n{answer}"),
    }
    assert_eq!(answer.header("access-control-allow-origin"), None, "{asked}\n{answer}");
}

/// Browsers did not always say where a page comes from, and some may not now:
/// then it is still refused, by its type or by the name in `Host`.
#[track_caller]
fn assert_refused_without_origin(device: &EasyHttp, ran: &Receiver<&'static str>, asked: &Asked) {
    let mut client = Client::connect(device.port().unwrap());
    client.send(asked.without(&["origin", "sec-fetch-site"]));
    let answer = client.read(asked.method() != "HEAD").unwrap();
    let is_ours = !asked.header("host").unwrap().starts_with("rebound.example");
    match answer.status {
        200 if is_ours && asked.method() != "POST" => {}
        400.. => {}
        _ => panic!("{asked}\n{answer}"),
    }
    assert_eq!(ran.try_iter().next(), None, "{asked}");
    // What was in its body was no request.
    client.assert_works(device.id());
    assert_eq!(ran.recv(), Ok("ping"));
}

/// What the page of the allowed origin got to read.
fn assert_served(seen: &Value, device: &EasyHttp) {
    let id = device.id();
    let statuses = |name: &str| (&seen[name]["status"], &seen[name]["error"]);
    let body = |name: &str| &seen[name]["body"];
    for name in ["ping", "fetch", "push", "request", "refused", "about"] {
        assert_eq!(statuses(name), (&json!(200), &Value::Null), "{name}: {seen:#}");
    }
    assert_eq!(body("ping")["type"], 2, "{seen:#}");
    assert_eq!(body("ping")["header"]["sender_id"], id.as_str(), "{seen:#}");
    assert_eq!(body("fetch")["data"], 23.5, "{seen:#}");
    assert_eq!((&body("push")["type"], &body("request")["type"]), (&json!(6), &json!(6)));
    assert!(body("refused").to_string().contains("it cannot do that"), "{seen:#}");
    assert_eq!(body("about")["device"], id.as_str(), "{seen:#}");
    assert_eq!(statuses("failed").0, 500, "{seen:#}");
    assert!(body("failed").to_string().contains("no such sensor"), "{seen:#}");
    assert_eq!(statuses("silent"), (&json!(200), &json!("no_handler")), "{seen:#}");
    // Not even it may send what needs no permission of the device.
    assert_eq!(statuses("text").0, 415, "{seen:#}");
    assert!(body("text")["error"].to_string().contains("application/json"), "{seen:#}");
}

fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind(local(0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}
