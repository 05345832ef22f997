//! `discover`: who is there.

use serde_json::Value;

use crate::support::Place;

#[test]
fn it_lists_the_devices_that_are_there() {
    let place = Place::new();
    let devices = [place.serve("a", &[]), place.serve("b", &[]), place.serve("c", &[])];

    let found = place.run(&["discover", "--wait", "1"]);
    let lines: Vec<_> = found.assert_done().out.lines().collect();
    assert_eq!(lines.len(), 5, "{found:?}");
    let titles: Vec<_> = lines[0].split("  ").filter(|title| !title.is_empty()).collect();
    let titles: Vec<_> = titles.iter().map(|title| title.trim()).collect();
    assert_eq!(titles, ["ID", "ADDRESS", "FOUND BY", "PING", "VERSION", "AGE"]);
    assert_eq!(lines[4], "3 devices");
    assert!(lines.iter().all(|line| line.chars().count() < 80), "{found:?}");
    for device in &devices {
        let line = lines.iter().find(|line| line.starts_with(&device.id)).unwrap();
        let words: Vec<_> = line.split_whitespace().collect();
        assert_eq!(words[..3], [&device.id, &device.at(), "multicast"], "{line}");
        // After the round trip and its unit.
        assert_eq!(words[5..], ["0.4.0", "now"], "{line}");
        // Each below its title.
        for (title, cell) in [("ADDRESS", words[1]), ("PING", words[3]), ("VERSION", words[5])] {
            let column = |line: &str, text: &str| line.split(text).next().unwrap().chars().count();
            assert_eq!(column(line, &format!(" {cell}")) + 1, column(lines[0], title), "{found:?}");
        }
    }

    let found = place.run(&["discover", "--wait", "1", "--json"]);
    let lines = found.assert_done().lines();
    assert_eq!(lines.len(), 3);
    for device in &devices {
        let line = lines.iter().find(|line| line["id"] == *device.id).unwrap();
        assert_eq!(line["address"], device.at());
        assert_eq!(line["source"], "multicast");
        assert_eq!(line["version"], "0.4.0");
        assert!(line["ms"].is_f64() && line["age_ms"].is_f64(), "{line}");
    }
}

#[test]
fn a_device_that_multicast_does_not_reach_is_found_by_its_address_or_name() {
    let (here, there) = (Place::new(), Place::new());
    let device = there.serve("far", &["--fetch", "1"]);
    for at in [device.at(), format!("localhost:{}", device.port)] {
        let found = here.run(&["discover", "--peer", &at, "--json"]);
        assert_eq!(found.assert_done().json()["id"], device.id);
        assert_eq!(found.json()["source"], "named");
        let fetched = here.run(&["fetch", &device.id, "--peer", &at]);
        assert_eq!(fetched.assert_done().out, "1\n");
    }
    let mut near = here.serve("near", &["--peer", &device.at()]);
    let joined = near.event("joined");
    assert_eq!((&joined["id"], &joined["source"]), (&device.id.clone().into(), &"named".into()));
}

#[test]
fn nobody_there_is_3_with_what_was_tried_and_the_usual_causes() {
    let place = Place::new();
    let found = place.run(&["discover", "--wait", "1", "--json"]);
    let error = found.assert_failed(3, "no_devices");
    let port = place.discovery_port.to_string();
    assert_eq!(error["discovery_port"].to_string(), port);
    for told in [&port, "no device is running", "another network", "isolation"] {
        assert!(found.err.contains(told), "{told}: {found:?}");
    }
    let missing = place.run(&["ping", "AB3F9Z", "--timeout", "0.2"]);
    assert!(missing.err.contains("`easyhttp discover` says more"), "{missing:?}");

    // A device that is not to be found, and an address where nobody is.
    let _device = place.serve("hidden", &["--no-discovery"]);
    let found = place.run(&["discover", "--wait", "0.3", "--peer", "127.0.0.1:1"]);
    assert_eq!(found.code, Some(3));
    assert!(found.err.contains("none answered at 127.0.0.1:1\n"), "{found:?}");
}

#[test]
fn a_named_address_where_nobody_is_is_told_beside_the_devices_that_are_there() {
    let (here, there) = (Place::new(), Place::new());
    let (near, far) = (here.serve("near", &[]), there.serve("far", &[]));
    let name = format!("localhost:{}", far.port);
    let found =
        here.run(&["discover", "--peer", "127.0.0.1:1", "--peer", &near.at(), "--peer", &name]);
    let listed = &found.assert_done().out;
    assert!(listed.contains(&near.id) && listed.contains(&far.id), "{found:?}");
    assert_eq!(found.err, "warning: none answered at 127.0.0.1:1\n");
    let found = here.run(&["discover", "--peer", &name]);
    assert_eq!(found.assert_done().err, "");
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_tried_is_told_for_each_interface() {
    let place = Place::new();
    let error = place.run(&["discover", "--wait", "1", "--json"]).assert_failed(3, "no_devices");
    let interfaces = error["interfaces"].as_array().unwrap();
    let named = |name: &str| interfaces.iter().find(|one| one["name"] == name).unwrap();
    let loopback = named("lo");
    assert_eq!(loopback["state"], "used");
    assert_eq!(loopback["addresses"][0], "127.0.0.1");
    let count = |name: &str| loopback[name].as_u64().unwrap();
    assert!(count("sent") > 0 && count("heard") > 0, "{loopback}");
    // The tests use no other one.
    let is_other = |one: &&Value| one["name"] != "lo";
    for other in interfaces.iter().filter(is_other) {
        assert_eq!((&other["state"], &other["reason"]), (&"skipped".into(), &"not chosen".into()));
    }
    let found = place.run(&["discover", "--wait", "1"]);
    let line = found.err.lines().find(|line| line.starts_with("  lo ")).unwrap();
    assert!(line.contains(" 127.0.0.1") && line.contains(" sent, "), "{found:?}");
}
