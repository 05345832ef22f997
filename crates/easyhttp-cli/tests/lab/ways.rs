//! Devices find each other by other ways than IPv4 multicast.

use std::thread;
use std::time::{Duration, Instant};

use easyhttp::{EasyHttp, Error};
use rustix::process::Signal;

use crate::device::{Device, PROGRAM};
use crate::network::{Host, Lan};
use crate::poor_switch::Faults;
use crate::support::{report, since};

const SOON: Duration = Duration::from_secs(10);

/// Hosts to which no multicast is delivered.
fn hosts_without_multicast<const N: usize>() -> Option<(Lan, [Host; N])> {
    let lan = Lan::new(1)?;
    let hosts = std::array::from_fn(|index| lan.host(index as u8 + 1));
    hosts.iter().for_each(|host| lan.block_multicast(host));
    Some((lan, hosts))
}

#[test]
fn a_device_that_the_user_names_is_found() {
    let Some((_lan, [one, two])) = hosts_without_multicast() else { return };
    let mut named = Device::start(&one);
    let mut device = Device::start_with(&two, &["--peer", "10.0.1.1:5000"]);
    let start = Instant::now();
    device.sees_at(&named.id, "10.0.1.1:5000", SOON);
    named.sees_at(&device.id, "10.0.1.2:5000", SOON);
    report("no multicast, a named peer: both know each other", "≤ 1 s", since(start));
    assert_eq!(device.joined(&named.id)["source"], "named");
    // It is noticed as soon as others that it is gone, and that it is back.
    named.send(Signal::KILL);
    let start = Instant::now();
    device.misses(&named, Duration::from_secs(60));
    report("no multicast: `kill -9` of a named peer seen", "≤ 12 s", since(start));
    let again = Device::start(&one);
    device.sees(&again, SOON);
}

#[test]
fn the_addresses_of_the_last_run_are_tried() {
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [lan.host(1), lan.host(2)];
    let [mut here, mut there] = hosts.each_ref().map(Device::start);
    here.sees(&there, SOON);
    there.sees(&here, SOON);
    there.send(Signal::TERM);
    here.misses(&there, SOON);
    there.event("stopped", SOON);
    drop(there);
    hosts.iter().for_each(|host| lan.block_multicast(host));
    let mut there = Device::start(&hosts[1]);
    let start = Instant::now();
    there.sees_at(&here.id, "10.0.1.1:5000", SOON);
    here.sees_at(&there.id, "10.0.1.2:5000", SOON);
    report("no multicast, the last run's address: both know each other", "≤ 1 s", since(start));
    assert_eq!(there.joined(&here.id)["source"], "last run");
}

#[test]
fn devices_that_know_the_same_one_are_introduced() {
    let Some((_lan, [one, two, three])) = hosts_without_multicast() else { return };
    let known = Device::start(&one);
    let mut first = Device::start_with(&two, &["--peer", "10.0.1.1:5000"]);
    first.sees(&known, SOON);
    let mut second = Device::start_with(&three, &["--peer", "10.0.1.1:5000"]);
    let start = Instant::now();
    second.sees_at(&first.id, "10.0.1.2:5000", SOON);
    first.sees_at(&second.id, "10.0.1.3:5000", SOON);
    report("no multicast, introduction: both know each other", "≤ 1 s", since(start));
    assert_eq!(second.joined(&first.id)["source"], "introduction");
}

#[test]
fn a_sweep_finds_who_is_there() {
    let Some((lan, [host])) = hosts_without_multicast() else { return };
    // The last one that is asked.
    let last = lan.host(254);
    lan.block_multicast(&last);
    let mut there = Device::start(&last);
    let mut device = Device::start_with(&host, &["--sweep"]);
    let start = Instant::now();
    device.sees_at(&there.id, "10.0.1.254:5000", SOON);
    there.sees_at(&device.id, "10.0.1.1:5000", SOON);
    report("no multicast, a sweep: both know each other", "≤ 6 s", since(start));
    assert_eq!(device.joined(&there.id)["source"], "sweep");
}

#[test]
fn dns_sd_finds_who_is_there() {
    let faults = Faults { group_loss: 1.0, ..Faults::default() };
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [lan.host(1), lan.host(2)];
    let Some(_switch) = lan.poor_switch(7, &faults) else { return };
    let [mut here, mut there] = hosts.each_ref().map(Device::start);
    let start = Instant::now();
    here.sees(&there, SOON);
    there.sees(&here, SOON);
    report("only mDNS passes: both know each other by DNS-SD", "–", since(start));
    let sources = [here.joined(&there.id), there.joined(&here.id)];
    assert!(sources.iter().any(|event| event["source"] == "DNS-SD"), "{sources:?}");
    assert_eq!(hosts[0].ask(&["fetch", &there.id])["data"], 2);
}

#[test]
fn hosts_without_any_ipv4_address_find_each_other() {
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [lan.host(1), lan.host(2)];
    for host in &hosts {
        host.ip(&format!("addr flush dev eth0 scope global to 10.0.1.{}/32", host.number));
    }
    let [mut here, mut there] = hosts.each_ref().map(Device::start);
    let start = Instant::now();
    here.sees(&there, SOON);
    there.sees(&here, SOON);
    report("IPv6 alone: both know each other", "–", since(start));
    assert!(here.view[&there.id].starts_with("[fe80::"), "{:?}", here.view);
    assert_eq!(hosts[0].ask(&["fetch", &there.id])["data"], 2);
}

#[test]
fn the_network_of_containers_is_left_alone_unless_it_is_chosen() {
    let (Some(lan), Some(containers)) = (Lan::new(1), Lan::new(2)) else { return };
    let host = lan.host(1);
    host.plug("docker0", &containers);
    let container = containers.device(9);
    let mut other = lan.device(2);
    for (options, is_seen) in [(&[][..], false), (&["--interface", "all"], true)] {
        let mut device = Device::start_with(&host, options);
        device.sees(&other, SOON);
        other.sees(&device, SOON);
        if is_seen {
            device.sees_at(&container.id, "10.0.2.9:5000", SOON);
        } else {
            // Longer than the first burst.
            device.watch(Duration::from_secs(9));
            assert!(!device.view.contains_key(&container.id), "{:#?}", device.said);
        }
    }
}

#[test]
fn a_call_to_an_id_that_two_devices_have_is_refused() {
    let Some(lan) = Lan::new(1) else { return };
    let original = lan.device(1);
    let host = lan.host(2);
    host.copy("5000.json", &original.host);
    let clone = Device::start(&host);
    assert_eq!(original.id, clone.id);
    let (asking, id) = (lan.host(3), original.id.clone());
    let ambiguous = thread::spawn(move || {
        asking.enter();
        let easy = EasyHttp::builder().random_id().port(0).start().unwrap();
        easy.find(&id, SOON).unwrap();
        let (start, deadline) = (Instant::now(), Instant::now() + Duration::from_secs(40));
        loop {
            match easy.fetch(&id, ()) {
                Err(Error::Ambiguous { mut addresses, .. }) => {
                    addresses.sort();
                    break (start, addresses);
                }
                other => assert!(Instant::now() < deadline, "{other:?}"),
            }
            thread::sleep(Duration::from_millis(50));
        }
    });
    let (start, addresses) = ambiguous.join().unwrap();
    report("two devices with one id: a call says that it is ambiguous", "–", since(start));
    assert_eq!(addresses, [([10, 0, 1, 1], 5000).into(), ([10, 0, 1, 2], 5000).into()]);

    // A list has one line for both, and a word about it.
    let host = lan.host(4);
    let listed = host.command(PROGRAM).args(["discover", "--wait", "12"]).output().unwrap();
    let warned = String::from_utf8(listed.stderr).unwrap();
    assert!(warned.contains(&format!("two devices have the id {}", original.id)), "{warned}");
    assert!(warned.contains("10.0.1.1:5000") && warned.contains("10.0.1.2:5000"), "{warned}");
}
