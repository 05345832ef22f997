//! Devices on a local network that find each other and talk by six-character
//! names over plain HTTP, with no server in the middle.
//!
//! A device has an id such as `7H8G2K`. It finds the others by itself, asks
//! them for data (FETCH), sends them commands that they accept or refuse
//! (PUSH), and answers what they ask with handlers. It speaks the protocol of
//! the Python package `easyhttp-python`, so both kinds share a network.
//!
//! ```no_run
//! use easyhttp::{EasyHttp, PushAnswer, json};
//!
//! fn main() -> easyhttp::Result<()> {
//!     let easy = EasyHttp::builder()
//!         .on_fetch(|_| json!({"temperature": 23.5}))
//!         .on_push(|push| match push.data.value()["state"].as_str() {
//!             Some("on" | "off") => PushAnswer::Accepted,
//!             _ => PushAnswer::refuse("state must be on or off"),
//!         })
//!         .on_joined(|peer| println!("{} is here", peer.id))
//!         .start()?;
//!     println!("{} answers on port 5000", easy.id());
//!     loop {
//!         std::thread::park(); // it answers by itself
//!     }
//! }
//! ```
//!
//! And one that asks it, from another folder or machine:
//!
//! ```no_run
//! use easyhttp::{EasyHttp, json};
//!
//! # #[derive(serde::Deserialize)]
//! # struct Climate { temperature: f64 }
//! # fn main() -> easyhttp::Result<()> {
//! let easy = EasyHttp::builder().random_id().ask_only().start()?;
//! let climate: Climate = easy.fetch_as("7H8G2K", ())?;
//! easy.push("7H8G2K", json!({"state": "on"}))?;
//! # Ok(()) }
//! ```
//!
//! # Two faces
//!
//! [`EasyHttp`] blocks, [`EasyHttpAsync`] is for tokio. They have the same
//! methods and share everything behind them. A blocking device answers others
//! between its own calls as well. The async one wants a tokio runtime with I/O and
//! time: `tokio = { features = ["macros", "rt-multi-thread"] }` and
//! `#[tokio::main]` will do.
//!
//! # Handlers
//!
//! A handler is a closure that gets a [`Request`]. Plain ones run on threads
//! where they may block and call the device itself; those of the `_async`
//! methods give futures, which may wait but not block. At most
//! [`Limits::handlers`] run at once, and an answer waits for one no longer than
//! [`Limits::handler`]. A handler that panics fails alone: the peer is told, and
//! the device goes on.
//!
//! To call the device from its own handler, give the handler a
//! [`handle`](EasyHttp::handle):
//!
//! ```no_run
//! # fn main() -> easyhttp::Result<()> {
//! let easy = easyhttp::EasyHttp::start()?;
//! let device = easy.handle();
//! easy.on_push(move |push| device.ping("7H8G2K").is_ok() && !push.data.is_none());
//! # Ok(()) }
//! ```
//!
//! Such a call must end before the answer is due, after [`Limits::handler`] (2.5 s):
//! give the device a shorter [`timeout`](Builder::timeout) than its 3 s.
//!
//! # Many at once
//!
//! [`fetch_all`](EasyHttp::fetch_all), [`push_all`](EasyHttp::push_all) and
//! [`ping_all`](EasyHttp::ping_all) ask all devices that are known, or those that a filter
//! picks, at the same time and with one deadline. Each gives a result, quick ones first:
//!
//! ```no_run
//! # fn main() -> easyhttp::Result<()> {
//! # use easyhttp::{EasyHttp, Error, json};
//! # use std::time::Duration;
//! # let easy = EasyHttp::start()?;
//! let off = easy.push_all(json!({"state": "off"})).within(Duration::from_secs(2));
//! for (id, result) in off.only(|peer| peer.id.as_str() != "7H8G2K") {
//!     match result {
//!         Ok(()) => println!("{id} is off"),
//!         Err(Error::TimedOut { sent: true, .. }) => println!("{id}: nobody knows"),
//!         Err(error) => println!("{id} is not: {error}"),
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # Devices that are away
//!
//! A [`push`](EasyHttp::push) says what became of it, now. One that may wait goes into the
//! [`outbox`](EasyHttp::outbox): it is on disk when that returns, and is delivered when the
//! device is heard again.
//!
//! # Secure mode
//!
//! Devices that are given the same network key hear each other and nobody else:
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use easyhttp::{EasyHttp, read_key_file};
//!
//! // Made by `easyhttp key new --file network.key`.
//! let easy = EasyHttp::builder().network_keys(read_key_file("network.key")?).start()?;
//! # Ok(()) }
//! ```
//!
//! What they say is signed, and can be encrypted as well ([`Builder::encrypt`]). A device
//! may have a key of its own besides ([`Builder::device_key`]).
//! [`set_network_keys`](EasyHttp::set_network_keys) changes the key while it runs.
//!
//! # Features
//!
//! All three are on by default.
//!
//! `dns-sd` finds others by DNS-SD as well ([`Builder::dns_sd`]). Without it a device is a
//! quarter smaller, and runs one thread less.
//!
//! `device-keys` lets a device have a key of its own ([`Builder::device_key`]). Without it a
//! device is 0.12 MB smaller, and talks to those that have such keys as to any others of its
//! network key.
//!
//! `outbox` keeps pushes until their device is there ([`Outbox`]), and remembers those that
//! were done over a restart ([`Builder::durable`]).
//!
//! # Errors
//!
//! [`Error`] tells who is at fault: the network, the peer, the caller. Its text
//! names the thing, the cause and what to do.

mod address;
mod answer;
mod asynchronous;
mod blocking;
mod budget;
mod builder;
mod call;
mod client;
mod counters;
mod deadline;
mod descriptors;
mod device_file;
mod discovery;
mod error;
mod files;
mod handler;
mod instant;
mod interfaces;
mod introduction;
mod lifecycle;
mod lock;
mod many;
mod node;
#[cfg_attr(not(feature = "outbox"), path = "no_outbox.rs")]
mod outbox;
mod peer;
mod presence;
mod pushes;
mod random;
mod request;
mod room;
mod secure;
mod server;
mod settings;
mod tasks;
mod text;
mod turns;
mod wait;
mod workers;

pub use address::IntoAddress;
pub use answer::{
    Always, Fallible, FetchAnswer, HandlerError, IntoFetchAnswer, IntoPushAnswer, PushAnswer,
};
pub use asynchronous::EasyHttpAsync;
pub use blocking::EasyHttp;
pub use builder::Builder;
pub use call::Reply;
pub use counters::Stats;
pub use discovery::{Interface, InterfaceState};
pub use error::{Delivery, Error, Result, StartError};
pub use many::{Many, ManyAsync};
#[cfg(feature = "outbox")]
pub use outbox::{Outbox, OutboxAsync, OutboxFile, OutboxItem, RefusedItem};
pub use peer::{Moved, Peer};
pub use presence::{DuplicateId, IdentityChanged, Presence, PresenceAsync, PresenceEvent};
#[cfg(feature = "outbox")]
pub use pushes::AfterCrash;
pub use request::{Data, Request};
#[cfg(feature = "device-keys")]
pub use secure::TrustFile;
pub use secure::{IntoNetworkKey, KeyFileError, read_key_file};
pub use settings::Limits;

pub use easyhttp_proto::id::{IntoDeviceId, InvalidId};
#[cfg(feature = "outbox")]
pub use easyhttp_proto::outbox::Full;
pub use easyhttp_proto::peers::Source;
pub use easyhttp_proto::secure::{InvalidKey, KeyId, KeyText, NetworkKey, PublicKey};
pub use easyhttp_proto::{Command, DeviceId};
pub use serde_json::{Value, json};
