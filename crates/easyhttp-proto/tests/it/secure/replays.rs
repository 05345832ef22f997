//! Each request is accepted once, whatever the time is and whoever repeats it.

use std::collections::HashSet;
use std::time::Duration;

use easyhttp_proto::secure::Epochs;

use super::*;

/// A server with its own clock and entropy.
struct Server {
    ring: Keyring,
    epochs: Epochs,
    now: Duration,
    random: Random,
}

impl Server {
    fn new(nonces: usize) -> Self {
        let mut random = Random(5);
        let now = Duration::from_secs(1000);
        let epochs = Epochs::new(now, nonces, random.bytes());
        Self { ring: ring(), epochs, now, random }
    }

    fn epoch(&mut self) -> Epoch {
        self.epochs.current(self.now, || self.random.bytes())
    }

    /// What a client sends that knows this epoch.
    fn request(&mut self, epoch: Epoch) -> Claim {
        let request = Request { epoch, nonce: self.random.bytes(), ..post(b"{}") };
        let (_, bytes) = signed(&self.ring, &request, b"{}");
        check_request(&self.ring, &bytes).unwrap().claim
    }

    fn admit(&mut self, claim: &Claim) -> Result<(), Refusal> {
        self.epochs.admit(self.now, claim, || self.random.bytes())
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
    }
}

#[test]
fn a_request_is_accepted_once_and_in_two_epochs_at_most() {
    let mut server = Server::new(limits::NONCES);
    let epoch = server.epoch();
    let [used, unused, late] = [(); 3].map(|()| server.request(epoch));
    assert_eq!(server.admit(&used), Ok(()));
    assert_eq!(server.admit(&used), Err(Refusal::Replayed));

    server.wait(299);
    assert_eq!(server.epoch(), epoch);
    assert_eq!(server.admit(&used), Err(Refusal::Replayed));
    // One rotation.
    server.wait(1);
    let next = server.epoch();
    assert_ne!(next, epoch);
    assert_eq!(server.admit(&used), Err(Refusal::Replayed));
    assert_eq!(server.admit(&unused), Ok(()));
    assert_eq!(server.admit(&unused), Err(Refusal::Replayed));
    // Two.
    server.wait(300);
    assert_ne!(server.epoch(), next);
    for claim in [&used, &unused, &late] {
        assert_eq!(server.admit(claim), Err(Refusal::Epoch));
    }
    let current = server.epoch();
    let request = server.request(current);
    assert_eq!(server.admit(&request), Ok(()));
}

#[test]
fn what_was_signed_before_a_long_silence_is_over() {
    let mut server = Server::new(limits::NONCES);
    let epoch = server.epoch();
    let held_back = server.request(epoch);
    server.wait(599);
    assert_eq!(server.admit(&held_back.clone()), Ok(()));
    let held_back = server.request(epoch);
    server.wait(1);
    assert_eq!(server.admit(&held_back), Err(Refusal::Epoch));
    server.wait(1_000_000);
    assert_eq!(server.admit(&held_back), Err(Refusal::Epoch));
    assert_eq!(server.epochs.remembered(), 0);
}

#[test]
fn after_a_restart_nothing_that_was_recorded_is_accepted() {
    let mut server = Server::new(limits::NONCES);
    let epoch = server.epoch();
    let recorded = server.request(epoch);
    server.epochs = Epochs::new(server.now, limits::NONCES, server.random.bytes());
    assert_eq!(server.admit(&recorded), Err(Refusal::Epoch));
}

#[test]
fn a_clock_that_stands_still_or_goes_back_does_not_stop_anybody() {
    let mut server = Server::new(limits::NONCES_LEAST);
    for now in [0, 5000, 10, 0, u64::MAX, 7] {
        server.now = Duration::from_secs(now);
        let epoch = server.epoch();
        let claim = server.request(epoch);
        assert_eq!(server.admit(&claim), Ok(()));
        assert_eq!(server.admit(&claim), Err(Refusal::Replayed));
    }
}

/// Members that ask as fast as they can.
#[test]
fn in_a_flood_memory_is_bounded_and_nobody_is_refused_twice() {
    let mut server = Server::new(limits::NONCES_LEAST);
    let mut epochs = HashSet::new();
    let mut known = server.epoch();
    let mut accepted = Vec::new();
    for _ in 0..10_000 {
        let mut claim = server.request(known);
        if server.admit(&claim) == Err(Refusal::Epoch) {
            known = server.epoch();
            claim = server.request(known);
            assert_eq!(server.admit(&claim), Ok(()));
        }
        epochs.insert(known);
        accepted.push(claim);
        // Two epochs, the older one with an eighth more.
        assert!(server.epochs.remembered() <= limits::NONCES_LEAST * 17 / 8);
    }
    assert!((8..=10).contains(&epochs.len()), "{} epochs", epochs.len());
    for claim in &accepted {
        assert!(server.admit(claim).is_err(), "accepted twice");
    }
}

#[test]
fn fewer_nonces_than_the_least_are_not_possible() {
    let mut server = Server::new(1);
    let epoch = server.epoch();
    for _ in 0..limits::NONCES_LEAST {
        let claim = server.request(epoch);
        assert_eq!(server.admit(&claim), Ok(()));
    }
    assert_ne!(server.epoch(), epoch);
}
