//! A PUSH whose answer does not come is sent again, to devices that remember what they had.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};

use easyhttp::{Delivery, DeviceId, Error, PushAnswer, json};

use super::{Face, device, on_both_faces, on_runtime};
use crate::support::fake_peer::{FakePeer, Seen, Then, pong};
use crate::support::line::{Cut, Line, Way};
use crate::support::proxy::{From, Proxy};
use crate::support::{Gate, PATIENCE, assert_error, eventually, id, limits, local, next};

on_both_faces!(
    a_push_whose_answer_was_lost_is_done_once,
    a_refusal_that_was_lost_is_told_all_the_same,
    after_a_restart_nobody_knows_and_it_is_not_done_again,
    a_device_that_was_restarted_before_gets_it,
    a_device_that_forgets_much_gets_it,
    a_device_that_remembers_nothing_gets_it_once,
    a_device_that_is_busy_gets_it_later,
    a_slow_handler_runs_once_and_is_waited_for,
    a_connection_that_is_dead_is_not_waited_for,
);

/// A device that counts its PUSHes, and says when one comes.
fn counting<F: Face>(who: Option<DeviceId>) -> (F, Receiver<()>) {
    let (push, pushed) = channel();
    let builder = device::<F>().on_push(move |_| push.send(()).unwrap());
    let builder = who.into_iter().fold(builder, |builder, id| builder.id(id));
    (F::start_with(builder).unwrap(), pushed)
}

/// A device that asks another one over a line, and has had an answer.
fn asking<F: Face>(served: &F) -> (F, Line) {
    let line = on_runtime(Line::new(local(served.port().unwrap())));
    let limits = limits(|limits| limits.call = PATIENCE);
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    asking.add(served.id(), line.at).unwrap();
    asking.ping(served.id()).unwrap();
    (asking, line)
}

/// Before a byte of the answer passes.
const UNANSWERED: [Cut; 1] = [Cut { way: Way::Answer, after: 0 }];

fn a_push_whose_answer_was_lost_is_done_once<F: Face>() {
    let (served, pushed) = counting::<F>(None);
    let (asking, line) = asking(&served);
    for number in 1..=5 {
        line.cut(UNANSWERED);
        asking.push(served.id(), number).unwrap();
        assert_eq!(pushed.try_iter().count(), 1);
        assert_eq!(
            (asking.stats().pushes_sent_again, served.stats().pushes_repeated),
            (number, number)
        );
    }
}

fn a_refusal_that_was_lost_is_told_all_the_same<F: Face>() {
    let served = F::start_with(device::<F>().on_push(|_| PushAnswer::refuse("it is night")));
    let served = served.unwrap();
    let (asking, line) = asking(&served);
    line.cut(UNANSWERED);
    let refused = asking.push(served.id(), 1);
    assert_error!(&refused, Error::Refused { reason: Some(reason), .. } if reason == "it is night");
    assert_eq!(served.stats().handlers_run, 1);
}

fn after_a_restart_nobody_knows_and_it_is_not_done_again<F: Face>() {
    let who = id("REST22");
    let (after, pushed_after) = counting::<F>(Some(who));
    let (push, pushed) = channel();
    let line: Arc<Mutex<Option<Line>>> = Arc::default();
    let (leads, to) = (Arc::clone(&line), local(after.port().unwrap()));
    // Whoever comes again finds the device that was restarted.
    let before = device::<F>().id(who).on_push(move |_| {
        leads.lock().unwrap().as_ref().unwrap().lead_to(to);
        push.send(()).unwrap();
    });
    let before = F::start_with(before).unwrap();
    let (asking, way) = asking(&before);
    way.cut(UNANSWERED);
    *line.lock().unwrap() = Some(way);
    let unknown = asking.push(who, 1).unwrap_err();
    assert_eq!(unknown.delivery(), Delivery::Unknown, "{unknown}");
    assert_eq!((pushed.try_iter().count(), pushed_after.try_iter().count()), (1, 0));
    // What comes next is another one.
    asking.push(who, 2).unwrap();
    assert_eq!((pushed.try_iter().count(), pushed_after.try_iter().count()), (0, 1));
}

fn a_device_that_was_restarted_before_gets_it<F: Face>() {
    let who = id("REST22");
    let (before, pushed_before) = counting::<F>(Some(who));
    let (after, pushed) = counting::<F>(Some(who));
    let (asking, line) = asking(&before);
    asking.push(who, 1).unwrap();
    line.lead_to(local(after.port().unwrap()));
    before.stop();
    eventually("the old connection is closed", || line.open() == 0);
    asking.push(who, 2).unwrap();
    assert_eq!((pushed_before.try_iter().count(), pushed.try_iter().count()), (1, 1));
    assert_eq!(after.stats().pushes_forgotten, 1);
    assert_eq!(asking.stats().pushes_sent_again, 0, "nothing was lost");
}

fn a_device_that_forgets_much_gets_it<F: Face>() {
    let limits = limits(|limits| limits.pushes = 1);
    let served = F::start_with(device::<F>().limits(limits).on_push(|_| ())).unwrap();
    let (asking, _line) = asking(&served);
    let (other, _other_line) = self::asking(&served);
    for number in 0..20 {
        other.push(served.id(), number).unwrap();
        other.push(served.id(), number).unwrap();
        asking.push(served.id(), number).unwrap();
    }
    assert_eq!(served.stats().handlers_run, 60);
    assert!(served.stats().pushes_forgotten > 10);
}

/// As devices of Python are.
fn a_device_that_remembers_nothing_gets_it_once<F: Face>() {
    let who = id("PYTH22");
    let peer = FakePeer::new(move |request| match request["type"].as_u64() {
        Some(1) => Then::Write(pong(who)),
        _ => Then::Close(Vec::new()),
    });
    let asking = F::start_with(device::<F>()).unwrap();
    asking.add(who, peer.at).unwrap();
    assert_error!(asking.push(who, 1), Error::Interrupted { .. });
    asking.stop();
    let asked = peer.seen.try_iter().filter(|seen| matches!(seen, Seen::Request(..)));
    assert_eq!(asked.collect::<Vec<_>>(), [Seen::Request(0, json!(1)), Seen::Request(0, json!(5))]);
}

fn a_device_that_is_busy_gets_it_later<F: Face>() {
    let gate = Gate::default();
    let (began, begins) = channel();
    let opened = gate.clone();
    let limits = limits(|limits| limits.handlers = 1);
    let served = device::<F>().limits(limits).on_push(move |push| {
        began.send(()).unwrap();
        if push.data.raw() == "1" {
            opened.wait();
        }
    });
    let served = F::start_with(served).unwrap();
    let (asking, _line) = asking(&served);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| asking.push(served.id(), 1));
        next(&begins);
        let second = scope.spawn(|| asking.push(served.id(), 2));
        eventually("the device is busy", || served.stats().handlers_busy > 0);
        gate.open();
        first.join().unwrap().unwrap();
        second.join().unwrap().unwrap();
    });
    assert_eq!((served.stats().handlers_run, asking.stats().pushes_sent_again), (2, 1));
}

fn a_slow_handler_runs_once_and_is_waited_for<F: Face>() {
    let gate = Gate::default();
    let opened = gate.clone();
    let limits = limits(|limits| limits.handler = PATIENCE);
    let served = device::<F>().limits(limits).on_push(move |_| opened.wait());
    let served = F::start_with(served).unwrap();
    let asking = F::start_with(device::<F>()).unwrap();
    asking.meet(&served);
    std::thread::scope(|scope| {
        let pushed = scope.spawn(|| asking.push(served.id(), 1));
        eventually("it is sent again", || asking.stats().pushes_sent_again > 0);
        gate.open();
        pushed.join().unwrap().unwrap();
    });
    assert_eq!(served.stats().handlers_run, 1);
}

fn a_connection_that_is_dead_is_not_waited_for<F: Face>() {
    let (served, pushed) = counting::<F>(None);
    let lost = Arc::new(AtomicBool::new(false));
    let losses = Arc::new(AtomicUsize::new(0));
    let (loses, count) = (Arc::clone(&lost), Arc::clone(&losses));
    // What comes back from the device is lost, and nobody tells.
    let proxy = Proxy::new(local(served.port().unwrap()), move |from, bytes| {
        match from == From::Device && loses.swap(false, Ordering::Relaxed) {
            true => {
                count.fetch_add(1, Ordering::Relaxed);
                Vec::new()
            }
            false => bytes,
        }
    });
    let asking = F::start_with(device::<F>()).unwrap();
    asking.add(served.id(), proxy.at).unwrap();
    asking.ping(served.id()).unwrap();
    lost.store(true, Ordering::Relaxed);
    asking.push(served.id(), 1).unwrap();
    assert_eq!((pushed.try_iter().count(), losses.load(Ordering::Relaxed)), (1, 1));
}
