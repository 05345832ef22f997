//! PUSHes that may arrive twice and are done once.
//!
//! Whoever sends a PUSH gives it a [`PushKey`]. Whoever gets it keeps in its [`Memory`]
//! which keys it has seen, and what came of them. So the sender may send it again when
//! no answer came: it gets the answer that it missed, and the handler is not run again.
//!
//! A memory has an end. What it has forgotten may have been run, and must not be run
//! again. So a key says how far the memory had come when the key was made, by the
//! [`Mark`] that the device had told; and a device refuses a key that it does not know
//! if it may have known it:
//!
//! ```text
//! PING               →
//!                    ←  easyhttp-memory: 00000000deadbeef-41
//! PUSH
//! idempotency-key: "eh1-00000000deadbeef-41-0123456789abcdef"
//!                    →
//!                    ←  ACK, easyhttp-memory: 00000000deadbeef-42
//! ```
//!
//! When to send again is for [`retry`](crate::retry) to say.

mod fingerprint;
mod key;
mod mark;
mod memory;

pub use fingerprint::fingerprint;
pub use key::{InvalidPushKey, PushKey};
pub use mark::Mark;
pub use memory::{Entry, Found, Memory, PushOutcome, State};

/// The HTTP header of a request that has the key of its PUSH
/// (draft-ietf-httpapi-idempotency-key-header).
pub const KEY_HEADER: &str = "idempotency-key";

/// The HTTP header of a PONG, and of the answer to a PUSH, that has a [`Mark`].
pub const MEMORY_HEADER: &str = "easyhttp-memory";
