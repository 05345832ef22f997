//! Networks that lose, delay and double what is sent, multicast above all, and
//! those that keep hosts apart.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::device::{Device, everybody_sees_everybody};
use crate::network::Lan;
use crate::poor_switch::Faults;
use crate::support::{in_full_or, report, since, spread};

/// How long finding may take where much is lost.
const IN_TIME: Duration = Duration::from_secs(20);

#[test]
fn ten_hosts_find_each_other_where_a_third_of_all_multicast_is_lost() {
    let faults = Faults { multicast_loss: 0.3, doubled: 0.1, delay: 0.01, ..Faults::default() };
    let mut times = Vec::new();
    for seed in 0..in_full_or(20, 2) {
        let Some(lan) = Lan::new(1) else { return };
        let places: Vec<_> = (1..=10).map(|number| (lan.host(number), 5000)).collect();
        let Some(_switch) = lan.poor_switch(seed, &faults) else { return };
        let (mut devices, start) = Device::start_together(&places);
        everybody_sees_everybody(&mut devices, IN_TIME);
        times.push(since(start));
        assert!(!devices.iter().any(|device| device.has_said("lost")));
    }
    report(
        "10 devices, 30 % multicast loss: everybody knows everybody",
        "p99 ≤ 3 s",
        spread(times),
    );
}

#[test]
fn three_hosts_find_each_other_where_a_fifth_of_everything_is_lost() {
    let faults =
        Faults { multicast_loss: 0.2, loss: 0.2, doubled: 0.1, delay: 0.01, ..Faults::default() };
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [1, 2, 3].map(|number| lan.host(number));
    let Some(_switch) = lan.poor_switch(7, &faults) else { return };
    let mut devices = hosts.each_ref().map(Device::start);
    let start = Instant::now();
    everybody_sees_everybody(&mut devices, IN_TIME);
    report("3 devices, 20 % of everything lost: everybody knows everybody", "–", since(start));
}

#[test]
fn a_host_that_gets_no_multicast_knows_who_answers_it() {
    let Some(lan) = Lan::new(1) else { return };
    let deaf_host = lan.host(1);
    lan.block_multicast(&deaf_host);
    let mut before = lan.device(2);
    let mut deaf = Device::start(&deaf_host);
    deaf.sees_at(&before.id, "10.0.1.2:5000", IN_TIME);
    before.sees_at(&deaf.id, "10.0.1.1:5000", IN_TIME);
    before.send(Signal::TERM);
    let start = Instant::now();
    deaf.misses(&before, Duration::from_secs(60));
    report("`kill` seen by a host that gets no multicast", "≤ 12 s", since(start));
}

#[test]
fn hosts_that_an_access_point_keeps_apart_do_not_see_each_other() {
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [1, 2].map(|number| lan.host(number));
    hosts.iter().for_each(|host| lan.keep_apart(host));
    let mut wireless = hosts.each_ref().map(Device::start);
    let mut wired = lan.device(3);
    for device in &mut wireless {
        wired.sees(device, IN_TIME);
        device.sees(&wired, IN_TIME);
    }
    // When that one is missed, there has been time for everything else.
    wired.send(Signal::KILL);
    for device in &mut wireless {
        device.misses(&wired, Duration::from_secs(60));
        assert_eq!((device.count("joined"), device.count("lost")), (1, 1), "{:#?}", device.said);
    }
    let [here, there] = wireless;
    let answer = here.host.try_to_ask(&["fetch", &there.id]);
    assert_eq!(answer["error"]["code"], "unknown_device", "{answer:#}");
    report("an access point keeps two devices apart", "not found, never lost", "so");
}

#[test]
fn hosts_without_any_multicast_are_reached_at_their_addresses() {
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [1, 2].map(|number| lan.host(number));
    hosts.iter().for_each(|host| lan.block_multicast(host));
    let [mut here, there] = hosts.each_ref().map(Device::start);
    // Longer than the first burst.
    here.watch(Duration::from_secs(9));
    assert!(here.view.is_empty() && !here.has_said("lost"), "{:#?}", here.said);
    let asking = here.host.try_to_ask(&["fetch", &there.id]);
    assert_eq!(asking["error"]["code"], "unknown_device", "{asking:#}");
    let named = here.host.ask(&["fetch", &there.id, "--at", "10.0.1.2:5000"]);
    assert_eq!(named["data"], 2);
    report("multicast does not pass, unicast does", "not found; reached by `--at`", "so");
}
