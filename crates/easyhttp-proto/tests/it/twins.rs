//! Two devices with one id, seen by a third one.

use std::time::Duration;

use easyhttp_proto::discovery::Action;

use crate::sim::{Network, Node, ROUGH};

const MILLISECONDS: fn(u64) -> Duration = Duration::from_millis;
const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn two_devices_with_one_id_are_noticed_by_others_at_the_next_announcements() {
    for seed in 0..50 {
        let mut network = Network::new(seed);
        let (lamp, first) = (network.start("LAMP22"), network.start("SAME22"));
        network.run(SECONDS(20));
        let second = network.start("SAME22");
        network.run(SECONDS(12));
        let mut between = network.ambiguous(lamp, "SAME22").unwrap();
        between.sort();
        assert_eq!(between, [network.address(first), network.address(second)], "seed {seed}");
    }
}

#[test]
fn two_devices_with_one_id_that_start_together_are_noticed_as_well() {
    for seed in 0..50 {
        let mut network = Network::new(seed);
        let lamp = network.start("LAMP22");
        network.start("SAME22");
        network.start("SAME22");
        network.run(SECONDS(12));
        assert!(network.ambiguous(lamp, "SAME22").is_some(), "seed {seed}");
    }
}

#[test]
fn they_are_not_asked_again_while_both_are_heard() {
    for seed in 0..50 {
        let mut network = Network::new(seed);
        let lamp = network.start("LAMP22");
        network.start("SAME22");
        network.start("SAME22");
        network.run(SECONDS(20));
        let asked = network.pinged_by(lamp).len();
        for second in 0..600 {
            network.run(SECONDS(1));
            assert!(network.ambiguous(lamp, "SAME22").is_some(), "seed {seed}, {second} s");
        }
        assert_eq!(network.pinged_by(lamp).len(), asked, "seed {seed}");
    }
}

#[test]
fn they_stay_noticed_though_a_third_of_the_packets_is_lost() {
    for seed in 0..20 {
        let mut network = Network::new(seed);
        network.conditions = ROUGH;
        let lamp = network.start("LAMP22");
        network.start("SAME22");
        network.start("SAME22");
        network.run(SECONDS(60));
        for second in 0..1800 {
            network.run(SECONDS(1));
            assert!(network.ambiguous(lamp, "SAME22").is_some(), "seed {seed}, {second} s");
        }
        assert_eq!(network.told(lamp).len(), 1 + moves(&network, lamp), "seed {seed}");
    }
}

#[test]
fn when_one_says_goodbye_the_other_one_is_meant_at_once() {
    for seed in 0..20 {
        for together in [SECONDS(1), SECONDS(2), SECONDS(60)] {
            for stays_first in [true, false] {
                let mut network = Network::new(seed);
                let lamp = network.start("LAMP22");
                let first = network.start("SAME22");
                network.run(SECONDS(20));
                let second = network.start("SAME22");
                network.run(together);
                let (stays, leaves) = if stays_first { (first, second) } else { (second, first) };
                network.leave(leaves);
                network.run(MILLISECONDS(10));
                assert_eq!(network.ambiguous(lamp, "SAME22"), None);
                assert!(network.knows(lamp, stays), "seed {seed}, {together:?}");
                network.run(SECONDS(60));
                assert!(network.knows(lamp, stays));
                assert_eq!(network.told(lamp).len(), 1, "{:?}", network.told(lamp));
            }
        }
    }
}

#[test]
fn when_one_dies_the_other_one_is_meant_half_a_minute_later() {
    for seed in 0..20 {
        for stays_first in [true, false] {
            let mut network = Network::new(seed);
            let lamp = network.start("LAMP22");
            let (first, second) = (network.start("SAME22"), network.start("SAME22"));
            network.run(SECONDS(60));
            let (stays, dies) = if stays_first { (first, second) } else { (second, first) };
            network.unplug(dies);
            network.run(SECONDS(30));
            assert_eq!(network.ambiguous(lamp, "SAME22"), None, "seed {seed}");
            assert!(network.knows(lamp, stays), "seed {seed}");
        }
    }
}

#[test]
fn the_address_that_the_user_named_is_the_one_that_is_meant() {
    let mut network = Network::new(1);
    let lamp = network.start("LAMP22");
    let (first, second) = (network.start("SAME22"), network.start("SAME22"));
    network.run(SECONDS(60));
    for named in [first, second] {
        network.add_peer(lamp, named);
        for _ in 0..60 {
            network.run(SECONDS(1));
            assert_eq!(network.ambiguous(lamp, "SAME22"), None);
            assert!(network.knows(lamp, named));
        }
    }
}

#[test]
fn a_goodbye_that_comes_after_the_restart_removes_nobody() {
    let mut network = Network::new(2);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    network.run(SECONDS(20));
    network.conditions.delay = MILLISECONDS(50);
    network.leave(door);
    network.switch_on(door);
    network.run(SECONDS(60));
    assert!(network.knows(lamp, door));
}

#[test]
fn one_device_with_two_addresses_is_never_taken_for_two() {
    for seed in 0..100 {
        let mut network = Network::new(seed);
        network.conditions = ROUGH;
        let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
        network.add_address(door, [10, 1, 0, 2]);
        for step in 0..300 {
            network.run(SECONDS(1));
            assert_eq!(network.ambiguous(lamp, "DOOR22"), None, "seed {seed}, {step} s");
            match step % 60 {
                // It is restarted at once, and after a while.
                10 | 20 => network.switch_off(door),
                25 => network.switch_on(door),
                // It gets another address.
                40 => network.add_address(door, [10, 1, 0, 3]),
                50 => network.add_address(door, [10, 1, 0, 2]),
                _ => {}
            }
            if step % 60 == 10 {
                network.switch_on(door);
            }
        }
    }
}

#[test]
fn a_device_that_moved_is_never_taken_for_two() {
    for seed in 0..100 {
        let mut network = Network::new(seed);
        network.conditions = ROUGH;
        let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
        for step in 0..100 {
            network.run(SECONDS(1));
            assert_eq!(network.ambiguous(lamp, "DOOR22"), None, "seed {seed}, {step} s");
            if step % 20 == 10 {
                network.move_to(door, [10, 0, 0, 50 + (step / 20) as u8]);
                if seed % 2 == 0 {
                    network.switch_on(door);
                } else {
                    network.notice_move(door);
                }
            }
        }
    }
}

fn moves(network: &Network, node: Node) -> usize {
    let told = network.told(node).iter();
    told.filter(|told| matches!(told, Action::Moved { .. })).count()
}
