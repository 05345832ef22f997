//! What a device remembers of the PUSHes that it was sent.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::time::Duration;

use super::key::PushKey;
use super::mark::Mark;
use crate::exchange::Outcome;
use crate::{DeviceId, limits};

/// The PUSHes that were noted, and what came of them.
///
/// They are numbered in the order in which they were begun, from 1, and forgotten in the
/// same order: when they are older than [`limits::PUSHES_FOR`], or when there are too many.
/// Whoever sends a key that is not there, and that may have been among those that were
/// forgotten, is told so. `now` is the time since any fixed point, by a clock that never
/// goes back.
///
/// A PUSH goes this way: [`find`](Self::find) says that it is new, [`begin`](Self::begin)
/// notes it, its handler runs, and [`end`](Self::end) notes what came of it. Whoever keeps
/// the memory on disk writes the [`Entry`] that `begin` or `end` changed, deletes those up
/// to [`forgotten`](Self::forgotten), and [`restore`](Self::restore)s the rest.
#[derive(Debug, Clone)]
pub struct Memory {
    name: u64,
    /// The number of the last one that was begun.
    count: u64,
    /// The number of the last one that was forgotten.
    forgotten: u64,
    capacity: usize,
    entries: BTreeMap<u64, Entry>,
    numbers: BTreeMap<(PushKey, Option<DeviceId>), u64>,
    /// How many bytes the texts in all entries have.
    text: usize,
}

/// One PUSH that was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "whoever stores it has to store all of it")]
pub struct Entry {
    /// Who sent it, if it said so.
    pub sender: Option<DeviceId>,
    /// Its key.
    pub key: PushKey,
    /// The [`fingerprint`](super::fingerprint) of its data.
    pub fingerprint: u64,
    /// When its handler began.
    pub begun: Duration,
    /// What became of it.
    pub state: State,
}

/// What became of a PUSH.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no fourth possibility")]
pub enum State {
    /// Its handler runs.
    Runs,
    /// Its handler has ended.
    Ended(PushOutcome),
    /// Nobody knows: the device was stopped before the handler had ended.
    Lost,
}

/// What came of a handler that has run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "whoever stores it has to store each")]
pub enum PushOutcome {
    /// It accepted.
    Accepted,
    /// It refused, perhaps with a reason.
    Refused(Option<String>),
    /// It failed; the text says how.
    Failed(String),
}

/// What the memory says of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "each has an answer of its own")]
pub enum Found<'a> {
    /// It was not here before.
    New,
    /// Its handler runs.
    Runs,
    /// Its handler has run, and this came of it.
    Ended(&'a PushOutcome),
    /// It was here with other data.
    Reused,
    /// It may have been here: nobody knows any more.
    Forgotten,
}

impl Memory {
    /// An empty memory of this name, for so many PUSHes, which is at least one.
    pub fn new(name: u64, capacity: usize) -> Self {
        Self {
            name,
            count: 0,
            forgotten: 0,
            capacity: capacity.max(1),
            entries: BTreeMap::new(),
            numbers: BTreeMap::new(),
            text: 0,
        }
    }

    /// A memory as it was, with these entries and their numbers. What ran when it was
    /// stored is lost. Numbers may be missing: those are new to it.
    pub fn restore(
        mark: Mark,
        forgotten: u64,
        capacity: usize,
        entries: impl IntoIterator<Item = (u64, Entry)>,
    ) -> Self {
        let mut memory = Self { forgotten, ..Self::new(mark.name, capacity) };
        for (number, mut entry) in entries.into_iter().filter(|(number, _)| *number > forgotten) {
            if entry.state == State::Runs {
                entry.state = State::Lost;
            }
            memory.insert(number, entry);
        }
        let last = memory.entries.last_key_value().map_or(0, |(number, _)| *number);
        memory.count = mark.count.max(last).max(forgotten);
        memory.make_room();
        memory
    }

    /// What it tells others of itself.
    pub fn mark(&self) -> Mark {
        Mark { name: self.name, count: self.count }
    }

    /// The number of the last entry that was forgotten; 0 if none was.
    pub fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Whether a handler runs. It looks at all that is remembered.
    pub fn is_running(&self) -> bool {
        self.entries.values().any(|entry| entry.state == State::Runs)
    }

    /// All entries with their numbers, the oldest first.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &Entry)> {
        self.entries.iter().map(|(number, entry)| (*number, entry))
    }

    /// The entry of this number.
    pub fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.get(&number)
    }

    /// What is known of a PUSH that has come.
    pub fn find(
        &mut self,
        now: Duration,
        sender: Option<DeviceId>,
        key: &PushKey,
        fingerprint: u64,
    ) -> Found<'_> {
        self.forget_old(now);
        // The clone is one of a counted text at most.
        let Some(number) = self.numbers.get(&(key.clone(), sender)) else {
            return match key {
                PushKey::Marked { mark, .. } if !self.would_know(*mark) => Found::Forgotten,
                _ => Found::New,
            };
        };
        match self.entries.get(number) {
            None => Found::Forgotten,
            Some(entry) if entry.fingerprint != fingerprint => Found::Reused,
            Some(entry) => match &entry.state {
                State::Runs => Found::Runs,
                State::Ended(outcome) => Found::Ended(outcome),
                State::Lost => Found::Forgotten,
            },
        }
    }

    /// Whether a key that was made at this mark would be here if it had ever come: what
    /// came had a higher number.
    fn would_know(&self, mark: Mark) -> bool {
        mark.name == self.name && (self.forgotten..=self.count).contains(&mark.count)
    }

    /// Notes that the handler of a new PUSH begins. Gives the number of its entry.
    pub fn begin(
        &mut self,
        now: Duration,
        sender: Option<DeviceId>,
        key: PushKey,
        fingerprint: u64,
    ) -> u64 {
        self.count += 1;
        let entry = Entry { sender, key, fingerprint, begun: now, state: State::Runs };
        self.insert(self.count, entry);
        self.make_room();
        self.count
    }

    /// Notes what came of the handler. Gives the entry, unless it is forgotten already.
    pub fn end(&mut self, number: u64, outcome: PushOutcome) -> Option<&Entry> {
        let text = outcome.text();
        self.entries.get_mut(&number)?.state = State::Ended(outcome);
        if text > 0 {
            self.text += text;
            self.make_room();
        }
        self.entries.get(&number)
    }

    fn insert(&mut self, number: u64, entry: Entry) {
        self.text += entry.text();
        self.numbers.insert((entry.key.clone(), entry.sender), number);
        self.entries.insert(number, entry);
    }

    fn forget_old(&mut self, now: Duration) {
        let is_old = |entry: &Entry| entry.begun.saturating_add(limits::PUSHES_FOR) <= now;
        while self.entries.first_key_value().is_some_and(|(_, entry)| is_old(entry)) {
            self.forget_first();
        }
    }

    /// The newest one stays, however much text it has.
    fn make_room(&mut self) {
        let is_full = |memory: &Self| {
            memory.entries.len() > memory.capacity
                || (memory.text > limits::PUSHES_TEXT && memory.entries.len() > 1)
        };
        while is_full(self) {
            self.forget_first();
        }
    }

    fn forget_first(&mut self) {
        if let Some((number, entry)) = self.entries.pop_first() {
            self.text -= entry.text();
            self.numbers.remove(&(entry.key, entry.sender));
            self.forgotten = number;
        }
    }
}

impl Entry {
    fn text(&self) -> usize {
        let told = match &self.state {
            State::Ended(outcome) => outcome.text(),
            State::Runs | State::Lost => 0,
        };
        self.key.text() + told
    }
}

impl PushOutcome {
    fn text(&self) -> usize {
        match self {
            Self::Accepted | Self::Refused(None) => 0,
            Self::Refused(Some(text)) | Self::Failed(text) => text.len(),
        }
    }
}

impl From<PushOutcome> for Outcome {
    fn from(outcome: PushOutcome) -> Self {
        match outcome {
            PushOutcome::Accepted => Self::Accepted,
            PushOutcome::Refused(reason) => Self::Refused(reason),
            PushOutcome::Failed(text) => Self::Failed(text),
        }
    }
}
