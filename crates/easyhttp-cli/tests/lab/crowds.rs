//! Many devices at once, and how much they all send.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::device::{Device, everybody_sees_everybody};
use crate::network::Lan;
use crate::support::{crowd, in_full_or, report, since};
use crate::wire::Datagram;

/// How long finding may take where the processor is what is short.
const IN_TIME: Duration = Duration::from_secs(60);

/// When nothing is left of the start.
const SETTLED: Duration = Duration::from_secs(20);

const MILLISECONDS_100: Duration = Duration::from_millis(100);

#[test]
fn many_hosts_that_start_together_do_not_flood_the_network() {
    let _crowd = crowd();
    let count = in_full_or(50, 20);
    let watched = in_full_or(20, 5);
    let Some(lan) = Lan::new(1) else { return };
    let Some(wire) = lan.listen() else { return };
    let places: Vec<_> = (1..=count).map(|number| (lan.host(number), 5000)).collect();
    lan.acquaint(places.iter().map(|(host, _)| host));
    let (mut devices, start) = Device::start_together(&places);
    everybody_sees_everybody(&mut devices, IN_TIME);
    let case = format!("{count} devices start together");
    report(&format!("{case}: everybody knows everybody"), "≤ 10 s", since(start));
    let heard = wire.heard(SETTLED + Duration::from_secs(watched));
    let within = last_to_speak(&heard).as_millis();
    report(
        &format!("{case}: from the first one's first datagram to the last one's"),
        "100 ms",
        format!("{within} ms"),
    );
    let busiest = most_within(MILLISECONDS_100, &heard);
    report(&format!("{case}: datagrams in any 100 ms"), "≤ 400", busiest);
    let settled = heard.iter().filter(|datagram| datagram.at >= SETTLED).count();
    let a_second = settled as f64 / watched as f64;
    report(&format!("{case}: datagrams a second after 20 s"), "≤ 10", format!("{a_second:.1}"));
    assert!(busiest <= 400, "{busiest} datagrams in 100 ms");
    assert!(a_second <= 12.0, "{a_second} datagrams a second");
    let falsely = devices.iter().filter(|device| device.has_said("lost")).count();
    assert_eq!(falsely, 0, "devices that lost another one");
}

#[test]
fn a_hundred_devices_of_one_host_find_each_other() {
    let _crowd = crowd();
    let Some(lan) = Lan::new(1) else { return };
    let host = lan.host(1);
    let count = in_full_or(100, 40);
    let places: Vec<_> = (5000..5000 + count).map(|port| (host.clone(), port)).collect();
    let (mut devices, start) = Device::start_together(&places);
    everybody_sees_everybody(&mut devices, IN_TIME);
    report(
        &format!("{count} devices on one host: everybody knows everybody"),
        "≤ 5 s",
        since(start),
    );
}

/// When the last of all sources was heard for the first time.
fn last_to_speak(heard: &[Datagram]) -> Duration {
    let mut first = BTreeMap::new();
    for datagram in heard {
        first.entry(&datagram.source).or_insert(datagram.at);
    }
    first.into_values().max().unwrap_or_default()
}

fn most_within(time: Duration, heard: &[Datagram]) -> usize {
    let within =
        |from: usize| heard[from..].partition_point(|next| next.at < heard[from].at + time);
    (0..heard.len()).map(within).max().unwrap_or_default()
}
