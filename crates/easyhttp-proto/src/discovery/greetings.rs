//! Which of the older devices to PING, so that they learn who we are.
//!
//! They do not add whom they hear by multicast, but everybody who sends them a
//! request. One PING is enough, unless it comes before their server answers, or
//! they forget us by a restart.

use alloc::vec::Vec;
use core::time::Duration;

use crate::DeviceId;

/// How long after each failed PING a device is PINGed again.
const PAUSES: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
];

/// How often the older devices announce themselves: every 30 s. One that does
/// so earlier has restarted.
const INTERVAL: Duration = Duration::from_secs(29);

/// Within this time an announcement is the same one, heard on another way.
const REPEATED: Duration = Duration::from_millis(500);

/// How many older devices are remembered. More on one network are unlikely.
const MOST: usize = 128;

/// How many of them are PINGed at once: a flood of invented ones may not take
/// all connections that the process can have.
const AT_ONCE: usize = 16;

/// The older devices that were heard.
#[derive(Debug, Default)]
pub(super) struct Greetings(Vec<Greeting>);

#[derive(Debug)]
struct Greeting {
    id: DeviceId,
    announced: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// It is to be PINGed at this time.
    Due { at: Duration, attempt: usize },
    /// A PING is under way.
    Asked { attempt: usize },
    /// It knows us.
    Done,
    /// It did not answer. It is asked again when it announces itself again.
    Failed,
}

impl Greetings {
    /// An older device was heard; `is_new` if it was not here, or not at this
    /// address.
    pub(super) fn hear(&mut self, now: Duration, id: DeviceId, is_new: bool, announces: bool) {
        let due = State::Due { at: now, attempt: 0 };
        let Some(greeting) = self.0.iter_mut().find(|greeting| greeting.id == id) else {
            if self.0.len() == MOST {
                let Some(oldest) = self.oldest() else { return };
                self.0.swap_remove(oldest);
            }
            self.0.push(Greeting { id, announced: now, state: due });
            return;
        };
        let silence = now.saturating_sub(greeting.announced);
        let is_early = announces && REPEATED < silence && silence < INTERVAL;
        if announces {
            greeting.announced = now;
        }
        let is_settled = matches!(greeting.state, State::Done | State::Failed);
        let is_missed = greeting.state == State::Failed && announces;
        if is_settled && (is_new || is_early || is_missed) {
            greeting.state = due;
        }
    }

    /// A device is gone. A PING that is under way still counts: whoever invents
    /// devices can have them leave as well.
    pub(super) fn forget(&mut self, id: DeviceId) {
        self.0.retain_mut(|greeting| match &mut greeting.state {
            State::Asked { attempt } if greeting.id == id => {
                *attempt = PAUSES.len();
                true
            }
            _ => greeting.id != id,
        });
    }

    /// The PING to `id` has ended.
    pub(super) fn ended(&mut self, now: Duration, id: DeviceId, answered: bool) {
        let Some(greeting) = self.0.iter_mut().find(|greeting| greeting.id == id) else { return };
        if let State::Asked { attempt } = greeting.state {
            greeting.state = match PAUSES.get(attempt) {
                _ if answered => State::Done,
                Some(pause) => State::Due { at: now + *pause, attempt: attempt + 1 },
                None => State::Failed,
            };
        }
    }

    /// A device to PING now.
    pub(super) fn poll(&mut self, now: Duration) -> Option<DeviceId> {
        if self.asked() >= AT_ONCE {
            return None;
        }
        self.0.iter_mut().find_map(|greeting| match greeting.state {
            State::Due { at, attempt } if at <= now => {
                greeting.state = State::Asked { attempt };
                Some(greeting.id)
            }
            _ => None,
        })
    }

    pub(super) fn next_wakeup(&self) -> Duration {
        // The end of one of those that are asked wakes us.
        if self.asked() >= AT_ONCE {
            return Duration::MAX;
        }
        let due = self.0.iter().filter_map(|greeting| match greeting.state {
            State::Due { at, .. } => Some(at),
            _ => None,
        });
        due.min().unwrap_or(Duration::MAX)
    }

    /// How many are being PINGed.
    fn asked(&self) -> usize {
        self.0.iter().filter(|greeting| matches!(greeting.state, State::Asked { .. })).count()
    }

    /// The one that was not heard for longest, of those that are settled.
    fn oldest(&self) -> Option<usize> {
        let settled = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, greeting)| matches!(greeting.state, State::Done | State::Failed));
        settled.min_by_key(|(_, greeting)| greeting.announced).map(|(index, _)| index)
    }
}
