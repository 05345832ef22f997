//! The open connections, and which of them makes way for the next.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::counters::Count;
use crate::lock::lock;

/// Which share of the connections counts as new. Of those, one whose address has no more
/// than addresses have on average does not make way if another one can: whoever has just
/// come has had no time to ask yet, however many others crowd in.
const NEW_ONES: usize = 4;

/// The open connections, in the order in which they came.
#[derive(Default)]
pub(super) struct Connections {
    open: Arc<Mutex<Open>>,
    /// Told when one is closed.
    pub(super) closed: Arc<Notify>,
}

#[derive(Default)]
struct Open {
    next: u64,
    requests: Arc<AtomicU64>,
    states: BTreeMap<u64, Arc<State>>,
    /// How many each address has.
    addresses: HashMap<IpAddr, usize>,
}

/// One of the open connections, until it is dropped.
pub(super) struct Place {
    number: u64,
    pub(super) state: Arc<State>,
    open: Arc<Mutex<Open>>,
    closed: Arc<Notify>,
}

pub(super) struct State {
    from: IpAddr,
    phase: AtomicU8,
    /// The number of the request that it completed last, of all connections. 0
    /// before the first one.
    completed: AtomicU64,
    /// How many requests all connections completed.
    requests: Arc<AtomicU64>,
    evicted: Notify,
    /// Set before that is told.
    is_evicted: AtomicBool,
}

/// What is done on a connection.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u8)]
pub(super) enum Phase {
    /// A request is waited for.
    Waiting,
    /// Its body is being read.
    Receiving,
    /// A request is being answered.
    Answering,
    /// The answer is being sent.
    Sending,
}

/// How many connections there may be.
#[derive(Clone, Copy)]
pub(super) struct Room {
    pub(super) in_all: usize,
    pub(super) per_address: usize,
}

impl State {
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    /// A request was answered.
    pub(super) fn complete(&self) {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        self.completed.store(number, Ordering::Relaxed);
    }

    /// What goes last is worth the most; None: it stays, as it is being answered. Its
    /// address has `count` connections, and `is_newcomer` says that it may have had no
    /// time to ask.
    ///
    /// First goes what has not completed a request, then what was idle for longest,
    /// and both of whoever has the most. Who sends a body has completed nothing by
    /// that, whatever came before: otherwise one request would buy a place for good.
    fn worth(&self, count: usize, is_newcomer: bool) -> Option<(u8, Reverse<usize>, u64)> {
        let completed = self.completed.load(Ordering::Relaxed);
        let rank = match self.phase() {
            Phase::Answering => return None,
            Phase::Waiting | Phase::Receiving if completed == 0 => 2 * u8::from(is_newcomer),
            Phase::Waiting | Phase::Receiving | Phase::Sending => 1,
        };
        Some((rank, Reverse(count), completed))
    }

    /// Returns when the connection is to make way.
    pub(super) async fn evicted(&self) {
        self.evicted.notified().await;
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.is_evicted.load(Ordering::Acquire)
    }

    /// Whether this is not the first request on the connection.
    pub(super) fn has_completed(&self) -> bool {
        self.completed.load(Ordering::Relaxed) > 0
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            phase if phase == Phase::Receiving as u8 => Phase::Receiving,
            phase if phase == Phase::Answering as u8 => Phase::Answering,
            phase if phase == Phase::Sending as u8 => Phase::Sending,
            _ => Phase::Waiting,
        }
    }
}

impl Connections {
    /// Registers a connection. If there are too many of its address, or in all,
    /// another one makes way. If all of those are being answered, this one is not
    /// taken, and is counted as this.
    pub(super) fn enter(&self, from: IpAddr, room: Room) -> Result<Entered, Count> {
        let mut open = lock(&self.open);
        let own = open.addresses.get(&from).copied().unwrap_or_default();
        let evicted = if own >= room.per_address {
            let is_own = |state: &State| state.from == from;
            open.evict(is_own).ok_or(Count::AddressConnectionRefused)?;
            Some(Count::AddressConnectionEvicted)
        } else if open.states.len() >= room.in_all {
            open.evict(|_| true).ok_or(Count::ConnectionRefused)?;
            Some(Count::ConnectionEvicted)
        } else {
            None
        };
        let number = open.next;
        open.next += 1;
        *open.addresses.entry(from).or_default() += 1;
        let state = Arc::new(State {
            from,
            phase: AtomicU8::new(Phase::Waiting as u8),
            completed: AtomicU64::new(0),
            requests: Arc::clone(&open.requests),
            evicted: Notify::new(),
            is_evicted: AtomicBool::new(false),
        });
        open.states.insert(number, Arc::clone(&state));
        let (open, closed) = (Arc::clone(&self.open), Arc::clone(&self.closed));
        Ok(Entered { place: Place { number, state, open, closed }, evicted })
    }

    /// Has the one make way that is worth the least, for something else than a
    /// connection.
    pub(super) fn evict(&self) -> bool {
        lock(&self.open).evict(|_| true).is_some()
    }
}

/// A connection that was taken, and as what the one counts that made way for it.
pub(super) struct Entered {
    pub(super) place: Place,
    pub(super) evicted: Option<Count>,
}

impl Open {
    /// Closes the one that is worth the least of these.
    fn evict(&mut self, may_go: impl Fn(&State) -> bool) -> Option<()> {
        let fair = (self.states.len() / self.addresses.len().max(1)).max(1);
        let old = self.states.len() - self.states.len() / NEW_ONES;
        let states = self.states.values().enumerate();
        let states = states.map(|(index, state)| (state, index >= old)).zip(self.states.keys());
        let worths = states.filter(|((state, _), _)| may_go(state)).filter_map(
            |((state, is_new), number)| {
                let count = self.addresses.get(&state.from).copied().unwrap_or_default();
                Some((state.worth(count, is_new && count <= fair)?, *number))
            },
        );
        let (_, number) = worths.min()?;
        let state = self.forget(number)?;
        state.is_evicted.store(true, Ordering::Release);
        state.evicted.notify_one();
        Some(())
    }

    fn forget(&mut self, number: u64) -> Option<Arc<State>> {
        let state = self.states.remove(&number)?;
        if let Some(count) = self.addresses.get_mut(&state.from) {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&state.from);
            }
        }
        Some(state)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.open).forget(self.number);
        self.closed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: Room = Room { in_all: 4, per_address: 3 };

    fn host(number: u8) -> IpAddr {
        [10, 0, 0, number].into()
    }

    /// Lets these in, one after the other.
    fn crowd(connections: &Connections, hosts: &[u8]) -> Vec<Place> {
        hosts.iter().map(|number| enter(connections, *number).unwrap().place).collect()
    }

    fn enter(connections: &Connections, number: u8) -> Result<Entered, Count> {
        connections.enter(host(number), ROOM)
    }

    /// Which of these has made way.
    fn gone(places: &[Place]) -> Vec<usize> {
        let is_open = |place: &Place| lock(&place.open).states.contains_key(&place.number);
        (0..places.len()).filter(|index| !is_open(&places[*index])).collect()
    }

    fn completes(place: &Place) {
        place.state.complete();
    }

    #[test]
    fn the_oldest_of_the_greediest_makes_way() {
        let connections = Connections::default();
        let places = crowd(&connections, &[1, 2, 2, 3]);
        let entered = enter(&connections, 4).unwrap();
        assert_eq!(entered.evicted, Some(Count::ConnectionEvicted));
        assert_eq!(gone(&places), [1]);
    }

    #[test]
    fn who_has_completed_a_request_goes_after_those_who_have_not() {
        let connections = Connections::default();
        let places = crowd(&connections, &[2, 2, 2, 1]);
        places[..3].iter().for_each(completes);
        places[3].state.enter(Phase::Receiving);
        // The one that is alone at its address has just come.
        let _first = enter(&connections, 3).unwrap();
        assert_eq!(gone(&places), [0]);
        // Now it had its time, and then the one goes that is idle for longest.
        let second = enter(&connections, 4).unwrap();
        assert_eq!(gone(&places), [0, 3]);
        completes(&second.place);
        completes(&places[1]);
    }

    #[test]
    fn another_connection_of_a_modest_address_is_not_closed_before_it_could_ask() {
        let connections = Connections::default();
        let room = Room { in_all: 8, per_address: 8 };
        let enter = |number| connections.enter(host(number), room).unwrap().place;
        let places: Vec<_> = [1, 1, 1, 1, 1, 1, 2].map(enter).into_iter().collect();
        places.iter().for_each(completes);
        let newcomer = enter(2);
        // Those that crowd in make way for each other.
        let _crowd = [enter(1), enter(1)];
        assert!(gone(&[newcomer]).is_empty());
        assert_eq!(gone(&places).len(), 1);
    }

    #[test]
    fn one_request_does_not_buy_a_place_for_slow_bodies() {
        let connections = Connections::default();
        let places = crowd(&connections, &[1, 2, 3, 4]);
        for place in &places {
            completes(place);
            place.state.enter(Phase::Receiving);
        }
        assert!(enter(&connections, 5).is_ok());
        assert_eq!(gone(&places), [0]);
    }

    #[test]
    fn what_is_being_answered_stays() {
        let connections = Connections::default();
        let places = crowd(&connections, &[1, 1, 1, 2]);
        places.iter().for_each(|place| place.state.enter(Phase::Answering));
        assert_eq!(enter(&connections, 3).err(), Some(Count::ConnectionRefused));
        assert_eq!(enter(&connections, 1).err(), Some(Count::AddressConnectionRefused));
        assert!(gone(&places).is_empty());
    }

    #[test]
    fn an_address_with_too_many_makes_way_for_itself() {
        let connections = Connections::default();
        let places = crowd(&connections, &[2, 1, 1, 1]);
        let entered = enter(&connections, 1).unwrap();
        assert_eq!(entered.evicted, Some(Count::AddressConnectionEvicted));
        assert_eq!(gone(&places), [1]);
        drop((places, entered));
        assert!(lock(&connections.open).addresses.is_empty());
    }
}
