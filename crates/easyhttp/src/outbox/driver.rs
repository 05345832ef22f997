//! The task that gives each device its turn when it is due, and the one that calls the
//! user's handlers.

use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::outbox::{Action, Item};
use tokio::sync::mpsc;

use super::deliver;
use super::item::{OutboxItem, RefusedItem};
use super::kept::shown;
use crate::node::Node;

/// What became of an item, for the user.
pub(super) enum Event {
    Delivered(OutboxItem),
    Refused(RefusedItem),
    Expired(OutboxItem),
}

/// Where the tasks that deliver tell it, with the bytes of the item, whose place is taken
/// until its handler has returned. So there are never more than the outbox may have items, and
/// nobody waits for a slow handler: one that flushes the outbox would wait for itself.
pub(super) type Events = mpsc::UnboundedSender<(usize, Event)>;

/// Runs until the device stops.
pub(super) async fn run(node: Arc<Node>) {
    let (events, told) = mpsc::unbounded_channel();
    // Not a service: a handler may stop its own device.
    node.tasks.spawn(call_handlers(Arc::clone(&node), told));
    let stopping = node.tasks.stopping();
    tokio::pin!(stopping);
    loop {
        let changed = node.outbox.changed.notified();
        let due = loop {
            match node.outbox.poll(node.now()) {
                (Some(Action::Deliver(id)), _) => {
                    node.tasks.spawn(deliver::turn(Arc::clone(&node), id, events.clone()));
                }
                (Some(Action::Expired(number, item)), _) => {
                    let expired = expire(&node, &events, number, item);
                    tokio::select! {
                        () = expired => {}
                        () = &mut stopping => return,
                    }
                }
                (Some(_), _) => {}
                (None, due) => break due,
            }
        };
        let alarm = async {
            match due {
                Some(due) => tokio::time::sleep(due.saturating_sub(node.now())).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = changed => {}
            () = alarm => {}
            () = &mut stopping => return,
        }
    }
}

/// Tells that an item has expired, with its data.
async fn expire(node: &Arc<Node>, events: &Events, number: u64, item: Item) {
    let kept = node.outbox.read(node, vec![number]).await.unwrap_or_default().remove(&number);
    let json = kept.map(|kept| kept.json).unwrap_or_default();
    tell(events, item.bytes, Event::Expired(shown(node.now(), number, &item, json)));
}

pub(super) fn tell(events: &Events, bytes: usize, event: Event) {
    // It fails when the device stops. Then it is told in the next run.
    let _ = events.send((bytes, event));
}

/// Calls the handlers of what happens, one after the other, until the device has stopped
/// and nothing is under way any more. An item leaves the disk when its handler was called,
/// and not before: what a handler was not told of in this run, it is told of in the next
/// one.
async fn call_handlers(node: Arc<Node>, mut told: mpsc::UnboundedReceiver<(usize, Event)>) {
    while let Some((bytes, event)) = told.recv().await {
        let handlers = &node.handlers;
        let number = match event {
            Event::Delivered(item) => {
                let number = item.number;
                node.run_in_turn(handlers.delivered(), item).await;
                number
            }
            Event::Refused(refused) => {
                let number = refused.item.number;
                node.run_in_turn(handlers.refused(), refused).await;
                number
            }
            Event::Expired(item) => {
                let number = item.number;
                node.run_in_turn(handlers.expired(), item).await;
                number
            }
        };
        node.outbox.remove(&node, number, bytes);
    }
}

/// How long a device that says that it is busy is left alone, if it does not say.
pub(super) const BUSY: Duration = Duration::from_secs(1);
