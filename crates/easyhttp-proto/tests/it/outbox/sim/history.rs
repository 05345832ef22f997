//! What has happened, and what has to hold of it: nothing that was confirmed is lost, done
//! twice or done in another order, and the user is told no lie.

use std::collections::{BTreeMap, BTreeSet};

use easyhttp_proto::DeviceId;

use super::receivers::refuses;

#[derive(Default)]
pub(super) struct History {
    confirmed: BTreeSet<u64>,
    /// What the user was told of each.
    told: BTreeMap<u64, BTreeSet<&'static str>>,
    /// The pushes that each receiver has done, in their order.
    done: BTreeMap<DeviceId, Vec<u64>>,
}

/// What it has come to, for those who ask more.
#[derive(Debug, Default)]
pub(in super::super) struct Told {
    /// How many items were said to be unknown for ever.
    pub(in super::super) unsure: usize,
}

impl History {
    /// The outbox has promised to deliver it.
    pub(super) fn confirmed(&mut self, number: u64) {
        self.confirmed.insert(number);
    }

    pub(super) fn told(&mut self, number: u64, what: &'static str) {
        self.told.entry(number).or_default().insert(what);
    }

    pub(super) fn done(&mut self, by: DeviceId, number: u64) {
        self.done.entry(by).or_default().push(number);
    }

    pub(super) fn check(&self, seed: u64) -> Told {
        let mut unsure = 0;
        for number in &self.confirmed {
            let told = self.told.get(number);
            let told = told.unwrap_or_else(|| panic!("seed {seed}: {number} is lost"));
            let is_done = self.done.values().any(|done| done.contains(number));
            assert!(is_done || !self.is_sure(*number), "seed {seed}: {number} was never done");
            let wrong = if refuses(*number) { "delivered" } else { "refused" };
            assert!(!told.contains(wrong), "seed {seed}: {number} was not {wrong}");
            unsure += usize::from(told.contains("unknown"));
        }
        for (id, done) in &self.done {
            let mut once = BTreeSet::new();
            let twice = done.iter().find(|number| !once.insert(**number));
            assert_eq!(twice, None, "seed {seed}: {id} did it twice: {done:?}");
            // Of one that was given up nobody said when it would be done.
            let sure = done.iter().filter(|number| self.is_sure(**number));
            assert!(sure.is_sorted(), "seed {seed}: {id} did it in another order: {done:?}");
        }
        Told { unsure }
    }

    /// Whether the user was told what came of it, and nothing else.
    fn is_sure(&self, number: u64) -> bool {
        let is_sure = |told: &&str| ["delivered", "refused"].contains(told);
        self.told.get(&number).is_some_and(|told| told.iter().all(is_sure))
    }
}
