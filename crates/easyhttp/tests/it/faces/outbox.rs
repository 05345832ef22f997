//! Pushes that wait on disk until their device is there.

mod file;
mod restarts;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use easyhttp::{
    Builder, Delivery, Error, Full, IntoDeviceId, OutboxItem, PushAnswer, RefusedItem, Result,
    Value, json,
};
use serde::Serialize;

use super::{Asynchronous, Blocking, Face, device, on_both_faces, on_runtime};
use crate::support::fake_peer::{FakePeer, Seen, Then, pong};
use crate::support::folder::Folder;
use crate::support::{
    Gate, assert_error, assert_names, eventually, id, limits, local, next, own_port,
};

on_both_faces!(
    what_waits_is_delivered_in_order_when_the_device_is_there,
    what_is_refused_is_told_with_the_reason_and_holds_up_nothing,
    a_device_without_keys_is_sent_an_item_once_and_no_more,
    a_slow_handler_is_waited_for_and_run_once,
    what_was_in_vain_goes_out_when_the_device_is_back,
    what_expires_is_told_and_not_sent,
    what_is_cancelled_is_gone,
    a_full_outbox_is_an_error,
    a_flush_returns_when_all_were_tried,
    a_handler_of_the_outbox_may_flush_it_while_many_others_wait_to_be_told,
    an_item_has_its_place_until_its_handler_has_returned,
    what_could_never_be_sent_is_told_at_once,
);

/// What the feature adds to both faces.
trait Keeps: Face {
    fn push_later(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<u64>;
    fn push_within(
        &self,
        id: impl IntoDeviceId,
        data: impl Serialize,
        lifetime: Duration,
    ) -> Result<u64>;
    fn list(&self) -> Result<Vec<OutboxItem>>;
    fn cancel(&self, number: u64) -> Result<bool>;
    fn flush(&self) -> Result<usize>;
    fn on_delivered(&self, handler: impl Fn(OutboxItem) + Send + Sync + 'static);
    fn on_refused(&self, handler: impl Fn(RefusedItem) + Send + Sync + 'static);
    fn on_expired(&self, handler: impl Fn(OutboxItem) + Send + Sync + 'static);
}

macro_rules! keeps {
    ($Face:ident, $wait:expr) => {
        impl Keeps for $Face {
            fn push_later(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<u64> {
                $wait(self.0.outbox().push(id, data))
            }
            fn push_within(
                &self,
                id: impl IntoDeviceId,
                data: impl Serialize,
                lifetime: Duration,
            ) -> Result<u64> {
                $wait(self.0.outbox().push_within(id, data, lifetime))
            }
            fn list(&self) -> Result<Vec<OutboxItem>> {
                $wait(self.0.outbox().list())
            }
            fn cancel(&self, number: u64) -> Result<bool> {
                $wait(self.0.outbox().cancel(number))
            }
            fn flush(&self) -> Result<usize> {
                $wait(self.0.outbox().flush())
            }
            fn on_delivered(&self, handler: impl Fn(OutboxItem) + Send + Sync + 'static) {
                self.0.on_delivered(handler)
            }
            fn on_refused(&self, handler: impl Fn(RefusedItem) + Send + Sync + 'static) {
                self.0.on_refused(handler)
            }
            fn on_expired(&self, handler: impl Fn(OutboxItem) + Send + Sync + 'static) {
                self.0.on_expired(handler)
            }
        }
    };
}

keeps!(Blocking, std::convert::identity);
keeps!(Asynchronous, on_runtime);

/// A device with an outbox, and the folder in which that is.
fn keeping<F: Face>() -> (Folder, Builder<F::Device>) {
    let folder = Folder::new();
    let builder = device::<F>().outbox_file(folder.join("outbox"));
    (folder, builder)
}

/// A device that sends on what it is pushed.
fn receiving<F: Face>(builder: Builder<F::Device>) -> (F, Receiver<Value>) {
    let (sender, received) = channel();
    let device =
        F::start_with(builder.on_push(move |push| sender.send(push.data.value()).unwrap()));
    (device.unwrap(), received)
}

fn what_waits_is_delivered_in_order_when_the_device_is_there<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let (told, delivered) = channel();
    let asking = F::start_with(builder).unwrap();
    asking.on_delivered(move |item| told.send(item).unwrap());
    let numbers: Vec<_> = (0..100).map(|n| asking.push_later("7H8G2K", n).unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    assert_eq!(asking.list().unwrap().len(), 100);

    let (there, received) = receiving::<F>(device::<F>().id("7H8G2K"));
    asking.meet(&there);
    for (n, number) in numbers.into_iter().enumerate() {
        assert_eq!(next(&received), n);
        let item = next(&delivered);
        assert_eq!((item.number, item.data.value()), (number, json!(n)));
    }
    eventually("none waits", || asking.list().unwrap().is_empty());
}

fn what_is_refused_is_told_with_the_reason_and_holds_up_nothing<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let (told, refused) = channel();
    let asking = F::start_with(builder).unwrap();
    asking.on_refused(move |item| told.send(item).unwrap());
    let there = device::<F>().on_push(|push| match push.data.parse::<u64>() {
        Ok(1) => PushAnswer::refuse("the door is open"),
        Ok(2) => panic!("on purpose"),
        _ => PushAnswer::Accepted,
    });
    let there = F::start_with(there).unwrap();
    let without = F::start_with(device::<F>()).unwrap();
    asking.meet(&there);
    asking.meet(&without);
    for n in 1..=3 {
        asking.push_later(there.id(), n).unwrap();
    }
    let reason = next(&refused);
    assert_eq!((reason.item.to, reason.item.data.value()), (there.id(), json!(1)));
    assert_names(&reason.error, &[&"the door is open"]);
    assert_eq!(reason.error.delivery(), Delivery::Refused);
    assert_error!(Err::<(), _>(next(&refused).error), Error::HandlerFailed { .. });
    asking.push_later(without.id(), 4).unwrap();
    assert_error!(Err::<(), _>(next(&refused).error), Error::NoHandler { .. });
    eventually("none waits", || asking.list().unwrap().is_empty());
}

fn a_device_without_keys_is_sent_an_item_once_and_no_more<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let (told, refused) = channel();
    let asking = F::start_with(builder.on_refused(move |item| told.send(item).unwrap())).unwrap();
    let peer = FakePeer::new(|request| match request["type"].as_u64() {
        Some(1) => Then::Write(pong(id("7H8G2K"))),
        _ => Then::Close(Vec::new()),
    });
    asking.add("7H8G2K", peer.at).unwrap();
    for n in 1..=2 {
        asking.push_later("7H8G2K", n).unwrap();
        let refused = next(&refused);
        assert_eq!(refused.item.data.value(), n);
        assert_eq!(refused.error.delivery(), Delivery::Unknown);
    }
    let pushes = |seen: &Seen| matches!(seen, Seen::Request(_, kind) if *kind == 5);
    assert_eq!(peer.seen.try_iter().filter(pushes).count(), 2);
}

fn a_slow_handler_is_waited_for_and_run_once<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let (told, delivered) = channel();
    let asking = F::start_with(builder.on_delivered(move |item| told.send(item).unwrap())).unwrap();
    let (gate, runs) = (Gate::default(), Arc::new(AtomicUsize::new(0)));
    let (opened, counted) = (gate.clone(), Arc::clone(&runs));
    let hasty = limits(|limits| limits.handler = Duration::from_millis(20));
    let there = device::<F>().limits(hasty).on_push(move |_| {
        runs.fetch_add(1, Ordering::Relaxed);
        gate.wait();
    });
    let there = F::start_with(there).unwrap();
    asking.meet(&there);
    let number = asking.push_later(there.id(), "slowly").unwrap();
    eventually("it was answered that it is not over", || {
        asking.list().unwrap().first().is_some_and(|item| item.may_have_arrived)
    });
    opened.open();
    asking.flush().unwrap();
    assert_eq!(next(&delivered).number, number);
    assert_eq!(counted.load(Ordering::Relaxed), 1);
}

fn what_was_in_vain_goes_out_when_the_device_is_back<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let asking = F::start_with(builder).unwrap();
    asking.add("7H8G2K", local(own_port())).unwrap();
    for n in 0..200 {
        asking.push_later("7H8G2K", n).unwrap();
    }
    eventually("it was tried", || asking.list().unwrap()[0].tries > 0);
    let (there, received) = receiving::<F>(device::<F>().id("7H8G2K"));
    // What it asks is how it is heard here: it has no discovery.
    there.meet(&asking);
    there.ping(asking.id()).unwrap();
    for n in 0..200 {
        assert_eq!(next(&received), n);
    }
}

fn what_expires_is_told_and_not_sent<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let (told, expired) = channel();
    let asking = F::start_with(builder).unwrap();
    asking.on_expired(move |item| told.send(item).unwrap());
    let at_once = asking.push_within("7H8G2K", 1, Duration::ZERO).unwrap();
    let soon = asking.push_within("7H8G2K", 2, Duration::from_millis(50)).unwrap();
    asking.push_within("7H8G2K", 3, Duration::MAX).unwrap();
    for number in [at_once, soon] {
        let item = next(&expired);
        assert_eq!((item.number, item.tries, item.expires_in), (number, 0, Duration::ZERO));
    }
    let (there, received) = receiving::<F>(device::<F>().id("7H8G2K"));
    asking.meet(&there);
    assert_eq!(next(&received), 3);
}

fn what_is_cancelled_is_gone<F: Keeps>() {
    let (folder, builder) = keeping::<F>();
    let asking = F::start_with(builder).unwrap();
    let first = asking.push_later("7H8G2K", 1).unwrap();
    let second = asking.push_later("7H8G2K", 2).unwrap();
    assert!(asking.cancel(first).unwrap());
    assert!(!asking.cancel(first).unwrap());
    assert!(!asking.cancel(second + 1).unwrap());
    drop(asking);
    let asking = F::start_with(device::<F>().outbox_file(folder.join("outbox"))).unwrap();
    let numbers: Vec<_> = asking.list().unwrap().iter().map(|item| item.number).collect();
    assert_eq!(numbers, [second]);
}

fn a_full_outbox_is_an_error<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let small = limits(|limits| (limits.outbox_items, limits.outbox_bytes) = (3, 100));
    let asking = F::start_with(builder.limits(small)).unwrap();
    asking.push_later("7H8G2K", "x".repeat(60)).unwrap();
    let full = asking.push_later("7H8G2K", "x".repeat(60));
    assert_names(full.as_ref().unwrap_err(), &[&"the outbox is full", &100]);
    assert_error!(full, Error::OutboxFull(Full::Bytes(100)));
    asking.push_later("7H8G2K", 2).unwrap();
    let third = asking.push_later("7H8G2K", 3).unwrap();
    assert_error!(asking.push_later("7H8G2K", 4), Error::OutboxFull(Full::Items(3)));
    asking.cancel(third).unwrap();
    asking.push_later("AB3F9Z", 4).unwrap();
}

fn a_flush_returns_when_all_were_tried<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let asking = F::start_with(builder).unwrap();
    assert_eq!(asking.flush().unwrap(), 0);
    asking.add("AB3F9Z", local(own_port())).unwrap();
    for to in ["7H8G2K", "AB3F9Z"] {
        asking.push_later(to, 1).unwrap();
    }
    assert_eq!(asking.flush().unwrap(), 2);
    let (there, received) = receiving::<F>(device::<F>().id("AB3F9Z"));
    asking.meet(&there);
    assert_eq!(next(&received), 1);
    eventually("one waits", || asking.flush().unwrap() == 1);
}

fn a_handler_of_the_outbox_may_flush_it_while_many_others_wait_to_be_told<F: Keeps>() {
    const ITEMS: usize = 1_100;
    let (_folder, builder) = keeping::<F>();
    let asking = F::start_with(builder).unwrap();
    thread::scope(|scope| {
        // Those that come at the same time wait for the disk together.
        for _ in 0..20 {
            scope.spawn(|| (0..ITEMS / 20).for_each(|_| _ = asking.push_later("7H8G2K", 1)));
        }
    });
    let (told, flushed) = channel();
    let own = asking.handle();
    asking.on_delivered(move |_| _ = told.send(own.flush()));
    let (there, received) = receiving::<F>(device::<F>().id("7H8G2K"));
    asking.meet(&there);
    assert_eq!(next(&flushed).unwrap(), 0);
    assert_eq!(received.try_iter().count(), ITEMS);
}

fn an_item_has_its_place_until_its_handler_has_returned<F: Keeps>() {
    let (_folder, builder) = keeping::<F>();
    let builder = builder.limits(limits(|limits| limits.outbox_items = 2));
    let (gate, (begins, begun)) = (Gate::default(), channel());
    let held = gate.clone();
    let builder = builder.on_delivered(move |_| {
        begins.send(()).unwrap();
        held.wait();
    });
    let asking = F::start_with(builder).unwrap();
    let (there, received) = receiving::<F>(device::<F>());
    asking.meet(&there);
    for n in 0..2 {
        asking.push_later(there.id(), n).unwrap();
        assert_eq!(next(&received), n);
    }
    next(&begun);
    assert_error!(asking.push_later(there.id(), 2), Error::OutboxFull(Full::Items(2)));
    gate.open();
    next(&begun);
    eventually("there is room again", || asking.push_later(there.id(), 2).is_ok());
    assert_eq!(next(&received), 2);
}

fn what_could_never_be_sent_is_told_at_once<F: Keeps>() {
    let (folder, builder) = keeping::<F>();
    let asking = F::start_with(builder).unwrap();
    assert_error!(asking.push_later("nonsense", 1), Error::InvalidId(_));
    assert_error!(asking.push_later(asking.id(), 1), Error::OwnId { .. });
    assert_error!(asking.push_later("7H8G2K", "x".repeat(1 << 20)), Error::TooLarge { .. });
    let deep = "[".repeat(200) + &"]".repeat(200);
    let deep: Box<serde_json::value::RawValue> = serde_json::from_str(&deep).unwrap();
    assert_error!(asking.push_later("7H8G2K", deep), Error::InvalidData(_));
    // Nothing was put in, so there is no file.
    assert!(!folder.join("outbox").exists());
}
