//! A sender with an outbox, a few receivers, and a network between them that loses,
//! delays and doubles what is said. All of them crash whenever they like.
//!
//! What a checker demands is in [`Simulation::check`].

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::outbox::{Action, Attempt, Item, Outbox, Sent};
use easyhttp_proto::pushes::{Entry, Found, Mark, Memory, PushKey, PushOutcome};

use super::id;
use crate::random::Random;

/// How a receiver remembers pushes over a crash.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Receiver {
    /// Each is on disk before its handler begins.
    Durable,
    /// Not at all.
    Forgetful,
}

const RECEIVERS: [&str; 3] = ["7H8G2K", "AB3F9Z", "ZZ9999"];

/// How many things happen before the world calms down.
const EVENTS: usize = 120;

/// What has happened, for those who ask more.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// How many items were said to be unknown for ever.
    pub(super) unsure: usize,
}

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

    confirmed: BTreeSet<u64>,
    answers: BTreeMap<u64, BTreeSet<&'static str>>,
}

#[derive(Debug, Clone)]
struct Kept {
    to: DeviceId,
    expires: Duration,
    key: Option<PushKey>,
}

struct Device {
    memory: Memory,
    is_up: bool,
    /// Whether the sender knows where it is.
    is_known: bool,
    run: u64,
    /// The pushes that were done, in their order.
    done: Vec<u64>,
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
        let device = |name| Device {
            memory: Memory::new(name, 8),
            is_up: true,
            is_known: true,
            run: 0,
            done: Vec::new(),
        };
        let devices = RECEIVERS.iter().zip(1..).map(|(text, name)| (id(text), device(name)));
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
            confirmed: BTreeSet::new(),
            answers: BTreeMap::new(),
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
        self.check()
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
                let device = self.devices.get_mut(&of).unwrap();
                if device.run == run {
                    device.memory.end(entry, outcome(refuses));
                }
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
            Event::ReceiverStarts(of) => {
                let device = self.devices.get_mut(&of).unwrap();
                device.is_up = true;
                self.heard(of);
            }
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

    // ---- the sender ----

    fn push(&mut self) {
        let to = id(RECEIVERS[self.random.place(RECEIVERS.len())]);
        let lifetime = match self.random.below(10) {
            0 => MS(1 + self.random.below(30_000)),
            _ => Duration::from_secs(7 * 24 * 60 * 60),
        };
        let number = self.outbox.reserve(10).unwrap();
        self.last_number = self.last_number.max(number);
        self.adding.insert(number);
        self.disk.insert(number, Kept { to, expires: self.now + lifetime, key: None });
        // The disk takes them in their order.
        self.at(self.now + MS(10), Event::Written { run: self.run, number });
    }

    fn written(&mut self, number: u64) {
        self.adding.remove(&number);
        self.confirmed.insert(number);
        let Kept { to, expires, .. } = self.disk[&number];
        let item = Item { to, bytes: 10, expires, tries: 0, may_have_arrived: false };
        self.outbox.insert(self.now, number, item);
    }

    /// Does all that the outbox wants done now, one attempt for each device.
    fn drive(&mut self) {
        while let Some(action) = self.outbox.poll(self.now) {
            match action {
                Action::Deliver(to) => self.begin(to),
                Action::Expired(number, _) => self.tell(number, "expired"),
                _ => unreachable!(),
            }
        }
        let due = self.outbox.next_wakeup().map(|due| due.max(self.now + MS(1)));
        if let Some(due) = due.filter(|due| self.wakes_at.is_none_or(|at| at > *due)) {
            self.wakes_at = Some(due);
            self.at(due, Event::Wake);
        }
        // Removals reach the disk when there is time.
        if self.random.below(4) == 0 {
            for number in std::mem::take(&mut self.removed) {
                self.disk.remove(&number);
            }
        }
    }

    fn begin(&mut self, to: DeviceId) {
        let Some(next) = self.outbox.begin(self.now, to) else { return };
        let number = next.number;
        let (is_known, is_up) = (self.devices[&to].is_known, self.devices[&to].is_up);
        self.nonce += 1;
        let attempt = self.nonce;
        self.waiting.insert(to, attempt);
        if !is_known {
            return self.answered_at_once(to, number, Attempt::Absent);
        }
        // A PING says how keys are made, if nobody has said it yet.
        if !self.marks.contains_key(&to) {
            if !is_up || self.breaks(5) {
                return self.answer_in(1500, to, number, Answer::NotSent);
            }
            self.marks.insert(to, self.devices[&to].memory.mark());
        }
        let mark = self.marks[&to];
        let fresh = PushKey::new(mark, self.nonce);
        let key = self.disk.get_mut(&number).unwrap().key.get_or_insert(fresh).clone();
        if !is_up || self.breaks(10) {
            return self.answer_in(1500, to, number, Answer::NotSent);
        }
        let delay = self.delay();
        let arrives = Event::Arrives { to, number, key, attempt };
        if self.breaks(10) {
            // It is lost, or comes later than anybody waits for it.
            self.answer_in(3000, to, number, Answer::Lost);
            if self.breaks(2) {
                let late = MS(3000 + self.random.below(20_000));
                self.at(self.now + late, arrives);
            }
            return;
        }
        self.at(self.now + delay, arrives);
        // Nobody waits longer than this.
        self.answer_in(3000, to, number, Answer::Lost);
    }

    fn answered(&mut self, to: DeviceId, number: u64, answer: Answer) {
        self.waiting.remove(&to);
        let attempt = match answer {
            Answer::Accepted => Attempt::Accepted,
            Answer::Refused => Attempt::Refused,
            Answer::NotSent => Attempt::NotSent,
            Answer::Busy => Attempt::Busy(MS(1000)),
            Answer::Runs => Attempt::Runs(MS(1000)),
            Answer::Lost => Attempt::Unknown { has_key: true },
            Answer::Forgotten => Attempt::Forgotten,
        };
        self.answered_at_once(to, number, attempt);
    }

    fn answered_at_once(&mut self, to: DeviceId, number: u64, attempt: Attempt) {
        match self.outbox.end(self.now, number, attempt) {
            Sent::Delivered(_) => self.tell(number, "delivered"),
            Sent::Refused(_) => self.tell(number, "refused"),
            Sent::Unknown(_) => self.tell(number, "unknown"),
            Sent::Expired(_) => self.tell(number, "expired"),
            Sent::Rekeyed => self.disk.get_mut(&number).unwrap().key = None,
            // One that cannot have arrived gets a new key with the next attempt.
            Sent::Waits if attempt == Attempt::Forgotten => {
                self.disk.get_mut(&number).unwrap().key = None;
            }
            _ => {}
        }
        self.begin(to);
    }

    /// The user is told, and then the item leaves the disk.
    fn tell(&mut self, number: u64, what: &'static str) {
        self.answers.entry(number).or_default().insert(what);
        self.removed.insert(number);
        self.outbox.release(10);
    }

    fn sender_crashes(&mut self) {
        self.run += 1;
        self.waiting.clear();
        // What was being written is there or not.
        for number in std::mem::take(&mut self.adding) {
            if self.random.below(2) == 0 {
                self.disk.remove(&number);
            }
        }
        for number in std::mem::take(&mut self.removed) {
            if self.random.below(2) == 0 {
                self.disk.remove(&number);
            }
        }
        self.marks.clear();
        self.outbox = Outbox::new(1000, 1 << 20);
        self.outbox.numbers_begin_after(self.last_number);
        for (number, kept) in &self.disk {
            let item = Item {
                to: kept.to,
                bytes: 10,
                expires: kept.expires,
                tries: 0,
                may_have_arrived: kept.key.is_some(),
            };
            self.outbox.restore(self.now, *number, item);
        }
    }

    // ---- the receivers ----

    fn arrives(&mut self, to: DeviceId, number: u64, key: PushKey, attempt: u64) {
        let (now, is_busy) = (self.now, self.breaks(20));
        let device = self.devices.get_mut(&to).unwrap();
        if !device.is_up {
            return;
        }
        let refuses = number.is_multiple_of(7);
        let takes = MS(number % 5 * 300);
        let mut answer_takes = Duration::ZERO;
        let answer = match device.memory.find(now, None, &key, number) {
            Found::New if is_busy => Answer::Busy,
            Found::New => {
                let entry = device.memory.begin(now, None, key.clone(), number);
                device.done.push(number);
                answer_takes = takes;
                let run = device.run;
                self.at(now + takes, Event::HandlerEnds { run, of: to, entry, refuses });
                if refuses { Answer::Refused } else { Answer::Accepted }
            }
            Found::Runs => Answer::Runs,
            Found::Ended(PushOutcome::Accepted) => Answer::Accepted,
            Found::Ended(_) => Answer::Refused,
            Found::Reused => panic!("a key was used twice"),
            Found::Forgotten => Answer::Forgotten,
        };
        let mark = self.devices[&to].memory.mark();
        // Somebody may send it once more, to whom it is answered then.
        if !matches!(answer, Answer::Busy | Answer::Forgotten) && self.breaks(10) {
            let again = MS(self.random.below(10_000));
            self.at(now + again, Event::Arrives { to, number, key, attempt: 0 });
        }
        if !self.breaks(10) {
            let at = now + answer_takes + self.delay();
            self.at(at, Event::Answer { to, number, attempt, answer, mark: Some(mark) });
        }
    }

    fn receiver_crashes(&mut self, of: DeviceId) {
        let kind = self.kind;
        let device = self.devices.get_mut(&of).unwrap();
        device.run += 1;
        device.is_up = false;
        device.memory = match kind {
            Receiver::Durable => {
                let entries: Vec<(u64, Entry)> = device
                    .memory
                    .entries()
                    .map(|(number, entry)| (number, entry.clone()))
                    .collect();
                let memory = &device.memory;
                Memory::restore(memory.mark(), memory.forgotten(), 8, entries)
            }
            Receiver::Forgetful => Memory::new(1000 + device.memory.mark().name, 8),
        };
        // Answers that were on their way may arrive all the same; it comes back elsewhere.
        if self.random.below(2) == 0 {
            self.devices.get_mut(&of).unwrap().is_known = false;
        }
    }

    fn heard(&mut self, of: DeviceId) {
        let device = self.devices.get_mut(&of).unwrap();
        if device.is_up {
            device.is_known = true;
            self.outbox.heard(self.now, of);
        }
    }

    // ---- the checker ----

    fn check(mut self) -> Told {
        let seed = self.seed;
        assert!(self.outbox.is_empty(), "seed {seed}: {:?}", self.outbox);
        let mut told = Told::default();
        for number in std::mem::take(&mut self.confirmed) {
            let answers = self.answers.get(&number);
            let answers = answers.unwrap_or_else(|| panic!("seed {seed}: {number} is lost"));
            let is_done = self.devices.values().any(|device| device.done.contains(&number));
            let is_sure = answers.iter().all(|answer| ["delivered", "refused"].contains(answer));
            assert!(is_done || !is_sure, "seed {seed}: {number} was never done");
            if answers.contains("delivered") {
                assert!(
                    !number.is_multiple_of(7),
                    "seed {seed}: {number} was refused, not delivered"
                );
            }
            if answers.contains("refused") {
                assert!(
                    number.is_multiple_of(7),
                    "seed {seed}: {number} was delivered, not refused"
                );
            }
            told.unsure += usize::from(answers.contains("unknown"));
        }
        for (id, device) in &self.devices {
            let mut once = BTreeSet::new();
            let twice = device.done.iter().find(|number| !once.insert(**number));
            assert_eq!(twice, None, "seed {seed}: {id} did it twice: {:?}", device.done);
            // Of one that was given up nobody said when it would be done.
            let sure = device.done.iter().filter(|number| {
                self.answers.get(number).is_some_and(|answers| {
                    answers.iter().all(|answer| ["delivered", "refused"].contains(answer))
                })
            });
            assert!(
                sure.is_sorted(),
                "seed {seed}: {id} did it in another order: {:?}",
                device.done
            );
        }
        told
    }

    // ---- chance ----

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

fn outcome(refuses: bool) -> PushOutcome {
    if refuses { PushOutcome::Refused(None) } else { PushOutcome::Accepted }
}
