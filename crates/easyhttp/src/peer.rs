//! A device that is known, as the user sees it.

use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::peers::{self, Source};

/// A device that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Peer {
    /// Its name.
    pub id: DeviceId,
    /// Where it may be, the address that is asked first in front.
    pub addresses: Vec<SocketAddr>,
    /// How it became known.
    pub source: Source,
    /// The version of the protocol that it says it speaks. None if it was not
    /// heard yet.
    pub version: Option<String>,
    /// How long ago it was last heard. None if it was only added.
    pub last_seen: Option<Duration>,
}

/// A device that answers at another address than before.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Moved {
    /// The device, with the new address in front.
    pub peer: Peer,
    /// Where it was.
    pub from: SocketAddr,
}

impl Peer {
    pub(crate) fn new(peer: &peers::Peer, now: Duration) -> Self {
        Self {
            id: peer.id,
            addresses: peer.addresses().iter().map(|address| address.at).collect(),
            source: peer.source(),
            version: peer.version.clone(),
            last_seen: peer.last_seen.map(|seen| now.saturating_sub(seen)),
        }
    }

    /// The address that is asked first.
    pub fn address(&self) -> Option<SocketAddr> {
        self.addresses.first().copied()
    }
}
