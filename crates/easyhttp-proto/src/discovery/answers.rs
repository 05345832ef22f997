//! Whom to answer, when, and how often.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::bucket::Bucket;
use super::random::Random;
use crate::datagram::{Datagram, Kind, PORT};
use crate::peers::with_port;

/// How many datagrams are answered at once, and how many a second after that.
const RATE: u32 = 20;

/// How long after an answer the same address gets none again, and after an
/// announcement nobody gets one by another announcement. Short enough
/// that of the questions of a burst several are answered: answers get lost too.
const PAUSE: Duration = Duration::from_millis(250);

/// How long an answer waits at most while nobody else is known, and what each
/// known device adds: all that hear a question would answer at the same moment.
const DELAY: Duration = Duration::from_millis(2);
const DELAY_PER_PEER: Duration = Duration::from_millis(2);

/// How many get an answer of their own. If more ask at once, one announcement
/// answers all of them.
const SINGLY: usize = 3;

/// How many answers are remembered, to keep the pause.
const REMEMBERED: usize = 64;

/// The answers that are owed.
#[derive(Debug)]
pub(super) struct Answers {
    owed: Vec<SocketAddr>,
    due: Duration,
    /// From when on everybody may be answered at once.
    next_to_all: Duration,
    given: VecDeque<(SocketAddr, Duration)>,
    tokens: Bucket,
}

/// An answer that is due.
#[derive(Debug, PartialEq)]
pub(super) enum Due {
    /// To this address.
    One(SocketAddr),
    /// To everybody.
    All,
}

impl Answers {
    pub(super) fn new(now: Duration) -> Self {
        Self {
            owed: Vec::new(),
            due: Duration::MAX,
            next_to_all: now,
            given: VecDeque::new(),
            tokens: Bucket::new(now, RATE, RATE),
        }
    }

    /// Owes an answer to somebody who asked; `peers` is how many are known.
    pub(super) fn add(&mut self, now: Duration, to: SocketAddr, peers: usize, random: &mut Random) {
        self.given.retain(|(_, at)| now < *at + PAUSE);
        let is_answered = self.given.iter().any(|(address, _)| *address == to);
        if is_answered || self.owed.contains(&to) || self.owed.len() > SINGLY {
            return;
        }
        if self.owed.is_empty() {
            let crowd = DELAY_PER_PEER * u32::try_from(peers).unwrap_or(u32::MAX);
            self.due = now + random.up_to(DELAY + crowd);
        }
        self.owed.push(to);
    }

    pub(super) fn poll(&mut self, now: Duration) -> Option<Due> {
        if self.owed.len() > SINGLY {
            self.due = self.due.max(self.next_to_all);
        }
        if now < self.due {
            return None;
        }
        if !self.tokens.take(now, 0) {
            // Whoever is not answered asks again.
            self.owed.clear();
        }
        let due = if self.owed.len() > SINGLY {
            self.announced(now);
            Some(Due::All)
        } else {
            // Who asks by IPv4 first is to know that address first.
            (!self.owed.is_empty()).then(|| Due::One(self.owed.remove(0)))
        };
        if let Some(Due::One(to)) = due {
            self.given.truncate(REMEMBERED - 1);
            self.given.push_front((to, now));
        }
        if self.owed.is_empty() {
            self.due = Duration::MAX;
        }
        due
    }

    /// Everybody was told that we are there.
    pub(super) fn announced(&mut self, now: Duration) {
        self.next_to_all = now + PAUSE;
        if self.owed.len() > SINGLY {
            self.owed.clear();
            self.due = Duration::MAX;
        }
    }

    pub(super) fn next_wakeup(&self) -> Duration {
        self.due
    }
}

/// Where to answer a datagram, if it wants to be answered.
pub(super) fn wanted(from: SocketAddr, datagram: &Datagram) -> Option<SocketAddr> {
    match datagram {
        Datagram { kind: Kind::Announce, boot: None, port: Some(_), .. } => {
            // A Python device speaks from a port on which it does not hear.
            Some(with_port(from, PORT))
        }
        Datagram { kind: Kind::Announce, asks, port, .. } if *asks || port.is_none() => Some(from),
        _ => None,
    }
}
