//! What a device that runs does for other programs of its machine.

use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::exchange::Answer;
use easyhttp_proto::limits;
use easyhttp_proto::outbox::{Failed, Full, Granted, Push, Waiting, Wish};
use serde_json::value::RawValue;

use super::OutboxAsync;
use super::item::OutboxItem;
use crate::error::{Error, Result};
use crate::node::Node;

/// Grants the wish in the body of a request, if it can be.
pub(crate) async fn grant(node: &Arc<Node>, text: &str) -> Answer {
    let granted = match Wish::read(text) {
        Ok(wish) => granted(node, wish).await,
        Err(refusal) => return refusal,
    };
    granted.unwrap_or_else(|error| Granted::Failed(failed(error))).answer()
}

async fn granted(node: &Arc<Node>, wish: Wish<'_>) -> Result<Granted> {
    let outbox = OutboxAsync::of(node);
    Ok(match wish {
        Wish::Push(Push { to, data, seconds }) => {
            Granted::Kept(outbox.push_within(to, data, Duration::from_secs(seconds)).await?)
        }
        Wish::List(behind) => {
            let items = node.outbox.list(node, behind, limits::OUTBOX_LISTED).await?;
            Granted::Items(items.into_iter().filter_map(waiting).collect())
        }
        Wish::Cancel(number) => Granted::Cancelled(outbox.cancel(number).await?),
        Wish::Flush => Granted::Left(outbox.flush().await?),
        _ => Granted::Failed(Failed::Other("this device does not know such a wish".to_owned())),
    })
}

/// An item as it travels. None if its data is no JSON, which it always is.
pub(super) fn waiting(item: OutboxItem) -> Option<Waiting> {
    let OutboxItem { number, to, data, tries, expires_in, may_have_arrived } = item;
    let data: Box<RawValue> = data.parse().ok()?;
    Some(Waiting { number, to, data, tries, expires_in, may_have_arrived })
}

pub(super) fn failed(error: Error) -> Failed {
    match error {
        Error::OwnId { id } => Failed::OwnId(id),
        Error::OutboxFull(Full::Items(most)) => Failed::FullItems(most),
        Error::OutboxFull(Full::Bytes(most)) => Failed::FullBytes(most),
        Error::TooLarge { limit: Some(most) } => Failed::TooLarge(most),
        Error::Outbox { source, .. } => Failed::Other(source.to_string()),
        Error::Stopped => Failed::Stopped,
        other => Failed::Other(other.to_string()),
    }
}
