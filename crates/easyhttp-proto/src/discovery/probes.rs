//! Devices that are heard from another address than the one in use.
//!
//! They moved, or have several addresses, or somebody forges datagrams. Only a
//! PING tells: there, and at the old address.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use super::action::{Action, Probed};
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

/// How often it is looked whether both of two devices with one id are still heard.
const LOOK: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Probes {
    probes: Vec<Probe>,
    /// Ids that two devices use, and when they are looked at next.
    watched: Vec<(DeviceId, Duration)>,
}

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
        self.probes.retain(|probe| !probe.is_done || now < probe.due);
        // Most have said the same from the address in use a moment ago: then there is
        // nothing to wait for.
        let is_there = |peer: &Peer| {
            peer.is_in_use(at) || (peer.is_heard_in_use(now, at) && !peer.is_better(at))
        };
        if peers.get(id).is_some_and(is_there) {
            return;
        }
        // All that hear two devices with one id would ask both of them at each
        // announcement. That both are there is known; what counts is their silence.
        if peers.get(id).is_some_and(|peer| peer.is_twin(now, at)) {
            return self.watch(now, id, peers);
        }
        let has_room = self.probes.len() < MOST;
        match self.probes.iter_mut().find(|probe| probe.id == id) {
            // Between equals IPv4 goes first, in whichever order they are heard.
            Some(probe) if !probe.is_done && probe.at.is_ipv6() && at.is_ipv4() => probe.at = at,
            None if has_room => {
                self.probes.push(Probe { id, at, heard: now, due: now + DELAY, is_done: false });
            }
            _ => {}
        }
    }

    /// A device to PING at this address, and at the one in use.
    pub(super) fn poll(
        &mut self,
        now: Duration,
        peers: &PeerTable,
    ) -> Option<(DeviceId, SocketAddr)> {
        if let Some(silent) = self.look(now, peers) {
            return Some(silent);
        }
        loop {
            let probe = self.probes.iter_mut().find(|probe| !probe.is_done && probe.due <= now)?;
            probe.is_done = true;
            probe.due = now + PAUSE;
            // One that is heard from the address in use as well has several.
            let is_to_ask = |peer: &Peer| {
                !peer.is_heard_in_use(probe.heard, probe.at) || peer.is_better(probe.at)
            };
            if peers.get(probe.id).is_some_and(is_to_ask) {
                return Some((probe.id, probe.at));
            }
        }
    }

    /// What a probe has found decides whether the device is asked at `at` from now on, or
    /// whether there are two.
    pub(super) fn ended(
        &mut self,
        now: Duration,
        id: DeviceId,
        at: SocketAddr,
        found: Probed,
        peers: &mut PeerTable,
        actions: &mut VecDeque<Action>,
    ) {
        let Some(peer) = peers.get(id) else { return };
        let from = peer.addresses().first().map(|first| first.at);
        let are_two = peer.twins(now).is_some();
        let is_heard = from.is_some_and(|from| peer.is_heard_at_both(now, from, at));
        let is_better = peer.is_better(at);
        if found != Probed::Nowhere {
            peers.answered_at(now, id, at);
        }
        match (found, from) {
            (Probed::Both, Some(from)) if is_better => {
                peers.confirm(now, id, at);
                actions.push_back(Action::Moved { id, from, to: at });
            }
            (Probed::Both, Some(from)) => {
                peers.answered_at(now, id, from);
                peers.is_at_both(now, id, [from, at]);
                self.watch(now, id, peers);
            }
            (Probed::There, Some(from)) if is_heard => {
                peers.is_at_both(now, id, [from, at]);
                self.watch(now, id, peers);
            }
            // It is asked again before it counts as gone.
            (Probed::There | Probed::Nowhere, _) if are_two => {}
            (Probed::There, Some(from)) if from != at => {
                if peers.confirm(now, id, at) {
                    actions.push_back(Action::Joined(id));
                }
                peers.fail(id, from);
                actions.push_back(Action::Moved { id, from, to: at });
            }
            (Probed::Nowhere, _) => peers.fail(id, at),
            _ => {}
        }
    }

    pub(super) fn next_wakeup(&self) -> Duration {
        let waiting = self.probes.iter().filter(|probe| !probe.is_done).map(|probe| probe.due);
        let looks = self.watched.iter().map(|(_, due)| *due);
        waiting.chain(looks).min().unwrap_or(Duration::MAX)
    }

    /// A device was heard from, or answered at, two addresses: there may be two.
    fn watch(&mut self, now: Duration, id: DeviceId, peers: &PeerTable) {
        let are_two = peers.get(id).is_some_and(|peer| peer.twins(now).is_some());
        let is_watched = self.watched.iter().any(|(watched, _)| *watched == id);
        if are_two && !is_watched && self.watched.len() < MOST {
            self.watched.push((id, now + LOOK));
        }
    }

    /// One of two devices with one id that has been silent for so long that it is
    /// to be asked.
    fn look(&mut self, now: Duration, peers: &PeerTable) -> Option<(DeviceId, SocketAddr)> {
        self.watched.retain(|(id, _)| peers.get(*id).is_some_and(|peer| peer.twins(now).is_some()));
        self.watched.iter_mut().filter(|(_, due)| *due <= now).find_map(|(id, due)| {
            *due = now + LOOK;
            Some((*id, peers.get(*id)?.silent_twin(now)?))
        })
    }
}
