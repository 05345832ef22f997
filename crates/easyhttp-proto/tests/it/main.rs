//! What the protocol promises, seen from outside of the crate.
// All of this is a test; Clippy's exception for tests does not see the helpers.
#![allow(clippy::unwrap_used)]

mod bad_input;
mod corners;
mod crowds;
mod golden;
mod http;
mod idle;
mod leads;
mod network;
mod one;
mod presence;
mod properties;
mod pushes;
mod retries;
mod secure;
mod sim;
mod twins;
