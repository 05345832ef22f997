//! The id with which commands ask.

use std::fs;
use std::process::Stdio;

use crate::support::{Device, Place};

#[test]
fn a_device_sees_the_same_sender_each_time() {
    let place = Place::new();
    let mut device = place.serve("seeing", &["--fetch", "1"]);
    place.run(&["fetch", &device.id]).assert_done();
    let first = device.event("fetch")["sender"].clone();
    place.run(&["ping", &device.id, "--at", &device.at()]).assert_done();
    assert_eq!(device.event("ping")["sender"], first);
    let kept = fs::read_to_string(place.folder.join("state/easyhttp/identity")).unwrap();
    assert_eq!(kept.trim(), first);
}

#[test]
fn first_starts_at_once_agree_on_one_id() {
    let place = Place::new();
    let mut device = place.serve("seeing", &[]);
    let started: Vec<_> = (0..12)
        .map(|_| {
            let mut command = place.command(&["ping", &device.id, "--at", &device.at()]);
            command.stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut child in started {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    let first = device.event("ping")["sender"].clone();
    for _ in 1..12 {
        assert_eq!(device.event("ping")["sender"], first);
    }
    // Nothing half done is left behind.
    let folder = fs::read_dir(place.folder.join("state/easyhttp")).unwrap();
    let files: Vec<_> = folder.map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files, ["identity"]);
}

#[test]
fn without_a_place_to_keep_it_an_id_is_drawn_each_time() {
    let place = Place::new();
    let mut device = place.serve("seeing", &[]);
    let sender = |device: &mut Device, set: &dyn Fn(&mut std::process::Command)| {
        let mut command = place.command(&["ping", &device.id, "--at", &device.at()]);
        set(&mut command);
        crate::support::run(&mut command, "").assert_done();
        device.event("ping")["sender"].clone()
    };
    // A folder that cannot be made.
    let nowhere = |command: &mut std::process::Command| {
        command.env("XDG_STATE_HOME", "/dev/null/nowhere");
    };
    assert_ne!(sender(&mut device, &nowhere), sender(&mut device, &nowhere));
    // A relative path is none (XDG Base Directory Specification), so HOME counts.
    let relative = |command: &mut std::process::Command| {
        command.env("XDG_STATE_HOME", "relative");
    };
    assert_eq!(sender(&mut device, &relative), sender(&mut device, &relative));
    assert!(!place.folder.join("relative").exists());
}

#[test]
fn a_file_that_holds_no_id_is_left_alone() {
    let place = Place::new();
    let device = place.serve("seeing", &[]);
    let file = place.folder.join("state/easyhttp/identity");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(&file, "my own words").unwrap();
    let pinged = place.run(&["ping", &device.id, "--at", &device.at()]);
    assert!(pinged.assert_done().err.contains("holds no device id"), "{pinged:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "my own words");
}
