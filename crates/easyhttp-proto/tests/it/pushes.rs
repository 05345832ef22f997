//! What a device remembers of PUSHes: none is ever run twice.

use std::collections::BTreeMap;
use std::time::Duration;

use easyhttp_proto::pushes::{Entry, Found, Mark, Memory, PushKey, PushOutcome, State};
use easyhttp_proto::{DeviceId, limits};
use proptest::prelude::*;

const NOW: Duration = Duration::ZERO;
const NAME: u64 = 7;

fn sender() -> Option<DeviceId> {
    "AB3F9Z".parse().ok()
}

fn mark(count: u64) -> Mark {
    Mark { name: NAME, count }
}

fn key(count: u64, nonce: u64) -> PushKey {
    PushKey::new(mark(count), nonce)
}

/// A PUSH that is new, and is accepted.
fn run(memory: &mut Memory, now: Duration, key: PushKey) -> u64 {
    assert_eq!(memory.find(now, sender(), &key, 1), Found::New);
    let number = memory.begin(now, sender(), key, 1);
    memory.end(number, PushOutcome::Accepted);
    number
}

#[test]
fn what_came_of_a_push_is_told_again() {
    let mut memory = Memory::new(NAME, 8);
    let first = key(0, 1);
    assert_eq!(memory.find(NOW, sender(), &first, 1), Found::New);
    let number = memory.begin(NOW, sender(), first.clone(), 1);
    assert_eq!(memory.mark(), mark(1));
    assert_eq!(memory.find(NOW, sender(), &first, 1), Found::Runs);
    assert_eq!(memory.find(NOW, sender(), &first, 2), Found::Reused);

    let refused = PushOutcome::Refused(Some("it is night".into()));
    memory.end(number, refused.clone());
    assert_eq!(memory.find(NOW, sender(), &first, 1), Found::Ended(&refused));
    assert_eq!(memory.find(NOW, sender(), &first, 2), Found::Reused);
    // Another device, or nobody, has keys of its own.
    assert_eq!(memory.find(NOW, None, &first, 1), Found::New);
    assert_eq!(memory.find(NOW, "ZZZZ22".parse().ok(), &first, 1), Found::New);
}

#[test]
fn what_may_have_been_forgotten_is_not_run() {
    let mut memory = Memory::new(NAME, 4);
    for nonce in 0..4 {
        run(&mut memory, NOW, key(nonce, nonce));
    }
    assert_eq!(memory.forgotten(), 0);
    run(&mut memory, NOW, key(4, 4));
    assert_eq!(memory.forgotten(), 1);
    // This was the first one.
    assert_eq!(memory.find(NOW, sender(), &key(0, 0), 1), Found::Forgotten);
    // This was never here, but nobody can know.
    assert_eq!(memory.find(NOW, sender(), &key(0, 99), 1), Found::Forgotten);
    // This would be here.
    assert_eq!(memory.find(NOW, sender(), &key(1, 99), 1), Found::New);
    // These are of another memory, or of none.
    let other = PushKey::new(Mark { name: 8, count: 5 }, 1);
    assert_eq!(memory.find(NOW, sender(), &other, 1), Found::Forgotten);
    assert_eq!(memory.find(NOW, sender(), &key(6, 99), 1), Found::Forgotten);
    // Those of others say nothing of it.
    assert_eq!(memory.find(NOW, sender(), &PushKey::Opaque("a".into()), 1), Found::New);
}

#[test]
fn it_forgets_after_a_day_and_when_there_is_too_much_to_tell() {
    let mut memory = Memory::new(NAME, limits::PUSHES);
    run(&mut memory, NOW, key(0, 0));
    let later = limits::PUSHES_FOR - Duration::from_secs(1);
    run(&mut memory, later, key(1, 1));
    assert!(matches!(memory.find(later, sender(), &key(0, 0), 1), Found::Ended(_)));
    assert_eq!(memory.find(limits::PUSHES_FOR, sender(), &key(0, 0), 1), Found::Forgotten);
    assert!(matches!(memory.find(limits::PUSHES_FOR, sender(), &key(1, 1), 1), Found::Ended(_)));

    for nonce in 2..12 {
        let number = memory.begin(later, sender(), key(nonce, nonce), 1);
        let reason = "x".repeat(limits::PUSHES_TEXT / 4);
        memory.end(number, PushOutcome::Refused(Some(reason)));
    }
    assert_eq!(memory.entries().count(), 4);
    let number = memory.begin(later, sender(), key(12, 12), 1);
    memory.end(number, PushOutcome::Failed("x".repeat(2 * limits::PUSHES_TEXT)));
    assert_eq!(memory.entries().map(|(number, _)| number).collect::<Vec<_>>(), [13]);
    assert!(matches!(memory.find(later, sender(), &key(12, 12), 1), Found::Ended(_)));
}

#[test]
fn it_is_the_same_after_it_was_stored() {
    let mut memory = Memory::new(NAME, 4);
    for nonce in 0..6 {
        run(&mut memory, NOW, key(nonce, nonce));
    }
    memory.begin(NOW, sender(), key(6, 6), 1);
    let stored: Vec<(u64, Entry)> =
        memory.entries().map(|(number, entry)| (number, entry.clone())).collect();
    let mut again = Memory::restore(memory.mark(), memory.forgotten(), 4, stored.clone());
    assert_eq!((again.mark(), again.forgotten()), (mark(7), 3));
    for nonce in 0..6 {
        let found = memory.find(NOW, sender(), &key(nonce, nonce), 1);
        assert_eq!(again.find(NOW, sender(), &key(nonce, nonce), 1), found, "{nonce}");
    }
    // What ran may have been done.
    assert_eq!(again.get(7).unwrap().state, State::Lost);
    assert_eq!(again.find(NOW, sender(), &key(6, 6), 1), Found::Forgotten);
    // With less room it forgets more.
    let small = Memory::restore(memory.mark(), 0, 2, stored);
    assert_eq!((small.entries().count(), small.forgotten()), (2, 5));
}

/// What may happen between a sender and a receiver.
#[derive(Debug, Clone)]
enum Step {
    /// The sender learns the mark.
    Learn,
    /// It sends a PUSH, which arrives so many times, now and later.
    Push,
    /// What it sent so many steps ago arrives.
    Arrives(usize),
    /// The oldest handler that runs ends.
    Ends,
    /// The receiver is killed, and starts with what it stored, or with nothing.
    Restarts {
        durable: bool,
    },
    Passes(u64),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => Just(Step::Learn),
        4 => Just(Step::Push),
        6 => (0..30_usize).prop_map(Step::Arrives),
        3 => Just(Step::Ends),
        1 => any::<bool>().prop_map(|durable| Step::Restarts { durable }),
        1 => (0..100_000_u64).prop_map(Step::Passes),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn any_field_is_a_key_that_reads_the_same_again_or_none(field in r#"[ -~]{0,8}|"?(eh1-[0-9a-f]{16}-[0-9]{0,21}-[0-9a-f]{15,17})"?|"[ -~é]{0,130}""#) {
        if let Ok(key) = PushKey::read(field.as_bytes()) {
            prop_assert!(field.contains(key.to_string().trim_matches('"')));
            prop_assert_eq!(PushKey::read(key.to_string().as_bytes()), Ok(key));
        }
    }

    #[test]
    fn any_bytes_are_a_mark_that_is_written_the_same_or_none(field in "[0-9a-f]{15,17}-[0-9]{0,21}") {
        if let Some(mark) = Mark::read(field.as_bytes()) {
            prop_assert_eq!(mark.to_string(), field);
        }
    }

    /// However often a PUSH arrives, and whatever was forgotten in between.
    #[test]
    fn no_push_is_run_twice(steps in prop::collection::vec(any_step(), 1..120)) {
        let mut memory = Memory::new(NAME, 3);
        let (mut now, mut known, mut names) = (NOW, memory.mark(), NAME);
        let mut sent: Vec<PushKey> = Vec::new();
        let mut running: Vec<u64> = Vec::new();
        let mut runs: BTreeMap<PushKey, u32> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Learn => known = memory.mark(),
                Step::Push => sent.push(PushKey::new(known, sent.len() as u64)),
                Step::Arrives(ago) => {
                    let Some(key) = sent.len().checked_sub(ago + 1).map(|at| sent[at].clone())
                    else { continue };
                    if memory.find(now, sender(), &key, 1) == Found::New {
                        *runs.entry(key.clone()).or_default() += 1;
                        prop_assert_eq!(runs[&key], 1, "{}", key);
                        running.push(memory.begin(now, sender(), key, 1));
                    }
                }
                Step::Ends => if !running.is_empty() {
                    memory.end(running.remove(0), PushOutcome::Accepted);
                },
                Step::Restarts { durable } => {
                    running.clear();
                    names += u64::from(!durable);
                    memory = match durable {
                        true => {
                            let all = memory.entries().map(|(n, entry)| (n, entry.clone()));
                            let all: Vec<_> = all.collect();
                            Memory::restore(memory.mark(), memory.forgotten(), 3, all)
                        }
                        false => Memory::new(names, 3),
                    };
                }
                Step::Passes(seconds) => now += Duration::from_secs(seconds),
            }
            prop_assert!(memory.entries().count() <= 3);
        }
    }
}
