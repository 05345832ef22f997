//! Secure mode: any bytes are refused or mean one thing, and what means something is
//! written again as it was.
//!
//! The first byte of an input says what the rest is: the head of a request or of an
//! answer, a datagram, a network key as text, an encrypted body.
#![no_main]

use easyhttp_proto::datagram::Datagram;
use easyhttp_proto::http::{Incoming, Sizes};
use easyhttp_proto::secure::{
    Digest, Epoch, Hint, Keyring, NetworkKey, Proof, Request, SignedRequest,
};
use easyhttp_proto::{API_PATH, limits};
use libfuzzer_sys::fuzz_target;

const SIZES: Sizes = Sizes { head: limits::HEADER_BLOCK, fields: limits::HEADERS };

fuzz_target!(|input: &[u8]| {
    let Some((kind, bytes)) = input.split_first() else { return };
    let ring = Keyring::new(NetworkKey::from_entropy([7; NetworkKey::LEN]), []);
    match kind % 5 {
        0 => {
            let mut incoming = arrived(bytes);
            if let Ok(Some(head)) = incoming.request()
                && let Ok(claim) = ring.check_request(&head)
            {
                // Only what was signed by the corpus' author gets here.
                let _ = (claim.check_device(), claim.check_body(b""));
            }
        }
        1 => {
            let mut incoming = arrived(bytes);
            if let Ok(Some(head)) = incoming.answer() {
                let _ = (Hint::read(&head), asked(&ring).check_answer(&ring, &head));
            }
        }
        2 => {
            if let Ok(datagram) = Datagram::decode(bytes) {
                let _ = ring.check_datagram(&datagram);
                if let Some(proof) = datagram.proof {
                    assert_eq!(proof.to_string().parse::<Proof>(), Ok(proof));
                }
                assert!(datagram.encode().len() <= limits::DATAGRAM_SENT);
            }
        }
        3 => {
            if let Ok(text) = str::from_utf8(bytes) {
                match text.parse::<NetworkKey>() {
                    Ok(key) => {
                        let again: NetworkKey =
                            key.text().to_string().parse().expect("what was written is a key");
                        assert_eq!(again.id(), key.id());
                    }
                    Err(invalid) => assert!(invalid.to_string().len() < 300),
                }
            }
        }
        _ => {
            if let Ok(plain) = ring.open(bytes) {
                assert!(plain.len() < bytes.len());
            }
            let sealed = ring.signing().seal([1; 16], bytes);
            assert_eq!(ring.open(&sealed).as_deref(), Ok(bytes));
        }
    }
});

fn arrived(bytes: &[u8]) -> Incoming {
    let mut incoming = Incoming::new(SIZES);
    let space = incoming.space();
    let count = space.len().min(bytes.len());
    space[..count].copy_from_slice(&bytes[..count]);
    incoming.arrived(count);
    incoming
}

fn asked(ring: &Keyring) -> SignedRequest {
    let request = Request {
        method: "POST",
        path: API_PATH,
        content_type: "application/json",
        content_encoding: None,
        idempotency_key: None,
        digest: Digest::of(b""),
        epoch: Epoch::from_entropy([1; Epoch::LEN]),
        nonce: [2; 16],
        created: 0,
    };
    ring.signing().sign_request(&request, None)
}
