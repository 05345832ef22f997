//! Addresses at which some device may be, known by other ways than multicast:
//! from the last run, from the user, from other devices, from DNS-SD, or of a
//! sweep.
//!
//! A lead is a hint. Whoever is there is asked for its name, and only the answer
//! makes a peer. One that leads nowhere is forgotten: whoever gave it gives it
//! again if it is to last.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::bucket::Bucket;
use crate::peers::{PeerTable, Source, can_be_address};

/// How many leads wait at most: a sweep of four networks, at two ports of each
/// address.
const MOST: usize = 2048;

/// How many are followed at once: a flood of invented ones may not take all
/// connections that the process can have.
const AT_ONCE: usize = 32;

/// How many of those may be of a sweep, whose addresses are mostly silent.
const SWEPT_AT_ONCE: usize = 24;

/// How many are followed a second, after the first ones.
const RATE: u32 = 50;

/// How many are followed without a wait. A sweep gets none of these, so that it
/// goes evenly, and holds nobody up.
const BURST: u32 = 32;

/// The leads that are to be followed, and those that are.
#[derive(Debug)]
pub(super) struct Leads {
    /// In the order in which they came.
    waiting: Vec<Lead>,
    asked: Vec<Lead>,
    tokens: Bucket,
}

#[derive(Debug, Clone, Copy)]
struct Lead {
    at: SocketAddr,
    source: Source,
}

impl Leads {
    pub(super) fn new(now: Duration) -> Self {
        let tokens = Bucket::new(now, BURST, RATE);
        Self { waiting: Vec::new(), asked: Vec::new(), tokens }
    }

    pub(super) fn add(&mut self, at: SocketAddr, source: Source) {
        let is_asked = self.asked.iter().any(|lead| lead.at == at);
        if is_asked || !can_be_address(at) {
            return;
        }
        let lead = Lead { at, source };
        if let Some(known) = self.waiting.iter_mut().find(|lead| lead.at == at) {
            known.source = known.source.max(source);
        } else if self.waiting.len() < MOST {
            self.waiting.push(lead);
        } else if let Some((weakest, least)) = self.weakest()
            && least < lead.urgency()
        {
            self.waiting.remove(weakest);
            self.waiting.push(lead);
        }
    }

    /// Whoever was at this address has answered, or not: how it was known, if
    /// it was asked.
    pub(super) fn ended(&mut self, at: SocketAddr) -> Option<Source> {
        let index = self.asked.iter().position(|lead| lead.at == at)?;
        Some(self.asked.swap_remove(index).source)
    }

    /// Where to ask now.
    pub(super) fn poll(
        &mut self,
        now: Duration,
        peers: &PeerTable,
    ) -> Option<(SocketAddr, Source)> {
        while let Some(next) = self.next() {
            let lead = self.waiting[next];
            let is_known = peers.is_at(lead.at);
            if !is_known && !self.tokens.take(now, lead.reserve()) {
                return None;
            }
            self.waiting.remove(next);
            if !is_known {
                self.asked.push(lead);
                return Some((lead.at, lead.source));
            }
        }
        None
    }

    pub(super) fn next_wakeup(&self) -> Duration {
        match self.next() {
            Some(next) => self.tokens.ready(self.waiting[next].reserve()),
            // The end of one of those that are asked wakes us.
            None => Duration::MAX,
        }
    }

    /// The most urgent one, if it may go; of equals, the first that came.
    fn next(&self) -> Option<usize> {
        let leads = self.waiting.iter().enumerate().rev();
        let (index, lead) = leads.max_by_key(|(_, lead)| lead.urgency())?;
        (self.asked.len() < lead.at_once()).then_some(index)
    }

    /// The least urgent one, and how urgent it is; of equals, the first that came.
    fn weakest(&self) -> Option<(usize, u8)> {
        let leads = self.waiting.iter().map(Lead::urgency).enumerate();
        leads.min_by_key(|(_, urgency)| *urgency)
    }
}

impl Lead {
    /// What goes first: what the user says and what has worked before, then what
    /// others say, and last what nobody says.
    fn urgency(&self) -> u8 {
        match self.source {
            Source::Added => 4,
            Source::Remembered => 3,
            Source::Learned | Source::Advertised | Source::Found => 2,
            Source::Introduced => 1,
            Source::Swept => 0,
        }
    }

    /// Below which number of those that are asked it may go.
    fn at_once(&self) -> usize {
        if self.source == Source::Swept { SWEPT_AT_ONCE } else { AT_ONCE }
    }

    /// How many tokens it must leave to others.
    fn reserve(&self) -> u32 {
        if self.source == Source::Swept { BURST - 1 } else { 0 }
    }
}
