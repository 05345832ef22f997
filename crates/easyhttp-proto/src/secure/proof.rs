//! What shows that a datagram comes from a member: its field `es`.
//!
//! ```text
//! "es":"1.<key id>.<boot>.<epoch>.<challenge>.<mac>"
//! ```
//!
//! `mac` is the first 16 bytes of HMAC-SHA256, with the key `disc`, over what the
//! datagram says, a line each, the last without a line feed:
//!
//! ```text
//! easyhttp-disc-1
//! type            8, 9 or bye
//! id
//! port            empty if there is none
//! boot
//! every           empty if there is none
//! ask             1 or 0
//! epoch
//! challenge
//! ```
//!
//! Older devices ignore the field.

use alloc::format;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use hmac::Mac;

use super::base64;
use super::epoch::Epoch;
use super::keyring::{KeyId, Keyring, Keys};
use super::refusal::Refusal;
use super::short::{InvalidText, short_text};
use crate::datagram::{Datagram, Kind};

/// The version of the field; another one means nothing to us.
const VERSION: &str = "1";

/// How many bytes of the signature are sent.
const MAC: usize = 16;

/// 12 random bytes that an answer repeats: so it was made after the question.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Challenge([u8; Challenge::LEN]);

impl Challenge {
    /// How many bytes it has.
    pub const LEN: usize = 12;

    /// Of 12 random bytes.
    pub const fn from_entropy(entropy: [u8; Self::LEN]) -> Self {
        Self(entropy)
    }
}

short_text!(Challenge);

/// The field as it is. Whether it is true, [`Keyring::check_datagram`] says.
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Proof {
    /// The key that it is made with.
    pub key: KeyId,
    /// As in the datagram.
    pub boot: u32,
    /// The current epoch of the sender, for a request to it.
    pub epoch: Epoch,
    /// Random, but in an answer that of the question.
    pub challenge: Challenge,
    mac: [u8; MAC],
}

impl Keys {
    /// Signs a datagram. It has a boot number, and nothing of it may change afterwards.
    pub fn prove(&self, datagram: &mut Datagram, epoch: Epoch, challenge: Challenge) {
        let boot = datagram.boot.unwrap_or_default();
        let mac = self.datagram(datagram, boot, epoch, challenge).finalize().into_bytes();
        let mac = *mac.first_chunk().expect("it has 32 bytes");
        datagram.proof = Some(Proof { key: self.id(), boot, epoch, challenge, mac });
    }

    fn datagram(
        &self,
        datagram: &Datagram,
        boot: u32,
        epoch: Epoch,
        challenge: Challenge,
    ) -> hmac::Hmac<sha2::Sha256> {
        let kind = match datagram.kind {
            Kind::Announce => "8",
            Kind::Answer => "9",
            Kind::Bye => "bye",
        };
        let number = |it: Option<u16>| it.map(|it| format!("{it}")).unwrap_or_default();
        let (port, every) = (number(datagram.port), number(datagram.every));
        let (id, ask) = (datagram.id, u8::from(datagram.asks));
        self.disc().chain_update(format!(
            "easyhttp-disc-1\n{kind}\n{id}\n{port}\n{boot}\n{every}\n{ask}\n{epoch}\n{challenge}"
        ))
    }
}

impl Keyring {
    /// Whether a member has sent this datagram, as it is, at some time: only the answer
    /// to one's own challenge is certainly no repetition.
    ///
    /// # Errors
    ///
    /// [`Refusal::Unsigned`], [`Refusal::UnknownKey`] or [`Refusal::Signature`].
    pub fn check_datagram(&self, datagram: &Datagram) -> Result<Proof, Refusal> {
        let proof = datagram.proof.ok_or(Refusal::Unsigned)?;
        let keys = self.get(proof.key).ok_or(Refusal::UnknownKey(proof.key))?;
        if datagram.boot != Some(proof.boot) {
            return Err(Refusal::Signature);
        }
        keys.datagram(datagram, proof.boot, proof.epoch, proof.challenge)
            .verify_truncated_left(&proof.mac)
            .map_err(|_| Refusal::Signature)?;
        Ok(proof)
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, boot, epoch, challenge, mac } = self;
        let mut text = String::new();
        base64::write_url(mac, &mut text);
        write!(f, "{VERSION}.{key}.{boot}.{epoch}.{challenge}.{text}")
    }
}

impl fmt::Debug for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Proof {
    type Err = InvalidText;

    fn from_str(text: &str) -> Result<Self, InvalidText> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(InvalidText);
        if next()? != VERSION {
            return Err(InvalidText);
        }
        let proof = Self {
            key: next()?.parse()?,
            boot: boot(next()?).ok_or(InvalidText)?,
            epoch: next()?.parse()?,
            challenge: next()?.parse()?,
            mac: base64::read_url(next()?.as_bytes()).ok_or(InvalidText)?,
        };
        if parts.next().is_some() { Err(InvalidText) } else { Ok(proof) }
    }
}

/// A number as it is written, without a sign or zeros before it.
fn boot(text: &str) -> Option<u32> {
    let is_usual = text == "0" || !text.starts_with(['0', '+']);
    text.parse().ok().filter(|_| is_usual)
}
