//! Devices that are heard from another address than the one in use.
//!
//! They moved, or have several addresses, or somebody forges datagrams. Only a
//! PING tells: there, and at the old address.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use crate::DeviceId;
use crate::peers::{Peer, PeerTable};

/// How long a probe waits: a device with several addresses is heard from all of
/// them at almost the same time.
const DELAY: Duration = Duration::from_millis(50);

/// How long after a probe the same device is not probed again.
const PAUSE: Duration = Duration::from_secs(1);

/// How many devices are probed at once. A flood of forged datagrams causes no
/// more requests than these, once a second each.
const MOST: usize = 16;

#[derive(Debug, Default)]
pub(super) struct Probes(Vec<Probe>);

#[derive(Debug)]
struct Probe {
    id: DeviceId,
    at: SocketAddr,
    heard: Duration,
    /// When it is done; afterwards, when it is forgotten.
    due: Duration,
    is_done: bool,
}

impl Probes {
    /// A device was heard from `at`.
    pub(super) fn hear(&mut self, now: Duration, id: DeviceId, at: SocketAddr, peers: &PeerTable) {
        self.0.retain(|probe| !probe.is_done || now < probe.due);
        let is_in_use = peers.get(id).is_some_and(|peer| peer.is_in_use(at));
        let is_probed = self.0.iter().any(|probe| probe.id == id);
        if !is_in_use && !is_probed && self.0.len() < MOST {
            self.0.push(Probe { id, at, heard: now, due: now + DELAY, is_done: false });
        }
    }

    /// A device to PING at this address, and at the one in use.
    pub(super) fn poll(
        &mut self,
        now: Duration,
        peers: &PeerTable,
    ) -> Option<(DeviceId, SocketAddr)> {
        loop {
            let probe = self.0.iter_mut().find(|probe| !probe.is_done && probe.due <= now)?;
            probe.is_done = true;
            probe.due = now + PAUSE;
            // One that is heard from the address in use as well has several.
            let has_moved = |peer: &Peer| !peer.is_heard_in_use(probe.heard);
            if peers.get(probe.id).is_some_and(has_moved) {
                return Some((probe.id, probe.at));
            }
        }
    }

    pub(super) fn next_wakeup(&self) -> Duration {
        let waiting = self.0.iter().filter(|probe| !probe.is_done);
        waiting.map(|probe| probe.due).min().unwrap_or(Duration::MAX)
    }
}
