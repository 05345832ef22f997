//! Stopping, by `stop` and by `Drop`: the port is free, what runs is waited
//! for, and it works wherever it happens.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use easyhttp::{Command, Error};
use tokio::runtime;

use super::{Face, device, on_both_faces, pair};
use crate::support::{
    Gate, PATIENCE, assert_error, eventually, is_free, limits, next, own_port, quickly,
};

on_both_faces!(
    stop_frees_the_port_at_once,
    stop_does_not_wait_for_connections_that_are_kept,
    stop_waits_for_a_handler_that_runs,
    stop_does_not_wait_for_ever,
    a_handler_may_stop_its_own_device,
    stopping_again_is_harmless,
    after_stop_every_call_says_so,
    dropping_a_device_frees_the_port_at_once,
    dropping_a_device_frees_what_its_handlers_hold,
    dropping_a_device_in_its_own_handler_works,
    dropping_a_device_in_async_code_works,
    dropping_a_handle_stops_nothing,
    a_device_that_its_own_handler_holds_can_be_stopped,
    what_a_handler_holds_may_use_the_device_when_it_is_dropped,
);

fn a_device_that_its_own_handler_holds_can_be_stopped<F: Face>() {
    let device = Arc::new(F::start_with(device::<F>()).unwrap());
    let handle = device.handle();
    let held = Arc::clone(&device);
    device.on_ping(move |_| _ = held.id());
    drop(device);
    // It frees the handler, and so drops the device itself.
    handle.stop();
}

fn what_a_handler_holds_may_use_the_device_when_it_is_dropped<F: Face>() {
    struct Uses<F: Face>(F);
    impl<F: Face> Drop for Uses<F> {
        fn drop(&mut self) {
            self.0.on_pong(|_| {});
            let _ = self.0.remove("THER22");
        }
    }
    let device = F::start_with(device::<F>()).unwrap();
    let held = Uses(device.handle());
    device.on_ping(move |_| _ = held.0.id());
    // One is replaced, the other goes when the device stops.
    let held = Uses(device.handle());
    device.on_ping(move |_| _ = held.0.id());
    device.stop();
}

fn stop_frees_the_port_at_once<F: Face>() {
    let port = own_port();
    let asking = F::start_with(device::<F>()).unwrap();
    for _ in 0..10 {
        let answering = F::start_with(device::<F>().port(port)).unwrap();
        asking.meet(&answering);
        asking.ping(answering.id()).unwrap();
        answering.stop();
        assert!(is_free(port));
    }
}

fn stop_does_not_wait_for_connections_that_are_kept<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    asking.ping(answering.id()).unwrap();
    quickly(Duration::from_secs(2), || {
        answering.stop();
        asking.stop();
    });
}

fn stop_waits_for_a_handler_that_runs<F: Face>() {
    let (started, start) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = limits(|limits| {
        (limits.handler, limits.call, limits.stop) = (PATIENCE, PATIENCE, PATIENCE);
    });
    let done = Arc::new(Mutex::new(false));
    let is_done = Arc::clone(&done);
    let slow = device::<F>().limits(limits.clone()).on_push(move |_| {
        started.send(()).unwrap();
        gate.wait();
        *done.lock().unwrap() = true;
    });
    let (_, answering) = pair::<F>(slow);
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    asking.meet(&answering);
    thread::scope(|scope| {
        let push = scope.spawn(|| asking.push(answering.id(), ()));
        next(&start);
        let stop = scope.spawn(|| {
            answering.stop();
            assert!(*is_done.lock().unwrap());
        });
        let port = answering.port().unwrap();
        eventually("the port is free", || is_free(port));
        assert!(!stop.is_finished());
        opened.open();
        // Whoever was being answered gets the answer.
        push.join().unwrap().unwrap();
    });
}

fn stop_does_not_wait_for_ever<F: Face>() {
    let (started, start) = channel();
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = limits(|limits| limits.stop = Duration::from_millis(50));
    let stuck = device::<F>().limits(limits).on_push(move |_| {
        started.send(()).unwrap();
        gate.wait();
    });
    let (asking, answering) = pair::<F>(stuck);
    thread::scope(|scope| {
        scope.spawn(|| asking.push(answering.id(), ()));
        next(&start);
        quickly(PATIENCE / 2, || answering.stop());
        opened.open();
    });
}

fn a_handler_may_stop_its_own_device<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    let device = answering.handle();
    answering.on_push(move |_| quickly(Duration::from_secs(2), || device.stop()));
    // It is answered all the same.
    asking.push(answering.id(), ()).unwrap();
    assert!(is_free(answering.port().unwrap()));
    assert_error!(answering.ping(asking.id()), Error::Stopped);
}

fn stopping_again_is_harmless<F: Face>() {
    let device = F::start_with(device::<F>()).unwrap();
    let handle = device.handle();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| handle.stop());
        }
    });
    device.stop();
    drop(device);
    handle.stop();
}

fn after_stop_every_call_says_so<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    let handle = asking.handle();
    asking.stop();
    for device in [&asking, &handle] {
        let id = answering.id();
        assert_error!(device.ping(id), Error::Stopped);
        assert_error!(device.fetch(id, ()), Error::Stopped);
        assert_error!(device.fetch_as::<u8>(id, ()), Error::Stopped);
        assert_error!(device.push(id, ()), Error::Stopped);
        assert_error!(device.send(id, Command::Data, ()), Error::Stopped);
        assert_error!(device.find("NEVER2", PATIENCE), Error::Stopped);
        assert_error!(device.start_discovery(), Error::Stopped);
        device.stop_discovery();
        // What needs no network still works.
        assert_eq!(device.devices().len(), 1);
        assert!(device.port().is_some());
    }
    let (id, port) = (asking.id(), asking.port().unwrap());
    drop(asking);
    assert_eq!((handle.id(), handle.port()), (id, Some(port)));
    assert_error!(handle.ping(answering.id()), Error::Stopped);
    assert_eq!(Error::Stopped.to_string(), "the device has been stopped");
}

fn dropping_a_device_frees_the_port_at_once<F: Face>() {
    let port = own_port();
    for _ in 0..10 {
        let (asking, answering) = pair::<F>(device::<F>().port(port));
        asking.ping(answering.id()).unwrap();
        drop(answering);
        assert!(is_free(port));
    }
}

fn dropping_a_device_frees_what_its_handlers_hold<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    let (held, released) = channel::<()>();
    let device = answering.handle();
    answering.on_ping(move |_| {
        let _held = (&held, device.id());
    });
    asking.ping(answering.id()).unwrap();
    drop(answering);
    assert_eq!(released.recv_timeout(PATIENCE), Err(RecvTimeoutError::Disconnected));
}

fn dropping_a_device_in_its_own_handler_works<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    let (id, port) = (answering.id(), answering.port().unwrap());
    let handle = answering.handle();
    let owner = Mutex::new(Some(answering));
    let (dropped, drops) = channel();
    handle.on_push(move |_| {
        drop(owner.lock().unwrap().take());
        dropped.send(()).unwrap();
    });
    // Whether an answer still comes is open.
    let _ = asking.push(id, ());
    next(&drops);
    assert!(is_free(port));
}

fn dropping_a_device_in_async_code_works<F: Face>() {
    let runtimes = [runtime::Builder::new_multi_thread(), runtime::Builder::new_current_thread()];
    for mut runtime in runtimes {
        let runtime = runtime.enable_all().build().unwrap();
        let (asking, answering) = pair::<F>(device::<F>());
        asking.ping(answering.id()).unwrap();
        let port = answering.port().unwrap();
        runtime.block_on(async move { drop(answering) });
        assert!(is_free(port));
        let port = asking.port().unwrap();
        runtime.block_on(async {
            tokio::spawn(async move { drop(asking) }).await.unwrap();
        });
        assert!(is_free(port));
    }
}

fn dropping_a_handle_stops_nothing<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    drop(answering.handle());
    drop(asking.handle());
    asking.handle().ping(answering.id()).unwrap();
}
