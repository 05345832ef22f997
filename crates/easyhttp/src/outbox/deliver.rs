//! One device's turn: its items go out one after the other, until there is none left or
//! one was sent in vain.

use std::collections::BTreeMap;
use std::sync::Arc;

use easyhttp_proto::DeviceId;
use easyhttp_proto::outbox::{Attempt, Item, Next, Sent};
use easyhttp_proto::peers::Remembers;
use easyhttp_proto::pushes::{Mark, PushKey};
use serde_json::value::RawValue;

use super::driver::{BUSY, Event, Events, tell};
use super::item::RefusedItem;
use super::kept::shown;
use super::store::Kept;
use crate::call::Purpose;
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
    prepared: BTreeMap<u64, Prepared>,
}

impl Turn {
    async fn deliver(&mut self, next: Next) {
        let number = next.number;
        let (attempt, error, json) = match self.prepare(next).await {
            Ok(Some(prepared)) => {
                let sent = self.send(&prepared, next).await;
                let has_key = prepared.key.is_some();
                let attempt = match &sent {
                    Ok(()) => Attempt::Accepted,
                    Err(error) => attempt(error, has_key),
                };
                (attempt, sent.err(), prepared.json)
            }
            // It is not on disk: somebody took it out there.
            Ok(None) => (Attempt::Refused, None, String::new()),
            Err(error) => (attempt(&error, true), Some(error), String::new()),
        };
        if attempt == Attempt::Forgotten {
            // The keys of the others were made of the same mark.
            self.prepared.clear();
        }
        if let Some(error) = &error {
            self.node.debug(|| format!("item {number} for {}: {error}", self.id));
        }
        let now = self.node.now();
        let sent = self.node.outbox.end(now, number, attempt);
        let shown = |item: &Item| shown(now, number, item, json);
        let (bytes, event) = match (sent, error) {
            (Sent::Delivered(item), _) => (item.bytes, Event::Delivered(shown(&item))),
            (Sent::Expired(item), _) => (item.bytes, Event::Expired(shown(&item))),
            (Sent::Refused(item), Some(error)) => {
                (item.bytes, Event::Refused(RefusedItem { item: shown(&item), error }))
            }
            (Sent::Unknown(item), Some(error)) => {
                // It has done nothing now, and perhaps did it before.
                let is_known = error.delivery() != Delivery::Unknown;
                let error = if is_known { Error::Unsure { id: self.id } } else { error };
                (item.bytes, Event::Refused(RefusedItem { item: shown(&item), error }))
            }
            // Nobody is told of what is not on disk.
            (Sent::Refused(item), None) => {
                return self.node.outbox.remove(&self.node, number, item.bytes);
            }
            _ => return,
        };
        tell(&self.events, bytes, event);
    }

    /// The item as it goes out. The key by which it is known again is on disk.
    async fn prepare(&mut self, next: Next) -> Result<Option<Prepared>> {
        if !self.prepared.contains_key(&next.number) {
            let Self { node, id, .. } = self;
            let remembers = remembers(node, *id).await?;
            let upcoming = node.outbox.upcoming(*id);
            let numbers = upcoming.iter().map(|next| next.number).collect();
            let mut kept = node.outbox.read(node, numbers).await?;
            let mut keys = Vec::new();
            for Next { number, may_have_arrived, .. } in upcoming {
                let Some(Kept { json, key, .. }) = kept.remove(&number) else { continue };
                let known = key.as_deref().and_then(|key| PushKey::read(key.as_bytes()).ok());
                let key = match (remembers, known) {
                    // Only by this one the device knows it again.
                    (Remembers::Pushes(_), known) if may_have_arrived => known,
                    (Remembers::Pushes(mark), Some(known)) if is_of(&known, mark) => Some(known),
                    (Remembers::Pushes(mark), _) => {
                        let key = PushKey::new(mark, node.random.next());
                        keys.push((number, key.to_string()));
                        Some(key)
                    }
                    _ => {
                        keys.extend(key.is_none().then(|| (number, String::new())));
                        None
                    }
                };
                self.prepared.insert(number, Prepared { json, key });
            }
            if !keys.is_empty()
                && let Err(error) = node.outbox.set_keys(node, keys).await
            {
                self.prepared.clear();
                return Err(error);
            }
        }
        Ok(self.prepared.remove(&next.number))
    }

    async fn send(&self, prepared: &Prepared, next: Next) -> Result<()> {
        let Prepared { json, key } = prepared;
        if next.may_have_arrived && key.is_none() {
            return Err(Error::Unsure { id: self.id });
        }
        let data: &RawValue = serde_json::from_str(json).map_err(Error::InvalidData)?;
        self.node.push_item(self.id, &data, key.clone(), next.may_have_arrived).await
    }
}

/// An item that is about to go out. None: the device understands no keys.
struct Prepared {
    json: String,
    key: Option<PushKey>,
}

/// Whether a key was made of what the device says of its memory now, so that it does not
/// have to say that it has forgotten.
fn is_of(key: &PushKey, now: Mark) -> bool {
    matches!(key, PushKey::Marked { mark, .. } if *mark == now)
}

/// What a device has said of its memory, of which a PING asks if it has said nothing yet.
async fn remembers(node: &Arc<Node>, id: DeviceId) -> Result<Remembers> {
    let known = || node.peers().get(id).map_or(Remembers::Untold, |peer| peer.remembers);
    let mut failed = node.unknown(id);
    for at in node.addresses(id) {
        if known() != Remembers::Untold {
            break;
        }
        match node.ping_at(id, at, node.settings.limits.connect, Purpose::Check).await {
            Ok(()) => break,
            Err(error) => failed = error,
        }
    }
    match known() {
        Remembers::Untold => Err(failed),
        told => Ok(told),
    }
}

/// What an error of a push means for the item.
fn attempt(error: &Error, has_key: bool) -> Attempt {
    match (error, error.delivery()) {
        (Error::UnknownDevice { .. }, _) => Attempt::Absent,
        (Error::Busy { .. }, _) => Attempt::Busy(BUSY),
        (Error::NotTaken { status: 409, .. }, Delivery::Refused) if has_key => Attempt::Runs(BUSY),
        (Error::NotTaken { status: 412, .. }, Delivery::Refused) if has_key => Attempt::Forgotten,
        // It never can be.
        (Error::TooLarge { .. } | Error::InvalidData(_) | Error::OwnId { .. }, _) => {
            Attempt::Refused
        }
        (_, Delivery::NotSent) => Attempt::NotSent,
        // It will be somewhere else, or get the same key.
        (Error::WrongDevice { .. } | Error::OtherKey { .. }, Delivery::Refused) => Attempt::NotSent,
        (_, Delivery::Refused) => Attempt::Refused,
        (_, Delivery::Unknown) => Attempt::Unknown { has_key },
    }
}
