//! How many calls to one device are under way at once, and how many to many of them.
//!
//! A thousand calls that are started together would open a thousand connections,
//! of which the device closes most, and ask for more handlers than it runs. One call to
//! each of a thousand devices would take all the files that a process may have open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use easyhttp_proto::{DeviceId, limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};
use tokio::time::timeout_at;

use crate::descriptors;
use crate::lock::lock;

/// The calls of one device to the others.
pub(crate) struct Turns {
    /// To each of them.
    of_devices: Mutex<BTreeMap<DeviceId, Arc<Semaphore>>>,
    /// To all of them at once.
    of_many: Semaphore,
}

/// The turn of one call to a device.
pub(crate) struct Turn(OwnedSemaphorePermit);

impl Turn {
    /// Whether there are so many calls to the device that they share a connection.
    pub(crate) fn is_in_crowd(&self) -> bool {
        self.0.semaphore().available_permits() + limits::SHARED_FROM <= limits::CALLS
    }
}

impl Turns {
    pub(crate) fn new() -> Self {
        let of_many = limits::CALLS_TO_MANY.min(descriptors::one_in(4));
        Self { of_devices: Mutex::default(), of_many: Semaphore::new(of_many) }
    }

    /// Waits until another call to `id` may begin. It has ended when what this
    /// gives is dropped. None: it may not begin before this deadline.
    pub(crate) async fn take(&self, id: DeviceId, deadline: Instant) -> Option<Turn> {
        let of_device = {
            let mut turns = lock(&self.of_devices);
            if turns.len() >= limits::PEERS {
                turns.retain(|_, of_device| Arc::strong_count(of_device) > 1);
            }
            let free = || Arc::new(Semaphore::new(limits::CALLS));
            Arc::clone(turns.entry(id).or_insert_with(free))
        };
        // Mostly there is nothing to wait for, and then no timer either.
        if let Ok(turn) = Arc::clone(&of_device).try_acquire_owned() {
            return Some(Turn(turn));
        }
        timeout_at(deadline.into(), of_device.acquire_owned()).await.ok()?.ok().map(Turn)
    }

    /// The same for a call that is made to many devices at once.
    pub(crate) async fn take_of_many(&self) -> Option<SemaphorePermit<'_>> {
        self.of_many.acquire().await.ok()
    }
}
