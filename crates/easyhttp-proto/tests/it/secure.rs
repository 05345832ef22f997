//! Secure mode as a server and an asker go through it: what a member sends is
//! accepted once, and nothing else is.

mod datagrams;
mod devices;
mod flips;
mod keys;
mod python;
mod replays;
mod sealed;
mod vectors;

use easyhttp_proto::http::{Incoming, Sizes, head};
use easyhttp_proto::secure::{
    AES128GCM, Answer, AnswerClaim, Claim, DeviceKey, Digest, Epoch, Keyring, NONCE, NetworkKey,
    PublicKey, Refusal, Request, SignedRequest,
};
use easyhttp_proto::{API_PATH, limits};

use crate::random::Random;

const SIZES: Sizes = Sizes { head: limits::HEADER_BLOCK, fields: limits::HEADERS };

/// That of the test vector, and others.
fn network_key(byte: u8) -> NetworkKey {
    NetworkKey::from_entropy([byte; NetworkKey::LEN])
}

fn ring() -> Keyring {
    Keyring::new(network_key(7), [])
}

fn epoch() -> Epoch {
    Epoch::from_entropy(core::array::from_fn(|place| 0x10 + place as u8))
}

fn nonce() -> [u8; NONCE] {
    core::array::from_fn(|place| place as u8)
}

/// A POST of this body, with the values of the test vector.
fn post(body: &[u8]) -> Request<'static> {
    Request {
        method: "POST",
        path: API_PATH,
        content_type: "application/json",
        content_encoding: None,
        idempotency_key: None,
        digest: Digest::of(body),
        epoch: epoch(),
        nonce: nonce(),
        created: 1_795_340_273,
    }
}

/// A 200 with this body.
fn ok(body: &[u8]) -> Answer<'static> {
    Answer {
        status: 200,
        content_type: "application/json",
        content_encoding: None,
        note: None,
        memory: None,
        digest: Digest::of(body),
        epoch: epoch(),
        created: 1_795_340_274,
    }
}

/// What goes over the wire for a request.
fn request_bytes(request: &Request<'_>, fields: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{} {} HTTP/1.1\r\nhost: 192.168.1.23:5000\r\ncontent-type: {}\r\n\
         content-length: {}\r\n{fields}\r\n",
        request.method,
        request.path,
        request.content_type,
        body.len(),
    );
    [head.as_bytes(), body].concat()
}

/// What goes over the wire for an answer.
fn answer_bytes(answer: &Answer<'_>, fields: &str, body: &[u8]) -> Vec<u8> {
    let mut head = String::new();
    let content_type = ("content-type", answer.content_type);
    head::answer(&mut head, answer.status, [content_type], fields, body.len());
    [head.as_bytes(), body].concat()
}

/// Signs a request of this body, and gives what is on the wire.
fn signed(keys: &Keyring, request: &Request<'_>, body: &[u8]) -> (SignedRequest, Vec<u8>) {
    let signed = keys.signing().sign_request(request, None);
    let bytes = request_bytes(request, signed.fields(), body);
    (signed, bytes)
}

/// Why something does not get through.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// It is no HTTP any more.
    Http,
    Secure(Refusal),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        Self::Secure(refusal)
    }
}

/// A message that was accepted.
#[derive(Debug)]
struct Accepted<T> {
    claim: T,
    device: Option<PublicKey>,
    body: Vec<u8>,
}

/// All that a server checks but for the epochs.
fn check_request(ring: &Keyring, bytes: &[u8]) -> Result<Accepted<Claim>, Refused> {
    let mut incoming = arrived(bytes);
    let claim = match incoming.request() {
        Ok(Some(head)) => ring.check_request(&head)?,
        _ => return Err(Refused::Http),
    };
    let body = body(&mut incoming)?;
    claim.check_body(&body)?;
    let body = if claim.is_sealed() { ring.open(&body)? } else { body };
    Ok(Accepted { device: claim.check_device()?, claim, body })
}

/// All that an asker checks.
fn check_answer(
    ring: &Keyring,
    request: &SignedRequest,
    bytes: &[u8],
) -> Result<Accepted<AnswerClaim>, Refused> {
    let mut incoming = arrived(bytes);
    let claim = match incoming.answer() {
        Ok(Some(head)) => request.check_answer(ring, &head)?,
        _ => return Err(Refused::Http),
    };
    let body = body(&mut incoming)?;
    claim.check_body(&body)?;
    let body = if claim.is_sealed() { ring.open(&body)? } else { body };
    Ok(Accepted { device: claim.check_device()?, claim, body })
}

fn arrived(bytes: &[u8]) -> Incoming {
    let mut incoming = Incoming::new(SIZES);
    let mut rest = bytes;
    while !rest.is_empty() {
        let space = incoming.space();
        let count = space.len().min(rest.len());
        space[..count].copy_from_slice(&rest[..count]);
        rest = &rest[count..];
        incoming.arrived(count);
    }
    incoming
}

fn body(incoming: &mut Incoming) -> Result<Vec<u8>, Refused> {
    match incoming.read_body(limits::BODY) {
        Ok(true) => Ok(incoming.body().to_vec()),
        _ => Err(Refused::Http),
    }
}
