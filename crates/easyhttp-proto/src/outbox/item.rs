//! One item, and what can become of it.

use core::time::Duration;

use crate::DeviceId;

/// A push that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Whom it is for.
    pub to: DeviceId,
    /// How many bytes its data has.
    pub bytes: usize,
    /// When it is given up.
    pub expires: Duration,
    /// How often it was tried in this run.
    pub tries: u32,
    /// Whether an attempt may have reached the device, and so its effect may be there.
    pub may_have_arrived: bool,
}

/// The item that goes out next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Next {
    /// Its number.
    pub number: u64,
    /// Whether an earlier attempt may have reached the device. Then it goes out with the
    /// key of that one, and not at all if that had none.
    pub may_have_arrived: bool,
}

/// What came of an attempt to deliver an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attempt {
    /// The device has accepted it.
    Accepted,
    /// The device has answered otherwise: it will not do it.
    Refused,
    /// No address of the device is known.
    Absent,
    /// Nothing left us.
    NotSent,
    /// The device has no time now, and says for how long. It has done nothing.
    Busy(Duration),
    /// The device has had it and is still at it; it is to be asked again after this time.
    Runs(Duration),
    /// It left, and no answer came.
    Unknown {
        /// Whether it has a key, by which the device knows it again.
        has_key: bool,
    },
    /// The device did nothing, because it may have done it before and does not know any
    /// more.
    Forgotten,
}

/// What becomes of an item after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Sent {
    /// It is delivered, and out.
    Delivered(Item),
    /// It is refused, and out.
    Refused(Item),
    /// Whether it had its effect is not known, and never will be. It is out.
    Unknown(Item),
    /// It was not delivered in its time, and is out.
    Expired(Item),
    /// It waits for the next attempt.
    Waits,
    /// It goes out again at once, with a new key.
    Rekeyed,
    /// There is no such item.
    Gone,
}
