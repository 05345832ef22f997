//! A request that was recorded is sent again.

use std::net::Ipv4Addr;

use easyhttp::json;

use super::{Counting, epoch_in, key, member, sign};
use crate::support::http::Client;
use crate::support::{limits, own_port};

const AGAIN: usize = 5000;

#[test]
fn what_was_run_is_not_run_again_wherever_it_comes_from() {
    let served = Counting::new(member());
    let recorded = served.signed(served.epoch(), 1, 0);
    let mut same = Client::connect(served.port());
    same.send(&recorded);
    assert_eq!(same.answer().status, 200);
    for number in 0..AGAIN {
        let mut other = match number % 2 {
            0 => Client::connect(served.port()),
            _ => Client::connect_from(Ipv4Addr::new(127, 0, 0, 2), served.port()),
        };
        for client in [&mut same, &mut other] {
            client.send(&recorded);
            assert_eq!(client.answer().status, 409);
        }
    }
    assert_eq!(served.pushed(), 1);
    assert_eq!(served.device.stats().replayed, 2 * AGAIN as u64);
}

#[test]
fn what_was_recorded_is_worth_nothing_after_the_epoch_or_a_restart() {
    let port = own_port();
    let start = || {
        let limits = limits(|limits| limits.nonces = 1024);
        Counting::new(member().port(port).id("AB3F9Z").limits(limits))
    };
    let served = start();
    // One that was run, and one that somebody has held back.
    let first = served.epoch();
    let [run, held] = [1, 2].map(|nonce| served.signed(first, nonce, 0));
    let mut client = Client::connect(port);
    let mut status = |bytes: &[u8]| {
        client.send(bytes);
        client.answer().status
    };
    assert_eq!(status(&run), 200);
    let mut count = 1;
    for round in 1..=2_u128 {
        let before = served.epoch();
        let mut nonce = round << 64;
        while served.epoch() == before {
            nonce += 1;
            count += usize::from(status(&served.signed(before, nonce, 0)) == 200);
        }
        // In the epoch before it is still known to have been run.
        let expected = if round == 1 { 409 } else { 401 };
        assert_eq!(status(&run), expected);
    }
    assert_eq!(status(&held), 401);
    assert_eq!(served.pushed(), count);

    let recorded = served.signed(served.epoch(), 3, 0);
    served.device.stop();
    let served = start();
    let mut client = Client::connect(port);
    client.send(&recorded);
    let refused = client.answer();
    assert_eq!(refused.status, 401);
    assert_ne!(epoch_in(&refused), first);
    assert_eq!(served.pushed(), 0);
    assert!(served.device.stats().stale_epochs > 0);
}

#[test]
fn what_is_meant_for_one_device_is_worth_nothing_at_another() {
    let (meant, third) = (Counting::new(member()), Counting::new(member()));
    let mut client = Client::connect(third.port());
    client.send(meant.signed(meant.epoch(), 1, 0));
    assert_eq!(client.answer().status, 401);
    // Not even if somebody could sign it anew.
    client.send(meant.signed(third.epoch(), 1, 0));
    assert_eq!(client.answer().status, 421);
    assert_eq!(third.pushed(), 0);
}

#[test]
fn what_a_device_says_itself_is_not_taken_by_it() {
    let served = Counting::new(member());
    let own = json!({"type": 5, "header": {"sender_id": served.device.id().as_str()}, "data": 1});
    let bytes = sign(&key(), own.to_string().as_bytes(), served.epoch(), 1, 0);
    let mut client = Client::connect(served.port());
    client.send(bytes);
    assert_eq!(client.answer().status, 403);
    assert_eq!(served.pushed(), 0);
}

#[test]
fn no_clock_decides_anything() {
    let served = Counting::new(member());
    let epoch = served.epoch();
    let mut client = Client::connect(served.port());
    // 1970, 2099, and back.
    for (number, created) in
        [0, 4_070_908_800, 1, 253_402_300_799, 1_795_340_273].iter().enumerate()
    {
        client.send(served.signed(epoch, number as u128, *created));
        assert_eq!(client.answer().status, 200, "{created}");
    }
    assert_eq!(served.pushed(), 5);
}
