//! Secure mode: devices that share one network key hear each other and ignore
//! everybody else.
//!
//! What travels stays HTTP and JSON. Beside it there are signatures (RFC 9421, with
//! HMAC-SHA256) over digests (RFC 9530), and if the content must not be read by
//! others, encryption (RFC 8188). The rule that keeps requests from being repeated is
//! ours.
//!
//! ```text
//! asker                                                       asked
//!   │   POST … content-digest, easyhttp-epoch, signature        │
//!   ├──────────────────────────────────────────────────────────►│  check_request: a member?
//!   │                                                           │  Epochs::admit: new?
//!   │                                                           │  check_body: as signed?
//!   │   200 … signature, which covers that of the request       │
//!   │◄──────────────────────────────────────────────────────────┤  sign_answer
//!   check_answer, check_body
//! ```
//!
//! ```
//! # use std::time::Duration;
//! # use easyhttp_proto::API_PATH;
//! # use easyhttp_proto::http::{Incoming, Sizes};
//! # use easyhttp_proto::secure::*;
//! # let sizes = Sizes { head: 4096, fields: 64 };
//! let ring = Keyring::new(NetworkKey::from_entropy([7; 16]), []);
//! let mut epochs = Epochs::new(Duration::ZERO, 32_768, [1; 12]);
//!
//! let body = br#"{"type":1}"#;
//! let signed = ring.signing().sign_request(
//!     &Request {
//!         method: "POST",
//!         path: API_PATH,
//!         content_type: "application/json",
//!         content_encoding: None,
//!         idempotency_key: None,
//!         digest: Digest::of(body),
//!         epoch: epochs.current(Duration::ZERO, || unreachable!()),
//!         nonce: [2; 16],
//!         created: 0,
//!     },
//!     None,
//! );
//! let head = format!(
//!     "POST {API_PATH} HTTP/1.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{}\r\n",
//!     body.len(),
//!     signed.fields(),
//! );
//!
//! # let mut incoming = Incoming::new(sizes);
//! # incoming.space()[..head.len()].copy_from_slice(head.as_bytes());
//! # incoming.arrived(head.len());
//! let claim = ring.check_request(&incoming.request()?.expect("it is whole"))?;
//! assert_eq!(epochs.admit(Duration::ZERO, &claim, || [3; 12]), Ok(()));
//! assert_eq!(claim.check_body(body), Ok(()));
//! assert_eq!(epochs.admit(Duration::ZERO, &claim, || [3; 12]), Err(Refusal::Replayed));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! ```
//!
//! All that decides is compared in constant time. Keys are wiped from memory when they
//! are dropped, and never shown. `PROTOCOL.md` says what each level promises.

mod answer;
mod base;
mod base64;
mod device;
#[cfg_attr(not(feature = "device-keys"), path = "no_device_key.rs")]
mod device_key;
mod digest;
mod epoch;
mod epochs;
mod fields;
mod key;
mod keyring;
mod pins;
mod proof;
mod refusal;
mod request;
mod seal;
mod short;
mod signature;

pub use answer::{Answer, AnswerClaim};
pub use device::PublicKey;
pub use device_key::DeviceKey;
pub use digest::{Digest, Hasher};
pub use epoch::{Epoch, NONCE};
pub use epochs::Epochs;
pub use key::{InvalidKey, KeyText, NetworkKey};
pub use keyring::{KeyId, Keyring, Keys};
pub use pins::{IdentityChanged, Pin, Pins};
pub use proof::{Challenge, Proof};
pub use refusal::Refusal;
pub use request::{Claim, Hint, Request, SignedRequest};
pub use seal::{AES128GCM, SEALED};
pub use short::InvalidText;
