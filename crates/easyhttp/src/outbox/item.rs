//! What a user sees of the outbox.

use std::time::Duration;

use easyhttp_proto::DeviceId;

use crate::error::Error;
use crate::request::Data;

/// A push that waits in the outbox, or did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct OutboxItem {
    /// Its number, which no other item of this outbox ever has.
    pub number: u64,
    /// Whom it is for.
    pub to: DeviceId,
    /// What is to be sent.
    pub data: Data,
    /// How often it was tried since the device started.
    pub tries: u32,
    /// In how long it expires; zero if it has.
    pub expires_in: Duration,
    /// Whether an attempt may have reached the device, so that it may have been done.
    pub may_have_arrived: bool,
}

/// A push of the outbox that the device did not accept, or of which nobody will ever know
/// whether it did.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefusedItem {
    /// What was to be sent.
    pub item: OutboxItem,
    /// Why it was not accepted, as a `push` would have said it.
    pub error: Error,
}
