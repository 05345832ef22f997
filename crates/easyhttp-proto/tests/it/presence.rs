//! Who is told to be gone, and who is not, on a simulated network.

use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::discovery::Action;

use crate::sim::{Network, Node, ROUGH};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn a_device_that_was_killed_is_gone_within_twelve_seconds() {
    for seed in 0..50 {
        let mut network = Network::new(seed);
        let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
        network.run(SECONDS(20) + Duration::from_millis(seed * 100));
        network.switch_off(door);
        network.run(SECONDS(12));
        assert_eq!(lost(&network, lamp), [id("DOOR22")], "seed {seed}");
        assert!(!network.knows(lamp, door));
    }
}

#[test]
fn a_device_whose_cable_was_pulled_is_gone_within_sixteen_seconds() {
    for seed in 0..50 {
        let mut network = Network::new(seed);
        let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
        network.run(SECONDS(20));
        network.unplug(door);
        network.run(SECONDS(16));
        assert_eq!(lost(&network, lamp), [id("DOOR22")], "seed {seed}");
    }
}

#[test]
fn nobody_is_told_to_be_gone_in_an_hour_of_heavy_loss() {
    for seed in 0..20 {
        let mut network = Network::new(seed);
        network.conditions = ROUGH;
        let nodes = ["LAMP22", "DOOR22", "HEAT22", "PUMP22", "METER2"].map(|id| network.start(id));
        network.run(SECONDS(3600));
        for node in nodes {
            assert_eq!(lost(&network, node), [], "seed {seed}");
        }
    }
}

#[test]
fn nobody_is_told_to_be_gone_because_all_is_lost_for_two_seconds_again_and_again() {
    for seed in 0..10 {
        for every in [SECONDS(5), SECONDS(9), SECONDS(30)] {
            let mut network = Network::new(seed);
            network.conditions.outage_every = Some(every);
            let nodes = ["LAMP22", "DOOR22", "HEAT22"].map(|id| network.start(id));
            network.run(SECONDS(3600));
            for node in nodes {
                assert_eq!(lost(&network, node), [], "seed {seed}, every {every:?}");
            }
        }
    }
}

#[test]
fn a_device_that_came_back_is_told_again() {
    let mut network = Network::new(1);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    network.run(SECONDS(20));
    network.switch_off(door);
    network.run(SECONDS(60));
    network.switch_on(door);
    network.run(SECONDS(1));
    let door = id("DOOR22");
    let told: Vec<_> = network.told(lamp).iter().map(kind).collect();
    assert_eq!(told, [("joined", door), ("lost", door), ("joined", door)]);
}

#[test]
fn a_restart_is_no_loss() {
    let mut network = Network::new(2);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    for _ in 0..20 {
        network.run(SECONDS(17));
        network.switch_off(door);
        network.run(SECONDS(2));
        network.switch_on(door);
    }
    assert_eq!(lost(&network, lamp), []);
}

#[test]
fn a_python_device_is_not_missed_between_its_announcements() {
    let mut network = Network::new(3);
    let lamp = network.start("LAMP22");
    let python = network.start_python("PYTHON", Duration::ZERO);
    network.run(SECONDS(3600));
    assert_eq!(lost(&network, lamp), []);
    network.switch_off(python);
    network.run(SECONDS(60));
    assert_eq!(lost(&network, lamp), [id("PYTHON")]);
}

#[test]
fn a_device_that_moved_is_asked_at_its_new_address_and_told_to_have_moved() {
    for seed in 0..20 {
        let mut network = Network::new(seed);
        let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
        network.run(SECONDS(60));
        let from = network.address(door);
        network.move_to(door, [10, 0, 0, 99]);
        network.notice_move(door);
        network.run(SECONDS(2));
        let to = network.address(door);
        assert!(network.knows(lamp, door));
        assert_eq!(network.told(lamp)[1..], [Action::Moved { id: id("DOOR22"), from, to }]);
    }
}

#[test]
fn an_address_that_is_only_claimed_is_not_believed() {
    let mut network = Network::new(1);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    let liar = network.start("LIAR22");
    network.run(SECONDS(20));
    for _ in 0..100 {
        network.forge(liar, "DOOR22");
        network.run(Duration::from_millis(100));
    }
    assert!(network.knows(lamp, door));
    assert_eq!(lost(&network, lamp), []);
    assert!(!network.told(lamp).iter().any(|told| matches!(told, Action::Moved { .. })));
}

#[test]
fn after_ten_minutes_of_sleep_the_view_is_whole_within_three_seconds() {
    let mut network = Network::new(1);
    let nodes = ["LAMP22", "DOOR22", "HEAT22"].map(|id| network.start(id));
    network.run(SECONDS(20));
    network.sleep(nodes[0]);
    network.run(SECONDS(600));
    assert_eq!(lost(&network, nodes[1]), [id("LAMP22")]);
    network.wake_up(nodes[0]);
    network.run(SECONDS(3));
    assert_eq!(network.strangers(), []);
    assert_eq!(lost(&network, nodes[0]), []);
}

fn lost(network: &Network, node: Node) -> Vec<DeviceId> {
    let told = network.told(node).iter().map(kind);
    told.filter(|(what, _)| *what == "lost").map(|(_, id)| id).collect()
}

fn kind(action: &Action) -> (&'static str, DeviceId) {
    match action {
        Action::Joined(id) => ("joined", *id),
        Action::Left(peer) => ("left", peer.id),
        Action::Lost(peer) => ("lost", peer.id),
        other => panic!("unexpected: {other:?}"),
    }
}

fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}
