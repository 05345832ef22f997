//! Somebody passes on what devices say to each other, and listens, drops and forges.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use easyhttp::{Delivery, Error, KeyId, NetworkKey, json};
use easyhttp_proto::secure::{Epoch, Hint};

use super::{Counting, key, member};
use crate::support::fake_peer::{FakePeer, Seen, Then};
use crate::support::http::Client;
use crate::support::local;
use crate::support::proxy::{From, Proxy};

#[test]
fn what_is_encrypted_cannot_be_seen_on_the_wire() {
    for size in [40, 100_000] {
        let secret: String = (0..size).map(|n| char::from(b'a' + (n * n % 23) as u8)).collect();
        let told = secret.clone();
        let answering = member().encrypt(true).on_fetch(move |_| told.clone()).start().unwrap();
        let (sender, seen) = channel();
        let proxy = Proxy::new(local(answering.port().unwrap()), move |_, bytes| {
            sender.send(bytes.clone()).unwrap();
            bytes
        });
        let asking = member().encrypt(true).start().unwrap();
        asking.add(answering.id(), proxy.at).unwrap();
        assert_eq!(asking.fetch(answering.id(), &secret).unwrap(), secret);
        let seen: Vec<u8> = seen.try_iter().flatten().collect();
        assert!(seen.len() > 2 * size);
        let sees = |plain: &str| seen.windows(plain.len()).any(|window| window == plain.as_bytes());
        for start in (0..secret.len() - 8).step_by(1 + size / 500) {
            assert!(!sees(&secret[start..start + 8]));
        }
        for plain in ["sender_i", "recipien", "\"version", answering.id().as_str()] {
            assert!(!sees(plain), "{plain}");
        }
    }
}

#[test]
fn whoever_forges_a_refusal_gets_one_more_request_and_no_command() {
    let forged = Hint::fields(Epoch::from_entropy([7; 12]), key().id());
    let answer = format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n{forged}\r\n");
    let peer = FakePeer::new(move |_| Then::Write(answer.clone().into_bytes()));
    let asking = member().start().unwrap();
    asking.add("PEER22", peer.at).unwrap();
    let refused = asking.push("PEER22", 1);
    assert!(matches!(refused, Err(Error::NotAuthenticated { .. })), "{refused:?}");
    // The PING before it, twice.
    let seen: Vec<_> =
        peer.seen.try_iter().filter(|seen| matches!(seen, Seen::Request(..))).collect();
    assert_eq!(seen, [Seen::Request(0, json!(1)), Seen::Request(0, json!(1))]);
}

#[test]
fn a_push_that_was_run_is_not_sent_again_because_of_a_forged_refusal() {
    let refused = push_answered_by_a_refusal_of(key().id());
    assert!(matches!(refused, Error::NotAuthenticated { .. }), "{refused:?}");
}

#[test]
fn a_forged_refusal_of_a_push_that_was_run_is_no_proof() {
    let refused = push_answered_by_a_refusal_of(NetworkKey::from_entropy([2; 16]).id());
    assert!(matches!(refused, Error::OtherKey { .. }), "{refused:?}");
}

/// Somebody takes the answer to a push that was run, and says that the device has this key
/// and did not run it. It is run once all the same, and nobody claims to know.
fn push_answered_by_a_refusal_of(theirs: KeyId) -> Error {
    let served = Counting::new(member());
    let forges = Arc::new(AtomicBool::new(false));
    let does = Arc::clone(&forges);
    let proxy = Proxy::new(local(served.port()), move |from, bytes| {
        if from == From::Asker || !does.load(Ordering::Relaxed) {
            return bytes;
        }
        let forged = Hint::fields(Epoch::from_entropy([7; 12]), theirs);
        format!("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n{forged}\r\n").into_bytes()
    });
    let asking = member().start().unwrap();
    asking.add(served.device.id(), proxy.at).unwrap();
    asking.push(served.device.id(), 1).unwrap();
    forges.store(true, Ordering::Relaxed);
    let refused = asking.push(served.device.id(), 2).unwrap_err();
    assert_eq!(refused.delivery(), Delivery::Unknown);
    assert_eq!(served.pushed(), 2);
    refused
}

#[test]
fn a_push_of_which_a_copy_was_run_before_counts_as_unknown() {
    let served = Counting::new(member());
    let port = served.port();
    let copies = Arc::new(AtomicBool::new(false));
    let does = Arc::clone(&copies);
    let proxy = Proxy::new(local(port), move |from, bytes| {
        if from == From::Asker && does.load(Ordering::Relaxed) {
            let mut first = Client::connect(port);
            first.send(&bytes);
            assert_eq!(first.answer().status, 200);
        }
        bytes
    });
    let asking = member().start().unwrap();
    asking.add(served.device.id(), proxy.at).unwrap();
    asking.ping(served.device.id()).unwrap();
    copies.store(true, Ordering::Relaxed);
    let error = asking.push(served.device.id(), 1).unwrap_err();
    assert!(matches!(error, Error::Replayed { .. }), "{error:?}");
    assert_eq!(error.delivery(), Delivery::Unknown);
    assert_eq!(served.pushed(), 1);
}

#[test]
fn the_answer_to_one_request_is_none_to_another() {
    let served = Counting::new(member());
    let first: Mutex<Option<Vec<u8>>> = Mutex::new(None);
    let swaps = Arc::new(AtomicBool::new(false));
    let does = Arc::clone(&swaps);
    let proxy = Proxy::new(local(served.port()), move |from, bytes| match from {
        From::Asker => bytes,
        From::Device if does.load(Ordering::Relaxed) => {
            first.lock().unwrap().get_or_insert(bytes).clone()
        }
        From::Device => bytes,
    });
    let asking = member().start().unwrap();
    asking.add(served.device.id(), proxy.at).unwrap();
    asking.ping(served.device.id()).unwrap();
    swaps.store(true, Ordering::Relaxed);
    asking.push(served.device.id(), 1).unwrap();
    let second = asking.push(served.device.id(), 2);
    assert!(matches!(second, Err(Error::NotAuthenticated { .. })), "{second:?}");
}

#[test]
fn what_is_added_to_an_answer_is_not_believed() {
    let served = Counting::new(member());
    let proxy = Proxy::new(local(served.port()), move |from, bytes| match from {
        From::Asker => bytes,
        From::Device => {
            let answer = String::from_utf8(bytes).unwrap();
            answer.replacen("\r\n", "\r\neasyhttp-error: no_handler\r\n", 1).into_bytes()
        }
    });
    let asking = member().start().unwrap();
    asking.add(served.device.id(), proxy.at).unwrap();
    let answer = asking.fetch(served.device.id(), ());
    assert!(matches!(answer, Err(Error::NotAuthenticated { .. })), "{answer:?}");
}

#[test]
fn neither_the_key_of_a_push_nor_what_a_device_remembers_can_be_changed() {
    type Change = fn(&str) -> String;
    let changes: [(From, Change); 5] = [
        // Another key, or none, would have it done a second time.
        (From::Asker, |text| text.replacen("-0-", "-1-", 1)),
        (From::Asker, |text| text.replacen("idempotency-key", "idempotency-kex", 1)),
        // Whoever is told another mark would be told that it was forgotten.
        (From::Device, |text| text.replacen("easyhttp-memory: ", "easyhttp-memory: f", 1)),
        (From::Device, |text| text.replacen("easyhttp-memory", "easyhttp-memorx", 1)),
        (From::Device, |text| text.replacen("\r\n", "\r\neasyhttp-memory: 0-0\r\n", 1)),
    ];
    for (number, (whose, change)) in changes.into_iter().enumerate() {
        let served = Counting::new(member());
        let does = Arc::new(AtomicBool::new(false));
        let changing = Arc::clone(&does);
        let proxy = Proxy::new(local(served.port()), move |from, bytes| {
            let text = String::from_utf8(bytes).unwrap();
            match from == whose && changing.load(Ordering::Relaxed) {
                true => change(&text).into_bytes(),
                false => text.into_bytes(),
            }
        });
        let asking = member().start().unwrap();
        asking.add(served.device.id(), proxy.at).unwrap();
        asking.ping(served.device.id()).unwrap();
        does.store(true, Ordering::Relaxed);
        let refused = asking.push(served.device.id(), 2);
        assert!(matches!(refused, Err(Error::NotAuthenticated { .. })), "{number}: {refused:?}");
        assert_eq!(served.pushed(), usize::from(whose == From::Device), "{number}");
    }
}

#[test]
fn a_signature_takes_no_more_than_400_bytes_each_way() {
    let measured = |builder: fn() -> easyhttp::Builder<easyhttp::EasyHttp>| {
        let served = Counting::new(builder());
        let (sender, seen) = channel();
        let proxy = Proxy::new(local(served.port()), move |from, bytes| {
            sender.send((from, bytes.len())).unwrap();
            bytes
        });
        let asking = builder().id("PEER22").start().unwrap();
        asking.add(served.device.id(), proxy.at).unwrap();
        asking.fetch(served.device.id(), ()).unwrap();
        // The first one has a PING before it, on a connection that is new.
        let _ = seen.try_iter().count();
        asking.fetch(served.device.id(), ()).unwrap();
        let sent: Vec<_> = seen.try_iter().collect();
        [From::Asker, From::Device].map(|by| -> usize {
            sent.iter().filter(|(from, _)| *from == by).map(|(_, length)| length).sum()
        })
    };
    let (secure, open) = (measured(member), measured(crate::support::device));
    for (secure, open) in secure.into_iter().zip(open) {
        assert!((1..=400).contains(&(secure - open)), "{secure} and {open} bytes");
    }
}
