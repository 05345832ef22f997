//! Who is known, and what the user is told of who comes and goes.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use easyhttp_proto::peers::{Heard, PeerTable, Source};
use easyhttp_proto::{DeviceId, Header, introduction, limits};

use super::Node;
use crate::counters::Count;
use crate::error::{Error, Result};
use crate::instant::instant_after;
use crate::lock::lock;
use crate::peer::{Moved, Peer};
use crate::presence::{DuplicateId, PresenceEvent};

impl Node {
    pub(crate) fn peers(&self) -> MutexGuard<'_, PeerTable> {
        lock(&self.peers)
    }

    pub(crate) fn devices(&self) -> Vec<Peer> {
        let now = self.now();
        self.peers().iter().map(|peer| Peer::new(peer, now)).collect()
    }

    pub(crate) fn device(&self, id: DeviceId) -> Option<Peer> {
        self.peers().get(id).map(|peer| Peer::new(peer, self.now()))
    }

    /// Where a device may be, the best address first.
    pub(crate) fn addresses(&self, id: DeviceId) -> Vec<SocketAddr> {
        let peers = self.peers();
        let addresses = peers.get(id).map(|peer| peer.addresses()).unwrap_or_default();
        addresses.iter().map(|address| address.at).collect()
    }

    pub(crate) fn add(&self, id: DeviceId, at: SocketAddr) -> Result<()> {
        if id == self.id {
            return Err(Error::OwnId { id });
        }
        self.peers().add(self.now(), id, at);
        self.heard(id);
        self.peer_heard.notify_waiters();
        Ok(())
    }

    /// Takes the hint of a request about who sent it, and from where.
    pub(crate) fn learn(self: &Arc<Self>, header: &Header, from: SocketAddr) {
        let (Some(id), Some(port)) = (header.sender_id, header.sender_port) else { return };
        let mut at = from;
        at.set_port(port);
        let mut peers = self.peers();
        let heard = peers.hear(self.now(), id, at, Source::Learned);
        self.count_crowd(&peers, from);
        match heard {
            Heard::Joined => self.joined_in(peers, id),
            _ => {
                drop(peers);
                self.heard(id);
            }
        }
    }

    /// A device was heard, or has an address now: what waits for it may go out.
    pub(crate) fn heard(&self, id: DeviceId) {
        self.outbox.heard(id, || self.now());
    }

    /// Counts those that somebody at `from` had no room for, or made go.
    pub(crate) fn count_crowd(&self, peers: &PeerTable, from: SocketAddr) {
        for (count, total) in
            [(Count::PeerDropped, peers.dropped()), (Count::PeerRefused, peers.refused())]
        {
            self.counters.refused_so_far(count, total, from.ip());
        }
    }

    /// Tells whoever waits, and the user, that a device appeared.
    pub(crate) fn joined(&self, id: DeviceId) {
        self.joined_in(self.peers(), id);
    }

    /// The same, for whoever has just changed the table. It stays locked until
    /// this is told: what is told follows each other as the changes do.
    pub(crate) fn joined_in(&self, peers: MutexGuard<'_, PeerTable>, id: DeviceId) {
        let Some(peer) = peers.get(id).map(|peer| Peer::new(peer, self.now())) else { return };
        self.presence.tell(PresenceEvent::Joined(peer.clone()));
        drop(peers);
        self.heard(id);
        self.peer_heard.notify_waiters();
        self.debug(|| format!("device {id} joined: {:?}", peer.addresses));
    }

    pub(crate) fn left(&self, peer: Peer) {
        self.debug(|| format!("device {} left", peer.id));
        self.gone(peer.id, PresenceEvent::Left(peer));
    }

    pub(crate) fn lost(&self, peer: Peer) {
        self.debug(|| format!("device {} is gone", peer.id));
        self.gone(peer.id, PresenceEvent::Lost(peer));
    }

    fn gone(&self, id: DeviceId, event: PresenceEvent) {
        let peers = self.peers();
        self.presence.tell(event);
        // Discovery tells a moment after it changed the table. Who came back
        // in that moment was told to be here before it was told to be gone.
        if peers.get(id).is_some_and(|peer| peer.is_present) {
            self.joined_in(peers, id);
        }
    }

    pub(crate) fn moved(&self, id: DeviceId, from: SocketAddr) {
        let peers = self.peers();
        let Some(peer) = peers.get(id).map(|peer| Peer::new(peer, self.now())) else { return };
        let to = peer.address();
        self.presence.tell(PresenceEvent::Moved(Moved { peer, from }));
        drop(peers);
        self.heard(id);
        self.debug(|| format!("device {id} moved from {from} to {to:?}"));
    }

    /// Another device at `there` uses our id, on the network where we have the
    /// address `here`.
    pub(crate) fn duplicate_id(&self, here: Option<IpAddr>, there: SocketAddr) {
        let here = here.zip(self.port).map(SocketAddr::from);
        let own = here.map(tracing::field::display);
        tracing::warn!(id = %self.id, %there, here = own, "another device uses the id of this one");
        self.presence.tell(PresenceEvent::DuplicateId(DuplicateId { here, there }));
    }

    /// Has a device checked that did not answer.
    pub(crate) fn suspect(&self, id: DeviceId) {
        if let Some(discovery) = &*lock(&self.discovery) {
            discovery.suspect(id);
        }
    }

    /// Waits until `id` is known.
    pub(crate) async fn find(self: &Arc<Self>, id: DeviceId, wait: Duration) -> Result<Peer> {
        if let Some(peer) = self.device(id) {
            return Ok(peer);
        }
        if let Some(discovery) = &*lock(&self.discovery) {
            discovery.search();
        }
        let deadline = instant_after(wait).into();
        loop {
            let heard = self.peer_heard.notified();
            if let Some(peer) = self.device(id) {
                return Ok(peer);
            }
            tokio::select! {
                () = heard => {}
                () = tokio::time::sleep_until(deadline) => return Err(self.unknown(id)),
                () = self.tasks.stopping() => return Err(Error::Stopped),
            }
        }
    }

    pub(crate) fn unknown(&self, id: DeviceId) -> Error {
        let others = self.peers().iter().map(|peer| peer.id).filter(|other| *other != id).collect();
        Error::UnknownDevice { id, seen: others }
    }

    /// How long a call may wait for an unknown device: discovery that has just
    /// started is given a moment.
    pub(crate) fn first_wait(&self) -> Duration {
        lock(&self.discovery).as_ref().map_or(Duration::ZERO, |discovery| {
            limits::FIRST_WAIT.saturating_sub(discovery.running_for())
        })
    }

    /// Keeps what is known of peers for the next run, as long as the folder is ours
    /// alone. It waits for the disk.
    pub(crate) fn remember(&self) {
        let file = lock(&self.file);
        if let (Some(remembered), Some(_)) = (&self.remembered, &*file) {
            remembered.keep(&self.present());
        }
    }

    /// The devices that are here, and where they are asked.
    pub(crate) fn present(&self) -> Vec<(DeviceId, SocketAddr)> {
        introduction::present(&self.peers(), |_| true).map(|(id, at)| (id, at.at)).collect()
    }
}
