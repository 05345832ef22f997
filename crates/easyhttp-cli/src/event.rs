//! What happens, as a line for people or for programs.

use std::time::{SystemTime, UNIX_EPOCH};

use easyhttp::{Delivery, DuplicateId, IdentityChanged, Moved, OutboxItem, Peer, RefusedItem};

use crate::failure::Failure;
use crate::json::{Object, compact};
use crate::style::{BAD, DIM, DOUBTFUL, GOOD, ID, how, printable, shortened, styled};

/// How much of the data of others people get to see.
pub(crate) const SHOWN: usize = 300;

/// One thing that happened.
pub(crate) struct Event {
    /// For people: what stands behind the time.
    text: String,
    /// For programs.
    object: Object,
    at: SystemTime,
}

impl Event {
    pub(crate) fn new(text: String, object: Object) -> Self {
        Self { text, object, at: SystemTime::now() }
    }

    pub(crate) fn line(self, is_json: bool) -> String {
        let Self { text, object, at } = self;
        let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        if is_json {
            // To the millisecond.
            let time = (since_1970.as_secs_f64() * 1e3).round() / 1e3;
            return object.with("time", time).to_string();
        }
        let seconds = since_1970.as_secs();
        let [hour, minute, second] = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60];
        // The standard library knows no time zones; the Z says that it is UTC.
        let time = format!("{hour:02}:{minute:02}:{second:02}Z");
        format!("{} {text}", styled(DIM, time))
    }
}

/// A device has joined, left, or is lost.
pub(crate) fn peer(name: &'static str, peer: &Peer) -> Event {
    let at = peer.address().map(|at| format!(" at {at}")).unwrap_or_default();
    let text = format!("{name:<6} {}{at} ({})", styled(ID, peer.id), how(peer.source));
    Event::new(text, named(name).with_all(&about(peer)))
}

pub(crate) fn moved(moved: &Moved) -> Event {
    let Moved { peer, from, .. } = moved;
    let to = peer.address().map(|to| format!(" to {to}")).unwrap_or_default();
    let text = format!("{:<6} {} from {from}{to}", "moved", styled(ID, peer.id));
    Event::new(text, named("moved").with_all(&about(peer)).with("moved_from", from))
}

pub(crate) fn duplicate_id(twin: &DuplicateId) -> Event {
    let DuplicateId { here, there, .. } = twin;
    let here = here.map(|here| format!("; this one is at {here}")).unwrap_or_default();
    let text = format!("another device uses the id of this one, at {there}{here}");
    let object = named("duplicate_id").with("address", there).with("own", twin.here);
    Event::new(styled(BAD, text).to_string(), object)
}

pub(crate) fn identity_changed(changed: &IdentityChanged) -> Event {
    let IdentityChanged { id, from, .. } = changed;
    let text = format!("{id} at {from} has another key than before, and is not listened to");
    let object = named("identity_changed").with("id", id).with("from", from);
    Event::new(styled(BAD, text).to_string(), object)
}

/// What became of an item of the outbox, if it was not refused.
pub(crate) fn outbox(name: &'static str, item: &OutboxItem) -> Event {
    let style = if name == "delivered" { GOOD } else { DOUBTFUL };
    Event::new(
        of_item(item, styled(style, name.to_owned())),
        named(name).with_all(&about_item(item)),
    )
}

/// An item of the outbox that the device did not accept, or of which nobody knows whether
/// it did.
pub(crate) fn refused(RefusedItem { item, error, .. }: RefusedItem) -> Event {
    let is_known = error.delivery() != Delivery::Unknown;
    let failure = Failure::from(error);
    let what = if is_known { "refused:" } else { "unknown:" };
    let message = shortened(&printable(failure.message()), SHOWN);
    let text = of_item(&item, styled(BAD, format!("{what} {message}")));
    let object = named("refused").with_all(&about_item(&item)).with("error", failure.error());
    Event::new(text, object.with("delivery", if is_known { "refused" } else { "unknown" }))
}

/// What came of an item, for people.
fn of_item(item: &OutboxItem, what: impl std::fmt::Display) -> String {
    let data = shortened(&printable(&compact(item.data.raw())), SHOWN);
    format!("item {} for {}  {data} → {what}", item.number, styled(ID, item.to))
}

/// An item of the outbox, for programs.
pub(crate) fn about_item(item: &OutboxItem) -> Object {
    let object = Object::new().with("number", item.number).with("to", item.to);
    let object = object.with("data", &item.data).with("tries", item.tries);
    let object = object.with("expires_in", item.expires_in.as_secs());
    object.with("may_have_arrived", item.may_have_arrived)
}

/// Lines got lost, because nobody read them.
pub(crate) fn skipped(count: u64) -> Event {
    let text = format!("{count} events are not shown: nobody read them in time");
    Event::new(styled(DOUBTFUL, text).to_string(), named("skipped").with("count", count))
}

/// The object of an event of this name.
pub(crate) fn named(event: &'static str) -> Object {
    Object::new().with("event", event)
}

/// What is known about a device, for programs.
pub(crate) fn about(peer: &Peer) -> Object {
    Object::new()
        .with("id", peer.id)
        .with("address", peer.address())
        .with("addresses", &peer.addresses)
        .with("source", how(peer.source))
        .with("version", &peer.version)
}
