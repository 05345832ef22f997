//! The handlers of who comes and goes: in order, whatever they do.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use easyhttp::{Builder, Error};

use super::{Face, device, on_both_faces, pair};
use crate::support::presence::{comes, goes};
use crate::support::{
    Gate, assert_error, eventually, id, is_free, limits, next, own_port, quickly,
};

on_both_faces!(
    events_are_told_in_order_however_slow_the_handler,
    a_handler_that_panics_misses_nothing_that_follows,
    a_presence_handler_may_stop_its_own_device,
    events_are_told_while_all_request_handlers_are_busy,
    a_stuck_presence_handler_holds_up_nothing_else,
);

fn seeking<F: Face>(discovery_port: u16) -> Builder<F::Device> {
    device::<F>().discovery(true).interfaces(["lo"]).discovery_port(discovery_port)
}

fn events_are_told_in_order_however_slow_the_handler<F: Face>() {
    let port = own_port();
    let (told, events) = channel();
    let gate = Gate::default();
    let (joined, left, opened) = (told.clone(), told, gate.clone());
    let builder = seeking::<F>(port)
        .on_joined(move |peer| {
            gate.wait();
            joined.send(("joined", peer.id)).unwrap();
        })
        .on_left(move |peer| left.send(("left", peer.id)).unwrap());
    let observer = F::start_with(builder).unwrap();
    let guests = ["GST222", "GST333", "GST444"].map(id);
    for boot in 0..50 {
        guests.iter().for_each(|guest| comes(port, *guest, boot));
        eventually("all are here", || observer.devices().len() == guests.len());
        guests.iter().for_each(|guest| goes(port, *guest, boot));
        eventually("all are gone", || observer.devices().is_empty());
    }
    opened.open();
    for _ in 0..50 {
        for name in ["joined", "left"] {
            // Which of them is found to be gone first is up to them.
            let told: BTreeSet<_> = guests.iter().map(|_| next(&events)).collect();
            assert_eq!(told, guests.map(|guest| (name, guest)).into());
        }
    }
}

fn a_handler_that_panics_misses_nothing_that_follows<F: Face>() {
    let port = own_port();
    let (told, events) = channel();
    let is_first = AtomicBool::new(true);
    let builder = seeking::<F>(port).on_joined(move |peer| {
        assert!(!is_first.swap(false, Ordering::Relaxed), "as a test wants it");
        told.send(peer.id).unwrap();
    });
    let _observer = F::start_with(builder).unwrap();
    comes(port, id("FRST22"), 1);
    comes(port, id("NEXT22"), 1);
    assert_eq!(next(&events), id("NEXT22"));
}

fn a_presence_handler_may_stop_its_own_device<F: Face>() {
    let port = own_port();
    let observer = F::start_with(seeking::<F>(port)).unwrap();
    let (told, events) = channel();
    let device = observer.handle();
    observer.on_joined(move |_| {
        quickly(Duration::from_secs(2), || device.stop());
        told.send(()).unwrap();
    });
    comes(port, id("GST222"), 1);
    next(&events);
    assert!(is_free(observer.port().unwrap()));
    assert_error!(observer.ping("GST222"), Error::Stopped);
}

fn events_are_told_while_all_request_handlers_are_busy<F: Face>() {
    let port = own_port();
    let (told, events) = channel();
    let (started, start) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let builder = seeking::<F>(port)
        .limits(limits(|limits| limits.handlers = 1))
        .on_joined(move |peer| told.send(peer.id).unwrap())
        .on_push(move |_| {
            started.send(()).unwrap();
            gate.wait();
        });
    let (asking, busy) = pair::<F>(builder);
    thread::scope(|scope| {
        let push = scope.spawn(|| asking.push(busy.id(), ()));
        next(&start);
        // The asker has joined by its request.
        assert_eq!(next(&events), asking.id());
        for guest in ["GST222", "GST333"].map(id) {
            comes(port, guest, 1);
            assert_eq!(next(&events), guest);
        }
        assert_error!(asking.push(busy.id(), ()), Error::Busy { .. });
        opened.open();
        push.join().unwrap().unwrap();
    });
}

fn a_stuck_presence_handler_holds_up_nothing_else<F: Face>() {
    let port = own_port();
    let (started, start) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let builder = seeking::<F>(port).on_fetch(|_| 1).on_joined(move |_| {
        started.send(()).unwrap();
        gate.wait();
    });
    let (asking, stuck) = pair::<F>(builder.limits(limits(|limits| limits.handlers = 1)));
    comes(port, id("GST222"), 1);
    next(&start);
    comes(port, id("GST333"), 1);
    eventually("others are still found", || stuck.devices().len() == 2);
    assert_eq!(asking.fetch(stuck.id(), ()).unwrap(), 1);
    opened.open();
}
