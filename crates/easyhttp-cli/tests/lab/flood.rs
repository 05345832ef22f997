//! Somebody floods the network with datagrams that claim what is not so.

use std::io::read_to_string;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use crate::asking::Asking;
use crate::network::{Host, Lan};
use crate::process::processor_time;
use crate::support::{crowd, has_python, in_full_or, report};
use crate::wire::Datagram;

const SOON: Duration = Duration::from_secs(10);

/// How many forged datagrams there are in a second.
const A_SECOND: u32 = 1000;

/// The share of a core that it may take a device to stand that. The program
/// that is released takes a fraction of what it takes with debug assertions.
const BUSY: f64 = if cfg!(debug_assertions) { 0.5 } else { 0.25 };

#[test]
fn forged_datagrams_lead_nobody_astray() {
    let _crowd = crowd();
    if !has_python("a flood in the network lab") {
        return;
    }
    let Some(lan) = Lan::new(1) else { return };
    let [mut victim, mut other] = [1, 2].map(|number| lan.device(number));
    // Where the forged datagrams lead, there is a device that answers.
    let mut attacker = lan.device(3);
    for device in [&mut other, &mut attacker] {
        device.sees(&victim, SOON);
        victim.sees(device, SOON);
    }
    let asking = Asking::start(&lan.host(4), &victim, Duration::from_millis(100));
    let passer_by = lan.host(5);
    let Some(wire) = lan.listen() else { return };

    let seconds = in_full_or(10, 5);
    let (before, start) = (processor_time(victim.process()), Instant::now());
    let mut flood = flood(&attacker.host, &[&victim.id, &other.id], seconds);
    let mut programs = Vec::new();
    while flood.try_wait().unwrap().is_none() {
        programs.push(passer_by.try_to_ask(&["fetch", &victim.id]));
        thread::sleep(Duration::from_secs(1));
    }
    let took = start.elapsed().as_secs_f64();
    let busy = (processor_time(victim.process()) - before).as_secs_f64() / took;
    let sent = read_to_string(flood.stdout.take().unwrap()).unwrap();
    let fetches = asking.stop();
    let heard = wire.heard(Duration::from_secs(seconds));
    let is_answer = |it: &&Datagram| it.kind == "9" && it.source == "10.0.1.1";
    let answers = heard.iter().filter(is_answer).count() as f64 / seconds as f64;
    // After a goodbye, what came before it has been seen.
    attacker.send(Signal::TERM);
    victim.misses(&attacker, SOON);

    report(
        "a flood of forged datagrams: a second",
        "1,000",
        sent.trim().parse::<u64>().unwrap() / seconds,
    );
    report("… FETCHes meanwhile that reach the wrong device", "0", &fetches);
    let found = programs.iter().filter(|answer| answer["data"] == 1).count();
    report(
        "… programs that start meanwhile and reach the right device",
        "–",
        format!("{found} of {}", programs.len()),
    );
    report("… answers a second by a device that is named", "≤ 20", format!("{answers:.1}"));
    let duplicates = victim.count("duplicate_id");
    report("… times it says that another one uses its id", "0", duplicates);
    report("… share of a core it takes that device", "≤ 10 %", format!("{:.1} %", 100.0 * busy));

    assert_eq!(fetches.missing, 0, "FETCHes without an answer");
    let wrong = |answer: &&Value| answer["data"] != 1 && answer["error"].is_null();
    assert!(!programs.iter().any(|answer| wrong(&answer)), "{programs:#?}");
    // 20 at once, and 20 a second after that.
    assert!(answers <= 20.0 + 20.0 / seconds as f64 + 1.0, "{answers} answers a second");
    assert!(busy <= BUSY, "{busy} of a core");
    // Whoever answers there has another id.
    assert_eq!(duplicates, 0, "{:#?}", victim.said);
    let [moved, lost] = ["moved", "lost"].map(|event| victim.count(event));
    assert_eq!((moved, lost), (0, 0), "{:#?}", victim.said);
    // The other one, the attacker's, and the one that asked.
    assert_eq!((victim.count("joined"), victim.count("left")), (3, 2), "{:#?}", victim.said);
}

/// All addresses from 10.0.1.128 on are the attacker's.
fn flood(attacker: &Host, ids: &[&str], seconds: u64) -> Child {
    attacker.ip("route add local 10.0.1.128/25 dev lo");
    let addresses: Vec<_> = (128..255).map(|number| format!("10.0.1.{number}")).collect();
    attacker
        .command("python3")
        .args(["-c", include_str!("flood.py"), "eth0", &addresses.join(","), &ids.join(",")])
        .args(["5000", &A_SECOND.to_string(), &seconds.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}
