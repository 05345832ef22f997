//! The command line itself: help, and what is wrong with it.

use std::collections::HashSet;

use crate::support::Place;

#[test]
fn help_and_version_are_there() {
    let place = Place::new();
    let version = place.run(&["--version"]);
    assert_eq!(version.assert_done().out, concat!("easyhttp ", env!("CARGO_PKG_VERSION"), "\n"));
    let help = place.run(&["--help"]);
    for command in ["serve", "discover", "ping", "fetch", "push", "send", "id", "key", "demo"] {
        assert!(help.assert_done().out.contains(&format!("\n  {command} ")), "{help:?}");
        let help = place.run(&[command, "--help"]);
        assert!(help.assert_done().out.contains("--json"), "{help:?}");
        assert!(help.out.lines().all(|line| line.chars().count() <= 100), "{help:?}");
    }
}

#[test]
fn the_ways_to_find_others_stand_in_one_order_everywhere() {
    let place = Place::new();
    for command in ["serve", "discover", "ping", "fetch", "push", "send", "stats"] {
        let help = place.run(&[command, "--help"]);
        let ways = ["--discovery-port <", "--interface <", "--peer <", "--sweep ", "--no-dns-sd "];
        let places = ways.map(|way| help.out.find(&format!("      {way}")).expect(way));
        assert!(places.is_sorted(), "{}", help.out);
    }
}

#[test]
fn wrong_usage_is_2() {
    let place = Place::new();
    let wrong: &[&[&str]] = &[
        &["fly"],
        &["fetch"],
        &["push", "7H8G2K"],
        &["fetch", "7H8G2K", "{broken: json}"],
        &["push", "7H8G2K", "[1,"],
        &["push", "7H8G2K", "-"],
        &["serve", "--fetch", "{"],
        &["serve", "--fetch", "1", "--fetch-exec", "date"],
        &["serve", "--port", "65536"],
        &["serve", "--allow-origin", "panel.local"],
        &["fetch", "7H8G2K", "--at", "192.168.1.23"],
        &["fetch", "7H8G2K", "--timeout", "0"],
        &["ping", "7H8G2K", "--count", "0"],
        &["send", "7H8G2K", "ACK"],
        &["send", "7H8G2K", "42"],
        &["discover", "--interface", "no-such-interface"],
        &["discover", "--watch", "--wait", "1"],
        &["discover", "--peer", "192.168.1.23"],
        &["serve", "--peer", "192.168.1.23:0"],
        &["serve", "--peer", "192.168.1.23:5000", "--no-discovery"],
        &["ping", "7H8G2K", "--sweep", "--at", "192.168.1.23:5000"],
        &["ping"],
        &["ping", "7H8G2K", "--all"],
        &["ping", "--all", "--count", "3"],
        &["ping", "--all", "--interval", "3"],
        &["fetch", "--all", "7H8G2K", "temperature"],
        &["fetch", "--all", "{broken: json}"],
        &["fetch", "--all", "--at", "192.168.1.23:5000"],
        &["push", "--all"],
        &["push", "--all", "7H8G2K", "on"],
        &["send", "--all", "PING"],
    ];
    for arguments in wrong {
        let ran = place.run(&[*arguments, &["--json"]].concat());
        ran.assert_failed(2, "usage");
        // Without the flag there is nothing on standard output.
        let ran = place.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (Some(2), ""), "{ran:?}");
        assert!(ran.err.starts_with("error: "), "{ran:?}");
    }
    assert_eq!(place.run(&[]).code, Some(2));
}

#[test]
fn a_wrong_interface_shows_each_that_is_there_once() {
    let place = Place::new();
    let wrong = place.run(&["discover", "--interface", "no-such-interface"]);
    let (_, names) = wrong.err.trim().split_once("there are ").expect("it lists them");
    let names: Vec<_> = names.split(", ").collect();
    let each: HashSet<_> = names.iter().collect();
    assert_eq!(each.len(), names.len(), "{wrong:?}");
}

#[test]
fn a_wrong_address_shows_the_form() {
    let place = Place::new();
    let wrong = place.run(&["discover", "--peer", "fe80::1"]);
    assert!(wrong.err.contains("192.168.1.23:5000, [fe80::1%eth0]:5000 or"), "{wrong:?}");
}

#[test]
fn a_wrong_id_shows_the_alphabet() {
    let place = Place::new();
    for id in ["", "7H8G2", "7H8G2KK", "7H8-2K", "Ä1"] {
        let ran = place.run(&["fetch", id, "--json"]);
        let error = ran.assert_failed(2, "invalid_id");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains("23456789ABCDEFGHJKLMNPQRSTUVWXYZ"), "{message}");
        assert!(message.contains(&format!("{id:?}")), "{message}");
    }
}
