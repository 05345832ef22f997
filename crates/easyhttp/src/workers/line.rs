//! The handlers that wait, and what their leader does next.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::PATIENCE;
use super::guest::{Guest, Guests};
use super::handler::Job;
use super::over::{Over, TOGETHER};

/// What a handler takes that is better off in a line: a few times what it costs
/// to wake a thread.
pub(super) const QUICK: Duration = Duration::from_micros(50);

/// The handlers that wait, and who runs them. While some wait there is a leader,
/// which is watched if more than the one has come for which it was made.
pub(super) struct Line {
    waiting: VecDeque<Box<dyn Job>>,
    leader: Option<Leader>,
    /// How many leaders there have been.
    terms: u64,
    pub(super) is_watched: bool,
    /// Whether what was done last was.
    is_quick: bool,
    pub(super) over: Over,
}

/// The thread that runs what waits.
struct Leader {
    term: u64,
    /// When it began what it does now. None before its thread runs.
    began: Option<Instant>,
    guests: Guests,
    /// When they went on last.
    visited: Instant,
}

/// A handler that is over, and when it began.
pub(super) struct Ended {
    pub(super) job: Box<dyn Job>,
    pub(super) began: Instant,
}

/// What a leader does next.
pub(super) enum Next {
    /// It runs a handler.
    Handler(Box<dyn Job>),
    /// It has its guests go on, after those have told that are over.
    Guests { guests: Vec<Arc<Guest>>, over: Vec<Box<dyn Job>> },
    /// It has no lead any more.
    Nothing,
}

impl Default for Line {
    fn default() -> Self {
        let (waiting, leader, over) = (VecDeque::new(), None, Over::default());
        Self { waiting, leader, terms: 0, is_watched: false, is_quick: true, over }
    }
}

impl Line {
    pub(super) fn push(&mut self, job: Box<dyn Job>) {
        self.waiting.push_back(job);
    }

    /// Whether handlers are quick, so that they may wait for each other.
    pub(super) fn is_quick(&self) -> bool {
        self.is_quick
    }

    /// Notes what a handler took, and says whether the one before was quick.
    pub(super) fn judge(&mut self, took: Duration) -> bool {
        std::mem::replace(&mut self.is_quick, took < QUICK)
    }

    /// Makes a leader, and gives the number of its term. Another one has the lead no more.
    pub(super) fn appoint(&mut self) -> u64 {
        self.terms += 1;
        let (began, guests, visited) = (None, Guests::default(), Instant::now());
        self.leader = Some(Leader { term: self.terms, began, guests, visited });
        self.terms
    }

    /// Ends the lead, and gives what waits.
    pub(super) fn dismiss(&mut self) -> VecDeque<Box<dyn Job>> {
        self.leader = None;
        std::mem::take(&mut self.waiting)
    }

    /// Whether there is a leader that goes on.
    pub(super) fn is_led(&self) -> bool {
        self.leader.as_ref().is_some_and(|leader| !leader.is_stuck())
    }

    pub(super) fn is_led_in(&self, term: u64) -> bool {
        self.leader.as_ref().is_some_and(|leader| leader.term == term)
    }

    /// Whether anybody waits for the leader: to be run, to be told of, or to be polled.
    pub(super) fn has_dependants(&self) -> bool {
        let has_guests = self.leader.as_ref().is_some_and(|leader| !leader.guests.are_gone());
        has_guests || self.over.has_guests() || !self.waiting.is_empty()
    }

    /// Ends a handler. Says whether it was the second one in a row that was slow.
    pub(super) fn end(&mut self, Ended { job, began }: Ended, now: Instant) -> bool {
        self.over.add(job, now);
        let was_quick = self.judge(now - began);
        !was_quick && !self.is_quick
    }

    /// What the leader does next, from now on. Nothing ends the lead.
    pub(super) fn next(&mut self, now: Instant) -> Next {
        let Some(leader) = &mut self.leader else { return Next::Nothing };
        leader.began = Some(now);
        // Guests have their turn, however many handlers others bring.
        let is_their_turn = self.waiting.is_empty()
            || self.over.has_guests() && self.over.is_ripe(now)
            || now - leader.visited >= TOGETHER;
        if is_their_turn && (self.over.has_guests() || !leader.guests.are_gone()) {
            let over = self.over.take();
            leader.guests.welcome(&over, now);
            leader.visited = now;
            let guests = leader.guests.present(now);
            if !over.is_empty() || !guests.is_empty() {
                return Next::Guests { guests, over };
            }
        }
        let Some(job) = self.waiting.pop_front() else {
            self.leader = None;
            return Next::Nothing;
        };
        Next::Handler(job)
    }

    /// Whether those that are over have waited for others long enough. The leader tells
    /// of its guests' handlers itself.
    pub(super) fn is_ripe(&self, now: Instant) -> bool {
        !self.over.has_guests() && (self.waiting.is_empty() || self.over.is_ripe(now))
    }
}

impl Leader {
    fn is_stuck(&self) -> bool {
        self.began.is_some_and(|began| began.elapsed() >= PATIENCE)
    }
}
