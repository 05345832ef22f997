//! Whether an id is taken, before a device keeps it.

use core::net::SocketAddr;

use super::random::Random;
use crate::DeviceId;
use crate::datagram::{Datagram, Kind};
use crate::peers::with_port;

/// The question whether some device uses an id that has just been drawn.
#[derive(Debug)]
pub struct FreshId {
    id: DeviceId,
    boot: u32,
}

impl FreshId {
    /// Asks about `id`; `entropy` tells our question from those of others.
    pub fn new(id: DeviceId, entropy: u64) -> Self {
        Self { id, boot: Random::new(entropy).next() as u32 }
    }

    /// The datagram to send to the group. It has no port: nobody takes the sender
    /// for a device.
    pub fn question(&self) -> Datagram {
        Datagram::new(Kind::Announce, self.id, None, Some(self.boot)).asking(true)
    }

    /// Where a device with this id is, if that is what this datagram says. It is a
    /// claim: the id is taken if the device answers a PING there. Older devices do
    /// not answer the question; they are found only if they just announce
    /// themselves.
    pub fn taken(&self, from: SocketAddr, datagram: &Datagram) -> Option<SocketAddr> {
        let is_other = datagram.id == self.id && datagram.boot != Some(self.boot);
        let port = datagram.port.filter(|_| is_other && datagram.kind != Kind::Bye)?;
        Some(with_port(from, port))
    }
}
