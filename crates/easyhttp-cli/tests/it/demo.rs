//! `demo`: three devices that find each other.

use crate::support::{Place, Running};

#[test]
fn once_does_everything_and_says_so() {
    let place = Place::new();
    let demo = place.run(&["demo", "--once"]);
    let last = demo.assert_done().out.lines().last().unwrap();
    assert!(last.starts_with("it works: "), "{demo:?}");

    let demo = place.run(&["demo", "--once", "--json"]);
    let lines = demo.assert_done().lines();
    let count = |event: &str| lines.iter().filter(|line| line["event"] == event).count();
    assert_eq!((count("started"), count("found"), count("called")), (3, 2, 5), "{demo:?}");
    let outcomes: Vec<_> = lines.iter().filter_map(|line| line["outcome"].as_str()).collect();
    assert_eq!(outcomes, ["pong", "data", "accepted", "data", "refused"]);
    assert_eq!(lines.last().unwrap()["event"], "worked");
}

#[test]
fn what_does_not_work_gives_the_fitting_code() {
    let place = Place::new();
    // Nobody is found in a microsecond.
    let demo = place.run(&["demo", "--once", "--json", "--timeout", "0.000001"]);
    assert!(matches!(demo.code, Some(3 | 4)), "{demo:?}");
    assert!(demo.lines().last().unwrap()["error"]["code"].is_string(), "{demo:?}");
}

#[test]
fn others_talk_to_its_devices_by_the_commands_that_it_shows() {
    let place = Place::new();
    let mut demo = Running::start(place.command(&["demo", "--json"]));
    let hints = demo.event("hints");
    let id_in = |hint: &str| {
        let words: Vec<_> = hint.split(' ').collect();
        let id = words.iter().find(|word| word.len() == 6 && word.to_uppercase() == **word);
        (*id.unwrap()).to_owned()
    };
    let [fetch, push] = [0, 1].map(|n| hints["commands"][n].as_str().unwrap().to_owned());
    assert!(fetch.contains("--discovery-port"), "{fetch}");

    let fetched = place.run(&["fetch", &id_in(&fetch), "--json"]);
    assert!(fetched.assert_done().json()["data"]["processors"].is_u64(), "{fetched:?}");
    assert_eq!(demo.event("asked")["role"], "sensor");

    let lamp = id_in(&push);
    place.run(&["push", &lamp, "{\"command\":\"led\",\"state\":\"on\"}"]).assert_done();
    let asked = demo.event("asked");
    assert_eq!(asked["outcome"], "accepted");
    // The controller sees who did it, and leaves it so.
    loop {
        let called = demo.event("called");
        if called["role"] == "lamp" && called["data"]["by"] == asked["sender"] {
            assert_eq!(called["data"]["led"], "on");
            break;
        }
    }
    let pushed = place.run(&["push", &lamp, "dance", "--json"]);
    let error = pushed.assert_failed(1, "refused");
    assert!(error["reason"].as_str().unwrap().contains("a lamp only knows"), "{error}");

    #[cfg(unix)]
    assert_eq!(demo.end(rustix::process::Signal::INT).0, Some(0));
}
