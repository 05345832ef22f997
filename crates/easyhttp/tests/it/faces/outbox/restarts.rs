//! What an outbox has after its device was stopped, dropped or restarted.

use std::sync::Mutex;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use easyhttp::{AfterCrash, Error, OutboxItem, json};

use super::{Keeps, keeping, receiving};
use crate::faces::{device, on_both_faces};
use crate::support::folder::Folder;
use crate::support::{Gate, assert_error, eventually, limits, local, next, own_port};

on_both_faces!(
    what_waits_is_there_after_a_restart_and_finds_the_device_elsewhere,
    all_that_was_confirmed_is_there_when_the_device_was_stopped_meanwhile,
    what_was_not_told_before_the_device_stopped_is_told_after_it_starts,
    what_was_done_before_both_were_restarted_is_not_done_again,
    a_device_that_was_dropped_leaves_its_outbox_to_the_next_one,
    an_outbox_outlives_a_device_that_is_dropped_in_a_process_that_goes_on,
);

fn what_waits_is_there_after_a_restart_and_finds_the_device_elsewhere<F: Keeps>() {
    let folder = Folder::new();
    let start = || F::start_with(device::<F>().config_file(folder.join("device.json"))).unwrap();
    let asking = start();
    let first = asking.push_later("7H8G2K", json!({"state": "on"})).unwrap();
    let second = asking.push_later("7H8G2K", json!({"state": "off"})).unwrap();
    drop(asking);
    let asking = start();
    let waiting: Vec<_> = asking.list().unwrap().iter().map(|item| item.number).collect();
    assert_eq!(waiting, [first, second]);
    // It was elsewhere, where nobody is any more.
    asking.add("7H8G2K", local(own_port())).unwrap();
    let (there, received) = receiving::<F>(device::<F>().id("7H8G2K"));
    asking.meet(&there);
    assert_eq!(next(&received), json!({"state": "on"}));
    assert_eq!(next(&received), json!({"state": "off"}));
    // Its numbers are not given again.
    eventually("none waits", || asking.list().unwrap().is_empty());
    drop(asking);
    assert!(start().push_later("7H8G2K", ()).unwrap() > second);
}

fn all_that_was_confirmed_is_there_when_the_device_was_stopped_meanwhile<F: Keeps>() {
    let (folder, builder) = keeping::<F>();
    let asking = F::start_with(builder).unwrap();
    let confirmed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                while let Ok(number) = asking.push_later("7H8G2K", 1) {
                    confirmed.lock().unwrap().push(number);
                }
            });
        }
        eventually("some are there", || confirmed.lock().unwrap().len() > 20);
        asking.stop();
    });
    assert_error!(asking.push_later("7H8G2K", 1), Error::Stopped);
    assert_error!(asking.list(), Error::Stopped);
    assert_error!(asking.flush(), Error::Stopped);
    let asking = F::start_with(device::<F>().outbox_file(folder.join("outbox"))).unwrap();
    let there: Vec<_> = asking.list().unwrap().iter().map(|item| item.number).collect();
    for number in confirmed.into_inner().unwrap() {
        assert!(there.contains(&number), "{number} was confirmed");
    }
}

fn what_was_not_told_before_the_device_stopped_is_told_after_it_starts<F: Keeps>() {
    let (folder, builder) = keeping::<F>();
    let (gate, (began, begun)) = (Gate::default(), channel());
    let opened = gate.clone();
    let slow = builder.limits(limits(|limits| limits.stop = Duration::ZERO)).id("AB3F9Z");
    let asking = F::start_with(slow.on_delivered(move |_| {
        began.send(()).unwrap();
        gate.wait();
    }))
    .unwrap();
    let (there, received) = receiving::<F>(device::<F>());
    asking.meet(&there);
    let first = asking.push_later(there.id(), 1).unwrap();
    let second = asking.push_later(there.id(), 2).unwrap();
    next(&begun);
    assert_eq!([next(&received), next(&received)], [1, 2]);
    // It has both, and the user was told of none of them.
    asking.stop();
    opened.open();
    drop(asking);

    let (told, delivered) = channel();
    let builder = device::<F>().id("AB3F9Z").outbox_file(folder.join("outbox"));
    let asking = F::start_with(builder.on_delivered(move |item| told.send(item).unwrap())).unwrap();
    asking.meet(&there);
    assert_eq!([next(&delivered).number, next(&delivered).number], [first, second]);
    // It knew them again.
    assert!(received.try_recv().is_err());
}

fn what_was_done_before_both_were_restarted_is_not_done_again<F: Keeps>() {
    let folder = Folder::new();
    for (name, after_crash) in [("a", AfterCrash::Unknown), ("b", AfterCrash::RunAgain)] {
        let there = || {
            let builder = device::<F>().id("7H8G2K").outbox_file(folder.join(name));
            receiving::<F>(builder.durable(after_crash))
        };
        let asking = |told: Sender<OutboxItem>, gate: Option<Gate>| {
            let impatient = limits(|limits| limits.stop = Duration::ZERO);
            let builder = device::<F>().id("AB3F9Z").outbox_file(folder.join("asking"));
            let builder = builder.limits(impatient).on_delivered(move |item| {
                told.send(item).unwrap();
                gate.iter().for_each(Gate::wait);
            });
            F::start_with(builder).unwrap()
        };
        let (receiver, received) = there();
        let (told, delivered) = channel();
        let gate = Gate::default();
        let sender = asking(told, Some(gate.clone()));
        sender.meet(&receiver);
        let number = sender.push_later("7H8G2K", 1).unwrap();
        assert_eq!(next(&delivered).number, number);
        // The user was being told of it.
        sender.stop();
        gate.open();
        drop((sender, receiver));
        assert_eq!(next(&received), 1);

        let (receiver, received) = there();
        let (told, delivered) = channel();
        let sender = asking(told, None);
        sender.meet(&receiver);
        assert_eq!(next(&delivered).number, number);
        assert!(received.try_recv().is_err());
        eventually("none waits", || sender.list().unwrap().is_empty());
        // One that is new is done.
        sender.push_later("7H8G2K", 2).unwrap();
        assert_eq!(next(&received), 2);
        next(&delivered);
        eventually("none waits", || sender.list().unwrap().is_empty());
    }
}

fn a_device_that_was_dropped_leaves_its_outbox_to_the_next_one<F: Keeps>() {
    let folder = Folder::new();
    let builder = || device::<F>().config_file(folder.join("device.json"));
    let (gate, (begins, begun)) = (Gate::default(), channel());
    let held = gate.clone();
    let busy = F::start_with(builder().on_push(move |_| {
        begins.send(()).unwrap();
        held.wait();
    }))
    .unwrap();
    busy.push_later("7H8G2K", 1).unwrap();
    let asking = F::start_with(device::<F>()).unwrap();
    asking.meet(&busy);
    let id = busy.id();
    thread::scope(|scope| {
        scope.spawn(|| _ = asking.push(id, ()));
        next(&begun);
        // Its handler runs on, and until that ends its files are open.
        drop(busy);
        scope.spawn(|| gate.open());
        let again = F::start_with(builder()).unwrap();
        assert_eq!(again.list().unwrap().len(), 1);
    });
}

fn an_outbox_outlives_a_device_that_is_dropped_in_a_process_that_goes_on<F: Keeps>() {
    let folder = Folder::new();
    for n in 0..5 {
        let easy = F::start_with(device::<F>().config_file(folder.join("device.json"))).unwrap();
        easy.push_within("7H8G2K", n, Duration::from_secs(60)).unwrap();
        assert_eq!(easy.list().unwrap().len(), n + 1);
    }
}
