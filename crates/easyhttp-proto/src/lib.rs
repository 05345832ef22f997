//! The EasyHTTP protocol as plain values and state machines.
//!
//! Nothing here opens a socket, reads a clock, draws a random number or starts
//! a task: time and entropy are arguments, bytes come in and go out. The crate
//! builds without `std`, so that the same code can run in a test with a
//! simulated network, in the `easyhttp` library and on a microcontroller.
//!
//! | module | is |
//! |---|---|
//! | [`id`] | the six-character name of a device |
//! | [`command`] | the nine commands and their numbers |
//! | [`message`] | what travels over HTTP: decode and encode |
//! | [`json`] | a JSON value as text, until somebody asks for more |
//! | [`http`] | what is around a message: heads, and where a body ends |
//! | [`exchange`] | what answer a command gets, and what an answer means |
//! | [`datagram`] | what travels over UDP multicast: decode and encode |
//! | [`peers`] | the table of the devices that are known |
//! | [`discovery`] | when to announce, whom to answer, whom to greet |
//! | [`introduction`] | what a device says to whoever looks at it |
//! | [`pushes`] | which PUSHes have come already, and what came of them |
//! | [`retry`] | when to send again |
//! | [`secure`] | one key for a network: signatures, encryption, replay |
//! | [`limits`] | every size, count and time limit, with its reason |
//!
//! `PROTOCOL.md` in the repository describes the same for somebody who writes
//! a peer in another language.
#![no_std]

extern crate alloc;

pub mod command;
pub mod datagram;
pub mod discovery;
pub mod exchange;
pub mod http;
pub mod id;
pub mod introduction;
pub mod json;
pub mod limits;
mod malformed;
pub mod message;
pub mod peers;
pub mod pushes;
pub mod retry;
pub mod secure;

pub use command::Command;
pub use id::DeviceId;
pub use malformed::Malformed;
pub use message::{Header, Message};

/// The version of the protocol, as messages and datagrams carry it.
///
/// Devices do not compare versions: unknown fields are ignored instead. They show
/// them.
pub const VERSION: &str = "0.4.0";

/// The HTTP path that takes commands.
pub const API_PATH: &str = "/easyhttp/api";
