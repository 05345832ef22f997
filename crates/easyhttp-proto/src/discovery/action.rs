//! What comes out of discovery.

use core::net::SocketAddr;

use crate::DeviceId;
use crate::datagram::Datagram;
use crate::peers::{Peer, Source};

/// What the driver has to do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Action {
    /// Send this datagram to the group, on every interface, by IPv4 and by IPv6.
    /// If it asks, answers are to be expected.
    Announce(Datagram),
    /// Send this datagram to this address.
    Answer(SocketAddr, Datagram),
    /// PING this device wherever it may be, and report by
    /// [`Discovery::pinged`](super::Discovery::pinged): it is silent, or is an
    /// older one that learns us only from a request.
    Ping(DeviceId),
    /// PING this device at this address, and at the one in use; report by
    /// [`Discovery::probed`](super::Discovery::probed). It may have moved.
    Probe(DeviceId, SocketAddr),
    /// PING whoever is at this address, without naming a recipient, and report
    /// by [`Discovery::asked`](super::Discovery::asked).
    Ask {
        /// Where.
        at: SocketAddr,
        /// How the address became known.
        source: Source,
    },
    /// Ask the device at this address for those that it knows, and give each of
    /// their addresses to [`Discovery::lead`](super::Discovery::lead) as [`Source::Introduced`].
    Introduce(SocketAddr),
    /// Tell the user that this device has appeared.
    Joined(DeviceId),
    /// Tell the user that this device said goodbye.
    Left(Peer),
    /// Tell the user that this device is gone, without a goodbye.
    Lost(Peer),
    /// Tell the user that this device answers at another address now.
    Moved {
        /// The device.
        id: DeviceId,
        /// Where it was.
        from: SocketAddr,
        /// Where it is.
        to: SocketAddr,
    },
    /// Tell the user that another device uses our id, and answers at this address.
    DuplicateId(SocketAddr),
}

/// What came of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Probed {
    /// The device answered at the new address only.
    There,
    /// It answered at both.
    Both,
    /// It did not answer at the new address.
    Nowhere,
}
