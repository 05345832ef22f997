//! A small network laboratory: hosts, cables and switches that are not there,
//! and the real program on them.
//!
//! A host is a network namespace, and so is a switch, with a bridge in it.
//! They are connected with each other only: nothing reaches the network of the
//! machine, and nothing is left behind, as a namespace ends with the process
//! that holds it. It takes root (or a system where users may have namespaces)
//! and the commands `ip`, `bridge`, `unshare`, `nsenter` and `setpriv`; without
//! them the tests are skipped, and say so.
//!
//! To see what they measure: `cargo test --test lab -- --nocapture`. To try all
//! of it and have it as a table: `cargo xtask lab`.
#![cfg(target_os = "linux")]
// All of this is a test; Clippy's exception for tests does not see the helpers.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod asking;
mod attack;
mod away;
mod changes;
mod crowds;
mod device;
mod dice;
mod finding;
mod flood;
mod idle;
mod kills;
mod namespace;
mod network;
mod poor;
mod poor_switch;
mod presence;
mod process;
mod python;
mod support;
mod victim;
mod ways;
mod wire;
