//! Those who only want an answer, and how long they wait for it.

use std::fmt::{self, Display};
use std::thread;
use std::time::{Duration, Instant};

use super::exchange::exchange;
use crate::network::Host;
use crate::support::{Took, since};

/// What honest askers get: 200 requests a second, every fourth of them on a new
/// connection.
pub(super) struct Honest {
    pub(super) times: Vec<Took>,
    pub(super) failed: usize,
}

impl Honest {
    pub(super) fn ask(host: &Host, time: Duration) -> Self {
        let host = host.clone();
        let asking = thread::spawn(move || {
            host.enter();
            let mut answers = Self { times: Vec::new(), failed: 0 };
            let (start, mut kept) = (Instant::now(), None);
            for number in 0.. {
                let due = start + Duration::from_millis(5) * number;
                if due >= start + time {
                    break;
                }
                thread::sleep(due.saturating_duration_since(Instant::now()));
                let asked = Instant::now();
                let connection = if number % 4 == 0 { &mut None } else { &mut kept };
                match exchange(connection, "{\"type\":1}") {
                    Ok(()) => answers.times.push(since(asked)),
                    Err(_) => answers.failed += 1,
                }
            }
            answers
        });
        asking.join().unwrap()
    }
}

impl Display for Honest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut times: Vec<_> = self.times.iter().map(|took| took.0).collect();
        times.sort();
        let [middle, long] = [50, 99].map(|share| {
            times
                .get((times.len() * share).div_ceil(100).saturating_sub(1))
                .copied()
                .unwrap_or_default()
        });
        let of = self.times.len() + self.failed;
        write!(f, "{} of {of} fail, p50 {middle:.1?}, p99 {long:.1?}", self.failed)
    }
}
