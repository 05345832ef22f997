//! Which Python devices are PINGed, and how often: they learn us by that alone.

use std::time::Duration;

use easyhttp_proto::datagram::Kind;
use easyhttp_proto::discovery::{Action, Pinged};

use crate::one::{One, at, id};
use crate::sim::Network;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn a_python_device_that_was_restarted_learns_us_again() {
    let mut network = Network::new(1);
    let lamp = network.start("LAMP22");
    let python = network.start_python("PYTHON", SECONDS(0));
    network.run(SECONDS(60));
    assert!(network.knows(python, lamp));
    network.switch_off(python);
    network.run(SECONDS(1));
    network.switch_on(python);
    network.run(SECONDS(3600));
    assert!(network.knows(python, lamp));
}

#[test]
fn a_python_device_that_answers_late_learns_us_at_its_next_announcement() {
    let mut network = Network::new(1);
    let lamp = network.start("LAMP22");
    let python = network.start_python("PYTHON", SECONDS(10));
    network.run(SECONDS(3600));
    assert!(network.knows(python, lamp));
}

#[test]
fn a_python_device_that_the_user_added_is_greeted_when_it_starts() {
    let mut one = One::new();
    one.peers.add(SECONDS(0), id("FRND22"), at("10.0.0.2:5000"));
    let actions = one.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "FRND22", None);
    assert!(actions.iter().any(|action| matches!(action, Action::Ping(_))), "{actions:?}");
}

#[test]
fn a_python_device_is_pinged_once_and_until_it_answers() {
    let python = id("PYTHON");
    let greets = |actions: &[Action]| actions.contains(&Action::Ping(python));
    let mut one = One::new();
    let hear = |one: &mut One, now| one.hear(now, "10.0.0.2:40000", Kind::Announce, "PYTHON", None);
    assert!(greets(&hear(&mut one, SECONDS(1))));
    // Its server is not up yet, and it takes a while.
    let mut pings = 1;
    for second in 1..30 {
        one.discovery.pinged(SECONDS(second), python, Pinged::Silent, &mut one.peers);
        pings += usize::from(greets(&one.act(SECONDS(second + 1))));
    }
    assert_eq!(pings, 5);
    assert!(greets(&hear(&mut one, SECONDS(31))), "given up for good");
    one.discovery.pinged(SECONDS(31), python, Pinged::Answered, &mut one.peers);
    for announcement in 2..10 {
        let now = SECONDS(1 + announcement * 30);
        assert!(!greets(&hear(&mut one, now)), "PINGed though it knows us");
    }
    // It has restarted: it announces itself before its time.
    assert!(greets(&hear(&mut one, SECONDS(280))));
}

#[test]
fn a_python_device_that_is_greeted_and_suspect_is_pinged_once() {
    let mut one = One::new();
    let mut pinged = one.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "PYTHON", None);
    one.discovery.suspect(SECONDS(2), id("PYTHON"));
    pinged.extend(one.act(SECONDS(2)));
    pinged.retain(|action| matches!(action, Action::Ping(_)));
    assert_eq!(pinged, [Action::Ping(id("PYTHON"))]);
    // What comes of it is told to both.
    one.discovery.pinged(SECONDS(3), id("PYTHON"), Pinged::Refused, &mut one.peers);
    assert_eq!(one.act(SECONDS(4)), [Action::Ping(id("PYTHON"))]);
    one.discovery.pinged(SECONDS(4), id("PYTHON"), Pinged::Refused, &mut one.peers);
    let told = one.act(SECONDS(5));
    assert!(told.iter().any(|action| matches!(action, Action::Lost(_))), "{told:?}");
}
