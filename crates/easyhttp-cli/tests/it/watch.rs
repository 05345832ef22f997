//! `discover --watch`: who comes and goes.
#![cfg(unix)]

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Place, Running};

#[test]
fn each_event_is_a_line_beginning_with_who_is_here() {
    let place = Place::new();
    let mut before = place.serve("before", &[]);
    let mut watch = Running::start(place.command(&["discover", "--watch", "--json"]));
    let joined = watch.event("joined");
    assert_eq!(joined["id"], before.id);
    assert_eq!(joined["address"], before.at());
    assert_eq!(joined["source"], "multicast");
    assert_eq!(joined["version"], "0.4.0");
    assert!(joined["time"].is_f64(), "{joined}");

    let mut after = place.serve("after", &[]);
    assert_eq!(watch.event("joined")["id"], after.id);
    // The names are those of `serve --json`.
    let names = |event: &Value| event.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&before.event("joined")), names(&joined));
    after.child.end(Signal::TERM);
    assert_eq!(watch.event("left")["id"], after.id);
    before.child.end(Signal::TERM);
    assert_eq!(watch.event("left")["id"], before.id);

    assert_eq!(watch.end(Signal::INT), (Some(0), Vec::new()));
}

#[test]
fn people_get_lines_where_there_is_no_terminal() {
    let place = Place::new();
    let mut watch = Running::start(place.command(&["discover", "--watch"]));
    let device = place.serve("lamp", &[]);
    let line = watch.line();
    let told = format!("Z joined {} at {} (multicast)", device.id, device.at());
    assert!(line.ends_with(&told), "{line}");
    assert_eq!(watch.end(Signal::TERM).0, Some(0));
}

#[test]
fn it_ends_after_the_timeout_and_nobody_is_no_failure() {
    let place = Place::new();
    let watched = place.run(&["discover", "--watch", "--json", "--timeout", "0.3"]);
    assert_eq!(watched.assert_done().out, "");
}
