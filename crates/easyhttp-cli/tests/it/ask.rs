//! `ping`, `fetch`, `push` and `send`, to a device of this program.

use serde_json::json;

use crate::support::Place;

#[test]
fn a_device_is_found_by_its_id_and_asked() {
    let place = Place::new();
    let mut device = place.serve("lamp", &["--fetch", "{\"b\": [1, 2], \"a\": 0.10}"]);

    let fetched = place.run(&["fetch", &device.id]);
    assert_eq!(fetched.assert_done().out, "{\"b\":[1,2],\"a\":0.10}\n");
    assert_eq!(fetched.err, "");
    // In either case.
    let fetched = place.run(&["--json", "fetch", &device.id.to_lowercase(), "why"]);
    assert_eq!(fetched.assert_done().json()["data"], json!({"b": [1, 2], "a": 0.10}));
    assert_eq!(fetched.json()["id"], device.id);

    let event = device.event("fetch");
    assert_eq!(event["query"], json!(null));
    let event = device.event("fetch");
    assert_eq!(event["query"], "why");
    assert_eq!(event["outcome"], "answered");
    assert_eq!(event["data"], json!({"b": [1, 2], "a": 0.10}));
    assert!(event["from"].as_str().unwrap().starts_with("127.0.0.1:"));
    assert!(event["timestamp"].as_i64().unwrap() > 1_700_000_000);
}

#[test]
fn strings_are_printed_as_scripts_want_them() {
    let place = Place::new();
    let device = place.serve("text", &["--fetch", "two\twords"]);
    let at = device.at();
    assert_eq!(place.run(&["fetch", &device.id, "--at", &at]).assert_done().out, "two\twords\n");
    let fetched = place.run(&["fetch", &device.id, "--at", &at, "--json"]);
    assert_eq!(fetched.json()["data"], "two\twords");
}

#[test]
fn words_are_strings_and_a_dash_is_standard_input() {
    let place = Place::new();
    let mut device = place.serve("echo", &["--fetch", "0"]);
    let (id, at) = (device.id.clone(), device.at());
    let ask = |query: &str, input: &str| {
        place.run_with_input(&["fetch", &id, query, "--at", &at], input).assert_done();
    };
    for (query, input, arrives) in [
        ("on", "", json!("on")),
        ("two words", "", json!("two words")),
        ("-5", "", json!(-5)),
        ("true", "", json!(true)),
        ("\"5\"", "", json!("5")),
        ("-", "{\"from\":\n \"input\"}\n", json!({"from": "input"})),
        ("-", "a line\n", json!("a line")),
    ] {
        ask(query, input);
        assert_eq!(device.event("fetch")["query"], arrives, "{query}");
    }
}

#[test]
fn all_that_json_can_say_arrives_as_it_was() {
    let place = Place::new();
    let device = place.serve("exact", &["--fetch", "[1e999, 123456789012345678901234567890]"]);
    let fetched = place.run(&["fetch", &device.id, "--at", &device.at()]);
    assert_eq!(fetched.assert_done().out, "[1e999,123456789012345678901234567890]\n");
}

#[test]
fn nothing_is_answered_by_null_and_falsy_values_by_themselves() {
    let place = Place::new();
    for value in ["null", "0", "false", "[]"] {
        let device = place.serve("falsy", &["--fetch", value]);
        let fetched = place.run(&["fetch", &device.id, "--at", &device.at()]);
        assert_eq!(fetched.assert_done().out, format!("{value}\n"));
    }
}

#[test]
fn long_json_is_laid_out_for_people() {
    let place = Place::new();
    let long = format!("{{\"name\": \"{}\", \"list\": [1]}}", "x".repeat(100));
    let device = place.serve("long", &["--fetch", &long]);
    let fetched = place.run(&["fetch", &device.id, "--at", &device.at()]);
    let laid_out =
        format!("{{\n  \"name\": \"{}\",\n  \"list\": [\n    1\n  ]\n}}\n", "x".repeat(100));
    assert_eq!(fetched.assert_done().out, laid_out);
}

#[test]
fn ping_says_how_long_it_took() {
    let place = Place::new();
    let mut device = place.serve("there", &[]);
    let pinged = place.run(&["ping", &device.id]);
    let expected = format!("{} at 127.0.0.1:{}: seq=1 time=", device.id, device.port);
    assert!(pinged.assert_done().out.starts_with(&expected), "{pinged:?}");
    assert_eq!(pinged.out.lines().count(), 1);
    assert!(device.event("ping")["sender"].is_string());

    let pinged = place.run(&["ping", &device.id, "--json"]);
    assert_eq!(pinged.assert_done().json()["address"], device.at());
    assert!(pinged.json()["ms"].as_f64().unwrap() > 0.0);
}

#[test]
fn several_pings_are_summed_up() {
    let place = Place::new();
    let device = place.serve("there", &[]);
    let count = ["--count", "3", "--interval", "0.01"];
    let pinged = place.run(&[&["ping", &device.id], &count[..]].concat());
    let lines: Vec<_> = pinged.assert_done().out.lines().collect();
    assert_eq!(lines.len(), 5, "{pinged:?}");
    assert!(lines[2].contains(": seq=3 time="));
    assert_eq!(lines[3], format!("--- {} ---", device.id));
    assert!(lines[4].starts_with("3 sent, 3 answered, 0% lost, min/avg/max = "), "{pinged:?}");

    let pinged = place.run(&[&["ping", &device.id, "--json"], &count[..]].concat()).lines();
    assert_eq!(pinged.len(), 4);
    assert_eq!(pinged[3]["answered"], 3);
    assert_eq!(pinged[3]["loss_percent"], 0.0);
    assert!(pinged[3]["min_ms"].as_f64() <= pinged[3]["max_ms"].as_f64());
}

#[test]
fn pings_that_are_lost_are_counted() {
    let place = Place::new();
    let pinged = place.run(&[
        "ping",
        "AB3F9Z",
        "--at",
        "127.0.0.1:1",
        "--count",
        "2",
        "--interval",
        "0.01",
        "--json",
    ]);
    assert_eq!(pinged.code, Some(4), "{pinged:?}");
    let lines = pinged.lines();
    assert_eq!(lines[1]["error"]["code"], "unreachable");
    assert_eq!(lines[2]["loss_percent"], 100.0);
    assert_eq!(lines[2]["avg_ms"], json!(null));
}

#[cfg(unix)]
#[test]
fn interrupted_pings_are_summed_up_too() {
    let place = Place::new();
    let device = place.serve("there", &[]);
    let mut ping =
        crate::support::Running::start(place.command(&["ping", &device.id, "--count", "1000"]));
    assert!(ping.line().contains("seq=1"));
    let (code, lines) = ping.end(rustix::process::Signal::INT);
    assert_eq!(code, Some(0));
    assert!(lines.last().unwrap().contains(" 0% lost"), "{lines:?}");
}

#[test]
fn send_sends_any_message_and_shows_the_whole_answer() {
    let place = Place::new();
    let mut device = place.serve("any", &["--fetch", "[7]"]);
    let (id, at) = (device.id.clone(), device.at());
    let send = |arguments: &[&str]| place.run(&[&["send", &id, "--at", &at], arguments].concat());

    let sent = send(&["data", "{\"t\": 1}", "--json"]);
    assert_eq!(sent.assert_done().json()["answer"], json!({"status": "data_received"}));
    assert_eq!(sent.json()["command"], json!(null));
    assert_eq!(device.event("data")["data"], json!({"t": 1}));

    send(&["2"]).assert_done();
    assert!(device.event("pong")["sender"].is_string());

    let sent = send(&["3", "--json"]).json();
    assert_eq!(sent["command"], "DATA");
    assert_eq!(sent["data"], json!([7]));
    assert_eq!(sent["answer"]["type"], 4);
    assert_eq!(sent["answer"]["header"]["sender_id"], id);

    let sent = send(&["ping"]);
    let first = sent.assert_done().out.lines().next().unwrap();
    assert!(first.starts_with(&format!("PONG from {id} at {at} in ")), "{sent:?}");
    assert!(sent.out.contains("\n  \"type\": 2,\n"), "{sent:?}");
}

#[test]
fn a_name_is_looked_up_and_needs_no_discovery() {
    let place = Place::new();
    let device = place.serve("named", &["--fetch", "1", "--no-discovery"]);
    // It may stand for ::1, too, where nobody listens.
    let at = format!("localhost:{}", device.port);
    assert_eq!(place.run(&["fetch", &device.id, "--at", &at]).assert_done().out, "1\n");

    let missing = place.run(&["fetch", &device.id, "--json", "--timeout", "0.2"]);
    missing.assert_failed(3, "unknown_device");
}
