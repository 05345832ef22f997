//! `discover`: who is there.

use crate::support::Place;

#[test]
fn it_lists_the_devices_that_are_there() {
    let place = Place::new();
    let devices = [place.serve("a", &[]), place.serve("b", &[]), place.serve("c", &[])];

    let found = place.run(&["discover", "--wait", "1"]);
    let lines: Vec<_> = found.assert_done().out.lines().collect();
    assert_eq!(lines.len(), 5, "{found:?}");
    assert!(lines[0].starts_with("ID "), "{found:?}");
    assert_eq!(lines[4], "3 devices");
    for device in &devices {
        let line = lines.iter().find(|line| line.starts_with(&device.id)).unwrap();
        assert!(line.contains(&format!(" {} ", device.at())), "{line}");
        assert!(line.contains(" multicast "), "{line}");
    }

    let found = place.run(&["discover", "--wait", "1", "--json"]);
    let lines = found.assert_done().lines();
    assert_eq!(lines.len(), 3);
    for device in &devices {
        let line = lines.iter().find(|line| line["id"] == *device.id).unwrap();
        assert_eq!(line["address"], device.at());
        assert_eq!(line["source"], "multicast");
        assert!(line["ms"].is_f64(), "{line}");
    }
}

#[test]
fn nobody_there_is_3_with_the_usual_causes() {
    let place = Place::new();
    let found = place.run(&["discover", "--timeout", "0.2", "--json"]);
    found.assert_failed(3, "no_devices");
    for cause in ["no device is running", "another network", "37020", "isolation"] {
        assert!(found.err.contains(cause), "{found:?}");
    }
    // A device that is not to be found.
    let _device = place.serve("hidden", &["--no-discovery"]);
    assert_eq!(place.run(&["discover", "--wait", "0.3"]).code, Some(3));
}
