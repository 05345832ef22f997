//! What a device counts of its own work.

use std::sync::mpsc::channel;
use std::time::Duration;

use easyhttp::{Error, HandlerError, NetworkKey, Value};

use super::{Face, device, on_both_faces, pair};
use crate::support::{Gate, PATIENCE, assert_error, eventually, limits};

on_both_faces!(
    what_is_answered_is_counted,
    what_becomes_of_handlers_is_counted,
    what_takes_too_long_is_counted,
    what_finds_all_handlers_busy_is_counted,
    the_counters_of_another_device_can_be_read_on_its_machine,
);

fn what_is_answered_is_counted<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|_| 1));
    let id = answering.id();
    asking.fetch(id, ()).unwrap();
    asking.fetch(id, ()).unwrap();
    let handle = answering.handle();
    let stats = answering.stats();
    // A PING before the first one, as nobody had answered there.
    assert_eq!((stats.requests_answered, stats.handlers_run), (3, 2), "{stats:?}");
    assert_eq!(stats.connections_accepted, 1, "{stats:?}");
    assert_eq!(handle.stats(), stats);
    answering.stop();
    assert_eq!(handle.stats(), stats);
    assert_eq!(asking.stats().requests_answered, 0);
}

fn what_becomes_of_handlers_is_counted<F: Face>() {
    let answering = device::<F>()
        .limits(limits(|limits| {
            (limits.handler, limits.call) = (PATIENCE, PATIENCE);
            limits.body = 10_000;
        }))
        .on_fetch(|fetch| match fetch.data.raw() {
            "1" => Err(HandlerError::new("no sensor")),
            "2" => panic!("no sensor"),
            "3" => Ok("x".repeat(20_000).into()),
            _ => Ok(Value::Null),
        });
    let (asking, answering) = pair::<F>(answering);
    for query in [1, 2, 3] {
        assert_error!(asking.fetch(answering.id(), query), Error::HandlerFailed { .. });
    }
    asking.fetch(answering.id(), ()).unwrap();
    let stats = answering.stats();
    assert_eq!(stats.handlers_run, 4, "{stats:?}");
    // One with an error, and one with too much data.
    assert_eq!((stats.handlers_failed, stats.handlers_panicked), (2, 1), "{stats:?}");
    assert_eq!((stats.handlers_timed_out, stats.handlers_busy), (0, 0), "{stats:?}");
}

fn what_takes_too_long_is_counted<F: Face>() {
    let gate = Gate::default();
    let opened = gate.clone();
    let answering = device::<F>()
        .limits(limits(|limits| limits.handler = Duration::from_millis(50)))
        .on_fetch(move |_| opened.wait());
    let (asking, answering) = pair::<F>(answering);
    assert_error!(asking.fetch(answering.id(), ()), Error::HandlerFailed { .. });
    gate.open();
    let stats = answering.stats();
    assert_eq!((stats.handlers_timed_out, stats.handlers_failed), (1, 0), "{stats:?}");
}

fn what_finds_all_handlers_busy_is_counted<F: Face>() {
    let (asleep, sleeps) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let answering =
        device::<F>().limits(limits(|limits| limits.handlers = 1)).on_fetch(move |_| {
            asleep.send(()).unwrap();
            opened.wait();
        });
    let (asking, answering) = pair::<F>(answering);
    let id = answering.id();
    std::thread::scope(|scope| {
        scope.spawn(|| asking.fetch(id, ()));
        sleeps.recv().unwrap();
        assert_error!(asking.fetch(id, ()), Error::Busy { .. });
        assert_eq!(answering.stats().handlers_busy, 1);
        answering.on_ping(|_| ());
        asking.ping(id).unwrap();
        eventually("the handler of the PING found no place", || {
            answering.stats().handlers_busy == 2
        });
        gate.open();
    });
}

fn the_counters_of_another_device_can_be_read_on_its_machine<F: Face>() {
    for key in [None, Some(NetworkKey::from_entropy([1; 16]).text().to_string())] {
        let start = || F::start_with(device::<F>().network_keys(key.as_deref()).on_fetch(|_| 1));
        let (asking, answering) = (start().unwrap(), start().unwrap());
        asking.meet(&answering);
        asking.fetch(answering.id(), ()).unwrap();
        let told = asking.stats_of(answering.id()).unwrap();
        assert_eq!(told["handlers_run"], 1, "{told}");
    }
    let asking = F::start_with(device::<F>()).unwrap();
    assert_error!(asking.stats_of("PEER22"), Error::UnknownDevice { .. });
}
