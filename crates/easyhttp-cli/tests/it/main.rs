//! The program as a person, or a script, uses it: what is typed, what comes
//! out, and the exit code.
// All of this is a test; Clippy's exception for tests does not see the helpers.
#![allow(clippy::unwrap_used)]

mod ask;
mod delivery;
mod demo;
mod discover;
mod ending;
mod everyone;
mod exec;
mod id;
mod identity;
mod key;
#[cfg(unix)]
mod outbox;
mod peers;
mod reader;
mod secure;
mod serve;
mod support;
mod usage;
mod watch;
