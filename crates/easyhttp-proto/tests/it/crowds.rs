//! Many devices, lost packets, and how much they all send.

use std::time::Duration;

use crate::sim::{Conditions, Network, Node};

const MILLISECONDS: fn(u64) -> Duration = Duration::from_millis;
const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn ten_devices_with_a_third_of_the_datagrams_lost_know_each_other_within_three_seconds() {
    assert!(share_that_is_complete(300, 30, SECONDS(3)) >= 99);
}

#[test]
fn ten_devices_with_half_of_the_datagrams_lost_know_each_other_within_ten_seconds() {
    assert!(share_that_is_complete(300, 50, SECONDS(10)) >= 99);
}

#[test]
fn fifty_devices_that_start_together_do_not_flood_the_network() {
    for seed in 0..5 {
        let mut network = Network::new(seed);
        start_within(&mut network, 50, MILLISECONDS(100));
        network.run(SECONDS(60));
        let busiest = network.most_sent_within(MILLISECONDS(100));
        assert!(busiest <= 400, "seed {seed}: {busiest} datagrams in 100 ms");
        let before = network.sent().len();
        network.run(SECONDS(60));
        let a_second = (network.sent().len() - before) / 60;
        assert!(a_second <= 10, "seed {seed}: {a_second} datagrams a second");
    }
}

#[test]
fn five_hundred_devices_know_each_other_within_ten_seconds() {
    let mut network = Network::new(1);
    start_within(&mut network, 500, SECONDS(1));
    network.run(SECONDS(9));
    assert_eq!(network.strangers(), []);
    network.run(SECONDS(120));
    let before = network.sent().len();
    network.run(SECONDS(120));
    let a_second = (network.sent().len() - before) / 120;
    assert!(a_second <= 10, "{a_second} datagrams a second");
}

/// In how many of a hundred networks of ten devices everybody knows everybody
/// after this time.
fn share_that_is_complete(networks: u64, group_loss_percent: u64, after: Duration) -> u64 {
    let is_complete = |seed: &u64| {
        let mut network = Network::new(*seed);
        network.conditions = Conditions { group_loss_percent, ..network.conditions };
        start_within(&mut network, 10, MILLISECONDS(100));
        network.run(after.saturating_sub(MILLISECONDS(100)));
        network.strangers().is_empty()
    };
    (0..networks).filter(is_complete).count() as u64 * 100 / networks
}

/// Starts devices one after the other, spread over this time.
fn start_within(network: &mut Network, count: u32, span: Duration) -> Vec<Node> {
    let start = |number| {
        let node = network.start(&format!("DEV{number:03}"));
        network.run(span / count);
        node
    };
    (0..count).map(start).collect()
}
