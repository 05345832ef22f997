//! `id`: the name of the device of this folder.

use crate::support::Place;

#[test]
fn it_prints_the_id_of_the_device_file() {
    let place = Place::new();
    let missing = place.run(&["id", "--json"]);
    missing.assert_failed(3, "no_device_file");
    assert!(missing.err.contains("easyhttp_device.json"), "{missing:?}");
    assert!(missing.err.contains("easyhttp serve"), "{missing:?}");

    // While the device runs and holds the file, too.
    let device = place.serve("lamp", &[]);
    let id = place.run(&["id", "--config", "lamp.json"]);
    assert_eq!(id.assert_done().out, format!("{}\n", device.id));
    let id = place.run(&["id", "--config", "lamp.json", "--json"]).json();
    assert_eq!(id["id"], device.id);
    assert!(id["file"].as_str().unwrap().ends_with("lamp.json"), "{id}");
}

#[test]
fn a_file_that_it_cannot_understand_is_5() {
    let place = Place::new();
    for content in ["", "{", "[]", "{}", "{\"device_id\": 5}", "{\"device_id\": \"short\"}"] {
        std::fs::write(place.folder.join("easyhttp_device.json"), content).unwrap();
        let id = place.run(&["id", "--json"]);
        let error = id.assert_failed(5, "device_file_invalid");
        assert!(error["message"].as_str().unwrap().contains("easyhttp_device.json"), "{error}");
    }
    // A file of a Python device.
    let python = "{\n  \"device_id\": \"ABC123\",\n  \"port\": 5000\n}";
    std::fs::write(place.folder.join("easyhttp_device.json"), python).unwrap();
    assert_eq!(place.run(&["id"]).assert_done().out, "ABC123\n");
}
