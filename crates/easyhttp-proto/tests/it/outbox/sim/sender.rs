//! The sender: its outbox, the disk, and what a crash leaves of it.

use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::outbox::{Action, Attempt, Item, Outbox, Sent};
use easyhttp_proto::pushes::PushKey;

use super::{Answer, Event, MS, RECEIVERS, Simulation, id};

/// An item on disk.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    to: DeviceId,
    expires: Duration,
    key: Option<PushKey>,
}

impl Simulation {
    pub(super) fn push(&mut self) {
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

    pub(super) fn written(&mut self, number: u64) {
        self.adding.remove(&number);
        self.history.confirmed(number);
        let Kept { to, expires, .. } = self.disk[&number];
        let item = Item { to, bytes: 10, expires, tries: 0, may_have_arrived: false };
        self.outbox.insert(self.now, number, item);
    }

    /// Does all that the outbox wants done now, one attempt for each device.
    pub(super) fn drive(&mut self) {
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

    pub(super) fn answered(&mut self, to: DeviceId, number: u64, answer: Answer) {
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
        self.history.told(number, what);
        self.removed.insert(number);
        self.outbox.release(10);
    }

    pub(super) fn sender_crashes(&mut self) {
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
}
