//! What a durable device knows of the pushes that it had before it stopped.

use std::sync::mpsc::channel;
use std::thread;

use easyhttp::{AfterCrash, Value, json};

use super::{Asynchronous, Face, device, on_both_faces};
use crate::support::folder::Folder;
use crate::support::http::{Client, command};
use crate::support::{Gate, next};

on_both_faces!(what_a_handler_did_that_stopped_its_own_device_is_known_to_the_next_one,);

fn what_a_handler_did_that_stopped_its_own_device_is_known_to_the_next_one<F: Face>() {
    let folder = Folder::new();
    let builder = || device::<F>().config_file(folder.join("device.json"));
    let builder = || builder().durable(AfterCrash::Unknown);
    let stopped = F::start_with(builder()).unwrap();
    let own = stopped.handle();
    stopped.on_push(move |_| own.stop());
    assert_eq!(push_once(stopped.port().unwrap()), (200, json!(6)));
    let again = F::start_with(builder()).unwrap();
    assert_eq!(push_once(again.port().unwrap()), (200, json!(6)));
}

#[test]
fn what_a_handler_does_whose_device_is_dropped_is_known_to_the_next_one() {
    let folder = Folder::new();
    let builder = || device::<Asynchronous>().config_file(folder.join("device.json"));
    let builder = || builder().durable(AfterCrash::Unknown);
    let (gate, (begins, begun)) = (Gate::default(), channel());
    let held = gate.clone();
    let busy = Asynchronous::start_with(builder().on_push(move |_| {
        begins.send(()).unwrap();
        held.wait();
    }))
    .unwrap();
    let port = busy.port().unwrap();
    let pushing = thread::spawn(move || push_once(port));
    next(&begun);
    // It does not wait: nobody can.
    drop(busy);
    gate.open();
    assert_eq!(pushing.join().unwrap(), (200, json!(6)));
    let again = Asynchronous::start_with(builder()).unwrap();
    assert_eq!(push_once(again.port().unwrap()), (200, json!(6)));
}

/// A push to a device that remembers it on disk, in this folder; what it gets.
fn push_once(port: u16) -> (u16, Value) {
    let push = command(5, "once").header("Idempotency-Key", "\"once\"");
    let answer = Client::connect(port).ask(&push);
    (answer.status, answer.json()["type"].clone())
}
