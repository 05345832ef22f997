//! `push --later` and `outbox`: what waits until its device is there.

mod door;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Place, Ran};

/// Leaves a push to the device `hub`.
fn later(place: &Place, id: &str, data: &str, more: &[&str]) -> Ran {
    place.run(&[&["push", id, data, "--later", "--config", "hub.json", "--json"], more].concat())
}

/// What waits at the device `hub`.
fn waiting(place: &Place) -> Vec<Value> {
    outbox(place, &["list", "--json"]).assert_done().lines()
}

fn outbox(place: &Place, arguments: &[&str]) -> Ran {
    place.run(&[&["outbox", "--config", "hub.json"], arguments].concat())
}

fn token_file(place: &Place) -> PathBuf {
    place.folder.join(".hub.json.token")
}

/// A device that was there, and is not.
fn absent(place: &Place, name: &str) -> String {
    let mut device = place.serve(name, &["--push-exec", "cat >> done"]);
    assert_eq!(device.child.end(Signal::TERM).0, Some(0));
    device.id.clone()
}

#[test]
fn a_device_that_is_away_gets_it_when_it_is_there() {
    let place = Place::new();
    let id = absent(&place, "lamp");
    let mut hub = place.serve("hub", &[]);
    let kept = later(&place, &id, "{\"state\": \"off\"}", &[]);
    assert_eq!(kept.assert_done().json(), json!({"id": id, "number": 1}));
    let kept = place.run(&["push", &id, "second", "--later", "--config", "hub.json"]);
    assert_eq!(kept.assert_done().out, format!("{id} gets it when it is there: item 2\n"));
    assert_eq!(kept.err, "");

    let items = waiting(&place);
    assert_eq!(items.len(), 2, "{items:?}");
    let first = &items[0];
    assert_eq!((&first["number"], &first["to"]), (&json!(1), &json!(id)));
    assert_eq!(first["data"], json!({"state": "off"}));
    assert_eq!(first["may_have_arrived"], false);
    let left = first["expires_in"].as_u64().unwrap();
    assert!((604_000..=604_800).contains(&left), "{first}");
    let list = outbox(&place, &[]).assert_done().out.clone();
    assert!(list.starts_with(&format!("     1  {id}  {{\"state\":\"off\"}}  ")), "{list}");
    assert_eq!(list.lines().count(), 2, "{list}");

    // It is not there yet.
    let flushed = outbox(&place, &["flush"]);
    assert_eq!((flushed.code, &*flushed.out), (Some(4), "2 items still wait\n"), "{flushed:?}");
    let _lamp = place.serve("lamp", &["--push-exec", "cat >> done"]);
    for number in [1, 2] {
        let delivered = hub.event("delivered");
        assert_eq!((&delivered["number"], &delivered["to"]), (&json!(number), &json!(id)));
    }
    let done = fs::read_to_string(place.folder.join("done")).unwrap();
    assert_eq!(done, "{\"state\": \"off\"}\"second\"");
    assert_eq!(outbox(&place, &[]).assert_done().out, "nothing waits\n");
    assert_eq!(outbox(&place, &["flush", "--json"]).assert_done().json(), json!({"waiting": 0}));
}

#[test]
fn what_is_confirmed_outlasts_the_device_that_took_it() {
    let place = Place::new();
    let id = absent(&place, "lamp");
    let mut hub = place.serve("hub", &[]);
    later(&place, &id, "1", &[]).assert_done();
    let _ = hub.child.end(Signal::KILL);
    // Its token is still there, and nobody to whom it could be shown.
    assert!(token_file(&place).exists());
    assert_eq!(waiting(&place).len(), 1);
    assert_eq!(later(&place, &id, "2", &[]).assert_done().json()["number"], 2);

    let _lamp = place.serve("lamp", &["--push-exec", "cat >> done"]);
    let mut hub = place.serve("hub", &[]);
    assert_eq!(hub.event("delivered")["number"], 1);
    assert_eq!(hub.event("delivered")["number"], 2);
    assert_eq!(fs::read_to_string(place.folder.join("done")).unwrap(), "12");
}

#[test]
fn a_device_need_not_run() {
    let place = Place::new();
    let id = absent(&place, "lamp");
    absent(&place, "hub");
    assert!(!token_file(&place).exists());
    assert_eq!(outbox(&place, &[]).assert_done().out, "nothing waits\n");
    assert_eq!(outbox(&place, &["flush"]).assert_done().out, "nothing waits any more\n");
    assert!(!place.folder.join(".hub.json.outbox").exists());

    for number in 1..=3 {
        let kept = later(&place, &id, &number.to_string(), &["--expires", "1h"]);
        assert_eq!(kept.assert_done().json()["number"], number);
    }
    let mode = fs::metadata(place.folder.join(".hub.json.outbox")).unwrap();
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let items = waiting(&place);
    assert_eq!(items.iter().map(|item| &item["data"]).collect::<Vec<_>>(), [1, 2, 3]);
    let left = items[0]["expires_in"].as_u64().unwrap();
    assert!((3500..=3600).contains(&left), "{items:?}");
    assert_eq!(outbox(&place, &["cancel", "2"]).assert_done().out, "item 2 is cancelled\n");
    let gone = outbox(&place, &["cancel", "2", "--json"]).assert_failed(3, "no_such_item");
    assert_eq!(gone["number"], 2);

    let flushed = outbox(&place, &["flush", "--timeout", "0.2", "--json"]);
    assert_eq!((flushed.code, flushed.json()), (Some(4), json!({"waiting": 2})), "{flushed:?}");
    let _lamp = place.serve("lamp", &["--push-exec", "cat >> done"]);
    let lines = outbox(&place, &["flush", "--json"]).assert_done().lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert_eq!((&lines[0]["event"], &lines[0]["number"]), (&json!("delivered"), &json!(1)));
    assert_eq!((&lines[1]["event"], &lines[1]["number"]), (&json!("delivered"), &json!(3)));
    assert_eq!(lines[2], json!({"waiting": 0}));
    assert_eq!(fs::read_to_string(place.folder.join("done")).unwrap(), "13");
    assert_eq!(waiting(&place), [] as [Value; 0]);
}

#[test]
fn the_device_says_what_was_refused_and_what_has_expired() {
    let place = Place::new();
    let id = absent(&place, "lamp");
    let mut hub = place.serve("hub", &[]);
    later(&place, &id, "late", &["--expires", "1"]).assert_done();
    let expired = hub.event("expired");
    assert_eq!((&expired["number"], &expired["data"]), (&json!(1), &json!("late")));
    assert_eq!(waiting(&place), [] as [Value; 0]);

    let refusing = place.serve("no", &["--push-exec", "echo it is too dark >&2; exit 1"]);
    later(&place, &refusing.id, "on", &[]).assert_done();
    let refused = hub.event("refused");
    assert_eq!((&refused["number"], &refused["to"]), (&json!(2), &json!(refusing.id)));
    assert_eq!(refused["error"]["code"], "refused");
    assert_eq!(refused["error"]["reason"], "it is too dark");
    assert_eq!(refused["delivery"], "refused");
}

#[test]
fn people_read_what_became_of_it() {
    let place = Place::new();
    let command = place.command(&["serve", "--port", "0", "--config", "hub.json"]);
    let mut hub = crate::support::Running::start(command);
    hub.line();
    let lamp = place.serve("lamp", &["--push-exec", "cat >> done"]);
    later(&place, &lamp.id, "[1]", &[]).assert_done();
    let expected = format!("item 1 for {}  [1] → delivered", lamp.id);
    while !hub.line().ends_with(&expected) {}
}

#[test]
fn an_item_that_a_running_device_has_can_be_cancelled() {
    let place = Place::new();
    let id = absent(&place, "lamp");
    let _hub = place.serve("hub", &[]);
    later(&place, &id, "1", &[]).assert_done();
    let cancelled = outbox(&place, &["cancel", "1", "--json"]);
    assert_eq!(cancelled.assert_done().json(), json!({"number": 1, "cancelled": true}));
    assert_eq!(waiting(&place), [] as [Value; 0]);
    let gone = outbox(&place, &["cancel", "1", "--json"]);
    gone.assert_failed(3, "no_such_item");
    assert!(gone.err.contains("no item 1 waits"), "{gone:?}");
}

#[test]
fn many_items_are_listed_whole() {
    let place = Place::new();
    let id = absent(&place, "lamp");
    let _hub = place.serve("hub", &[]);
    let large = "x".repeat(400_000);
    for _ in 0..4 {
        let pushed = ["push", &id, "-", "--later", "--config", "hub.json"];
        place.run_with_input(&pushed, &large).assert_done();
    }
    let items = waiting(&place);
    assert_eq!(items.iter().map(|item| &item["number"]).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert!(items.iter().all(|item| item["data"] == large));
}

#[test]
fn a_device_with_a_network_key_takes_it_from_whoever_has_its_token() {
    let place = Place::new();
    place.run(&["key", "new", "--file", "network.key"]).assert_done();
    let key = ["--key-file", "network.key"];
    let lamp = place.serve("lamp", &[&["--push-exec", "cat >> done"], &key[..]].concat());
    let mut hub = place.serve("hub", &key);
    later(&place, &lamp.id, "1", &[]).assert_done();
    assert_eq!(hub.event("delivered")["number"], 1);
    let _ = hub.child.end(Signal::TERM);
    later(&place, &lamp.id, "2", &[]).assert_done();
    let flushed = outbox(&place, &[&["flush", "--json"], &key[..]].concat());
    assert_eq!(flushed.assert_done().lines()[0]["event"], "delivered");
    assert_eq!(fs::read_to_string(place.folder.join("done")).unwrap(), "12");
}

#[test]
fn what_cannot_be_kept_says_why() {
    let place = Place::new();
    let missing = later(&place, "7H8G2K", "1", &[]);
    assert_eq!(missing.assert_failed(3, "no_device_file")["delivery"], "not_sent");
    assert!(missing.err.contains("hub.json") && missing.err.contains("easyhttp serve"));
    outbox(&place, &["--json"]).assert_failed(3, "no_device_file");
    // Nothing is left where nothing was.
    assert_eq!(fs::read_dir(&place.folder).unwrap().count(), 0);

    let mut hub = place.serve("hub", &[]);
    for runs in [true, false] {
        if !runs {
            let _ = hub.child.end(Signal::TERM);
        }
        later(&place, &hub.id, "1", &[]).assert_failed(2, "own_id");
        let large = format!("\"{}\"", "x".repeat(1024 * 1024 - 100));
        let pushed = ["push", "7H8G2K", "-", "--later", "--config", "hub.json", "--json"];
        place.run_with_input(&pushed, &large).assert_failed(5, "too_large");
    }
    fs::write(place.folder.join(".hub.json.outbox"), "no database").unwrap();
    let broken = later(&place, "7H8G2K", "1", &[]).assert_failed(5, "outbox");
    assert!(broken["message"].as_str().unwrap().contains(".hub.json.outbox"), "{broken}");
    let serve = ["serve", "--json", "--port", "0", "--config", "hub.json"];
    place.run(&serve).assert_failed(5, "outbox");
}

#[test]
fn what_does_not_belong_together_is_2() {
    let place = Place::new();
    let push = ["push", "7H8G2K", "on", "--json"];
    for wrong in [
        &["--config", "hub.json"][..],
        &["--expires", "5"],
        &["--later", "--at", "127.0.0.1:5000"],
        &["--later", "--peer", "127.0.0.1:5000"],
        &["--later", "--sweep"],
        &["--later", "--expires", "0"],
        &["--later", "--expires", "366d"],
        &["--later", "--expires", "soon"],
    ] {
        place.run(&[&push, wrong].concat()).assert_failed(2, "usage");
    }
    place.run(&["push", "7H8", "on", "--later", "--json"]).assert_failed(2, "invalid_id");
    for wrong in [&["cancel"][..], &["cancel", "first"], &["drop"], &["list", "7"]] {
        outbox(&place, &[wrong, &["--json"]].concat()).assert_failed(2, "usage");
    }
}

#[test]
fn a_flush_takes_no_longer_than_it_may() {
    let place = Place::new();
    // It ends long after the time of the flush, and in the time of a call.
    let wait = "while test ! -e go; do sleep 0.05; done";
    let lamp = place.serve("lamp", &["--push-exec", wait]);
    absent(&place, "hub");
    later(&place, &lamp.id, "1", &[]).assert_done();
    let flushed = outbox(&place, &["flush", "--timeout", "0.5"]);
    assert_eq!((flushed.code, &*flushed.out), (Some(4), "1 item still waits\n"), "{flushed:?}");
    fs::write(place.folder.join("go"), "").unwrap();
    assert_eq!(waiting(&place).len(), 1);
    let flushed = outbox(&place, &["flush"]).assert_done().out.clone();
    assert!(flushed.ends_with("nothing waits any more\n"), "{flushed}");
}

#[test]
fn nothing_is_lost_while_the_device_starts_and_stops() {
    const EACH: usize = 15;
    let place = Place::new();
    let id = absent(&place, "lamp");
    absent(&place, "hub");
    let numbers = std::thread::scope(|scope| {
        let push = || {
            let kept = (0..EACH).map(|_| later(&place, &id, "1", &[]));
            let number = |kept: Ran| kept.assert_done().json()["number"].as_u64().unwrap();
            kept.map(number).collect::<Vec<_>>()
        };
        let pushing: Vec<_> = (0..3).map(|_| scope.spawn(push)).collect();
        while !pushing.iter().all(|pushing| pushing.is_finished()) {
            let mut hub = place.serve("hub", &[]);
            assert_eq!(hub.child.end(Signal::TERM).0, Some(0));
        }
        let mut numbers: Vec<u64> = Vec::new();
        pushing.into_iter().for_each(|pushing| numbers.append(&mut pushing.join().unwrap()));
        numbers.sort_unstable();
        numbers
    });
    let items = waiting(&place);
    let listed: Vec<_> = items.iter().map(|item| item["number"].as_u64().unwrap()).collect();
    assert_eq!(listed, numbers);
    assert_eq!(listed.len(), 3 * EACH);
}
