//! Handlers: when they run, what they may do, and what becomes of the ones
//! that fail.

use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use easyhttp::{Builder, Command, Error, HandlerError, Limits, Value, json};

use super::{Face, device, on_both_faces, pair};
use crate::support::{
    Gate, PATIENCE, assert_error, assert_names, eventually, limits, next, quickly,
};

on_both_faces!(
    a_device_that_calls_nothing_answers,
    without_a_handler_a_command_says_so,
    a_handler_that_returns_an_error_fails_with_its_message,
    a_handler_that_panics_fails_alone,
    a_handler_that_takes_too_long_fails_and_runs_on,
    a_ping_stays_fast_while_all_handlers_are_asleep,
    a_pong_does_not_wait_for_the_handler_of_the_ping,
    more_requests_than_handlers_may_run_are_told_to_come_again,
    every_event_reaches_its_handler,
    answers_to_own_calls_are_events_too,
    handlers_can_be_set_and_replaced_while_the_device_runs,
    a_handler_may_call_its_own_device_and_be_called_back,
    many_threads_may_call_one_device,
);

/// Waits long for answers, and lets handlers run long.
fn patient(change: impl FnOnce(&mut Limits)) -> Limits {
    limits(|limits| {
        limits.call = PATIENCE;
        limits.handler = PATIENCE;
        change(limits);
    })
}

/// A device whose FETCH waits for the gate, and says so, unless it is asked
/// for nothing.
fn sleepy<F: Face>(limits: Limits, asleep: Sender<()>, gate: Gate) -> Builder<F::Device> {
    device::<F>().limits(limits).on_fetch(move |fetch| {
        if !fetch.data.is_none() {
            asleep.send(()).unwrap();
            gate.wait();
        }
        "awake"
    })
}

// The synchronous device of the Python package is deaf between its own calls.
fn a_device_that_calls_nothing_answers<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|_| 1));
    let id = answering.id();
    let gate = Gate::default();
    thread::scope(|scope| {
        scope.spawn(|| {
            let _device = answering;
            gate.wait();
        });
        asking.ping(id).unwrap();
        assert_eq!(asking.fetch(id, ()).unwrap(), 1);
        gate.open();
    });
}

fn without_a_handler_a_command_says_so<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    for error in [
        asking.fetch(answering.id(), ()).unwrap_err(),
        asking.push(answering.id(), ()).unwrap_err(),
    ] {
        assert_names(&error, &[&answering.id(), &"no handler"]);
        assert_error!(Err::<(), _>(error), Error::NoHandler { .. });
    }
    // Nothing is expected of DATA.
    asking.send(answering.id(), Command::Data, 1).unwrap();
}

fn a_handler_that_returns_an_error_fails_with_its_message<F: Face>() {
    let broken = device::<F>()
        .on_fetch(|_| -> Result<u8, HandlerError> { Ok("x".parse()?) })
        .on_push(|_| Err::<(), _>(HandlerError::new("the motor is stuck")));
    let (asking, answering) = pair::<F>(broken);
    let error = asking.fetch(answering.id(), ()).unwrap_err();
    assert_names(&error, &[&answering.id(), &"invalid digit found in string"]);
    assert_error!(Err::<(), _>(error), Error::HandlerFailed { .. });
    let error = asking.push(answering.id(), ()).unwrap_err();
    assert_names(&error, &[&answering.id(), &"the motor is stuck"]);
    assert_error!(Err::<(), _>(error), Error::HandlerFailed { .. });
}

fn a_handler_that_panics_fails_alone<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|_| 1).on_push(|_| panic()));
    // More often than handlers may run at once: each gives its place back.
    for _ in 0..70 {
        let pushed = asking.push(answering.id(), ());
        assert_error!(pushed, Error::HandlerFailed { message, .. } if message == "it panicked");
    }
    assert_eq!(asking.fetch(answering.id(), ()).unwrap(), 1);
}

/// A panic that leaves standard error alone.
fn panic() {
    std::panic::resume_unwind(Box::new("on purpose"));
}

fn a_handler_that_takes_too_long_fails_and_runs_on<F: Face>() {
    let (asleep, sleeping) = channel();
    let (finished, end) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = limits(|limits| limits.handler = Duration::from_millis(50));
    let (asking, answering) =
        pair::<F>(device::<F>().limits(limits).on_fetch(|_| 1).on_push(move |_| {
            asleep.send(()).unwrap();
            gate.wait();
            finished.send(()).unwrap();
        }));

    let error = asking.push(answering.id(), ()).unwrap_err();
    assert_names(&error, &[&answering.id(), &"it did not finish within 50ms"]);
    assert_error!(Err::<(), _>(error), Error::HandlerFailed { .. });
    next(&sleeping);
    // On a machine that stalls, the limit may be too short for these as well.
    eventually("others are answered meanwhile", || asking.fetch(answering.id(), ()).is_ok());
    opened.open();
    next(&end);
}

fn a_ping_stays_fast_while_all_handlers_are_asleep<F: Face>() {
    let (asleep, sleeping) = channel();
    let gate = Gate::default();
    let (asking, answering) = pair::<F>(sleepy::<F>(patient(|_| ()), asleep, gate.clone()));
    thread::scope(|scope| {
        for _ in 0..64 {
            let asking = F::start_with(device::<F>().timeout(PATIENCE)).unwrap();
            asking.meet(&answering);
            let id = answering.id();
            scope.spawn(move || assert_eq!(asking.fetch(id, "sleep").unwrap(), "awake"));
        }
        for _ in 0..64 {
            next(&sleeping);
        }
        let took = asking.ping(answering.id()).unwrap();
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert_error!(asking.fetch(answering.id(), ()), Error::Busy { .. });
        gate.open();
    });
}

fn a_pong_does_not_wait_for_the_handler_of_the_ping<F: Face>() {
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = patient(|_| ());
    let (asking, answering) = pair::<F>(device::<F>().limits(limits).on_ping(move |_| gate.wait()));
    quickly(PATIENCE / 2, || asking.ping(answering.id()).unwrap());
    opened.open();
}

fn more_requests_than_handlers_may_run_are_told_to_come_again<F: Face>() {
    let (asleep, sleeping) = channel();
    let gate = Gate::default();
    let limits = patient(|limits| limits.handlers = 1);
    let (_, answering) = pair::<F>(sleepy::<F>(limits, asleep, gate.clone()));
    let asking = F::start_with(device::<F>().timeout(PATIENCE)).unwrap();
    asking.meet(&answering);
    thread::scope(|scope| {
        let first = scope.spawn(|| asking.fetch(answering.id(), "sleep").unwrap());
        next(&sleeping);
        let error = asking.fetch(answering.id(), "sleep").unwrap_err();
        assert_names(&error, &[&answering.id(), &"busy", &"again"]);
        assert_error!(Err::<(), _>(error), Error::Busy { .. });
        gate.open();
        assert_eq!(first.join().unwrap(), "awake");
    });
    // The place is free a moment after the answer.
    eventually("a request is taken again", || asking.fetch(answering.id(), ()).is_ok());
}

fn every_event_reaches_its_handler<F: Face>() {
    let (events, heard) = channel();
    let tell = |name: &'static str| {
        let events = events.clone();
        move |request: easyhttp::Request| {
            events.send((name, request.sender, request.data.value())).unwrap();
        }
    };
    let (pong, fetch, push) = (tell("pong"), tell("fetch"), tell("push"));
    let listening = device::<F>()
        .on_ping(tell("ping"))
        .on_pong(pong)
        .on_fetch(fetch)
        .on_data(tell("data"))
        .on_push(push);
    let (asking, answering) = pair::<F>(listening);
    for (command, name, data) in [
        (Command::Ping, "ping", Value::Null),
        (Command::Pong, "pong", Value::Null),
        (Command::Fetch, "fetch", json!("query")),
        (Command::Data, "data", json!([1])),
        (Command::Push, "push", json!({"a": 0})),
    ] {
        asking.send(answering.id(), command, &data).unwrap();
        assert_eq!(next(&heard), (name, Some(asking.id()), data));
    }
}

fn answers_to_own_calls_are_events_too<F: Face>() {
    let (events, heard) = channel();
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|_| json!({"x": 1})));
    let pongs = events.clone();
    asking.on_pong(move |pong| pongs.send((pong.sender, pong.data.value())).unwrap());
    asking.on_data(move |data| events.send((data.sender, data.data.value())).unwrap());
    asking.ping(answering.id()).unwrap();
    assert_eq!(next(&heard), (Some(answering.id()), Value::Null));
    asking.fetch(answering.id(), ()).unwrap();
    assert_eq!(next(&heard), (Some(answering.id()), json!({"x": 1})));
}

fn handlers_can_be_set_and_replaced_while_the_device_runs<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    assert_error!(asking.fetch(answering.id(), ()), Error::NoHandler { .. });
    for value in [1, 2] {
        answering.on_fetch(move |_| value);
        assert_eq!(asking.fetch(answering.id(), ()).unwrap(), value);
    }
    let (events, heard) = channel();
    answering.on_ping(move |ping| events.send(ping.sender).unwrap());
    asking.ping(answering.id()).unwrap();
    assert_eq!(next(&heard), Some(asking.id()));
}

fn a_handler_may_call_its_own_device_and_be_called_back<F: Face>() {
    let (left, right) = pair::<F>(device::<F>());
    let device = right.handle();
    right.on_fetch(move |fetch| -> Result<Value, HandlerError> {
        // It knows the asker from its request.
        let asker = fetch.sender.unwrap();
        assert!(device.devices().iter().any(|peer| peer.id == asker));
        match fetch.data.parse::<u32>()? {
            0 => Ok(json!([])),
            deeper => {
                device.ping(asker).map_err(HandlerError::from)?;
                Ok(json!([device.fetch(asker, deeper - 1)?]))
            }
        }
    });
    let device = left.handle();
    left.on_fetch(move |fetch| device.fetch(fetch.sender.unwrap(), fetch.data).ok());
    assert_eq!(left.fetch(right.id(), 3).unwrap(), json!([[[[]]]]));
}

fn many_threads_may_call_one_device<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|fetch| fetch.data));
    thread::scope(|scope| {
        for thread in 0..8 {
            let (asking, answering) = (&asking, &answering);
            scope.spawn(move || {
                for number in 0..25 {
                    let query = json!({"thread": thread, "number": number});
                    assert_eq!(asking.fetch(answering.id(), &query).unwrap(), query);
                }
            });
        }
    });
}
