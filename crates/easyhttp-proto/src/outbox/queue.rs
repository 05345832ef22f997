//! What waits for one device, and when it is tried again.

use alloc::collections::BTreeSet;
use core::time::Duration;

use crate::limits;

/// The items of one device.
#[derive(Debug)]
pub(super) struct Queue {
    /// In the order in which they came.
    pub(super) numbers: BTreeSet<u64>,
    /// The one that is being sent.
    pub(super) sending: Option<u64>,
    turn: Turn,
    /// How often the device was tried in vain since it last answered.
    failures: u32,
    /// Whether it was heard while it was being tried.
    was_heard: bool,
    /// When it was last tried because it was heard.
    granted: Option<Duration>,
    /// Whether it said that it may have forgotten an item, and nothing else since.
    forgot: bool,
    /// Up to which number it is being flushed.
    flushes: Option<u64>,
}

/// Whether the device has its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It has.
    Now,
    /// It has, and was tried in vain, so it ends.
    InVain(Wait),
    /// It will.
    Later(Wait),
}

/// Until when a device waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    Until(Duration),
    /// Until it is heard.
    Heard,
}

impl Queue {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            numbers: BTreeSet::new(),
            sending: None,
            turn: Turn::Later(Wait::Until(now)),
            failures: 0,
            was_heard: false,
            granted: None,
            forgot: false,
            flushes: None,
        }
    }

    pub(super) fn is_sending(&self, number: u64) -> bool {
        self.sending == Some(number)
    }

    /// Whether nothing waits, and nobody is about to ask.
    pub(super) fn is_over(&self) -> bool {
        self.numbers.is_empty() && matches!(self.turn, Turn::Later(_))
    }

    // ---- turns ----

    /// Begins its turn if it is due.
    pub(super) fn takes_turn(&mut self, now: Duration) -> bool {
        let is_due = self.due().is_some_and(|due| due <= now);
        if is_due {
            self.turn = Turn::Now;
        }
        is_due
    }

    /// When its turn is due.
    pub(super) fn due(&self) -> Option<Duration> {
        match self.turn {
            Turn::Later(Wait::Until(due)) if !self.numbers.is_empty() => Some(due),
            _ => None,
        }
    }

    /// Whether its turn is to end, as it was tried in vain.
    pub(super) fn is_in_vain(&self) -> bool {
        !matches!(self.turn, Turn::Now)
    }

    /// Begins an attempt.
    pub(super) fn begin(&mut self, number: Option<u64>) {
        self.sending = number;
        self.was_heard = false;
    }

    pub(super) fn end_turn(&mut self) {
        self.turn = match self.turn {
            Turn::InVain(wait) | Turn::Later(wait) => Turn::Later(wait),
            Turn::Now => Turn::Later(Wait::Until(Duration::ZERO)),
        };
        if self.numbers.first().is_none_or(|first| self.flushes.is_some_and(|last| *first > last)) {
            self.flushes = None;
        }
    }

    // ---- what came of an attempt ----

    /// It was tried in vain: each time that follows it waits twice as long.
    pub(super) fn fail(&mut self, now: Duration) {
        let doubled = 1 << self.failures.min(8);
        self.failures = self.failures.saturating_add(1);
        self.wait(now, (limits::OUTBOX_TRY * doubled).min(limits::OUTBOX_TRY_LONGEST));
    }

    pub(super) fn wait(&mut self, now: Duration, span: Duration) {
        self.stop_until(now, Wait::Until(now + span));
    }

    pub(super) fn wait_to_be_heard(&mut self, now: Duration) {
        self.stop_until(now, Wait::Heard);
    }

    fn stop_until(&mut self, now: Duration, wait: Wait) {
        self.turn = Turn::InVain(wait);
        self.forgot = false;
        self.flushes = None;
        if self.was_heard {
            self.heard(now);
        }
    }

    pub(super) fn succeed(&mut self) {
        self.failures = 0;
        self.granted = None;
        self.forgot = false;
    }

    /// It may have forgotten an item. Whether that is so twice in a row.
    pub(super) fn forgets_again(&mut self) -> bool {
        core::mem::replace(&mut self.forgot, true)
    }

    // ---- what makes it due ----

    /// It was heard: it is tried at once. One that is heard and cannot be reached is
    /// tried so no more often than another one.
    pub(super) fn heard(&mut self, now: Duration) {
        let wait = match &mut self.turn {
            Turn::Later(wait) | Turn::InVain(wait) => wait,
            Turn::Now => {
                self.was_heard = true;
                return;
            }
        };
        let is_new = self.granted.is_none_or(|granted| now >= granted + limits::OUTBOX_TRY);
        match wait {
            Wait::Until(due) if *due <= now => {}
            Wait::Until(_) | Wait::Heard if is_new => {
                self.granted = Some(now);
                *wait = Wait::Until(now);
            }
            // It has an address now.
            Wait::Heard => *wait = Wait::Until(now + limits::OUTBOX_TRY),
            Wait::Until(_) => {}
        }
    }

    pub(super) fn flush(&mut self, now: Duration, last: u64) {
        if self.numbers.is_empty() {
            return;
        }
        self.flushes = Some(last);
        if let Turn::Later(wait) | Turn::InVain(wait) = &mut self.turn {
            *wait = Wait::Until(now);
        }
    }

    pub(super) fn is_flushing(&self) -> bool {
        self.flushes.is_some()
    }
}
