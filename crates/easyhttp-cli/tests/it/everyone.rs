//! `--all`: one command to all devices that are found.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use crate::support::{Device, Place, Ran, Running};

/// A device that answers and accepts, one that refuses, and one that can do neither.
fn three(place: &Place) -> [Device; 3] {
    let refuse = ["--push-exec", "echo not today >&2; exit 1", "--fetch", "two\nlines"];
    [
        place.serve("yes", &["--push-exec", "true", "--fetch", "{\"t\": 0.50}"]),
        place.serve("no", &refuse),
        place.serve("cannot", &[]),
    ]
}

/// A table has its title first and its count last; between them, whoever answers first.
#[track_caller]
fn assert_table(ran: &Ran, code: i32, rows: [(&Device, &str); 3], last: &str) {
    assert_eq!(ran.code, Some(code), "{ran:?}");
    let lines: Vec<_> = ran.out.lines().collect();
    assert_eq!((lines[0], lines[lines.len() - 1]), ("ID      ANSWER", last), "{ran:?}");
    let rows = rows.map(|(device, answer)| format!("{}  {answer}", device.id));
    let shown: BTreeSet<_> = lines[1..lines.len() - 1].iter().map(ToString::to_string).collect();
    assert_eq!((shown, lines.len()), (rows.into(), 5), "{ran:?}");
    assert_eq!(ran.err, "");
}

/// What is said of a device.
fn line<'a>(lines: &'a [Value], device: &Device) -> &'a Value {
    let mut of = lines.iter().filter(|line| line["id"] == device.id);
    let (line, None) = (of.next().unwrap(), of.next()) else { panic!("twice: {lines:?}") };
    line
}

#[test]
fn all_are_asked() {
    let place = Place::new();
    let [mut yes, no, cannot] = three(&place);
    let fetched = place.run(&["fetch", "--all", "how much"]);
    let rows =
        [(&yes, "{\"t\":0.50}"), (&no, "\"two\\nlines\""), (&cannot, "it has no handler for that")];
    assert_table(&fetched, 1, rows, "3 devices, 1 failed");
    assert_eq!(yes.event("fetch")["query"], "how much");

    let fetched = place.run(&["--json", "fetch", "--all"]);
    assert_eq!((fetched.code, fetched.err.as_str()), (Some(1), ""), "{fetched:?}");
    let lines = fetched.lines();
    assert_eq!(lines.len(), 3, "{fetched:?}");
    assert_eq!(*line(&lines, &yes), json!({"id": yes.id, "data": {"t": 0.5}}));
    assert!(fetched.out.contains("{\"t\":0.50}"), "{fetched:?}");
    assert_eq!(*line(&lines, &no), json!({"id": no.id, "data": "two\nlines"}));
    assert_eq!(line(&lines, &cannot)["error"]["code"], "no_handler");
    assert_eq!(yes.event("fetch")["query"], json!(null));
}

#[test]
fn all_are_commanded() {
    let place = Place::new();
    let [mut yes, no, cannot] = three(&place);
    let pushed = place.run_with_input(&["push", "--all", "-"], "{\"led\": \"on\"}");
    let rows =
        [(&yes, "accepted"), (&no, "refused: not today"), (&cannot, "it has no handler for that")];
    assert_table(&pushed, 1, rows, "3 devices, 2 failed");
    assert_eq!(yes.event("push")["data"], json!({"led": "on"}));

    let pushed = place.run(&["push", "--all", "-5", "--json"]);
    assert_eq!(pushed.code, Some(1), "{pushed:?}");
    let lines = pushed.lines();
    assert_eq!(lines.len(), 3, "{pushed:?}");
    assert_eq!(line(&lines, &yes)["accepted"], true);
    assert_eq!(line(&lines, &no)["error"]["code"], "refused");
    assert_eq!(line(&lines, &no)["error"]["reason"], "not today");
    assert_eq!(yes.event("push")["data"], -5);
}

#[test]
fn all_are_pinged() {
    let place = Place::new();
    let devices = three(&place);
    let pinged = place.run(&["ping", "--all"]);
    assert_eq!(pinged.assert_done().out.lines().last(), Some("3 devices"));
    for device in &devices {
        let row = pinged.out.lines().find(|row| row.starts_with(&device.id)).unwrap();
        assert!(row.ends_with(&format!("s at 127.0.0.1:{}", device.port)), "{pinged:?}");
    }
    let lines = place.run(&["ping", "--all", "--json"]).assert_done().lines();
    assert_eq!(lines.len(), 3);
    for device in &devices {
        let line = line(&lines, device);
        assert_eq!(line["address"], device.at());
        assert!(line["ms"].as_f64().unwrap() > 0.0);
    }
}

#[cfg(unix)]
#[test]
fn each_is_shown_as_soon_as_it_is_known() {
    let place = Place::new();
    let waits = ["--fetch-exec", "while [ ! -e go ]; do sleep 0.01; done; echo 1"];
    let slow = place.serve("slow", &[&waits[..], &["--timeout", "30"]].concat());
    let quick = place.serve("quick", &["--fetch", "2"]);
    let all = ["fetch", "--all", "--json", "--timeout", "30"];
    let mut fetch = Running::start(place.command(&all));
    let mut next = || serde_json::from_str::<Value>(&fetch.line()).unwrap();
    assert_eq!(next(), json!({"id": quick.id, "data": 2}));
    fs::write(place.folder.join("go"), "").unwrap();
    assert_eq!(next(), json!({"id": slow.id, "data": 1}));
    assert_eq!(fetch.child.wait().unwrap().code(), Some(0));
}

#[test]
fn nobody_is_3() {
    let place = Place::new();
    let nobody = place.run(&["fetch", "--all", "--timeout", "0.2", "--json"]);
    let error = nobody.assert_failed(3, "no_devices");
    assert_eq!(error["discovery_port"], place.discovery_port);
    let nobody = place.run(&["push", "--all", "on", "--timeout", "0.2"]);
    assert_eq!((nobody.code, nobody.out.as_str()), (Some(3), ""));
    assert!(nobody.err.starts_with("error: no device was found within "), "{nobody:?}");
    assert!(nobody.err.contains("\nhint: multicast to UDP port "), "{nobody:?}");
}
