//! `serve --fetch-exec` and `--push-exec`: commands that answer.
#![cfg(unix)]

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Place;

#[test]
fn a_command_answers_with_the_json_that_it_prints() {
    let place = Place::new();
    let mut device = place.serve("echo", &["--fetch-exec", "cat"]);
    let (id, at) = (device.id.clone(), device.at());
    let fetch = |query: &str| {
        let fetched = place.run(&["fetch", &id, query, "--at", &at, "--json"]);
        fetched.assert_done().json()["data"].clone()
    };
    assert_eq!(fetch("{\"a\": [1]}"), json!({"a": [1]}));
    assert_eq!(device.event("fetch")["data"], json!({"a": [1]}));
    assert_eq!(fetch("a word"), "a word");

    let printed = |command: &str| {
        let device = place.serve("print", &["--fetch-exec", command]);
        place.run(&["fetch", &device.id, "--at", &device.at(), "--json"]).json()
    };
    // Not JSON: a string. Nothing: null.
    assert_eq!(printed("echo '  12:30 up 3 days '")["data"], "12:30 up 3 days");
    assert_eq!(printed("true")["data"], json!(null));
}

#[test]
fn a_command_accepts_or_refuses_by_its_exit_code() {
    let place = Place::new();
    let command = "read it; echo \"$EASYHTTP_SENDER $it\" > pushed; \
                   case $it in '\"on\"') ;; *) echo 'only on' >&2; exit 3;; esac";
    let mut device = place.serve("lamp", &["--push-exec", command]);
    let (id, at) = (device.id.clone(), device.at());

    let pushed = place.run(&["push", &id, "on", "--at", &at, "--json"]);
    assert_eq!(pushed.assert_done().json()["accepted"], true);
    let event = device.event("push");
    assert_eq!(event["outcome"], "accepted");
    let seen = fs::read_to_string(place.folder.join("pushed")).unwrap();
    assert_eq!(seen, format!("{} \"on\"\n", event["sender"].as_str().unwrap()));

    let pushed = place.run(&["push", &id, "off", "--at", &at, "--json"]);
    let error = pushed.assert_failed(1, "refused");
    assert_eq!(error["reason"], "only on");
    let event = device.event("push");
    assert_eq!((&event["outcome"], &event["reason"]), (&json!("refused"), &json!("only on")));

    let sent = place.run(&["send", &id, "push", "off", "--at", &at, "--json"]);
    assert_eq!(sent.code, Some(1), "{sent:?}");
    assert_eq!(sent.json()["command"], "NACK");
    assert_eq!(sent.json()["reason"], "only on");
}

#[test]
fn a_command_that_fails_says_how() {
    let place = Place::new();
    let said = |flag: &str, command: &str, ask: &[&str]| {
        let mut device = place.serve("failing", &[flag, command]);
        let asked = place.run(&[ask, &["--json", "--at", &device.at(), &device.id]].concat());
        let event = device.event(ask[0]);
        (asked, event)
    };
    let fetch = |command: &str| {
        let (fetched, event) = said("--fetch-exec", command, &["fetch"]);
        let error = fetched.assert_failed(1, "handler_failed");
        assert_eq!(event["outcome"], "failed");
        let message = error["message"].as_str().unwrap().to_owned();
        assert!(message.ends_with(event["message"].as_str().unwrap()), "{message} {event}");
        message
    };
    assert!(fetch("echo no sensor >&2; exit 1").ends_with("failed: no sensor"));
    assert!(fetch("exit 4").ends_with("exit code 4"));
    assert!(fetch("echo '{\"open\": '").contains("not JSON"));
    assert!(fetch("no-such-command").contains("no-such-command"));
    assert!(fetch("kill -9 $$").contains("signal: 9"));
    assert!(fetch("head -c 2000000 /dev/zero | tr '\\0' x").contains("more than 1048576 bytes"));
}

#[test]
fn a_command_that_hangs_is_stopped_with_all_that_it_started() {
    let place = Place::new();
    let alive = place.folder.join("alive");
    let made = std::process::Command::new("mkfifo").arg(&alive).status().unwrap();
    assert!(made.success());
    // A process below the command's holds the pipe open while it lives.
    let command = "sleep 600 > alive & wait";
    let device = place.serve("hanging", &["--fetch-exec", command, "--timeout", "0.3"]);

    let started = Instant::now();
    let fetched = place.run(&["fetch", &device.id, "--at", &device.at(), "--json"]);
    let error = fetched.assert_failed(1, "handler_failed");
    assert!(error["message"].as_str().unwrap().contains("300ms"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_nobody_has_open(&alive);
    assert_no_children(&device);
}

/// Returns when nobody holds the pipe open any more.
fn assert_nobody_has_open(pipe: &std::path::Path) {
    use std::io::Read;
    use std::os::unix::fs::OpenOptionsExt;
    let read_only_now = fs::File::options()
        .read(true)
        // Or opening would wait for a writer, if it is gone already.
        .custom_flags(rustix::fs::OFlags::NONBLOCK.bits() as i32)
        .open(pipe);
    let started = Instant::now();
    let mut pipe = read_only_now.unwrap();
    while pipe.read(&mut [0]).is_err() {
        assert!(started.elapsed() < Duration::from_secs(30), "a process lives on");
        std::thread::yield_now();
    }
}

fn assert_no_children(device: &crate::support::Device) {
    let id = device.child.child.id();
    // Linux tells; elsewhere this is not checked.
    if let Ok(children) = fs::read_to_string(format!("/proc/{id}/task/{id}/children")) {
        assert_eq!(children, "", "a process was not waited for");
    }
}

#[test]
fn a_command_may_print_before_it_has_read_and_need_not_read() {
    let place = Place::new();
    let large = format!("\"{}\"", "x".repeat(500_000));
    let fetch = |command: &str| {
        let device = place.serve("pipes", &["--fetch-exec", command]);
        place.run_with_input(&["fetch", &device.id, "-", "--at", &device.at(), "--json"], &large)
    };
    assert_eq!(fetch("cat").json()["data"].as_str().unwrap().len(), 500_000);
    assert_eq!(fetch("echo 1").json()["data"], 1);
}

#[test]
fn what_a_command_leaves_running_keeps_nobody_waiting() {
    let place = Place::new();
    let device = place.serve("left", &["--push-exec", "sleep 5 & echo started"]);
    let started = Instant::now();
    place.run(&["push", &device.id, "on", "--at", &device.at()]).assert_done();
    assert!(started.elapsed() < Duration::from_secs(2));
}
