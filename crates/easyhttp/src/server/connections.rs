//! The open connections, and which of them makes way for the next.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::lock::lock;

/// The open connections, in the order in which they came.
#[derive(Default)]
pub(super) struct Connections {
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    next: u64,
    requests: Arc<AtomicU64>,
    states: BTreeMap<u64, Arc<State>>,
}

/// One of the open connections, until it is dropped.
pub(super) struct Place {
    number: u64,
    pub(super) state: Arc<State>,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
pub(super) struct State {
    phase: AtomicU8,
    /// The number of the request that it completed last, of all connections. 0
    /// before the first one.
    completed: AtomicU64,
    /// How many requests all connections completed.
    requests: Arc<AtomicU64>,
    pub(super) evicted: Notify,
}

/// What is done on a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
pub(super) enum Phase {
    /// A request is waited for.
    Waiting,
    /// A request is being answered.
    Answering,
    /// The answer is being sent.
    Sending,
}

impl State {
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
        if phase == Phase::Sending {
            let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
            self.completed.store(number, Ordering::Relaxed);
        }
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            phase if phase == Phase::Answering as u8 => Phase::Answering,
            phase if phase == Phase::Sending as u8 => Phase::Sending,
            _ => Phase::Waiting,
        }
    }
}

impl Connections {
    /// Registers a connection. When there are `limit` already, the oldest that
    /// has not completed a request makes way, else the one that has been idle
    /// for longest. None if all of them are being answered.
    pub(super) fn enter(&self, limit: usize) -> Option<Place> {
        let mut open = lock(&self.open);
        if open.states.len() >= limit {
            let weakest = open
                .states
                .iter()
                .filter_map(|(number, state)| {
                    let completed = state.completed.load(Ordering::Relaxed);
                    let is_busy = state.phase() == Phase::Answering;
                    (completed == 0 || !is_busy).then_some((completed, *number))
                })
                .min();
            let (_, number) = weakest?;
            if let Some(state) = open.states.remove(&number) {
                state.evicted.notify_one();
            }
        }
        let number = open.next;
        open.next += 1;
        let requests = Arc::clone(&open.requests);
        let state = Arc::new(State { requests, ..State::default() });
        open.states.insert(number, Arc::clone(&state));
        Some(Place { number, state, open: Arc::clone(&self.open) })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.open).states.remove(&self.number);
    }
}
