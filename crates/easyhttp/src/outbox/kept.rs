//! From what is on disk to what waits, and from there to what a user sees.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use easyhttp_proto::outbox::{self, Item};

use super::file::Failure;
use super::item::OutboxItem;
use super::store::Store;
use crate::request::Data;
use crate::settings::LONGEST;

/// Puts in what an earlier run has left.
pub(super) fn restore(
    store: &Store,
    machine: &mut outbox::Outbox,
    now: Duration,
) -> std::result::Result<(), Failure> {
    let today = unix_time();
    machine.numbers_begin_after(store.last_number()?);
    store.for_each(|number, kept| {
        // A clock that was set back makes nothing older.
        let waited = today.saturating_sub(kept.came);
        let left = Duration::from_secs(kept.lifetime.saturating_sub(waited));
        let item = Item {
            to: kept.to,
            bytes: kept.json.len(),
            expires: now + left.min(LONGEST),
            tries: 0,
            may_have_arrived: kept.key.is_some(),
        };
        machine.restore(now, number, item);
    })
}

/// An item as its user sees it. `json` is empty if the disk could not be read.
pub(super) fn shown(now: Duration, number: u64, item: &Item, json: String) -> OutboxItem {
    OutboxItem {
        number,
        to: item.to,
        data: if json.is_empty() { Data::default() } else { Data::all(json.into()) },
        tries: item.tries,
        expires_in: item.expires.saturating_sub(now),
        may_have_arrived: item.may_have_arrived,
    }
}

pub(super) fn unix_time() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Whole seconds, and no fewer than that.
pub(super) fn seconds(span: Duration) -> u64 {
    span.as_secs() + u64::from(span.subsec_nanos() > 0)
}
