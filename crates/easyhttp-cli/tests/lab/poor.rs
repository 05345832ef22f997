//! Networks that lose, delay and double what is sent, multicast above all.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::device::{Device, everybody_sees_everybody};
use crate::network::Lan;
use crate::poor_switch::Faults;
use crate::support::report;

/// How long finding may take where much is lost.
const IN_TIME: Duration = Duration::from_secs(20);

#[test]
fn ten_hosts_find_each_other_where_a_third_of_all_multicast_is_lost() {
    let faults = Faults { multicast_loss: 0.3, loss: 0.0, doubled: 0.1, delay: 0.01 };
    let Some(lan) = Lan::new(1) else { return };
    let hosts: Vec<_> = (1..=10).map(|number| lan.host(number)).collect();
    let Some(_switch) = lan.poor_switch(7, &faults) else { return };
    let mut devices: Vec<_> = hosts.iter().map(Device::start).collect();
    let since = Instant::now();
    everybody_sees_everybody(&mut devices, IN_TIME);
    report("ten found each other with 30 % of multicast lost", since);
    assert!(!devices.iter().any(|device| device.has_said("lost")));
}

#[test]
fn three_hosts_find_each_other_where_a_fifth_of_everything_is_lost() {
    let faults = Faults { multicast_loss: 0.2, loss: 0.2, doubled: 0.1, delay: 0.01 };
    let Some(lan) = Lan::new(1) else { return };
    let hosts = [1, 2, 3].map(|number| lan.host(number));
    let Some(_switch) = lan.poor_switch(7, &faults) else { return };
    let mut devices = hosts.each_ref().map(Device::start);
    let since = Instant::now();
    everybody_sees_everybody(&mut devices, IN_TIME);
    report("three found each other with 20 % of everything lost", since);
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
    let since = Instant::now();
    deaf.misses(&before, Duration::from_secs(60));
    report("missed by a host that gets no goodbye", since);
}
