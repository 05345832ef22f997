//! Devices as their users see them, on real sockets.
// All of this is a test; Clippy's exception for tests does not see the helpers.
#![allow(clippy::unwrap_used)]

mod browser;
#[cfg(all(feature = "outbox", unix))]
mod crashes;
mod cuts;
mod descriptors;
mod device_file;
mod faces;
mod hostile;
mod http;
mod key_file;
mod python_peers;
mod secure;
mod sharing;
mod support;
