//! `serve`: what it prints, how it starts and stops.

use std::net::TcpListener;
use std::time::{Duration, Instant};

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

#[test]
fn it_announces_itself_every_second_to_every_hour() {
    let place = Place::new();
    for wrong in ["0", "0.9", "3600.1"] {
        let ran = place.run(&["serve", "--port", "0", "--announce-interval", wrong, "--json"]);
        let error = ran.assert_failed(2, "usage");
        assert!(error["message"].as_str().unwrap().contains("from 1 to 3600"), "{error}");
    }
    place.serve("quick", &["--announce-interval", "1"]);
    place.serve("slow", &["--announce-interval", "3600"]);
}

#[test]
fn it_may_answer_with_a_negative_number() {
    let place = Place::new();
    let device = place.serve("freezer", &["--fetch", "-18.5"]);
    let fetched = place.run(&["fetch", &device.id, "-1", "--at", &device.at()]);
    assert_eq!(fetched.assert_done().out.trim(), "-18.5");
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

#[cfg(unix)]
#[test]
fn what_was_done_is_known_after_a_crash_if_it_is_to_be() {
    use rustix::process::Signal;

    let place = Place::new();
    // The second one is under way when the device is killed.
    let push_exec = "cat >> done; while test -e busy; do sleep 0.05; done";
    let done = || std::fs::read_to_string(place.folder.join("done")).unwrap_or_default();
    for (durable, again, of_the_second) in
        [(&["--durable"][..], "12", 412), (&["--durable", "run-again"], "122", 200)]
    {
        let start = || place.serve("lamp", &[durable, &["--push-exec", push_exec]].concat());
        let mut lamp = start();
        assert_eq!(push_once(lamp.port, 1), Some(200));
        std::fs::write(place.folder.join("busy"), "").unwrap();
        let port = lamp.port;
        let pushing = std::thread::spawn(move || push_once(port, 2));
        let deadline = Instant::now() + Duration::from_secs(20);
        while done() != "12" {
            assert!(Instant::now() < deadline, "the second push did not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = lamp.child.end(Signal::KILL);
        assert_eq!(pushing.join().unwrap(), None);
        std::fs::remove_file(place.folder.join("busy")).unwrap();

        let lamp = start();
        assert_eq!(push_once(lamp.port, 1), Some(200), "{durable:?}");
        assert_eq!(push_once(lamp.port, 2), Some(of_the_second), "{durable:?}");
        assert_eq!(done(), again, "{durable:?}");
        std::fs::remove_file(place.folder.join("done")).unwrap();
        std::fs::remove_file(place.folder.join(".lamp.json.pushes")).unwrap();
    }
    let wrong = place.run(&["serve", "--durable", "sometimes", "--json"]);
    let wrong = wrong.assert_failed(2, "usage");
    assert!(wrong["message"].as_str().unwrap().contains("unknown or run-again"), "{wrong}");
    std::fs::write(place.folder.join(".lamp.json.pushes"), "no database").unwrap();
    let serve = ["serve", "--json", "--port", "0", "--config", "lamp.json", "--durable"];
    place.run(&serve).assert_failed(5, "pushes");
}

/// Sends a push that has its data as its key. Gives the status of the answer, if there is one.
#[cfg(unix)]
fn push_once(port: u16, data: u32) -> Option<u16> {
    use std::io::{Read, Write};

    let body = format!("{{\"type\":5,\"data\":{data}}}");
    let head = format!(
        "POST /easyhttp/api HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         idempotency-key: \"{data}\"\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    answer.get(9..12)?.parse().ok()
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
