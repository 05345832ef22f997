//! Pushes that wait until their device is there: which one goes out next, and when.
//!
//! To each device they go in the order in which they came, one at a time: the next one
//! begins when nobody doubts any more what became of the one before it. What the
//! library keeps on disk is its affair; here each push is a number.
//!
//! A device that cannot be reached is tried less and less often, and at once when it is
//! heard. An item that may have reached its device already is sent again only if the
//! device can tell by its key that it has had it.

mod full;
mod item;
mod queue;
mod wish;

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::time::Duration;

use crate::{DeviceId, limits};

pub use full::Full;
pub use item::{Attempt, Item, Next, Sent};
use queue::Queue;
pub use wish::{Failed, Granted, OUTBOX_PATH, Push, TOKEN_HEADER, Waiting, Wish};

/// All items that wait, of all devices.
#[derive(Debug)]
pub struct Outbox {
    items: BTreeMap<u64, Item>,
    queues: BTreeMap<DeviceId, Queue>,
    /// When items expire, the first in front.
    expiries: BTreeSet<(Duration, u64)>,
    last_number: u64,
    /// What is used of the limits: by items that wait, by those for which a place was
    /// taken, and by those that are out and whose place was not given back yet.
    used: Size,
    most: Size,
}

/// How many items, and how many bytes of data they have.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Size {
    items: usize,
    bytes: usize,
}

/// What is to be done now.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// It is this device's turn: [`Outbox::begin`] gives what to send, as long as it gives
    /// something.
    Deliver(DeviceId),
    /// This item was not delivered in its time. It is out.
    Expired(u64, Item),
}

impl Outbox {
    /// An empty one for so many items, with so many bytes of data in all.
    pub fn new(items: usize, bytes: usize) -> Self {
        Self {
            items: BTreeMap::new(),
            queues: BTreeMap::new(),
            expiries: BTreeSet::new(),
            last_number: 0,
            used: Size::default(),
            most: Size { items, bytes },
        }
    }

    // ---- in and out ----

    /// Takes a place for an item with so much data, and gives its number. Numbers grow.
    ///
    /// # Errors
    ///
    /// [`Full`] if there is no room.
    pub fn reserve(&mut self, bytes: usize) -> Result<u64, Full> {
        let Size { items, bytes: used } = self.used;
        if items >= self.most.items {
            return Err(Full::Items(self.most.items));
        }
        if bytes > self.most.bytes.saturating_sub(used) {
            return Err(Full::Bytes(self.most.bytes));
        }
        self.used = Size { items: items + 1, bytes: used + bytes };
        self.last_number += 1;
        Ok(self.last_number)
    }

    /// Gives back a place that was taken for an item: one that does not come, or one that
    /// is out, by [`poll`](Self::poll) or [`end`](Self::end), and of which the user was told.
    /// So what is still to be told has a limit, too.
    pub fn release(&mut self, bytes: usize) {
        self.used.items = self.used.items.saturating_sub(1);
        self.used.bytes = self.used.bytes.saturating_sub(bytes);
    }

    /// Puts in an item for which a place was taken. It is on disk.
    pub fn insert(&mut self, now: Duration, number: u64, item: Item) {
        let queue = self.queues.entry(item.to).or_insert_with(|| Queue::new(now));
        queue.numbers.insert(number);
        self.expiries.insert((item.expires, number));
        self.items.insert(number, item);
    }

    /// Puts in an item of an earlier run, whatever the limits are now.
    pub fn restore(&mut self, now: Duration, number: u64, item: Item) {
        self.used.items += 1;
        self.used.bytes += item.bytes;
        self.numbers_begin_after(number);
        self.insert(now, number, item);
    }

    /// No number up to this one is given again.
    pub fn numbers_begin_after(&mut self, number: u64) {
        self.last_number = self.last_number.max(number);
    }

    /// Takes out an item, unless it is being sent.
    pub fn cancel(&mut self, number: u64) -> Option<Item> {
        let to = self.items.get(&number)?.to;
        if self.queues.get(&to).is_some_and(|queue| queue.is_sending(number)) {
            return None;
        }
        let item = self.remove(number)?;
        self.release(item.bytes);
        Some(item)
    }

    /// The items that wait, in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &Item)> {
        self.items.iter().map(|(&number, item)| (number, item))
    }

    /// How many items wait.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    // ---- when ----

    /// A device was heard, or an address of it became known: it is tried at once, unless
    /// that has just been in vain.
    pub fn heard(&mut self, now: Duration, id: DeviceId) {
        if let Some(queue) = self.queues.get_mut(&id) {
            queue.heard(now);
        }
    }

    /// Tries all devices at once, until each item that waits now was tried or waits
    /// behind one that was tried in vain.
    pub fn flush(&mut self, now: Duration) {
        let last = self.last_number;
        self.queues.values_mut().for_each(|queue| queue.flush(now, last));
    }

    /// Whether [`flush`](Self::flush) is not over.
    pub fn is_flushing(&self) -> bool {
        self.queues.values().any(Queue::is_flushing)
    }

    /// What is to be done now; it is to be asked until it gives nothing.
    pub fn poll(&mut self, now: Duration) -> Option<Action> {
        if let Some(number) = self.expired(now)
            && let Some(item) = self.remove(number)
        {
            return Some(Action::Expired(number, item));
        }
        let due = |(&id, queue): (&DeviceId, &mut Queue)| queue.takes_turn(now).then_some(id);
        self.queues.iter_mut().find_map(due).map(Action::Deliver)
    }

    /// When [`poll`](Self::poll) has something to do, if nothing else happens until then.
    pub fn next_wakeup(&self) -> Option<Duration> {
        let expiries = self.expiries.iter().filter(|(_, number)| !self.is_sending(*number));
        let expiry = expiries.map(|(expires, _)| *expires).next();
        let due = self.queues.values().filter_map(Queue::due).min();
        expiry.into_iter().chain(due).min()
    }

    // ---- delivering ----

    /// The item that this device gets now. None ends its turn.
    pub fn begin(&mut self, now: Duration, id: DeviceId) -> Option<Next> {
        let queue = self.queues.get_mut(&id)?;
        let next = match queue.is_in_vain() {
            true => None,
            false => queue
                .numbers
                .iter()
                .copied()
                .find(|number| self.items.get(number).is_some_and(|item| item.expires > now)),
        };
        let Some(item) = next.and_then(|number| self.items.get_mut(&number)) else {
            queue.end_turn();
            self.drop_empty(id);
            return None;
        };
        queue.begin(next);
        let number = next.unwrap_or_default();
        item.tries = item.tries.saturating_add(1);
        Some(Next { number, may_have_arrived: item.may_have_arrived })
    }

    /// The next so many items of this device, the one that is being sent in front.
    pub fn upcoming(&self, id: DeviceId, most: usize) -> Vec<Next> {
        let numbers = self.queues.get(&id).into_iter().flat_map(|queue| &queue.numbers);
        let item = |&number| {
            let may_have_arrived = self.items.get(&number)?.may_have_arrived;
            Some(Next { number, may_have_arrived })
        };
        numbers.filter_map(item).take(most).collect()
    }

    /// What became of the item that was being sent, and so what becomes of it now.
    pub fn end(&mut self, now: Duration, number: u64, attempt: Attempt) -> Sent {
        let Some(item) = self.items.get_mut(&number) else { return Sent::Gone };
        let Some(queue) = self.queues.get_mut(&item.to) else { return Sent::Gone };
        queue.sending = None;
        let out: fn(Item) -> Sent = match attempt {
            Attempt::Accepted => Sent::Delivered,
            Attempt::Refused => Sent::Refused,
            Attempt::Unknown { has_key: false } => Sent::Unknown,
            Attempt::Forgotten if item.may_have_arrived => Sent::Unknown,
            again => {
                item.may_have_arrived |=
                    matches!(again, Attempt::Unknown { .. } | Attempt::Runs(_));
                match again {
                    // There was nothing to try. It will have an address when it is heard.
                    Attempt::Absent => {
                        item.tries = item.tries.saturating_sub(1);
                        queue.wait_to_be_heard(now);
                    }
                    Attempt::Busy(wait) | Attempt::Runs(wait) => {
                        queue.wait(now, wait.min(limits::OUTBOX_TRY_LONGEST))
                    }
                    // Nothing ran, and the answer says what keys are made of now. Who
                    // forgets as quickly as we ask is asked less often.
                    Attempt::Forgotten if !queue.forgets_again() => return Sent::Rekeyed,
                    _ => queue.fail(now),
                }
                if item.expires > now {
                    return Sent::Waits;
                }
                return self.remove(number).map_or(Sent::Gone, Sent::Expired);
            }
        };
        queue.succeed();
        self.remove(number).map_or(Sent::Gone, out)
    }

    // ---- inside ----

    /// The first item that has expired and is not being sent.
    fn expired(&self, now: Duration) -> Option<u64> {
        let expired = self.expiries.iter().take_while(|(expires, _)| *expires <= now);
        expired.map(|(_, number)| *number).find(|number| !self.is_sending(*number))
    }

    fn is_sending(&self, number: u64) -> bool {
        let to = self.items.get(&number).map(|item| item.to);
        to.and_then(|to| self.queues.get(&to)).is_some_and(|queue| queue.is_sending(number))
    }

    fn remove(&mut self, number: u64) -> Option<Item> {
        let item = self.items.remove(&number)?;
        self.expiries.remove(&(item.expires, number));
        if let Some(queue) = self.queues.get_mut(&item.to) {
            queue.numbers.remove(&number);
        }
        self.drop_empty(item.to);
        Some(item)
    }

    /// Forgets the queue of a device for which nothing waits, unless it has its turn.
    fn drop_empty(&mut self, id: DeviceId) {
        if self.queues.get(&id).is_some_and(Queue::is_over) {
            self.queues.remove(&id);
        }
    }
}
