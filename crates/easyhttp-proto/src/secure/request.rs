//! Requests: signed by whoever asks, checked by whoever is asked.
//!
//! ```text
//! content-digest: sha-256=:tduW8glrRWyjeGBR0PSUlwpze8CK50dcYEpUt1vaOZM=:
//! easyhttp-epoch: "EBESExQVFhcYGRob"
//! signature-input: net=("@method" "@path" "content-type" "content-digest" "easyhttp-epoch");…
//! signature: net=:8UaVa9DvK2Pq0HaEkQ6usbAOssDkDPlVimLKfqLMp6A=:
//! ```

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::String;
use core::fmt::Write;

use hmac::Mac;

use super::answer::{self, AnswerClaim};
use super::base::Draft;
use super::base64;
use super::device_key::DeviceKey;
use super::digest::Digest;
use super::epoch::{Epoch, NONCE};
use super::keyring::{KeyId, Keyring, Keys};
use super::refusal::Refusal;
use super::signature::{self, Content, DEV, NET, TAG, claims_content};
use crate::http::{AnswerHead, RequestHead};

/// What a request must cover.
const REQUIRED: [&str; 5] =
    ["\"@method\"", "\"@path\"", "\"content-type\"", "\"content-digest\"", "\"easyhttp-epoch\""];

/// The same, with a query.
const REQUIRED_WITH_QUERY: [&str; 6] = [
    "\"@method\"",
    "\"@path\"",
    "\"@query\"",
    "\"content-type\"",
    "\"content-digest\"",
    "\"easyhttp-epoch\"",
];

/// A request that is to be signed.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// As `POST`.
    pub method: &'a str,
    /// As [`crate::API_PATH`]; it has no query.
    pub path: &'a str,
    /// The content type, as the head has it.
    pub content_type: &'a str,
    /// [`super::AES128GCM`] if the body is encrypted.
    pub content_encoding: Option<&'a str>,
    /// What stands in `idempotency-key`, if the request has one.
    pub idempotency_key: Option<&'a str>,
    /// Of the body as it is sent.
    pub digest: Digest,
    /// The epoch of whoever is asked, as far as it is known.
    pub epoch: Epoch,
    /// 16 random bytes, never used twice.
    pub nonce: [u8; NONCE],
    /// The time in seconds since 1970. It decides nothing, so it may be wrong.
    pub created: u64,
}

impl Keys {
    /// Signs a request, with the key of the device as well if there is one.
    pub fn sign_request(&self, request: &Request<'_>, device: Option<&DeviceKey>) -> SignedRequest {
        let mut draft = Draft::new();
        draft.cover("\"@method\"", request.method.as_bytes());
        draft.cover("\"@path\"", request.path.as_bytes());
        draft.cover("\"content-type\"", request.content_type.as_bytes());
        let mut nonce = String::new();
        base64::write_url(&request.nonce, &mut nonce);
        let parameters = format!(";created={};nonce=\"{nonce}\"", request.created);
        content(&mut draft, request.digest, request.epoch, request.content_encoding);
        if let Some(key) = request.idempotency_key {
            draft.field("idempotency-key", key);
        }
        let signature = sign(&mut draft, self, &parameters, device);
        SignedRequest { fields: draft.fields, key: self.id(), epoch: request.epoch, signature }
    }
}

/// Adds the fields about the body, which requests and answers have.
pub(super) fn content(draft: &mut Draft, digest: Digest, epoch: Epoch, encoding: Option<&str>) {
    let mut field = String::with_capacity(64);
    digest.write(&mut field);
    draft.field("content-digest", &field);
    draft.field("easyhttp-epoch", &format!("\"{epoch}\""));
    if let Some(encoding) = encoding {
        draft.field("content-encoding", encoding);
    }
}

/// Adds the signatures, and gives that of the network key.
pub(super) fn sign(
    draft: &mut Draft,
    keys: &Keys,
    parameters: &str,
    device: Option<&DeviceKey>,
) -> [u8; 32] {
    if let Some(device) = device {
        draft.field("easyhttp-key", &format!(":{}:", device.public()));
    }
    let all = format!("{parameters};keyid=\"{}\";alg=\"hmac-sha256\";tag=\"{TAG}\"", keys.id());
    let (input, text) = draft.input(&all);
    let signature: [u8; 32] = keys.mac().chain_update(&text).finalize().into_bytes().into();
    let mut inputs = format!("{NET}={input}");
    let mut signatures = format!("{NET}=:");
    base64::write(&signature, &mut signatures);
    signatures.push(':');

    if let Some(device) = device {
        let id = device.public().id();
        let all = format!("{parameters};keyid=\"{id}\";alg=\"ed25519\";tag=\"{TAG}\"");
        let (input, text) = draft.input(&all);
        // A string takes all that is written to it.
        let _ = write!(inputs, ", {DEV}={input}");
        let _ = write!(signatures, ", {DEV}=:");
        base64::write(&device.sign(&text), &mut signatures);
        signatures.push(':');
    }
    draft.add("signature-input", &inputs);
    draft.add("signature", &signatures);
    signature
}

/// A request as it was signed: what to send, and what its answer is checked against.
#[derive(Debug, Clone)]
pub struct SignedRequest {
    fields: String,
    key: KeyId,
    epoch: Epoch,
    signature: [u8; 32],
}

impl SignedRequest {
    /// The lines to send in its head, each with its CRLF: all that is covered, but for
    /// the content type, which the head has anyway.
    pub fn fields(&self) -> &str {
        &self.fields
    }

    /// The key that it was signed with.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The epoch that it was signed for.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Checks the head of the answer, before its body is read.
    ///
    /// # Errors
    ///
    /// It is not the answer of a member to this very request. If it is a 401, there may
    /// be a [`Hint`](super::Hint) in it.
    pub fn check_answer(
        &self,
        ring: &Keyring,
        head: &AnswerHead<'_>,
    ) -> Result<AnswerClaim, Refusal> {
        answer::check(ring, head, self.key, &self.signature)
    }
}

impl Keyring {
    /// The first check of a request, of its head alone: whether a member has signed it.
    ///
    /// # Errors
    ///
    /// The request is refused; no more of it should be read.
    pub fn check_request(&self, head: &RequestHead<'_>) -> Result<Claim, Refusal> {
        let query = head.target.split_once('?').map(|(_, query)| query);
        let required = if query.is_some() { &REQUIRED_WITH_QUERY[..] } else { &REQUIRED };
        let value = |component: &str| match component {
            "\"@method\"" => Some(Cow::Borrowed(head.method.as_bytes())),
            "\"@path\"" => Some(Cow::Borrowed(head.path().as_bytes())),
            "\"@query\"" => query.map(|query| Cow::Owned(format!("?{query}").into_bytes())),
            _ => None,
        };
        let signed = signature::check(head.fields, required, &value, &|id| self.get(id))?;
        let nonce = signed.nonce.and_then(|nonce| base64::read_url(nonce.as_bytes()));
        Ok(Claim {
            key: signed.key,
            nonce: nonce.ok_or(Refusal::Malformed)?,
            signature: signed.signature,
            content: signed.content,
        })
    }
}

/// A request that a member has signed. Whether it is new, and whether its body is the
/// one that was signed, is still to be seen.
///
/// The order is that of [`Epochs::admit`](super::Epochs::admit),
/// [`check_body`](Self::check_body), [`check_device`](Self::check_device).
#[derive(Debug, Clone)]
pub struct Claim {
    key: KeyId,
    nonce: [u8; NONCE],
    signature: [u8; 32],
    content: Content,
}

impl Claim {
    /// The key that signed it.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// The epoch that it is for.
    pub fn epoch(&self) -> Epoch {
        self.content.epoch
    }

    /// What tells it from all others of the epoch.
    pub fn nonce(&self) -> [u8; NONCE] {
        self.nonce
    }

    pub(super) fn signature(&self) -> &[u8; 32] {
        &self.signature
    }
}

claims_content!(Claim);

/// The epoch of an answer that is not signed, and the name of the key that signs where
/// it comes from: a hint, which anybody can forge.
///
/// It is in the 401 to a request whose signature is not good, or which has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Hint {
    /// To be tried once, if it is another one than before.
    pub epoch: Option<Epoch>,
    /// To tell people of, if it is none of ours.
    pub key: Option<KeyId>,
}

impl Hint {
    /// The lines of a head that give it, each with its CRLF.
    pub fn fields(epoch: Epoch, key: KeyId) -> String {
        format!("easyhttp-epoch: \"{epoch}\"\r\n{}", scheme(key))
    }

    /// What is in this head.
    pub fn read(head: &AnswerHead<'_>) -> Self {
        let epoch = head.fields.only("easyhttp-epoch");
        let epoch = epoch.and_then(super::fields::string);
        let scheme = head.fields.only("www-authenticate");
        let key = scheme.and_then(|it| it.strip_prefix(SCHEME.as_bytes())?.strip_suffix(b"\""));
        Self {
            epoch: epoch.and_then(|epoch| Epoch::read(epoch.as_bytes())),
            key: key.and_then(KeyId::read),
        }
    }
}

/// The line that names the key which signs here.
pub(super) fn scheme(key: KeyId) -> String {
    format!("www-authenticate: {SCHEME}{key}\"\r\n")
}

/// What a 401 has to say of how to do better (RFC 9110, 11.6.1), before the name of
/// the key.
const SCHEME: &str = "EasyHTTP-1 keyid=\"";
