//! How many calls to one device are under way at once.
//!
//! A thousand calls that are started together would open a thousand connections,
//! of which the device closes most, and ask for more handlers than it runs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use easyhttp_proto::{DeviceId, limits};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout_at;

use crate::lock::lock;

/// The calls of one device to each of the others.
#[derive(Default)]
pub(crate) struct Turns(Mutex<BTreeMap<DeviceId, Arc<Semaphore>>>);

impl Turns {
    /// Waits until another call to `id` may begin. It has ended when what this
    /// gives is dropped. None: it may not begin before this deadline.
    pub(crate) async fn take(
        &self,
        id: DeviceId,
        deadline: Instant,
    ) -> Option<OwnedSemaphorePermit> {
        let of_device = {
            let mut turns = lock(&self.0);
            if turns.len() >= limits::PEERS {
                turns.retain(|_, of_device| Arc::strong_count(of_device) > 1);
            }
            let free = || Arc::new(Semaphore::new(limits::CALLS));
            Arc::clone(turns.entry(id).or_insert_with(free))
        };
        // Mostly there is nothing to wait for, and then no timer either.
        if let Ok(turn) = Arc::clone(&of_device).try_acquire_owned() {
            return Some(turn);
        }
        timeout_at(deadline.into(), of_device.acquire_owned()).await.ok()?.ok()
    }
}
