//! Devices with a network key, and what somebody can do who is on the path, or has no key.

mod datagrams;
mod on_the_path;
mod replays;
mod strangers;
mod tampering;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use easyhttp::{Builder, EasyHttp, NetworkKey, json};
use easyhttp_proto::secure::{AES128GCM, Digest, Epoch, Keyring, Request};

use crate::support::device;
use crate::support::http::{Answer, Client};

fn key() -> NetworkKey {
    NetworkKey::from_entropy([1; 16])
}

fn member() -> Builder<EasyHttp> {
    device().network_key(key())
}

/// A device that counts the commands that it has run.
struct Counting {
    device: EasyHttp,
    pushed: Arc<AtomicUsize>,
}

impl Counting {
    fn new(builder: Builder<EasyHttp>) -> Self {
        let pushed = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&pushed);
        let device = builder.on_fetch(|_| json!({"temperature": 23.5})).on_push(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            true
        });
        Self { device: device.start().unwrap(), pushed }
    }

    fn pushed(&self) -> usize {
        self.pushed.load(Ordering::Relaxed)
    }

    fn port(&self) -> u16 {
        self.device.port().unwrap()
    }

    /// The epoch in which it takes requests, as it tells to whoever asks.
    fn epoch(&self) -> Epoch {
        let mut client = Client::connect(self.port());
        client.send(self.signed(Epoch::from_entropy([0; 12]), u128::MAX, 0));
        epoch_in(&client.answer())
    }

    /// A PUSH to it, as a member sends it.
    fn signed(&self, epoch: Epoch, nonce: u128, created: u64) -> Vec<u8> {
        sign(&key(), self.push().as_bytes(), epoch, nonce, created)
    }

    /// The same, encrypted.
    fn sealed(&self, epoch: Epoch, nonce: u128) -> Vec<u8> {
        let ring = Keyring::new(key(), []);
        let body = ring.signing().seal(nonce.to_be_bytes(), self.push().as_bytes());
        sign_encoded(&key(), &body, Some(AES128GCM), epoch, nonce, 0)
    }

    fn push(&self) -> String {
        let message = json!({
            "version": "0.4.0",
            "type": 5,
            "header": {"sender_id": "PEER22", "recipient_id": self.device.id().as_str()},
            "data": {"state": "on"},
        });
        message.to_string()
    }
}

/// What goes over the wire.
fn sign(key: &NetworkKey, body: &[u8], epoch: Epoch, nonce: u128, created: u64) -> Vec<u8> {
    sign_encoded(key, body, None, epoch, nonce, created)
}

/// The same of a body that is encoded in this way.
fn sign_encoded(
    key: &NetworkKey,
    body: &[u8],
    content_encoding: Option<&str>,
    epoch: Epoch,
    nonce: u128,
    created: u64,
) -> Vec<u8> {
    let request = Request {
        method: "POST",
        path: "/easyhttp/api",
        content_type: "application/json",
        content_encoding,
        idempotency_key: None,
        digest: Digest::of(body),
        epoch,
        nonce: nonce.to_be_bytes(),
        created,
    };
    let key = key.text().to_string().parse().unwrap();
    let signed = Keyring::new(key, []).signing().sign_request(&request, None);
    let head = format!(
        "POST /easyhttp/api HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n{}\r\n",
        body.len(),
        signed.fields()
    );
    [head.as_bytes(), body].concat()
}

fn epoch_in(answer: &Answer) -> Epoch {
    answer.header("easyhttp-epoch").unwrap().trim_matches('"').parse().unwrap()
}

/// The places of a message that a signature protects: its first line, the values of these
/// fields, and the body.
fn protected(message: &[u8]) -> Vec<usize> {
    let end = message.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    let mut places: Vec<usize> = (end..message.len()).collect();
    let mut start = 0;
    for line in message[..end].split_inclusive(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(line);
        let value = match text.split_once(": ") {
            // The method and the path, or the status; not the version and the phrase.
            None if start == 0 && text.starts_with("POST") => 0..18,
            None if start == 0 => 9..12,
            Some((name, _)) if COVERED.contains(&name) => name.len() + 2..line.len() - 2,
            _ => 0..0,
        };
        places.extend(value.map(|place| start + place));
        start += line.len();
    }
    places
}

const COVERED: [&str; 8] = [
    "content-type",
    "content-digest",
    "content-encoding",
    "easyhttp-epoch",
    "easyhttp-memory",
    "idempotency-key",
    "signature-input",
    "signature",
];
