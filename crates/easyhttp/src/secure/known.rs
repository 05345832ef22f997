//! What is known of the secure side of other devices.

use std::net::SocketAddr;

use easyhttp_proto::limits;
use easyhttp_proto::secure::{Epoch, KeyId};

/// In which epochs others take requests, by their address: it is one of their
/// process, not of their id. A wrong one costs a request, nothing else.
///
/// Sorted: most of what is learned is known, and a tree would be several times as much
/// code.
#[derive(Default)]
pub(super) struct Known(Vec<(SocketAddr, Epoch, KeyId)>);

impl Known {
    pub(super) fn learn(&mut self, at: SocketAddr, epoch: Epoch, key: KeyId) {
        let learned = (at, epoch, key);
        match self.place(at) {
            Ok(place) => self.0[place] = learned,
            Err(place) if self.0.len() < limits::PEERS => self.0.insert(place, learned),
            // Whoever has the next address has to make room.
            Err(place) => self.0[place.min(limits::PEERS - 1)] = learned,
        }
    }

    pub(super) fn of(&self, at: SocketAddr) -> Option<(Epoch, KeyId)> {
        let (_, epoch, key) = self.0[self.place(at).ok()?];
        Some((epoch, key))
    }

    fn place(&self, at: SocketAddr) -> Result<usize, usize> {
        self.0.binary_search_by_key(&at, |(at, ..)| *at)
    }
}
