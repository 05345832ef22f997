//! What holds for a peer table after anything that can happen to it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::peers::{Goodbye, Peer, PeerTable, Source};
use easyhttp_proto::{DeviceId, limits};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::own_id;

proptest! {
    #[test]
    fn a_peer_table_keeps_its_promises_whatever_happens(
        capacity in 0_usize..5,
        happenings in vec(any_happening(), 1..60),
    ) {
        let mut table = Table::new(capacity);
        for (second, happening) in happenings.into_iter().enumerate() {
            table.apply(Duration::from_secs(second as u64), happening);
            table.check()?;
        }
    }
}

/// What can happen to a table.
#[derive(Debug, Clone)]
enum Happening {
    Add(DeviceId, SocketAddr),
    Remove(DeviceId),
    Hear(DeviceId, SocketAddr, Source),
    Boot(DeviceId, SocketAddr, Option<u32>),
    Confirm(DeviceId, SocketAddr),
    Fail(DeviceId, SocketAddr),
    Mismatch(DeviceId, SocketAddr),
    Leave(DeviceId, SocketAddr, Option<u32>),
}

/// Few devices and few addresses, so that they meet often.
fn any_happening() -> impl Strategy<Value = Happening> {
    use Happening::*;
    let id = || prop_oneof![1 => Just(own_id()), 9 => (0_u8..8).prop_map(other_id)];
    let boot = || option::of(0_u32..2);
    let source = select(&[Source::Introduced, Source::Learned, Source::Found][..]);
    prop_oneof![
        2 => (id(), any_address()).prop_map(|(id, at)| Add(id, at)),
        1 => id().prop_map(Remove),
        6 => (id(), any_claim(), source).prop_map(|(id, at, source)| Hear(id, at, source)),
        2 => (id(), any_address(), boot()).prop_map(|(id, at, boot)| Boot(id, at, boot)),
        4 => (id(), any_address()).prop_map(|(id, at)| Confirm(id, at)),
        2 => (id(), any_address()).prop_map(|(id, at)| Fail(id, at)),
        1 => (id(), any_address()).prop_map(|(id, at)| Mismatch(id, at)),
        1 => (id(), any_address(), boot()).prop_map(|(id, at, boot)| Leave(id, at, boot)),
    ]
}

fn other_id(number: u8) -> DeviceId {
    DeviceId::from_entropy([number; 6])
}

pub(super) fn any_address() -> impl Strategy<Value = SocketAddr> {
    (1_u8..4, 5000_u16..5003).prop_map(|(host, port)| ([10, 0, 0, host], port).into())
}

/// An address as a stranger may claim it.
fn any_claim() -> impl Strategy<Value = SocketAddr> {
    let impossible =
        ["10.0.0.1:0", "0.0.0.0:5000", "224.0.0.106:5000", "[::]:5000", "[ff02::1]:5000"];
    let impossible = impossible.map(|text| text.parse().unwrap());
    prop_oneof![9 => any_address(), 1 => select(impossible.to_vec())]
}

/// A table, and what its user relies on.
struct Table {
    peers: PeerTable,
    capacity: usize,
    added: BTreeSet<DeviceId>,
    working: BTreeMap<DeviceId, SocketAddr>,
}

impl Table {
    fn new(capacity: usize) -> Self {
        let peers = PeerTable::new(own_id(), capacity);
        Self { peers, capacity, added: BTreeSet::new(), working: BTreeMap::new() }
    }

    fn apply(&mut self, now: Duration, happening: Happening) {
        match happening {
            Happening::Add(id, at) => {
                self.peers.add(now, id, at);
                if id != own_id() {
                    self.added.insert(id);
                }
            }
            Happening::Remove(id) => {
                self.peers.remove(id);
                self.added.remove(&id);
            }
            Happening::Hear(id, at, source) => _ = self.peers.hear(now, id, at, source),
            Happening::Boot(id, at, boot) => self.peers.hear_boot(now, id, at, boot),
            Happening::Confirm(id, at) => {
                self.peers.confirm(now, id, at);
                self.working.insert(id, at);
            }
            Happening::Fail(id, at) => {
                self.peers.fail(id, at);
                self.working.retain(|peer, works| (*peer, *works) != (id, at));
            }
            Happening::Mismatch(id, at) => {
                self.peers.mismatch(id, at);
                self.working.retain(|peer, works| (*peer, *works) != (id, at));
            }
            Happening::Leave(id, from, boot) => {
                let before = self.peers.get(id).cloned();
                match self.peers.leave(now, id, from, boot) {
                    // What the user added stays, and may be what works.
                    Goodbye::Left(before) => {
                        let stays = |at| {
                            let mut addresses = before.addresses().iter();
                            addresses.any(|a| (a.at, a.source) == (at, Source::Added))
                        };
                        self.working.retain(|peer, at| *peer != id || stays(*at));
                    }
                    // Nothing goes but what spoke with this number.
                    Goodbye::OneOfTwo => {
                        let goes = |at: &SocketAddr| {
                            let mut addresses = before.iter().flat_map(Peer::addresses);
                            addresses.any(|a| a.at == *at && a.boot() == boot)
                        };
                        self.working.retain(|peer, at| *peer != id || !goes(at));
                    }
                    _ => {}
                }
            }
        }
        self.working.retain(|id, _| self.peers.get(*id).is_some());
    }

    fn check(&self) -> Result<(), TestCaseError> {
        prop_assert!(self.peers.get(own_id()).is_none());
        for id in &self.added {
            prop_assert!(self.peers.get(*id).is_some(), "{id} was added, and is gone");
        }
        // Only what the user added may take more room than there is.
        prop_assert!(self.peers.len() <= self.capacity.max(self.added.len()));
        for peer in self.peers.iter() {
            let addresses = peer.addresses();
            prop_assert!((0..=limits::ADDRESSES).contains(&addresses.len()));
            let distinct: BTreeSet<_> = addresses.iter().map(|address| address.at).collect();
            prop_assert_eq!(distinct.len(), addresses.len());
            for at in distinct {
                let can_be_one = !at.ip().is_multicast() && !at.ip().is_unspecified();
                prop_assert!(can_be_one && at.port() != 0, "{at} cannot be an address");
            }
            // The one that answered counts as such until it fails, and is the first.
            let verified: Vec<_> = addresses.iter().filter(|a| a.verified).map(|a| a.at).collect();
            let works: Vec<_> = self.working.get(&peer.id).copied().into_iter().collect();
            prop_assert_eq!(&verified, &works, "{}", peer.id);
            prop_assert!(works.is_empty() || works[0] == addresses[0].at, "{}", peer.id);
        }
        Ok(())
    }
}
