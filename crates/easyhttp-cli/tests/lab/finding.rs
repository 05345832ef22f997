//! Devices find each other, however their hosts are connected.

use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::device::{Device, everybody_sees_everybody};
use crate::network::{Host, Lan};
use crate::support::{in_full_or, report, since, spread};

/// How long finding may take here: most often it is milliseconds, and the
/// machine may be busy with other tests.
const SOON: Duration = Duration::from_secs(10);

#[test]
fn two_hosts_find_each_other_at_their_addresses_on_the_network() {
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [lan.host(1), lan.host(2)];
    for host in &hosts {
        host.ip("route add default dev eth0");
    }
    let [mut first, mut second] = hosts.each_ref().map(Device::start);
    first.sees_at(&second.id, "10.0.1.2:5000", SOON);
    second.sees_at(&first.id, "10.0.1.1:5000", SOON);
    assert_eq!(lan.host(3).ask(&["fetch", &first.id])["data"], 1);
}

#[test]
fn no_host_needs_a_route_to_anywhere() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut first, mut second] = [1, 2].map(|number| lan.device(number));
    let start = Instant::now();
    first.sees_at(&second.id, "10.0.1.2:5000", SOON);
    second.sees_at(&first.id, "10.0.1.1:5000", SOON);
    report("no default route: two devices know each other", "≤ 10 s", since(start));
}

#[test]
fn a_device_that_starts_is_found_at_once() {
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [lan.host(1), lan.host(2)];
    let mut first = Device::start(&hosts[0]);
    // A device answers twenty questions a second, and is asked only a few times
    // by a device that starts.
    let pace = Duration::from_millis(150);
    let times = (0..in_full_or(100, 20)).map(|_| {
        thread::sleep(pace);
        let mut second = Device::start(&hosts[1]);
        let start = Instant::now();
        first.sees(&second, SOON);
        second.sees(&first, SOON);
        let took = since(start);
        second.send(Signal::TERM);
        first.misses(&second, SOON);
        took
    });
    let times = spread(times.collect());
    report("two devices, one starts when the other runs", "p50 ≤ 20 ms, p99 ≤ 100 ms", times);
}

#[test]
fn a_host_on_two_networks_is_found_on_both() {
    let (Some(left), Some(right)) = (Lan::new(1), Lan::new(2)) else { return };
    let host = left.host(2);
    host.plug("eth1", &right);
    let mut middle = Device::start(&host);
    let [mut left, mut right] = [left.device(1), right.device(3)];
    let start = Instant::now();
    left.sees_at(&middle.id, "10.0.1.2:5000", SOON);
    right.sees_at(&middle.id, "10.0.2.2:5000", SOON);
    middle.sees_at(&left.id, "10.0.1.1:5000", SOON);
    middle.sees_at(&right.id, "10.0.2.3:5000", SOON);
    report("a device on two networks is known on both, and knows both", "≤ 10 s", since(start));
    assert_eq!((left.view.len(), right.view.len()), (1, 1), "they have no network in common");
}

#[test]
fn a_network_may_come_later_than_the_device() {
    let Some(lan) = Lan::new(1) else { return };
    let mut first = lan.device(1);
    let mut late = Device::start(&Host::without_network(2));
    late.host.plug("eth0", &lan);
    let start = Instant::now();
    first.sees_at(&late.id, "10.0.1.2:5000", SOON);
    late.sees_at(&first.id, "10.0.1.1:5000", SOON);
    report("a device whose first interface comes up", "≤ 10 s", since(start));
}

#[test]
fn three_devices_of_one_host_and_one_of_another_find_each_other() {
    let Some(lan) = Lan::new(1) else { return };
    let host = lan.host(1);
    let mut other = lan.device(2);
    let mut devices = [5000, 5001, 5002].map(|port| Device::start_at(&host, port));
    for (device, port) in devices.iter_mut().zip(5000..) {
        other.sees_at(&device.id, &format!("10.0.1.1:{port}"), SOON);
        device.sees_at(&other.id, "10.0.1.2:5000", SOON);
    }
    everybody_sees_everybody(&mut devices, SOON);
    let asking = lan.host(3);
    for device in &devices {
        assert_eq!(asking.ask(&["ping", &device.id])["id"], *device.id);
    }
}

#[test]
fn twenty_hosts_find_each_other() {
    let Some(lan) = Lan::new(1) else { return };
    let mut devices: Vec<_> = (1..=20).map(|number| lan.device(number)).collect();
    everybody_sees_everybody(&mut devices, SOON);
    assert!(devices.iter().all(|device| device.view.len() == 19), "nobody sees more than there is");
}
