//! What a device costs while nothing happens.

use std::thread;
use std::time::{Duration, Instant};

use crate::device::Device;
use crate::network::Lan;
use crate::process::{processor_time, wakeups};
use crate::support::{crowd, in_full_or, report};

/// How long finding may take where the processor is what is short.
const IN_TIME: Duration = Duration::from_secs(60);

/// When nothing is left of the start: the burst is over, and so is browsing.
const SETTLED: Duration = Duration::from_secs(25);

/// A case: how many others there are, what it should cost, and on what the test insists:
/// twice as much, as the second datagram of an announcement, which comes a moment
/// after the first, wakes a device once more where that one has not kept it awake for
/// so long.
struct Case {
    others: u16,
    target: &'static str,
    most: f64,
}

#[test]
fn an_idle_device_is_seldom_woken() {
    let _crowd = crowd();
    measure(&Case { others: 0, target: "≤ 1", most: 1.0 });
    measure(&Case { others: 10, target: "≤ 3", most: 6.0 });
    if in_full_or(true, false) {
        measure(&Case { others: 100, target: "≤ 8", most: 16.0 });
    }
}

fn measure(&Case { others, target, most }: &Case) {
    let Some(lan) = Lan::new(1) else { return };
    let mut device = lan.device(1);
    let host = lan.host(2);
    let places: Vec<_> = (5000..5000 + others).map(|port| (host.clone(), port)).collect();
    let (there, _) = Device::start_together(&places);
    there.iter().for_each(|other| device.sees(other, IN_TIME));
    device.watch(SETTLED);

    let watched = in_full_or(60, 15);
    let process = device.process();
    let (before, busy, start) = (wakeups(process), processor_time(process), Instant::now());
    thread::sleep(Duration::from_secs(watched));
    let took = start.elapsed().as_secs_f64();
    let woken = (wakeups(process) - before) as f64 / took;
    let busy = 100.0 * (processor_time(process) - busy).as_secs_f64() / took;

    report(&format!("idle, {others} others: woken a second"), target, format!("{woken:.1}"));
    report("… share of a core", "≤ 0.1 %", format!("{busy:.2} %"));
    assert!(woken <= most, "woken {woken} times a second among {others} others");
    assert!(busy <= 1.0, "{busy} % of a core among {others} others");
}
