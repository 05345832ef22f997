//! Devices that find each other by other ways than multicast.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::discovery::Action;
use easyhttp_proto::peers::Source;

use crate::one::{One, at, id};
use crate::sim::Network;

const MILLISECONDS: fn(u64) -> Duration = Duration::from_millis;
const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn an_address_from_the_user_or_the_last_run_is_enough() {
    for source in [Source::Added, Source::Remembered] {
        let mut network = without_multicast(1);
        let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
        network.give_lead(lamp, network.address(door), source);
        network.run(MILLISECONDS(100));
        assert!(network.knows(lamp, door) && network.knows(door, lamp), "{source:?}");
        network.run(SECONDS(600));
        assert_eq!(network.told(lamp), [Action::Joined(id("DOOR22"))]);
    }
}

#[test]
fn an_address_that_lasts_is_found_whenever_the_device_comes_and_missed_when_it_goes() {
    let mut network = without_multicast(2);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    network.switch_off(door);
    network.give_lead(lamp, network.address(door), Source::Added);
    network.run(SECONDS(60));
    network.switch_on(door);
    network.run(SECONDS(4));
    assert!(network.knows(lamp, door));
    network.switch_off(door);
    network.run(SECONDS(12));
    assert!(matches!(network.told(lamp), [Action::Joined(_), Action::Lost(_)]));
}

#[test]
fn a_device_that_is_here_is_not_asked_again_and_again() {
    let mut network = Network::new(3);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    network.run(SECONDS(1));
    network.give_lead(lamp, network.address(door), Source::Remembered);
    network.run(SECONDS(600));
    assert_eq!(network.pinged_by(lamp), []);
}

#[test]
fn ten_devices_that_all_know_only_one_meet_within_a_second() {
    for seed in 0..20 {
        let mut network = without_multicast(seed);
        let hub = network.start("HUB222");
        for number in 0..9 {
            let node = network.start(&format!("DEV{number:03}"));
            network.give_lead(node, network.address(hub), Source::Added);
            network.run(MILLISECONDS(seed * 10));
        }
        network.run(SECONDS(1));
        assert_eq!(network.strangers(), [], "seed {seed}");
    }
}

#[test]
fn they_meet_as_well_when_the_one_that_all_know_comes_last() {
    let mut network = without_multicast(4);
    let hub = network.start("HUB222");
    network.switch_off(hub);
    for number in 0..9 {
        let node = network.start(&format!("DEV{number:03}"));
        network.give_lead(node, network.address(hub), Source::Remembered);
        network.run(MILLISECONDS(300));
    }
    network.switch_on(hub);
    // The leads that last are given every three seconds.
    network.run(SECONDS(4));
    assert_eq!(network.strangers(), []);
}

#[test]
fn a_sweep_finds_the_device_and_goes_evenly() {
    let mut network = without_multicast(5);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    network.move_to(door, [10, 0, 0, 200]);
    network.run(SECONDS(10));
    for host in 1..255 {
        network.give_lead(lamp, ([10, 0, 0, host], 5000).into(), Source::Swept);
    }
    network.run(SECONDS(1));
    // What the user names does not wait for the sweep.
    let named = network.start("NAMED2");
    network.move_to(named, [10, 0, 9, 9]);
    network.give_lead(lamp, network.address(named), Source::Added);
    network.run(MILLISECONDS(100));
    assert!(network.knows(lamp, named));
    network.run(SECONDS(20));
    assert!(network.knows(lamp, door));
    assert!(network.pinged_by(lamp).len() >= 253);
    let (a_second, at_once) = network.most_pings(lamp, SECONDS(1));
    assert!(a_second <= 50 && at_once <= 32, "{a_second} a second, {at_once} at once");
}

#[test]
fn a_sweep_of_two_networks_at_two_ports_leaves_nobody_out() {
    let mut one = One::new();
    let hosts = (1..3).flat_map(|network| (1..255).map(move |host| [10, 0, network, host]));
    let all: BTreeSet<_> = hosts
        .flat_map(|host| [5000, 5001].map(|port| SocketAddr::from((host, port))))
        .inspect(|at| one.discovery.lead(*at, Source::Swept))
        .collect();
    let mut asked = BTreeSet::new();
    for step in 0..1200 {
        let now = MILLISECONDS(step * 20);
        for action in one.act(now) {
            if let Action::Ask { at, .. } = action {
                one.discovery.asked(now, at, None, &mut one.peers);
                asked.insert(at);
            }
        }
    }
    assert_eq!(asked, all);
}

#[test]
fn leads_that_are_wrong_do_no_harm() {
    let mut network = without_multicast(6);
    let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
    let (own, elsewhere) = (network.address(lamp), network.address(door));
    network.give_lead(lamp, elsewhere, Source::Added);
    network.run(SECONDS(1));
    for at in [own, ([10, 0, 0, 99], 5000).into(), SocketAddr::new(elsewhere.ip(), 80)] {
        for source in [Source::Swept, Source::Introduced, Source::Remembered, Source::Advertised] {
            network.give_lead(lamp, at, source);
            network.run(SECONDS(10));
        }
    }
    for impossible in [
        "0.0.0.0:5000",
        "224.0.0.106:5000",
        "255.255.255.255:5000",
        "10.0.0.9:0",
        "[ff02::1]:5000",
        "[::ffff:224.0.0.106]:5000",
    ] {
        network.give_lead(lamp, impossible.parse().unwrap(), Source::Added);
        network.run(SECONDS(10));
        assert!(!network.pinged_by(lamp).contains(&impossible.parse().unwrap()));
    }
    assert!(network.knows(lamp, door));
    assert_eq!(network.known_by(lamp), [id("DOOR22")]);
    assert_eq!(network.told(lamp), [Action::Joined(id("DOOR22"))]);
}

#[test]
fn another_address_of_a_device_that_is_here_becomes_a_candidate_and_no_more() {
    let mut one = One::new();
    one.follow("10.0.0.2:5000", Source::Added);
    assert_eq!(one.follow("10.0.0.3:5000", Source::Advertised), []);
    let peer = one.peers.get(id("FRND22")).unwrap();
    let addresses: Vec<_> = peer.addresses().iter().map(|a| (a.at, a.verified)).collect();
    assert_eq!(addresses, [(at("10.0.0.2:5000"), true), (at("10.0.0.3:5000"), false)]);
}

#[test]
fn a_device_that_was_introduced_is_not_asked_for_others() {
    let friend = id("FRND22");
    for source in [Source::Added, Source::Remembered, Source::Swept, Source::Advertised] {
        let introduce = Action::Introduce(at("10.0.0.2:5000"));
        let told = One::new().follow("10.0.0.2:5000", source);
        assert_eq!(told, [Action::Joined(friend), introduce], "{source:?}");
    }
    let told = One::new().follow("10.0.0.2:5000", Source::Introduced);
    assert_eq!(told, [Action::Joined(friend)]);
}

#[test]
fn a_flood_of_leads_is_bounded_and_keeps_none_back_that_counts_more() {
    let mut one = One::new();
    for number in 0..100_000_u32 {
        let [_, a, b, c] = number.to_be_bytes();
        one.discovery.lead(([10, a, b, c], 5000).into(), Source::Introduced);
    }
    one.discovery.lead(at("192.0.2.1:5000"), Source::Added);
    // None of them answers, and each asked one ends at once.
    let mut asked = Vec::new();
    for step in 0..100 {
        let now = SECONDS(step);
        while let Some(action) = one.discovery.poll(now, &mut one.peers) {
            if let Action::Ask { at, .. } = action {
                one.discovery.asked(now, at, None, &mut one.peers);
                asked.push(at);
            }
        }
    }
    assert_eq!(asked[0], at("192.0.2.1:5000"));
    assert_eq!(asked.len(), 2048);
}

/// A network on which nobody hears the group, and all else works.
fn without_multicast(seed: u64) -> Network {
    let mut network = Network::new(seed);
    network.conditions.group_loss_percent = 100;
    network
}
