//! A sender with an outbox, a few receivers, and a network between them that loses,
//! delays and doubles what is said. All of them crash whenever they like.
//!
//! [`History`] says what has to hold.

mod history;
mod receivers;
mod sender;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::outbox::Outbox;
use easyhttp_proto::pushes::{Mark, PushKey};

use super::id;
use crate::random::Random;

use history::{History, Told};
use receivers::Device;
use sender::Kept;

pub(super) use receivers::Receiver;

const RECEIVERS: [&str; 3] = ["7H8G2K", "AB3F9Z", "ZZ9999"];

/// How many things happen before the world calms down.
const EVENTS: usize = 120;

pub(super) struct Simulation {
    seed: u64,
    random: Random,
    kind: Receiver,
    crashes: bool,
    now: Duration,
    events: BinaryHeap<Reverse<(Duration, u64, Event)>>,
    sequence: u64,
    /// Whether nothing breaks any more.
    is_calm: bool,

    outbox: Outbox,
    /// Grows when the sender crashes: what was on its way to it is lost.
    run: u64,
    wakes_at: Option<Duration>,
    disk: BTreeMap<u64, Kept>,
    /// Removals that are not on disk.
    removed: BTreeSet<u64>,
    /// Writes that are not on disk.
    adding: BTreeSet<u64>,
    last_number: u64,
    /// What the sender knows of the memory of each receiver.
    marks: BTreeMap<DeviceId, Mark>,
    nonce: u64,
    /// Which attempt of each device waits for its answer.
    waiting: BTreeMap<DeviceId, u64>,

    devices: BTreeMap<DeviceId, Device>,

    history: History,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Push,
    Written { run: u64, number: u64 },
    Arrives { to: DeviceId, number: u64, key: PushKey, attempt: u64 },
    HandlerEnds { run: u64, of: DeviceId, entry: u64, refuses: bool },
    Answer { to: DeviceId, number: u64, attempt: u64, answer: Answer, mark: Option<Mark> },
    Wake,
    SenderCrashes,
    ReceiverCrashes(DeviceId),
    ReceiverStarts(DeviceId),
    Heard(DeviceId),
    Calm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Accepted,
    Refused,
    NotSent,
    Busy,
    Runs,
    Lost,
    Forgotten,
}

const MS: fn(u64) -> Duration = Duration::from_millis;

impl Simulation {
    pub(super) fn new(seed: u64, kind: Receiver) -> Self {
        let devices = RECEIVERS.iter().zip(1..).map(|(text, name)| (id(text), Device::new(name)));
        Self {
            seed,
            random: Random(seed),
            kind,
            crashes: true,
            now: Duration::ZERO,
            events: BinaryHeap::new(),
            sequence: 0,
            is_calm: false,
            outbox: Outbox::new(1000, 1 << 20),
            run: 0,
            wakes_at: None,
            disk: BTreeMap::new(),
            removed: BTreeSet::new(),
            adding: BTreeSet::new(),
            last_number: 0,
            marks: BTreeMap::new(),
            nonce: 0,
            waiting: BTreeMap::new(),
            devices: devices.collect(),
            history: History::default(),
        }
    }

    pub(super) fn without_crashes(mut self) -> Self {
        self.crashes = false;
        self
    }

    pub(super) fn run(mut self) -> Told {
        for _ in 0..EVENTS {
            let (at, event) = (MS(self.random.below(300_000)), self.any_event());
            self.at(at, event);
        }
        self.at(MS(300_000), Event::Calm);
        // Once it is calm, a week is enough for all.
        while let Some(Reverse((at, _, event))) = self.events.pop() {
            self.now = at;
            self.happen(event);
            self.drive();
        }
        assert!(self.outbox.is_empty(), "seed {}: {:?}", self.seed, self.outbox);
        self.history.check(self.seed)
    }

    fn any_event(&mut self) -> Event {
        let device = id(RECEIVERS[self.random.place(RECEIVERS.len())]);
        match self.random.below(100) {
            0..40 => Event::Push,
            40..46 if self.crashes => Event::SenderCrashes,
            46..52 if self.crashes => Event::ReceiverCrashes(device),
            52..70 => Event::ReceiverStarts(device),
            _ => Event::Heard(device),
        }
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Push => self.push(),
            Event::Written { run, number } if run == self.run => self.written(number),
            Event::Arrives { to, number, key, attempt } => self.arrives(to, number, key, attempt),
            Event::HandlerEnds { run, of, entry, refuses } => {
                self.handler_ends(run, of, entry, refuses);
            }
            // The first answer to an attempt counts.
            Event::Answer { to, number, attempt, answer, mark }
                if self.waiting.get(&to) == Some(&attempt) =>
            {
                if let Some(mark) = mark {
                    self.marks.insert(to, mark);
                }
                self.answered(to, number, answer);
            }
            Event::SenderCrashes => self.sender_crashes(),
            Event::ReceiverCrashes(of) => self.receiver_crashes(of),
            Event::ReceiverStarts(of) => self.receiver_starts(of),
            Event::Heard(of) => self.heard(of),
            Event::Calm => {
                self.is_calm = true;
                for text in RECEIVERS {
                    self.happen(Event::ReceiverStarts(id(text)));
                }
            }
            Event::Wake => self.wakes_at = None,
            Event::Written { .. } | Event::Answer { .. } => {}
        }
    }

    fn at(&mut self, at: Duration, event: Event) {
        self.sequence += 1;
        self.events.push(Reverse((at, self.sequence, event)));
    }

    fn answer_in(&mut self, ms: u64, to: DeviceId, number: u64, answer: Answer) {
        let attempt = self.waiting[&to];
        self.at(self.now + MS(ms), Event::Answer { to, number, attempt, answer, mark: None });
    }

    fn delay(&mut self) -> Duration {
        MS(1 + self.random.below(50))
    }

    /// True once in so many times, until it is calm.
    fn breaks(&mut self, once_in: u64) -> bool {
        self.random.below(once_in) == 0 && !self.is_calm
    }
}
