//! Devices know when another one is gone, and when it is back.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::device::Device;
use crate::network::Lan;
use crate::support::report;

const SOON: Duration = Duration::from_secs(10);

/// How long it may take until a device counts as gone whose host says so.
const REFUSED: Duration = Duration::from_secs(24);

/// The same where nobody answers at all.
const LOST: Duration = Duration::from_secs(60);

#[test]
fn a_goodbye_is_heard() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut here, mut gone] = [1, 2].map(|number| lan.device(number));
    here.sees(&gone, SOON);
    gone.sees(&here, SOON);
    let since = Instant::now();
    gone.send(Signal::TERM);
    assert_eq!(here.event("left", SOON)["id"], *gone.id);
    report("left after SIGTERM", since);
}

#[test]
fn a_device_that_was_killed_is_lost() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut here, gone] = [1, 2].map(|number| lan.device(number));
    here.sees(&gone, SOON);
    let since = Instant::now();
    gone.send(Signal::KILL);
    assert_eq!(here.event("lost", REFUSED)["id"], *gone.id);
    report("lost after SIGKILL", since);
}

#[test]
fn a_device_that_was_killed_and_starts_again_is_never_lost() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut here, killed] = [1, 2].map(|number| lan.device(number));
    here.sees(&killed, SOON);
    let host = killed.host.clone();
    drop(killed);
    let mut again = Device::start(&host);
    again.sees(&here, SOON);
    here.sees(&again, SOON);
    // After a goodbye, what came before it has been seen.
    again.send(Signal::TERM);
    here.event("left", SOON);
    assert!(!here.has_said("lost"), "{:?}", here.said);
}

#[test]
fn a_device_that_slept_is_back_when_it_wakes() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut here, mut asleep] = [1, 2].map(|number| lan.device(number));
    here.sees(&asleep, SOON);
    asleep.sees(&here, SOON);
    let since = Instant::now();
    asleep.send(Signal::STOP);
    here.misses(&asleep, LOST);
    report("lost after SIGSTOP", since);
    let since = Instant::now();
    asleep.send(Signal::CONT);
    here.sees(&asleep, SOON);
    asleep.sees(&here, SOON);
    report("back after SIGCONT", since);
}

#[test]
fn two_devices_with_one_id_both_say_so() {
    let Some(lan) = Lan::new(1) else { return };
    let mut original = lan.device(1);
    let host = lan.host(2);
    host.copy("5000.json", &original.host);
    let mut clone = Device::start(&host);
    let since = Instant::now();
    assert_eq!(original.id, clone.id);
    let both = ["10.0.1.1:5000", "10.0.1.2:5000"];
    let told = original.event("duplicate_id", SOON);
    assert_eq!([address(&told, "own"), address(&told, "address")], both);
    let told = clone.event("duplicate_id", SOON);
    assert_eq!([address(&told, "address"), address(&told, "own")], both);
    report("duplicate id seen by both", since);
}

fn address<'a>(event: &'a serde_json::Value, field: &str) -> &'a str {
    event[field].as_str().unwrap()
}
