//! The receivers: what they do with what arrives, and what a crash leaves of it.

use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::pushes::{Entry, Found, Memory, PushKey, PushOutcome};

use super::{Answer, Event, MS, Simulation};

/// How a receiver remembers pushes over a crash.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(in super::super) enum Receiver {
    /// Each is on disk before its handler begins.
    Durable,
    /// Not at all.
    Forgetful,
}

pub(super) struct Device {
    pub(super) memory: Memory,
    pub(super) is_up: bool,
    /// Whether the sender knows where it is.
    pub(super) is_known: bool,
    run: u64,
}

impl Device {
    pub(super) fn new(name: u64) -> Self {
        Self { memory: Memory::new(name, 8), is_up: true, is_known: true, run: 0 }
    }
}

impl Simulation {
    pub(super) fn arrives(&mut self, to: DeviceId, number: u64, key: PushKey, attempt: u64) {
        let (now, is_busy) = (self.now, self.breaks(20));
        let device = self.devices.get_mut(&to).unwrap();
        if !device.is_up {
            return;
        }
        let refuses = refuses(number);
        let takes = MS(number % 5 * 300);
        let mut answer_takes = Duration::ZERO;
        let answer = match device.memory.find(now, None, &key, number) {
            Found::New if is_busy => Answer::Busy,
            Found::New => {
                let entry = device.memory.begin(now, None, key.clone(), number);
                self.history.done(to, number);
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

    pub(super) fn handler_ends(&mut self, run: u64, of: DeviceId, entry: u64, refuses: bool) {
        let device = self.devices.get_mut(&of).unwrap();
        if device.run == run {
            let outcome = if refuses { PushOutcome::Refused(None) } else { PushOutcome::Accepted };
            device.memory.end(entry, outcome);
        }
    }

    pub(super) fn receiver_crashes(&mut self, of: DeviceId) {
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

    pub(super) fn receiver_starts(&mut self, of: DeviceId) {
        self.devices.get_mut(&of).unwrap().is_up = true;
        self.heard(of);
    }

    pub(super) fn heard(&mut self, of: DeviceId) {
        let device = self.devices.get_mut(&of).unwrap();
        if device.is_up {
            device.is_known = true;
            self.outbox.heard(self.now, of);
        }
    }
}

/// Whether this push is refused, by whichever receiver does it.
pub(super) fn refuses(number: u64) -> bool {
    number.is_multiple_of(7)
}
