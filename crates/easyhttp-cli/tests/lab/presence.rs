//! Devices know when another one is gone, and when it is back.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::device::Device;
use crate::network::Lan;
use crate::support::{report, since};

const SOON: Duration = Duration::from_secs(10);

/// How long it may take until a device counts as gone whose host says so.
const REFUSED: Duration = Duration::from_secs(24);

/// The same of one that announces itself each second: sooner than it takes
/// where that is not known.
const REFUSED_QUICKLY: Duration = Duration::from_secs(8);

/// How long it may take until a device counts as gone where nobody answers.
const LOST: Duration = Duration::from_secs(60);

#[test]
fn a_goodbye_is_heard() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut here, mut gone] = [1, 2].map(|number| lan.device(number));
    here.sees(&gone, SOON);
    gone.sees(&here, SOON);
    let start = Instant::now();
    gone.send(Signal::TERM);
    assert_eq!(here.event("left", SOON)["id"], *gone.id);
    report("goodbye seen", "≤ 100 ms", since(start));
}

#[test]
fn a_device_that_was_killed_is_lost() {
    let Some(lan) = Lan::new(1) else { return };
    let [mut here, gone] = [1, 2].map(|number| lan.device(number));
    here.sees(&gone, SOON);
    let start = Instant::now();
    gone.send(Signal::KILL);
    assert_eq!(here.event("lost", REFUSED)["id"], *gone.id);
    report("`kill -9` seen, default settings", "≤ 12 s", since(start));
}

#[test]
fn a_device_that_announces_itself_often_is_lost_sooner() {
    let Some(lan) = Lan::new(1) else { return };
    let quick = ["--announce-interval", "1"];
    let [mut here, gone] = [1, 2].map(|number| Device::start_with(&lan.host(number), &quick));
    here.sees(&gone, SOON);
    let start = Instant::now();
    gone.send(Signal::KILL);
    assert_eq!(here.event("lost", REFUSED_QUICKLY)["id"], *gone.id);
    report("`kill -9` seen, `--announce-interval 1`", "≤ 3 s", since(start));
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
    let start = Instant::now();
    asleep.send(Signal::STOP);
    here.misses(&asleep, LOST);
    report("suspended (SIGSTOP): lost", "–", since(start));
    let start = Instant::now();
    asleep.send(Signal::CONT);
    here.sees(&asleep, SOON);
    asleep.sees(&here, SOON);
    report("suspended until it was lost, and woken (SIGCONT)", "≤ 3 s", since(start));
}

#[test]
fn two_devices_with_one_id_both_say_so() {
    let Some(lan) = Lan::new(1) else { return };
    let mut original = lan.device(1);
    let host = lan.host(2);
    host.copy("5000.json", &original.host);
    let mut clone = Device::start(&host);
    let start = Instant::now();
    assert_eq!(original.id, clone.id);
    let both = ["10.0.1.1:5000", "10.0.1.2:5000"];
    let told = original.event("duplicate_id", SOON);
    assert_eq!([address(&told, "own"), address(&told, "address")], both);
    let told = clone.event("duplicate_id", SOON);
    assert_eq!([address(&told, "address"), address(&told, "own")], both);
    report("two devices with one id: both say so", "–", since(start));
}

fn address<'a>(event: &'a serde_json::Value, field: &str) -> &'a str {
    event[field].as_str().unwrap()
}
