//! `serve`: what it prints, how it starts and stops.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::Stdio;

use crate::support::{Place, Running, run};

#[test]
fn it_says_who_and_where_it_is() {
    let place = Place::new();
    let device = place.serve("lamp", &[]);
    assert_eq!(device.started["event"], "started");
    assert_eq!(device.started["address"], device.at());
    assert_eq!(device.id.len(), 6);
    let file = std::fs::read_to_string(place.folder.join("lamp.json")).unwrap();
    assert!(file.contains(&device.id), "{file}");
}

#[test]
fn people_read_what_it_answers_and_what_happens() {
    let place = Place::new();
    let mut serve =
        Running::start(place.command(&["serve", "--port", "0", "--fetch", "{\"t\":  1}"]));
    let first = serve.line();
    let (_, rest) = first.split_once("Z ").unwrap();
    let (id, rest) = rest.split_once(" answers at ").unwrap();
    let (at, _) = rest.split_once(' ').unwrap();
    assert_eq!(serve.line().trim(), "FETCH  {\"t\":1}");
    assert_eq!(serve.line().trim(), "PUSH   no handler (--push-exec CMD)");

    // Lines begin with the time.
    let mut next = |event: &str| loop {
        let line = serve.line();
        if line.get(10..).unwrap().starts_with(event) {
            break line;
        }
    };
    place.run(&["fetch", id, "[1,  2]", "--at", at]).assert_done();
    assert!(next("fetch").ends_with(" at 127.0.0.1  [1,2] → {\"t\":1}"));
    // One line, and nothing in it that a terminal would obey.
    place.run(&["send", id, "data", "{\"a\":\n\"\u{7f}\u{9b}\"}", "--at", at]).assert_done();
    assert!(next("data").ends_with("  {\"a\":\"\\u{7f}\\u{9b}\"}"));
}

#[cfg(unix)]
#[test]
fn devices_that_come_and_go_are_told() {
    use crate::support::Device;
    use rustix::process::Signal;

    let place = Place::new();
    let mut first = place.serve("first", &[]);
    let second = place.serve("second", &[]);
    let joined = first.event("joined");
    assert_eq!(joined["id"], second.id);
    assert_eq!(joined["address"], second.at());
    assert_eq!(joined["source"], "multicast");
    assert_eq!(joined["version"], "0.4.0");
    end(second, Signal::TERM);
    assert_eq!(first.event("left")["id"], joined["id"]);
    end(first, Signal::INT);

    fn end(mut device: Device, signal: Signal) {
        let (code, lines) = device.child.end(signal);
        assert_eq!(code, Some(0));
        assert!(lines.last().unwrap().contains("\"event\":\"stopped\""), "{lines:?}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_it() {
    let place = Place::new();
    let mut command = place.command(&["serve", "--json", "--port", "0"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut first).unwrap();
    drop(stdout);
    let started: serde_json::Value = serde_json::from_str(&first).unwrap();
    let (id, at) = (started["id"].as_str().unwrap(), started["address"].as_str().unwrap());
    // The line about this cannot be printed any more.
    place.run(&["ping", id, "--at", at]);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn what_keeps_it_from_starting_is_5() {
    let place = Place::new();
    let taken = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let error = place.run(&["serve", "--json", "--port", &port]).assert_failed(5, "port_in_use");
    assert!(error["message"].as_str().unwrap().contains(&port), "{error}");

    let _first = place.serve("held", &[]);
    place
        .run(&["serve", "--json", "--port", "0", "--config", "held.json"])
        .assert_failed(5, "device_file_held");

    std::fs::write(place.folder.join("broken.json"), "{").unwrap();
    place
        .run(&["serve", "--json", "--port", "0", "--config", "broken.json"])
        .assert_failed(5, "device_file_invalid");
}

#[test]
fn what_the_library_does_can_be_seen() {
    let place = Place::new();
    let device = place.serve("seen", &[]);
    let pinged = place.run(&["ping", &device.id, "-v", "--at", &device.at()]);
    assert!(pinged.assert_done().err.contains("DEBUG"), "{pinged:?}");
    let mut command = place.command(&["ping", &device.id, "--at", &device.at()]);
    let pinged = run(command.env("EASYHTTP_LOG", "debug"), "");
    assert!(pinged.assert_done().err.contains("DEBUG"), "{pinged:?}");
    let mut command = place.command(&["ping", &device.id, "--at", &device.at()]);
    let pinged = run(command.env("EASYHTTP_LOG", "a=b=c"), "");
    assert!(pinged.assert_done().err.contains("EASYHTTP_LOG is ignored"), "{pinged:?}");
}
