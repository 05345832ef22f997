//! One bit of a message is another one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use easyhttp_proto::secure::{AES128GCM, Epoch, Keyring};

use super::{Counting, key, member, protected, sign_encoded};
use crate::support::http::{Answer, Client};
use crate::support::local;
use crate::support::proxy::{From, Proxy};
use crate::support::random::Random;

const REQUESTS: usize = 3000;
const ANSWERS: usize = 1000;

#[test]
fn no_changed_request_is_run() {
    let served = Counting::new(member());
    assert_changes_are_refused(&served, |epoch, nonce| served.signed(epoch, nonce, 0));
}

#[test]
fn no_changed_encrypted_request_is_run() {
    let served = Counting::new(member());
    assert_changes_are_refused(&served, |epoch, nonce| served.sealed(epoch, nonce));
}

fn assert_changes_are_refused(served: &Counting, push: impl Fn(Epoch, u128) -> Vec<u8>) {
    let mut random = Random(1);
    let epoch = served.epoch();
    for number in 0..REQUESTS {
        let mut bytes = push(epoch, number as u128);
        let places = protected(&bytes);
        let (place, bit) = (places[random.below(places.len())], random.below(8));
        bytes[place] ^= 1 << bit;
        let answer = send(served, &bytes);
        let text = String::from_utf8_lossy(&bytes);
        assert!(answer.is_none_or(|answer| answer.status >= 400 && answer.status < 500), "{text}");
        assert_eq!(served.pushed(), 0, "bit {bit} of byte {place} of\n{text}");
    }
    // What is not changed is run.
    assert_eq!(send(served, &push(served.epoch(), u128::MAX - 1)).unwrap().status, 200);
    assert_eq!(served.pushed(), 1);
}

/// Somebody who can sign, and cannot encrypt, changes what another has encrypted. There is
/// nobody like that: it is the encryption alone that is seen to notice.
#[test]
fn no_changed_encryption_is_read_whoever_has_signed_it() {
    let served = Counting::new(member());
    let mut random = Random(2);
    let epoch = served.epoch();
    let sealed = Keyring::new(key(), []).signing().seal([3; 16], served.push().as_bytes());
    let push = |body: &[u8], nonce| {
        let bytes = sign_encoded(&key(), body, Some(AES128GCM), epoch, nonce, 0);
        send(&served, &bytes).unwrap().status
    };
    for number in 0..REQUESTS {
        let mut body = sealed.clone();
        let place = loop {
            // The size of a record is only a limit: a larger one is no harm.
            match random.below(body.len()) {
                16..20 => {}
                place => break place,
            }
        };
        body[place] ^= 1 << random.below(8);
        let status = push(&body, number as u128);
        assert!((400..500).contains(&status), "{status}: {place}");
        assert_eq!(served.pushed(), 0, "{place}");
    }
    assert_eq!(push(&sealed, u128::MAX - 1), 200);
    assert_eq!(served.pushed(), 1);
}

fn send(served: &Counting, bytes: &[u8]) -> Option<Answer> {
    let mut client = Client::connect(served.port());
    client.send(bytes);
    client.try_answer()
}

#[test]
fn no_changed_answer_is_believed() {
    for encrypt in [false, true] {
        let served = Counting::new(member().encrypt(encrypt));
        let changes = Arc::new(AtomicBool::new(false));
        let changed = Arc::new(AtomicUsize::new(0));
        let (does, count) = (Arc::clone(&changes), Arc::clone(&changed));
        let random = Mutex::new(Random(2));
        let proxy = Proxy::new(local(served.port()), move |from, mut bytes| {
            if from == From::Device && does.load(Ordering::Relaxed) {
                let mut random = random.lock().unwrap();
                let places = protected(&bytes);
                bytes[places[random.below(places.len())]] ^= 1 << random.below(8);
                count.fetch_add(1, Ordering::Relaxed);
            }
            bytes
        });
        let asking = member().encrypt(encrypt).start().unwrap();
        let id = served.device.id();
        for number in 1..=ANSWERS {
            // So that what is changed is the answer to the FETCH, not to a PING before it.
            asking.add(id, proxy.at).unwrap();
            asking.ping(id).unwrap();
            let ran = served.device.stats().handlers_run;
            changes.store(true, Ordering::Relaxed);
            let answer = asking.fetch(id, ());
            changes.store(false, Ordering::Relaxed);
            assert!(answer.is_err(), "{answer:?}");
            assert_eq!(served.device.stats().handlers_run, ran + 1);
            assert_eq!(changed.load(Ordering::Relaxed), number);
        }
    }
}
