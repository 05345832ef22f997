//! What is known of the secure side of other devices.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use easyhttp_proto::limits;
use easyhttp_proto::secure::{Epoch, KeyId};

/// In which epochs others take requests, by their address: it is one of their
/// process, not of their id. A wrong one costs a request, nothing else.
#[derive(Default)]
pub(super) struct Known(BTreeMap<SocketAddr, (Epoch, KeyId)>);

impl Known {
    pub(super) fn learn(&mut self, at: SocketAddr, epoch: Epoch, key: KeyId) {
        if self.0.len() >= limits::PEERS && !self.0.contains_key(&at) {
            self.0.pop_first();
        }
        self.0.insert(at, (epoch, key));
    }

    pub(super) fn of(&self, at: SocketAddr) -> Option<(Epoch, KeyId)> {
        self.0.get(&at).copied()
    }
}
