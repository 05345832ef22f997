//! What a device tells its user of another one that has its id.

use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::datagram::Kind;
use easyhttp_proto::discovery::Action;
use easyhttp_proto::peers::Source;

use crate::one::{One, at, id};
use crate::sim::Network;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn two_devices_with_one_id_are_both_told_where_the_other_is() {
    let mut network = Network::new(12);
    let (first, second) = (network.start("SAME22"), network.start("SAME22"));
    let other = network.start("LAMP22");
    network.run(SECONDS(60));
    for (node, twin) in [(first, second), (second, first)] {
        let alarms: Vec<_> = network.told(node).iter().filter_map(duplicate).collect();
        assert_eq!(alarms, [network.address(twin)]);
        assert_eq!(network.known_by(node), ["LAMP22".parse().unwrap()]);
    }
    assert!(network.told(other).iter().filter_map(duplicate).next().is_none());
}

#[test]
fn a_python_device_with_our_id_is_noticed() {
    let mut network = Network::new(13);
    let ours = network.start("SAME22");
    let python = network.start_python("SAME22", Duration::ZERO);
    network.run(SECONDS(1));
    let alarms: Vec<_> = network.told(ours).iter().filter_map(duplicate).collect();
    assert_eq!(alarms, [network.address(python)]);
}

#[test]
fn a_device_with_our_id_is_told_once_it_answers() {
    let mut one = One::new();
    let clone = at("10.0.0.9:5000");
    let asked = one.hear(SECONDS(1), "10.0.0.9:40000", Kind::Announce, "SELF22", Some(7));
    assert!(asked.contains(&Action::Ask { at: clone, source: Source::Found }), "{asked:?}");
    one.discovery.asked(SECONDS(1), clone, Some((id("SELF22"), None)), &mut one.peers);
    assert_eq!(one.act(SECONDS(1)), [Action::DuplicateId(clone)]);
    // Who only says so is not believed, and a flood of lies causes few questions.
    let mut actions = Vec::new();
    for host in 10..250 {
        let from = format!("10.0.0.{host}:40000");
        actions.extend(one.hear(SECONDS(2), &from, Kind::Announce, "SELF22", Some(8)));
        let there = ([10, 0, 0, host], 5000).into();
        one.discovery.asked(SECONDS(2), there, None, &mut one.peers);
    }
    let is_ask = |action: &&Action| matches!(action, Action::Ask { .. });
    assert!(actions.iter().filter(is_ask).count() < 10, "{actions:?}");
    assert!(!actions.iter().any(|action| matches!(action, Action::DuplicateId(_))));
}

#[test]
fn a_duplicate_that_speaks_on_two_interfaces_is_told_once() {
    let mut one = One::new();
    let mut alarms = 0;
    for step in 0..10 {
        for from in ["10.0.0.9:40001", "10.0.0.9:40002"] {
            let now = SECONDS(step * 5);
            one.hear(now, from, Kind::Announce, "SELF22", Some(1));
            let twin = Some((id("SELF22"), None));
            one.discovery.asked(now, at("10.0.0.9:5000"), twin, &mut one.peers);
            let told = one.act(now);
            alarms += told.iter().filter(|told| matches!(told, Action::DuplicateId(_))).count();
        }
    }
    assert_eq!(alarms, 1);
}

#[test]
fn our_own_goodbye_from_before_a_restart_is_no_duplicate() {
    let mut one = One::new();
    let actions = one.hear(SECONDS(0), "10.0.0.1:40000", Kind::Bye, "SELF22", Some(1));
    assert_eq!(actions, []);
}

fn duplicate(action: &Action) -> Option<SocketAddr> {
    match action {
        Action::DuplicateId(at) => Some(*at),
        _ => None,
    }
}
