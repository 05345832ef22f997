//! Fifty devices and one that is away for a minute: whoever is away must not be met by a
//! multiple of what it can do when it comes back.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use easyhttp_proto::limits;
use easyhttp_proto::retry::{Breaker, Budget, Retries, attempt, pause};

use crate::random::Random;

const SENDERS: usize = 50;
/// How many PUSHes each sends in a second.
const EACH: u64 = 2;
const DOWN: std::ops::Range<u64> = 60_000..120_000;
const END: u64 = 240_000;

const MS: fn(u64) -> Duration = Duration::from_millis;

/// How the receiver is away.
#[derive(Debug, Clone, Copy)]
enum Away {
    /// What is sent there is broken at once.
    Broken,
    /// Nothing comes from there.
    Silent,
    /// It says that it is busy, and asks for a second.
    Busy,
}

/// One device that sends.
struct Sender {
    budget: Budget,
    breaker: Breaker,
}

/// One PUSH that is under way.
#[derive(Debug, Clone, Copy)]
struct Call {
    sender: usize,
    deadline: Duration,
    retries: Retries,
}

struct Network {
    random: Random,
    away: Away,
    /// How many requests came in each second.
    seconds: Vec<usize>,
    /// How many calls were given up while the receiver was there.
    lost: usize,
    answered: usize,
}

/// What the receiver got in each second, and what came of it.
fn simulate(seed: u64, away: Away) -> Network {
    let mut network =
        Network { random: Random(seed), away, seconds: vec![0; 300], lost: 0, answered: 0 };
    let mut senders: Vec<_> = (0..SENDERS)
        .map(|_| Sender { budget: Budget::new(Duration::ZERO), breaker: Breaker::default() })
        .collect();
    // What is to be sent, by the microsecond; then the number of the call.
    let mut due = BinaryHeap::new();
    let mut calls = Vec::new();
    for sender in 0..SENDERS {
        let phase = network.random.next() % (1_000_000 / EACH);
        for n in 0..END / 1000 * EACH {
            let at = n * (1_000_000 / EACH) + phase;
            let deadline = Duration::from_micros(at) + limits::CALL;
            due.push(Reverse((at, calls.len())));
            calls.push(Call { sender, deadline, retries: Retries::new() });
        }
    }
    // Everybody hears that it is back, and every five seconds from then on.
    let mut heard = DOWN.end * 1000;
    while let Some(Reverse((at, number))) = due.pop() {
        let now = Duration::from_micros(at);
        if at >= heard {
            senders.iter_mut().for_each(|sender| sender.breaker.hear());
            heard += 5_000_000;
        }
        let call = &mut calls[number];
        let sender = &mut senders[call.sender];
        network.seconds[(at / 1_000_000) as usize] += 1;
        if call.retries.made() == 0 {
            sender.budget.earn();
        }
        let left = call.deadline.saturating_sub(now);
        if !DOWN.contains(&(at / 1000)) {
            network.answered += 1;
            sender.breaker.hear();
            continue;
        }
        let (took, least) = match network.away {
            Away::Broken => (MS(1), Duration::ZERO),
            Away::Silent => (attempt(left), Duration::ZERO),
            Away::Busy => (MS(1), MS(1000)),
        };
        let now = now + took;
        match network.away {
            Away::Busy => sender.breaker.hear(),
            Away::Broken | Away::Silent => sender.breaker.fail(),
        }
        let entropy = network.random.next();
        let left = left.saturating_sub(took);
        let (breaker, budget) = (sender.breaker, &mut sender.budget);
        match call.retries.next(now, left, least, &breaker, budget, entropy) {
            Some(pause) => due.push(Reverse(((now + pause).as_micros() as u64, number))),
            None if now >= MS(DOWN.end) => network.lost += 1,
            None => {}
        }
    }
    network
}

#[test]
fn whoever_comes_back_is_not_met_by_a_crowd() {
    let steady = SENDERS * EACH as usize;
    for away in [Away::Broken, Away::Silent, Away::Busy] {
        for seed in 0..20 {
            let network = simulate(seed, away);
            let peak = network.seconds.iter().max().copied().unwrap_or_default();
            // Of those that are there and ask for a second, the pauses move a few from one
            // second to the next.
            let moved = if let Away::Busy = away { steady / 20 } else { 0 };
            assert!(peak <= 2 * steady + moved, "{away:?}, seed {seed}: {:?}", network.seconds);
            // Over the whole minute it is a tenth more, and the reserve.
            let all: usize = network.seconds[60..120].iter().sum();
            let reserve = SENDERS * (limits::RETRIES_RESERVE as usize + 7);
            assert!(all <= 60 * steady * 11 / 10 + reserve, "{away:?}, seed {seed}: {all}");
            let calls = SENDERS * (END / 1000 * EACH) as usize;
            assert!(
                network.answered >= calls * 3 / 4 - SENDERS * 8,
                "{away:?}: {}",
                network.answered
            );
        }
    }
}

#[test]
fn a_pause_is_random_and_grows() {
    let most = |retries| pause(retries, Duration::ZERO, u64::MAX);
    assert!(most(0) <= limits::RETRY_PAUSE && most(0) > limits::RETRY_PAUSE / 2);
    assert!(most(1) > most(0) && most(2) > most(1));
    assert!(most(60) <= limits::RETRY_PAUSE_MOST);
    assert_eq!(pause(3, Duration::ZERO, 0), Duration::ZERO);
    // Nobody comes earlier than it was asked to.
    assert_eq!(pause(3, MS(1000), 0), MS(1000));
    assert!(pause(3, MS(1000), u64::MAX) > MS(1000));
    assert_eq!(pause(0, Duration::MAX, u64::MAX), Duration::MAX);
}

#[test]
fn a_tenth_of_all_calls_and_a_small_reserve_may_be_sent_again() {
    let mut budget = Budget::new(Duration::ZERO);
    let now = MS(1);
    assert_eq!((0..100).filter(|_| budget.take(now)).count(), 10);
    let sent_again = (0..1000).filter(|_| {
        budget.earn();
        budget.take(now)
    });
    assert_eq!(sent_again.count(), 100);
    // Whoever calls rarely gets one every ten seconds.
    assert!(!budget.take(MS(9_000)));
    assert!(budget.take(MS(11_000)) && !budget.take(MS(11_000)));
    assert_eq!((0..100).filter(|_| budget.take(MS(10_000_000))).count(), 10);
}

#[test]
fn a_device_that_is_not_reached_is_left_alone_until_it_is_heard() {
    let mut breaker = Breaker::default();
    let mut budget = Budget::new(Duration::ZERO);
    let mut retries = Retries::new();
    let mut next = |breaker: &Breaker| {
        retries.next(MS(1), MS(3000), Duration::ZERO, breaker, &mut budget, 0).is_some()
    };
    breaker.fail();
    assert!(next(&breaker));
    breaker.fail();
    assert!(!next(&breaker));
    breaker.hear();
    assert!(next(&breaker));
}

#[test]
fn a_late_answer_leaves_time_for_another_attempt() {
    assert_eq!(attempt(MS(3000)), MS(1500));
    assert_eq!(attempt(MS(1500)), MS(1000));
    assert_eq!(attempt(MS(500)), MS(500));
    assert_eq!(attempt(MS(60_000)), MS(30_000));
}
