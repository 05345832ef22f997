//! Pushes that wait on disk until their device is there.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use easyhttp::{Builder, IntoDeviceId, OutboxItem, RefusedItem, Result, Value, json};
use serde::Serialize;

use super::{Asynchronous, Blocking, Face, device, on_both_faces, on_runtime};
use crate::support::folder::Folder;
use crate::support::{eventually, local, next, own_port};

on_both_faces!(
    what_waits_is_delivered_in_order_when_the_device_is_there,
    what_waits_is_there_after_a_restart_and_finds_the_device_elsewhere,
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
    let asking = F::start_with(builder.on_delivered(move |item| told.send(item).unwrap())).unwrap();
    let numbers: Vec<_> = (0..100).map(|n| asking.push_later("7H8G2K", n).unwrap()).collect();
    assert!(numbers.is_sorted_by(|a, b| a < b));
    assert_eq!(asking.list().unwrap().len(), 100);

    let (there, received) = receiving::<F>(device::<F>().id("7H8G2K"));
    asking.meet(&there);
    for n in 0..100 {
        assert_eq!(next(&received), n);
        let item = next(&delivered);
        assert_eq!((item.number, item.data.value()), (numbers[n], json!(n)));
    }
    eventually("none waits", || asking.list().unwrap().is_empty());
}

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
