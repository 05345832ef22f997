//! Secure mode from the shell: encryption, keys that change, devices known by their keys.

use std::fs;

use crate::support::Place;

/// A network key in a file of this name.
fn make_key(place: &Place, name: &str) {
    place.run(&["key", "new", "--file", name]).assert_done();
}

const KEY: [&str; 2] = ["--key-file", "network.key"];

#[test]
fn what_is_encrypted_is_understood_and_counted() {
    let place = Place::new();
    make_key(&place, "network.key");
    let lamp = place.serve("lamp", &[&KEY[..], &["--fetch", "7", "--encrypt"]].concat());
    let ask = |command: &str, more: &[&str]| {
        place.run(&[&[command, &lamp.id, "--at", &lamp.at(), "--json"], more].concat())
    };
    let fetched = ask("fetch", &[&KEY[..], &["--encrypt"]].concat());
    assert_eq!(fetched.assert_done().json()["data"], 7);
    ask("fetch", &[]).assert_failed(1, "other_key");
    let stats = ask("stats", &KEY);
    // It got no further than the PING before a FETCH.
    assert_eq!(stats.assert_done().json()["stats"]["unauthenticated"], 1);

    let text = place.run(&["stats", &lamp.id, "--at", &lamp.at(), KEY[0], KEY[1]]);
    assert!(text.assert_done().out.contains("1  unauthenticated"), "{text:?}");
    assert!(!text.out.contains("replayed"), "{text:?}");
}

#[test]
fn a_device_that_allows_it_is_open_to_all() {
    let place = Place::new();
    make_key(&place, "network.key");
    let lamp = place.serve("lamp", &[&KEY[..], &["--fetch", "7", "--allow-legacy"]].concat());
    let at = lamp.at();
    for more in [&KEY[..], &[]] {
        let all = [&["fetch", &lamp.id, "--at", &at, "--json"], more].concat();
        assert_eq!(place.run(&all).assert_done().json()["data"], 7);
    }
}

#[test]
fn devices_without_the_key_are_no_news_unless_nobody_else_is_there() {
    let place = Place::new();
    make_key(&place, "network.key");
    let open = place.serve("open", &["--fetch", "1"]);
    for command in [&["discover"][..], &["fetch", &open.id]] {
        let ran = place.run(&[command, &KEY].concat());
        assert_eq!(ran.code, Some(3), "{ran:?}");
        assert!(ran.err.contains("Only devices without our network key were heard"), "{ran:?}");
        assert!(!ran.err.contains("WARN"), "{ran:?}");
    }
    let lamp = place.serve("lamp", &[&KEY[..], &["--fetch", "7"]].concat());
    let fetched = place.run(&[&["fetch", &lamp.id][..], &KEY].concat());
    assert_eq!((fetched.code, fetched.err.as_str()), (Some(0), ""), "{fetched:?}");
}

#[cfg(unix)]
#[test]
fn keys_are_read_again_when_it_is_told_to() {
    let place = Place::new();
    make_key(&place, "network.key");
    make_key(&place, "new.key");
    let mut lamp = place.serve("lamp", &[&KEY[..], &["--fetch", "7"]].concat());
    let (id, at) = (lamp.id.clone(), lamp.at());
    let ask = |key: &str| place.run(&["fetch", &id, "--at", &at, "--json", "--key-file", key]);
    ask("new.key").assert_failed(1, "other_key");
    fs::copy(place.folder.join("network.key"), place.folder.join("old.key")).unwrap();
    let [old, new] =
        ["network.key", "new.key"].map(|name| fs::read_to_string(place.folder.join(name)).unwrap());
    let mut renew = |content: &str| {
        fs::write(place.folder.join("network.key"), content).unwrap();
        lamp.child.signal(rustix::process::Signal::HUP);
        lamp.event("keys")["key_ids"].as_array().unwrap().len()
    };
    assert_eq!(renew(&(new.clone() + &old)), 2);
    ask("old.key").assert_done();
    ask("new.key").assert_done();
    assert_eq!(renew(&new), 1);
    ask("old.key").assert_failed(1, "other_key");
    ask("new.key").assert_done();
}

#[test]
fn who_has_another_key_of_its_own_is_not_believed_until_it_is_forgotten() {
    let place = Place::new();
    make_key(&place, "network.key");
    let lamp = |key: &str| {
        let own = [&KEY[..], &["--fetch", "7", "--device-key", key]].concat();
        place.serve("lamp", &own)
    };
    let ask = |id: &str, at: &str| {
        let asks = ["fetch", id, "--at", at, "--json", "--device-key", "asker.key"];
        place.run(&[&asks[..], &KEY].concat())
    };
    let trust = |arguments: &[&str]| {
        place.run(&[&["trust"], arguments, &["--device-key", "asker.key", "--json"]].concat())
    };
    let first = lamp("first.key");
    ask(&first.id, &first.at()).assert_done();
    let known = trust(&["list"]).json();
    assert_eq!(known["id"], first.id.as_str());
    let id = first.id.clone();
    drop(first);

    // Its folder was copied, but not its key.
    let second = lamp("second.key");
    assert_eq!(second.id, id);
    ask(&id, &second.at()).assert_failed(3, "identity_changed");
    trust(&["forget", &id]).assert_done();
    trust(&["forget", &id]).assert_failed(3, "not_trusted");
    ask(&id, &second.at()).assert_done();
    assert_ne!(trust(&["list"]).json()["device_key"], known["device_key"]);

    // An empty list says where it has looked: it may have been the wrong folder.
    let nowhere = place.run(&["trust", "list", "--device-key", "nobody.key"]);
    assert!(nowhere.assert_done().out.ends_with("nobody.trust\n"), "{nowhere:?}");
}
