//! Answers: signed by whoever was asked, and bound to the very request.
//!
//! The signature covers that of the request (RFC 9421, 2.4). So an answer to another
//! request is none to this one.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};

use super::base::Draft;
use super::base64;
use super::device::{DeviceKey, PublicKey};
use super::digest::Digest;
use super::epoch::Epoch;
use super::keyring::{KeyId, Keyring, Keys};
use super::refusal::Refusal;
use super::request::{self, Claim};
use super::signature::{self, Content};
#[cfg(doc)]
use crate::exchange::ERROR_HEADER;
use crate::http::{AnswerHead, RequestHead};
#[cfg(doc)]
use crate::pushes::MEMORY_HEADER;

/// The component that is the signature of the request.
const ASKED: &str = "\"signature\";req;key=\"net\"";

/// What an answer must cover.
const REQUIRED: [&str; 5] =
    ["\"@status\"", "\"content-type\"", "\"content-digest\"", "\"easyhttp-epoch\"", ASKED];

/// An answer that is to be signed.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// As 200.
    pub status: u16,
    /// The content type, as the head has it.
    pub content_type: &'a str,
    /// [`super::AES128GCM`] if the body is encrypted.
    pub content_encoding: Option<&'a str>,
    /// What the head says in [`ERROR_HEADER`], if it says it.
    pub note: Option<&'a str>,
    /// What the head says in [`MEMORY_HEADER`], if it says it.
    pub memory: Option<&'a str>,
    /// Of the body as it is sent.
    pub digest: Digest,
    /// The current epoch, for the next request.
    pub epoch: Epoch,
    /// The time in seconds since 1970. It decides nothing, so it may be wrong.
    pub created: u64,
}

impl Keyring {
    /// Signs an answer to this request, with the key that signed the request, and with
    /// the key of the device as well if there is one.
    ///
    /// Gives the lines to send in its head, each with its CRLF: all that is covered,
    /// but for the content type, the note and the memory, which the head has anyway.
    pub fn sign_answer(
        &self,
        claim: &Claim,
        answer: &Answer<'_>,
        device: Option<&DeviceKey>,
    ) -> String {
        sign(self.prefer(Some(claim.key())), claim.signature(), answer, device)
    }

    /// Signs the refusal of a request that was signed with a key which is none of ours,
    /// with the key that signs here. Whoever has that one too then knows for certain that
    /// nothing was done, and may ask again with it; the others see its name.
    ///
    /// Gives the lines to send in the head, as [`sign_answer`](Self::sign_answer) does.
    /// None if the request has no signature.
    pub fn sign_refusal(&self, head: &RequestHead<'_>, answer: &Answer<'_>) -> Option<String> {
        let asked = signature::of(head.fields)?;
        let lines = sign(self.signing(), &asked, answer, None);
        Some(lines + &request::scheme(self.signing().id()))
    }
}

fn sign(keys: &Keys, asked: &[u8; 32], answer: &Answer<'_>, device: Option<&DeviceKey>) -> String {
    let mut draft = Draft::new();
    draft.cover("\"@status\"", answer.status.to_string().as_bytes());
    draft.cover("\"content-type\"", answer.content_type.as_bytes());
    request::content(&mut draft, answer.digest, answer.epoch, answer.content_encoding);
    if let Some(note) = answer.note {
        draft.cover("\"easyhttp-error\"", note.as_bytes());
    }
    if let Some(memory) = answer.memory {
        draft.cover("\"easyhttp-memory\"", memory.as_bytes());
    }
    draft.cover(ASKED, &as_sent(asked));
    let parameters = format!(";created={}", answer.created);
    request::sign(&mut draft, keys, &parameters, device);
    draft.fields
}

/// Checks the head of an answer to the request with this signature.
pub(super) fn check(
    ring: &Keyring,
    head: &AnswerHead<'_>,
    key: KeyId,
    asked: &[u8; 32],
) -> Result<AnswerClaim, Refusal> {
    let value = |component: &str| match component {
        "\"@status\"" => Some(Cow::Owned(head.status.to_string().into_bytes())),
        ASKED => Some(Cow::Owned(as_sent(asked))),
        _ => None,
    };
    // Whoever has another key could not have checked the request, only refused it.
    let keys = |id| ring.get(id).filter(|_| id == key || head.status == 401);
    let signed = signature::check(head.fields, &REQUIRED, value, keys)?;
    Ok(AnswerClaim { key: signed.key, content: signed.content })
}

fn as_sent(signature: &[u8; 32]) -> alloc::vec::Vec<u8> {
    let mut text = String::with_capacity(46);
    text.push(':');
    base64::write(signature, &mut text);
    text.push(':');
    text.into_bytes()
}

/// An answer that a member has signed. Whether its body is the one that was signed is
/// still to be seen.
#[derive(Debug, Clone)]
pub struct AnswerClaim {
    key: KeyId,
    content: Content,
}

impl AnswerClaim {
    /// The key that signed it: that of the request, unless the request was refused because
    /// of its key.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The current epoch of whoever answered, for the next request.
    pub fn epoch(&self) -> Epoch {
        self.content.epoch
    }

    /// What the body must be.
    pub fn digest(&self) -> Digest {
        self.content.digest
    }

    /// Whether the body is encrypted.
    pub fn is_sealed(&self) -> bool {
        self.content.is_sealed
    }

    /// Checks the whole body, as it came.
    ///
    /// # Errors
    ///
    /// [`Refusal::Digest`]: it is another one.
    pub fn check_body(&self, body: &[u8]) -> Result<(), Refusal> {
        self.check_digest(Digest::of(body))
    }

    /// The same, of a body whose digest was made while it came.
    ///
    /// # Errors
    ///
    /// [`Refusal::Digest`]: it is another one.
    pub fn check_digest(&self, digest: Digest) -> Result<(), Refusal> {
        self.content.check_digest(digest)
    }

    /// The key of the device that answered, if it showed one.
    ///
    /// # Errors
    ///
    /// [`Refusal::Device`]: it has shown a key that it does not have.
    pub fn check_device(&self) -> Result<Option<PublicKey>, Refusal> {
        self.content.check_device()
    }
}
