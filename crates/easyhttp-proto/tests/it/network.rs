//! Devices that find each other, on a simulated network.

use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::discovery::Action;

use crate::sim::{Network, Node, ROUGH};

const MILLISECONDS: fn(u64) -> Duration = Duration::from_millis;
const SECONDS: fn(u64) -> Duration = Duration::from_secs;

/// Python devices answer at once unless a test is about those that do not.
const AT_ONCE: Duration = Duration::ZERO;

#[test]
fn two_devices_find_each_other_within_a_tenth_of_a_second() {
    let mut network = Network::new(1);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    network.run(MILLISECONDS(100));
    assert!(network.knows(lamp, door) && network.knows(door, lamp));
}

#[test]
fn a_device_that_starts_later_is_found_as_fast() {
    let mut network = Network::new(2);
    let lamp = network.start("LAMP22");
    network.run(SECONDS(3600));
    let before = network.sent().len();
    let door = network.start("DOOR22");
    network.run(MILLISECONDS(10));
    assert!(network.knows(lamp, door) && network.knows(door, lamp));
    assert_eq!(network.sent().len() - before, 3, "an announcement to two groups, and its answer");
}

#[test]
fn ten_devices_find_each_other_in_ten_seconds_though_a_third_of_the_datagrams_is_lost() {
    for seed in 0..50 {
        let mut network = Network::new(seed);
        network.conditions = ROUGH;
        start_many(&mut network, 10);
        network.run(SECONDS(10));
        assert_eq!(network.strangers(), [], "seed {seed}");
    }
}

#[test]
fn devices_that_could_not_hear_each_other_do_so_seconds_after_they_can() {
    for seed in 0..50 {
        let mut network = Network::new(seed);
        network.conditions.group_loss_percent = 100;
        network.conditions.loss_percent = 100;
        let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
        network.run(SECONDS(60));
        assert!(!network.knows(lamp, door) && !network.knows(door, lamp));
        network.conditions.group_loss_percent = 0;
        network.conditions.loss_percent = 0;
        network.run(SECONDS(6));
        assert!(network.knows(lamp, door) && network.knows(door, lamp), "seed {seed}");
    }
}

#[test]
fn the_user_is_told_once_of_each_device_however_often_it_is_heard() {
    let mut network = Network::new(3);
    network.conditions = ROUGH;
    let nodes = start_many(&mut network, 10);
    network.run(SECONDS(120));
    for node in nodes {
        let joined: Vec<_> = network.known_by(node).into_iter().map(Action::Joined).collect();
        assert_eq!(joined.len(), 9);
        assert_same_actions(network.told(node), &joined);
    }
}

#[test]
fn a_goodbye_removes_the_device_everywhere() {
    let mut network = Network::new(4);
    let nodes = start_many(&mut network, 5);
    network.run(SECONDS(10));
    network.leave(nodes[0]);
    network.run(MILLISECONDS(10));
    for node in &nodes[1..] {
        assert_eq!(network.known_by(*node).len(), 3);
        let left: Vec<_> = network.told(*node).iter().filter_map(left).collect();
        assert_eq!(left, [number_id(0)]);
    }
}

#[test]
fn a_device_that_only_looks_around_learns_all_and_is_learned_by_none() {
    let mut network = Network::new(5);
    let nodes = start_many(&mut network, 5);
    let python = network.start_python("PYTHON", AT_ONCE);
    network.run(SECONDS(60));
    let looker = network.start_looking("LOOKER");
    network.run(MILLISECONDS(100));
    assert_eq!(network.known_by(looker).len(), 6);
    assert_eq!(network.strangers(), []);
    for node in nodes.into_iter().chain([python]) {
        assert!(!network.known_by(node).contains(&"LOOKER".parse().unwrap()));
    }
}

#[test]
fn a_device_that_only_looks_around_is_silent_after_ten_seconds() {
    let mut network = Network::new(6);
    let looker = network.start_looking("LOOKER");
    network.run(SECONDS(10));
    let asked = sent_by(&network, looker);
    start_many(&mut network, 3);
    network.start_looking("OTHER2");
    network.start_python("PYTHON", AT_ONCE);
    network.run(SECONDS(600));
    assert_eq!(sent_by(&network, looker), asked);
}

#[test]
fn a_device_shows_which_version_it_speaks() {
    let mut network = Network::new(6);
    let lamp = network.start("LAMP22");
    network.start("DOOR22");
    network.start_python("PYTHON", AT_ONCE);
    network.run(SECONDS(1));
    let version = |id: &str| network.peer(lamp, id.parse().unwrap()).unwrap().version;
    assert_eq!(version("DOOR22").as_deref(), Some(easyhttp_proto::VERSION));
    assert_eq!(version("PYTHON").as_deref(), Some("0.4.0-alpha.6"));
}

#[test]
fn a_device_that_was_restarted_knows_all_at_once() {
    let mut network = Network::new(7);
    let nodes = start_many(&mut network, 5);
    network.run(SECONDS(60));
    network.switch_off(nodes[0]);
    network.run(SECONDS(1));
    network.switch_on(nodes[0]);
    network.run(MILLISECONDS(100));
    assert_eq!(network.strangers(), []);
}

#[test]
fn a_python_device_that_starts_later_is_found_and_finds_us() {
    let mut network = Network::new(8);
    start_many(&mut network, 3);
    network.run(SECONDS(100));
    network.start_python("PYTHON", AT_ONCE);
    network.run(MILLISECONDS(100));
    assert_eq!(network.strangers(), []);
}

#[test]
fn a_device_that_starts_among_python_devices_is_found_and_finds_them() {
    let mut network = Network::new(8);
    network.start_python("PYTHN2", AT_ONCE);
    network.start_python("PYTHN3", AT_ONCE);
    network.run(SECONDS(100));
    network.start("LAMP22");
    network.run(MILLISECONDS(100));
    assert_eq!(network.strangers(), []);
}

#[test]
fn ours_and_python_devices_know_each_other_though_a_third_of_the_datagrams_is_lost() {
    for seed in 0..20 {
        let mut network = Network::new(seed);
        network.conditions = ROUGH;
        let python = network.start_python("PYTHON", SECONDS(1));
        start_many(&mut network, 5);
        network.start_python("PYTHN2", SECONDS(1));
        network.run(SECONDS(240));
        // How Python devices find each other is not for us to mend.
        network.switch_off(python);
        assert_eq!(network.strangers(), [], "seed {seed}");
    }
}

#[test]
fn fifty_devices_that_start_together_know_each_other_within_two_seconds() {
    let mut network = Network::new(10);
    start_many(&mut network, 50);
    network.run(SECONDS(2));
    assert_eq!(network.strangers(), []);
}

#[test]
fn settled_devices_announce_themselves_each_five_seconds_and_send_some_ten_a_second_together() {
    for (devices, a_minute) in [(2, 40..56), (50, 540..660), (80, 540..660)] {
        let mut network = Network::new(11);
        start_many(&mut network, devices);
        network.run(SECONDS(20));
        let before = network.sent().len();
        network.run(SECONDS(60));
        let sent = network.sent().len() - before;
        assert!(a_minute.contains(&sent), "{devices} devices: {sent}");
    }
}

#[test]
fn a_crowd_that_asks_cannot_make_a_device_answer_without_end() {
    let mut network = Network::new(12);
    let lamp = network.start("LAMP22");
    network.run(SECONDS(60));
    for number in 0..40 {
        network.start_looking(number_id(number).as_str());
    }
    let before = sent_by(&network, lamp);
    network.run(SECONDS(1));
    let answers = sent_by(&network, lamp) - before;
    assert!((20..=41).contains(&answers), "{answers}");
}

#[test]
fn the_same_seed_gives_the_same_history() {
    let history = |seed| {
        let mut network = Network::new(seed);
        network.conditions = ROUGH;
        start_many(&mut network, 5);
        network.start_python("PYTHON", SECONDS(1));
        network.run(SECONDS(60));
        network.sent().to_vec()
    };
    assert_eq!(history(14), history(14));
    assert_ne!(history(14), history(15));
}

fn start_many(network: &mut Network, count: u8) -> Vec<Node> {
    (0..count).map(|number| network.start(number_id(number).as_str())).collect()
}

fn number_id(number: u8) -> DeviceId {
    format!("DEV{number:03}").parse().unwrap()
}

fn sent_by(network: &Network, node: Node) -> usize {
    let ip = network.address(node).ip();
    network.sent().iter().filter(|sent| sent.from.ip() == ip).count()
}

fn left(action: &Action) -> Option<DeviceId> {
    match action {
        Action::Left(peer) => Some(peer.id),
        _ => None,
    }
}

/// In any order.
#[track_caller]
fn assert_same_actions(left: &[Action], right: &[Action]) {
    assert_eq!(left.len(), right.len(), "{left:?}");
    assert!(right.iter().all(|action| left.contains(action)), "{left:?}");
}
