//! What the protocol promises, seen from outside of the crate.
// All of this is a test; Clippy's exception for tests does not see the helpers.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod addresses;
mod answers;
mod bad_input;
mod crowds;
mod duplicates;
mod floods;
mod golden;
mod goodbyes;
mod greetings;
mod http;
mod idle;
mod leads;
mod network;
mod one;
mod outbox;
mod presence;
mod properties;
mod pushes;
mod random;
mod retries;
mod secure;
mod sim;
mod twins;
