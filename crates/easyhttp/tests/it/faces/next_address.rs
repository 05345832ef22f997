//! A device has several addresses, and the first one that is tried does not
//! answer any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use easyhttp::{DeviceId, Error, Limits, json};

use super::{Face, device, on_both_faces};
use crate::support::black_hole::BlackHole;
use crate::support::fake_peer::{FakePeer, Seen, Then, answer, pong};
use crate::support::{Gate, PATIENCE, assert_error, id, limits, local, next};

on_both_faces!(
    a_fetch_and_a_ping_go_to_the_next_address_when_one_falls_silent,
    a_push_that_was_sent_goes_nowhere_else,
    what_reaches_nobody_goes_to_the_next_address,
    a_slow_handler_is_not_a_dead_address,
    an_address_that_was_given_up_may_still_answer,
    the_last_of_many_dead_addresses_has_its_turn,
);

/// A device that has time: these tests are not about the limits.
fn asking<F: Face>(change: impl FnOnce(&mut Limits)) -> F {
    let limits = limits(|limits| {
        limits.call = PATIENCE;
        change(limits);
    });
    F::start_with(device::<F>().limits(limits)).unwrap()
}

/// A peer that answers PINGs until it is told to fall silent.
fn silenced(id: DeviceId) -> (FakePeer, Arc<AtomicBool>) {
    let is_silent = Arc::new(AtomicBool::new(false));
    let silence = Arc::clone(&is_silent);
    let peer = FakePeer::new(move |_| match is_silent.load(Ordering::Relaxed) {
        true => Then::Wait,
        false => Then::Write(pong(id)),
    });
    (peer, silence)
}

fn a_fetch_and_a_ping_go_to_the_next_address_when_one_falls_silent<F: Face>() {
    let there = F::start_with(device::<F>().on_fetch(|_| 1)).unwrap();
    let at = local(there.port().unwrap());
    let ask: [fn(&F, DeviceId); 2] = [
        |asking, id| assert_eq!(asking.fetch(id, ()).unwrap(), 1),
        |asking, id| _ = asking.ping(id).unwrap(),
    ];
    for ask in ask {
        let asking = asking::<F>(|_| {});
        let (before, is_silent) = silenced(there.id());
        asking.add(there.id(), at).unwrap();
        asking.add(there.id(), before.at).unwrap();
        asking.ping(there.id()).unwrap();
        assert_eq!(asking.devices()[0].addresses, [before.at, at]);
        is_silent.store(true, Ordering::Relaxed);
        ask(&asking, there.id());
        assert_eq!(asking.devices()[0].addresses, [at, before.at]);
    }
}

fn a_push_that_was_sent_goes_nowhere_else<F: Face>() {
    let (pushes, pushed) = channel();
    let builder = device::<F>().on_push(move |_| pushes.send(()).unwrap());
    let there = F::start_with(builder).unwrap();
    let asking = asking::<F>(|limits| limits.call = Duration::from_millis(500));
    let (before, is_silent) = silenced(there.id());
    asking.meet(&there);
    asking.add(there.id(), before.at).unwrap();
    asking.ping(there.id()).unwrap();
    is_silent.store(true, Ordering::Relaxed);
    assert_error!(asking.push(there.id(), 1), Error::TimedOut { sent: true, .. });
    assert_eq!(next(&before.seen), Seen::Request(0, json!(1)));
    assert_eq!(next(&before.seen), Seen::Request(0, json!(5)));
    assert_eq!(next(&before.seen), Seen::Closed(0));
    assert!(pushed.try_recv().is_err());
    // The next one does.
    asking.push(there.id(), 2).unwrap();
    next(&pushed);
}

fn what_reaches_nobody_goes_to_the_next_address<F: Face>() {
    let there = F::start_with(device::<F>().on_fetch(|_| 1).on_push(|_| true)).unwrap();
    let ask: [fn(&F, DeviceId); 3] = [
        |asking, id| assert_eq!(asking.fetch(id, ()).unwrap(), 1),
        |asking, id| asking.push(id, 1).unwrap(),
        |asking, id| _ = asking.ping(id).unwrap(),
    ];
    let hole = BlackHole::new();
    for ask in ask {
        let asking = asking::<F>(|limits| limits.connect = Duration::from_millis(300));
        asking.meet(&there);
        asking.add(there.id(), hole.at).unwrap();
        ask(&asking, there.id());
    }
}

fn a_slow_handler_is_not_a_dead_address<F: Face>() {
    let (runs, ran) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let builder = device::<F>().limits(limits(|limits| limits.handler = PATIENCE));
    let slow = F::start_with(builder.on_fetch(move |_| {
        runs.send(()).unwrap();
        gate.wait();
        1
    }));
    let slow = slow.unwrap();
    let other = FakePeer::ponging(slow.id());
    let asking = asking::<F>(|_| {});
    asking.add(slow.id(), other.at).unwrap();
    asking.meet(&slow);
    asking.ping(slow.id()).unwrap();
    // When the asker wants to know whether anybody is there, time may go on.
    slow.on_ping(move |_| opened.open());
    assert_eq!(asking.fetch(slow.id(), ()).unwrap(), 1);
    next(&ran);
    assert!(ran.try_recv().is_err(), "it ran twice");
    assert!(other.seen.try_recv().is_err(), "the other address was asked");
}

fn an_address_that_was_given_up_may_still_answer<F: Face>() {
    let wanted = id("WANTED");
    let gate = Gate::default();
    let opened = gate.clone();
    let is_first = AtomicBool::new(true);
    let late = FakePeer::new(move |request| match request["type"].as_u64() {
        Some(1) if is_first.swap(false, Ordering::Relaxed) => Then::Write(pong(wanted)),
        Some(1) => Then::Close(Vec::new()),
        _ => {
            gate.wait();
            let header = json!({"sender_id": wanted.as_str()});
            Then::Write(answer(200, json!({"type": 4, "header": header, "data": 7})))
        }
    });
    let useless = FakePeer::new(move |_| {
        opened.open();
        Then::Close(Vec::new())
    });
    let asking = asking::<F>(|_| {});
    asking.add(wanted, useless.at).unwrap();
    asking.add(wanted, late.at).unwrap();
    asking.ping(wanted).unwrap();
    assert_eq!(asking.fetch(wanted, ()).unwrap(), 7);
    assert_eq!(next(&useless.seen), Seen::Request(0, json!(1)));
    assert_eq!(asking.devices()[0].address(), Some(late.at));
}

fn the_last_of_many_dead_addresses_has_its_turn<F: Face>() {
    let there = F::start_with(device::<F>().on_push(|_| true)).unwrap();
    // Each alone could take all the time.
    let asking = asking::<F>(|limits| {
        (limits.call, limits.connect) = (Duration::from_secs(6), Duration::from_secs(6));
    });
    asking.meet(&there);
    let holes = [(); 3].map(|()| BlackHole::new());
    holes.iter().for_each(|hole| asking.add(there.id(), hole.at).unwrap());
    asking.push(there.id(), 1).unwrap();
}

/// Linux tells which connections are being tried.
#[cfg(target_os = "linux")]
mod lost_packets {
    use std::collections::HashSet;
    use std::fs;
    use std::io::{Read, Write};
    use std::thread;

    use super::*;
    use crate::faces::Blocking;
    use crate::support::eventually;

    /// The ports from which somebody tries to connect to this one.
    fn trying(port: u16) -> Vec<String> {
        let (to, syn_sent) = (format!(":{port:04X}"), "02");
        let table = fs::read_to_string("/proc/net/tcp").unwrap();
        let rows = table.lines().map(|row| row.split_whitespace().collect::<Vec<_>>());
        let of_interest = rows.filter(|row| row[2].ends_with(&to) && row[3] == syn_sent);
        of_interest.map(|row| row[1].to_owned()).collect()
    }

    #[test]
    fn an_only_address_is_tried_again_while_there_is_time() {
        let wanted = id("WANTED");
        let asking = asking::<Blocking>(|limits| {
            (limits.connect, limits.call) = (Duration::from_secs(2), PATIENCE);
        });
        let hole = BlackHole::new();
        let port = hole.at.port();
        asking.add(wanted, hole.at).unwrap();
        thread::scope(|scope| {
            let ping = scope.spawn(|| asking.ping(wanted));
            let mut tried = HashSet::new();
            eventually("it is tried again", || {
                tried.extend(trying(port));
                tried.len() == 2
            });
            hole.open(move |mut stream| {
                thread::spawn(move || {
                    while stream.read(&mut [0; 4096]).is_ok_and(|length| length > 0) {
                        let _ = stream.write_all(&pong(wanted));
                    }
                });
            });
            ping.join().unwrap().unwrap();
        });
    }
}
