//! One device's turn: its items go out one after the other, until there is none left or
//! one was sent in vain.

use std::collections::BTreeMap;
use std::sync::Arc;

use easyhttp_proto::DeviceId;
use easyhttp_proto::outbox::{Attempt, Next, Sent};

use super::driver::{BUSY, Event, Events, tell};
use super::item::RefusedItem;
use super::keeper::shown;
use super::store::Kept;
use crate::call::Face;
use crate::error::{Delivery, Error, Result};
use crate::node::Node;

pub(super) async fn turn(node: Arc<Node>, id: DeviceId, events: Events) {
    let mut turn = Turn { node, id, events, prepared: BTreeMap::new() };
    while let Some(next) = turn.node.outbox.begin(turn.node.now(), id) {
        turn.deliver(next).await;
    }
    turn.node.outbox.turn_ended();
}

struct Turn {
    node: Arc<Node>,
    id: DeviceId,
    events: Events,
    /// Items that have been read, and have their keys on disk.
    prepared: BTreeMap<u64, Kept>,
}

impl Turn {
    async fn deliver(&mut self, next: Next) {
        let number = next.number;
        let (attempt, error, json) = match self.prepare(next).await {
            Ok(Some(kept)) => {
                let sent = self.send(&kept, next).await;
                let has_key = kept.key.as_ref().is_some_and(|key| !key.is_empty());
                let attempt = sent
                    .as_ref()
                    .map_or_else(|error| attempt(error, has_key), |()| Attempt::Accepted);
                (attempt, sent.err(), kept.json)
            }
            // It is not on disk: it was taken out by other means than ours.
            Ok(None) => (Attempt::Refused, None, String::new()),
            Err(error) => (attempt(&error, true), Some(error), String::new()),
        };
        if let Some(error) = &error {
            self.node.debug(|| format!("item {number} for {}: {error}", self.id));
        }
        let now = self.node.now();
        let sent = self.node.outbox.end(now, number, attempt);
        let event = match (sent, error) {
            (Sent::Delivered(item), _) => Event::Delivered(shown(now, number, &item, json)),
            (Sent::Refused(item) | Sent::Unknown(item), Some(error)) => {
                Event::Refused(RefusedItem { item: shown(now, number, &item, json), error })
            }
            (Sent::Expired(item), _) => Event::Expired(shown(now, number, &item, json)),
            _ => return,
        };
        tell(&self.events, event).await;
    }

    /// The item as it goes out. What it may be known again by is on disk.
    async fn prepare(&mut self, next: Next) -> Result<Option<Kept>> {
        if !self.prepared.contains_key(&next.number) {
            let Self { node, id, .. } = self;
            if node.addresses(*id).is_empty() {
                return Err(node.unknown(*id));
            }
            let mut kept = node.outbox.read(node, node.outbox.upcoming(*id)).await?;
            let new: Vec<_> = kept.iter_mut().filter(|(_, kept)| kept.key.is_none()).collect();
            let mut keys = Vec::new();
            for (number, kept) in new {
                // Until devices announce that they understand keys, nobody does.
                kept.key = Some(String::new());
                keys.push((*number, String::new()));
            }
            if !keys.is_empty() {
                node.outbox.set_keys(node, keys).await?;
            }
            self.prepared = kept;
        }
        Ok(self.prepared.remove(&next.number))
    }

    async fn send(&self, kept: &Kept, next: Next) -> Result<()> {
        let key = kept.key.as_deref().filter(|key| !key.is_empty());
        if next.may_have_arrived && key.is_none() {
            return Err(Error::Unsure { id: self.id });
        }
        let data: &serde_json::value::RawValue =
            serde_json::from_str(&kept.json).map_err(Error::InvalidData)?;
        self.node.push(self.id, &data, Face::Asynchronous).await
    }
}

/// What an error of a push means for the item.
fn attempt(error: &Error, has_key: bool) -> Attempt {
    match (error, error.delivery()) {
        (Error::UnknownDevice { .. }, _) => Attempt::Absent,
        (Error::Busy { .. }, _) => Attempt::Busy(BUSY),
        (_, Delivery::NotSent) => Attempt::NotSent,
        // It will be somewhere else, or get the same key.
        (Error::WrongDevice { .. } | Error::OtherKey { .. }, Delivery::Refused) => Attempt::NotSent,
        (_, Delivery::Refused) => Attempt::Refused,
        (_, Delivery::Unknown) => Attempt::Unknown { has_key },
    }
}
