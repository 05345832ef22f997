//! The network changes below the devices.

use std::time::{Duration, Instant};

use crate::asking::Asking;
use crate::device::Device;
use crate::network::{Host, Lan};
use crate::support::{report, since};

const SOON: Duration = Duration::from_secs(10);

/// How long it may take until everything is as before.
const HEALED: Duration = Duration::from_secs(20);

/// How long it may take until a device that nobody reaches counts as gone.
const LOST: Duration = Duration::from_secs(60);

#[test]
fn a_device_is_reached_at_its_new_address() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut moving, mut other] = [1, 2].map(|number| lan.device(number));
    other.sees_at(&moving.id, "10.0.1.1:5000", SOON);
    moving.sees(&other, SOON);
    moving.host.ip("addr del 10.0.1.1/24 dev eth0");
    moving.host.ip("addr add 10.0.1.9/24 dev eth0");
    let start = Instant::now();
    other.sees_at(&moving.id, "10.0.1.9:5000", HEALED);
    report("an address changes", "≤ 1 s", since(start));
    assert_eq!(lan.host(3).ask(&["fetch", &moving.id])["data"], 1);
}

#[test]
fn devices_that_swap_their_addresses_are_told_apart() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut first, mut second, mut third] = [1, 2, 3].map(|number| lan.device(number));
    third.sees_at(&first.id, "10.0.1.1:5000", SOON);
    third.sees_at(&second.id, "10.0.1.2:5000", SOON);
    let asking = [(4, &first), (5, &second)]
        .map(|(number, device)| Asking::start(&lan.host(number), device, Duration::from_millis(5)));
    first.host.ip("addr del 10.0.1.1/24 dev eth0");
    second.host.ip("addr del 10.0.1.2/24 dev eth0");
    first.host.ip("addr add 10.0.1.2/24 dev eth0");
    second.host.ip("addr add 10.0.1.1/24 dev eth0");
    let start = Instant::now();
    third.sees_at(&first.id, "10.0.1.2:5000", HEALED);
    third.sees_at(&second.id, "10.0.1.1:5000", HEALED);
    first.sees_at(&second.id, "10.0.1.1:5000", HEALED);
    second.sees_at(&first.id, "10.0.1.2:5000", HEALED);
    report("two devices swap their addresses", "≤ 1 s", since(start));
    let [one, two] = asking.map(|mut asking| {
        asking.gets(100);
        asking.stop()
    });
    report("… FETCHes meanwhile that reach the wrong one", "0", one.and(two));
    for device in [&first, &second] {
        let number = device.host.number;
        assert_eq!(lan.host(5 + number).ask(&["fetch", &device.id])["data"], number);
    }
}

#[test]
fn an_interface_that_was_down_is_as_before() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut first, mut second] = [1, 2].map(|number| lan.device(number));
    first.sees(&second, SOON);
    second.sees(&first, SOON);
    let start = Instant::now();
    first.host.ip("link set eth0 down");
    second.misses(&first, LOST);
    report("an interface goes down: lost", "–", since(start));
    first.misses(&second, LOST);
    first.host.ip("link set eth0 up");
    let start = Instant::now();
    second.sees_at(&first.id, "10.0.1.1:5000", HEALED);
    first.sees_at(&second.id, "10.0.1.2:5000", HEALED);
    report("an interface comes up again", "≤ 10 s", since(start));
}

#[test]
fn after_an_interface_flapped_others_are_still_found() {
    let Some(lan) = Lan::new(1) else { return };
    let mut device = lan.device(1);
    device.host.ip("link set eth0 down");
    device.host.ip("link set eth0 up");
    let mut other = lan.device(2);
    let start = Instant::now();
    device.sees_at(&other.id, "10.0.1.2:5000", HEALED);
    other.sees_at(&device.id, "10.0.1.1:5000", HEALED);
    report("an interface flaps: it and a device that starts then", "≤ 10 s", since(start));
}

#[test]
fn an_interface_that_was_removed_and_put_back_is_as_before() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut first, mut second] = [1, 2].map(|number| lan.device(number));
    first.sees(&second, SOON);
    second.sees(&first, SOON);
    first.host.ip("link del eth0");
    second.misses(&first, LOST);
    first.misses(&second, LOST);
    first.host.plug("eth0", &lan);
    let start = Instant::now();
    second.sees_at(&first.id, "10.0.1.1:5000", HEALED);
    first.sees_at(&second.id, "10.0.1.2:5000", HEALED);
    report("an interface is removed and put back", "≤ 10 s", since(start));
}

#[test]
fn a_device_is_told_of_a_network_that_comes_late() {
    let Some(lan) = Lan::new(1) else { return };
    let mut device = Device::start(&Host::without_network(1));
    let other = lan.device(2);
    // By then it looks every 15 s by itself.
    device.watch(Duration::from_secs(8));
    device.host.plug("eth0", &lan);
    let start = Instant::now();
    device.sees_at(&other.id, "10.0.1.2:5000", Duration::from_secs(5));
    report("a network comes to a device that has been without for long", "≤ 1 s", since(start));
}

#[test]
fn an_interface_may_come_and_go_as_often_as_it_likes() {
    let Some(lan) = Lan::new(1) else { return };
    let mut device = Device::start(&Host::without_network(1));
    for _ in 0..25 {
        device.host.plug("eth0", &lan);
        device.host.waits_for_group("eth0");
        device.host.ip("link del eth0");
    }
    device.host.plug("eth0", &lan);
    let other = lan.device(2);
    device.sees_at(&other.id, "10.0.1.2:5000", HEALED);
}

#[test]
fn where_one_of_two_networks_fails_the_other_one_is_used() {
    let (Some(left), Some(right)) = (Lan::new(1), Lan::new(2)) else { return };
    let hosts = [left.host(1), left.host(2)];
    for host in &hosts {
        host.plug("eth1", &right);
    }
    let [mut first, mut second] = hosts.each_ref().map(Device::start);
    first.sees(&second, SOON);
    second.sees(&first, SOON);
    let is_left = first.view[&second.id].starts_with("10.0.1.");
    let (failing, other) = if is_left { (&left, 2) } else { (&right, 1) };
    failing.fail();
    let start = Instant::now();
    first.sees_at(&second.id, &format!("10.0.{other}.2:5000"), LOST);
    second.sees_at(&first.id, &format!("10.0.{other}.1:5000"), LOST);
    report("one of two networks fails: seen on the other one", "≤ 10 s", since(start));
    for device in [&first, &second] {
        assert!(!device.has_said("lost"), "{:?}", device.said);
    }
}
