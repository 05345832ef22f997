//! One bit of a message is another one.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::{Counting, Random, member, protected};
use crate::support::http::Client;
use crate::support::local;
use crate::support::proxy::{From, Proxy};

const REQUESTS: usize = 3000;
const ANSWERS: usize = 300;

#[test]
fn no_changed_request_is_run() {
    let served = Counting::new(member());
    let mut random = Random(1);
    let mut epoch = served.epoch();
    let push = |bytes: &[u8]| {
        let mut client = Client::connect(served.port());
        client.send(bytes);
        client.try_answer()
    };
    for number in 0..REQUESTS {
        let mut bytes = served.signed(epoch, number as u128, 0);
        let places = protected(&bytes);
        let (place, bit) = (places[random.below(places.len())], random.below(8));
        bytes[place] ^= 1 << bit;
        let answer = push(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        assert!(answer.is_none_or(|answer| answer.status >= 400 && answer.status < 500), "{text}");
        assert_eq!(served.pushed(), 0, "bit {bit} of byte {place} of\n{text}");
    }
    // What is not changed is run.
    epoch = served.epoch();
    assert_eq!(push(&served.signed(epoch, u128::MAX - 1, 0)).unwrap().status, 200);
    assert_eq!(served.pushed(), 1);
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
