//! A device that is away for long while much waits for it: that costs little, and is there
//! soon after it is back.

use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use easyhttp::EasyHttp;

use crate::network::{Host, Lan};
use crate::support::{Took, crowd, in_full_or, report};
use crate::victim::{Item, Said, Task, Victim};
use crate::wire::{Frame, Wire};

const SOON: Duration = Duration::from_secs(60);

/// A moment less, as a timer may be late once and not the next time.
const SECONDS_5: Duration = Duration::from_millis(4900);

/// How many items wait.
const ITEMS: u32 = 1000;

#[test]
fn a_device_that_was_away_has_all_soon_after_it_is_back() {
    let _crowd = crowd();
    let Some(lan) = Lan::new(1) else { return };
    let Some(wire) = lan.listen() else { return };
    let (host, receiver) = (lan.host(1), Victim::new(lan.host(2), Task::TakeQuickly));
    thread::spawn(move || send(&host, receiver, &wire)).join().unwrap();
}

fn send(host: &Host, mut receiver: Victim, wire: &Wire) {
    host.enter();
    let (speaks, hears) = channel();
    receiver.start(&[], 0, speaks.clone());
    let Ok((_, Said::Started(id))) = hears.recv_timeout(SOON) else { panic!("it starts") };
    let (told, delivered) = channel();
    let builder = EasyHttp::builder().port(0).config_file(host.path("sender.json"));
    let (missed, lost) = channel();
    let builder = builder.on_lost(move |_| missed.send(today()).unwrap());
    let easy = builder.on_delivered(move |item| told.send(item).unwrap()).start().unwrap();
    let there = easy.find(id, SOON).unwrap().addresses[0];
    // By hand, so that there is always an address that can be tried.
    easy.add(id, there).unwrap();
    receiver.kill();
    let left = today();
    for number in 0..ITEMS {
        easy.outbox().push(id, Item { life: 1, number }).unwrap();
    }
    // Until then discovery tries by itself whether it is still there.
    let lost = lost.recv_timeout(SOON).expect("it is missed");
    let away = Duration::from_secs(in_full_or(600, 15));
    thread::sleep((lost + away).saturating_sub(today()));
    let back = today();
    receiver.start(&[], 0, speaks);
    for _ in 0..ITEMS {
        delivered.recv_timeout(SOON).expect("all is delivered");
    }
    let empty = today();

    let frames = wire.until(empty);
    let case = format!("{ITEMS} items wait for a device that is away for {} s", away.as_secs());
    let busiest = most_within(SECONDS_5, &connections(&frames, lost..back));
    report(&format!("{case}: connections in any 5 s"), "≤ 1", busiest);
    let all = connections(&frames, left..back).len();
    report("… in all, with those by which discovery sees that it is gone", "–", all);
    let is_its = |frame: &&Frame| is_of(frame, 2) && !frame.connects() && frame.at >= back;
    let heard = frames.iter().find(is_its).expect("it is heard").at;
    let took = empty - heard;
    report("… all are delivered, after its first datagram", "≤ 5 s", Took(took));
    assert!(busiest <= 1, "{busiest} connections in 5 s");
    assert!(took <= Duration::from_secs(30), "{took:?}");
    let numbers: Vec<_> = receiver.done().iter().map(|done| done.item.number).collect();
    assert!(numbers.iter().copied().eq(0..ITEMS), "{numbers:?}");
}

/// When the sender tried to connect, each time once: the system repeats what is not
/// answered, from the same port.
fn connections(frames: &[Frame], within: std::ops::Range<Duration>) -> Vec<Duration> {
    let mut tries: Vec<&Frame> = Vec::new();
    for frame in frames {
        let is_new = tries.last().is_none_or(|last| last.kind != frame.kind);
        if frame.connects() && is_of(frame, 1) && within.contains(&frame.at) && is_new {
            tries.push(frame);
        }
    }
    tries.into_iter().map(|frame| frame.at).collect()
}

fn is_of(frame: &Frame, host: u8) -> bool {
    [format!("10.0.1.{host}"), format!("fe80::ff:fe00:10{host}")].contains(&frame.source)
}

fn most_within(time: Duration, at: &[Duration]) -> usize {
    let within = |from: usize| at[from..].partition_point(|next| *next < at[from] + time);
    (0..at.len()).map(within).max().unwrap_or_default()
}

/// The time since 1970, by which the switch tells its own.
fn today() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}
