//! A running device: what both faces share.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use easyhttp_proto::exchange::{Event, Speaker};
use easyhttp_proto::limits;
use easyhttp_proto::peers::{Heard, PeerTable, Source};
use easyhttp_proto::retry;
use easyhttp_proto::secure::PublicKey;
use easyhttp_proto::{DeviceId, Header, introduction};
use tokio::net::TcpListener;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::answer::Returned;
use crate::budget::Budget;
use crate::client::Client;
use crate::counters::{Count, Counters};
use crate::deadline::Deadlines;
use crate::device_file::DeviceFile;
use crate::discovery::{self, Remembered};
use crate::error::{Error, Result, Words};
use crate::handler::{Callback, Handler, Handlers};
use crate::instant::instant_after;
use crate::lock::lock;
use crate::outbox::Keeper;
use crate::peer::{Moved, Peer};
use crate::presence::{self, Announcer, DuplicateId, IdentityChanged, PresenceEvent};
use crate::pushes::{Pushes, Recording};
use crate::random::Random;
use crate::request::Request;
use crate::secure::{Impostor, IntoNetworkKey, Secure, keyring};
use crate::settings::Settings;
use crate::tasks::{Ended, Started, Tasks};
use crate::turns::Turns;

/// A running device.
pub(crate) struct Node {
    pub(crate) id: DeviceId,
    /// The port on which it answers. None if it only asks.
    pub(crate) port: Option<u16>,
    pub(crate) settings: Settings,
    pub(crate) client: Client,
    /// None: it has no network key.
    pub(crate) secure: Option<Arc<Secure>>,
    /// Whose turn it is to call a device.
    pub(crate) turns: Turns,
    pub(crate) tasks: Tasks,
    /// What is left for large bodies.
    pub(crate) bodies: Arc<Budget>,
    /// The pushes that wait for their devices.
    pub(crate) outbox: Keeper,
    /// What has happened, counted.
    pub(crate) counters: Arc<Counters>,
    pub(crate) handlers: Handlers,
    pub(crate) listener: Mutex<Option<TcpListener>>,
    pub(crate) discovery: Mutex<Option<discovery::Running>>,
    pub(crate) file: Mutex<Option<DeviceFile>>,
    /// The peers of the last run, and for the next one.
    pub(crate) remembered: Option<Remembered>,
    pub(crate) peers: Mutex<PeerTable>,
    /// Woken when a peer enters the table.
    pub(crate) peer_heard: Notify,
    /// Where the user is told who comes and goes.
    pub(crate) presence: Announcer,
    /// The PUSHes that have come.
    pub(crate) pushes: Arc<Pushes>,
    pub(crate) random: Random,
    /// How much may be sent again.
    pub(crate) retries: Mutex<retry::Budget>,
    /// How many handlers may still start.
    pub(crate) slots: Arc<Semaphore>,
    /// Until when those that run are waited for.
    pub(crate) deadlines: Deadlines,
    /// What the clock of the peer table counts from.
    pub(crate) started: Instant,
}

impl Node {
    // ---- peers ----

    /// The time by the clock of the peer table.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

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

    /// The address at which the device answers, which may be all. None if it
    /// only asks.
    pub(crate) fn answers_at(&self) -> Option<IpAddr> {
        let listener = lock(&self.listener);
        listener.as_ref().and_then(|listener| listener.local_addr().ok()).map(|at| at.ip())
    }

    pub(crate) fn has_discovery(&self) -> bool {
        lock(&self.discovery).is_some()
    }

    pub(crate) async fn interfaces(&self) -> Vec<discovery::Interface> {
        let reported = lock(&self.discovery).as_ref().map(discovery::Running::report);
        match reported {
            Some(reported) => reported.await.unwrap_or_default(),
            None => Vec::new(),
        }
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

    /// Whether somebody who has shown this key, or none, is not the device that had the
    /// id first. The user is told.
    pub(crate) fn is_impostor(
        &self,
        id: DeviceId,
        from: SocketAddr,
        shown: Option<PublicKey>,
    ) -> bool {
        let Some(secure) = &self.secure else { return false };
        self.is_found_out(id, from, secure.check_identity(id, shown))
    }

    /// The same of somebody who did not do what it was asked. A key that is shown with that
    /// does not become the device's.
    pub(crate) fn rejects_as_impostor(
        &self,
        id: DeviceId,
        from: SocketAddr,
        shown: Option<PublicKey>,
    ) -> bool {
        let Some(secure) = &self.secure else { return false };
        self.is_found_out(id, from, secure.compare_identity(id, shown))
    }

    fn is_found_out(
        &self,
        id: DeviceId,
        from: SocketAddr,
        checked: std::result::Result<(), Impostor>,
    ) -> bool {
        let Err(impostor) = checked else { return false };
        self.counters.refuse(Count::IdentityChanged, from);
        if impostor.is_news {
            tracing::warn!(%id, %from, "a device has another key than before");
            self.presence.tell(PresenceEvent::IdentityChanged(IdentityChanged { id, from }));
        }
        true
    }

    pub(crate) fn set_network_keys<K: IntoNetworkKey>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<()> {
        match (&self.secure, keyring(keys)?) {
            (Some(secure), Some(keys)) => {
                secure.replace_keys(keys);
                Ok(())
            }
            _ => Err(Error::NoNetworkKey),
        }
    }

    // ---- handlers ----

    pub(crate) fn insert_handler(self: &Arc<Self>, handler: Handler) {
        self.handlers.insert(handler);
        if self.handlers.are_of_presence() {
            presence::have_handlers_called(self);
        }
    }

    /// Runs a handler and waits for what it returns. None: too many run.
    pub(crate) async fn run<A: Send + 'static>(
        &self,
        event: Event,
        callback: Callback<A>,
        argument: A,
    ) -> Option<Returned> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        Some(self.run_in(event, slot, callback, argument, None).await)
    }

    /// The same in a place that is free; what it returns is noted as well.
    pub(crate) async fn run_in<A: Send + 'static>(
        &self,
        event: Event,
        slot: OwnedSemaphorePermit,
        callback: Callback<A>,
        argument: A,
        recording: Option<Recording>,
    ) -> Returned {
        self.counters.add(Count::HandlerRun);
        let ended = match self.start_handler(callback, argument, Some(slot), recording).await {
            Started::Ended(ended) => Some(ended),
            // When the limit passes, the handler runs on, and keeps its slot.
            Started::Runs(handler) => self.deadlines.within(handler.end()).await,
        };
        let (count, error) = match ended {
            Some(Ended::Returned(returned)) => match returned.within(self.settings.limits.body) {
                Returned::Failed(error) => (Count::HandlerFailed, error),
                returned => return returned,
            },
            Some(Ended::Panicked) => (Count::HandlerPanicked, Returned::PANICKED.to_owned()),
            Some(Ended::Dropped) => return Returned::Failed("the device is stopping".to_owned()),
            None => {
                let limit = self.settings.limits.handler;
                (Count::HandlerTimedOut, format!("it did not finish within {limit:?}"))
            }
        };
        tracing::debug!(?event, error = %Words(&error), "a handler failed");
        self.counters.refuse(count, format_args!("{event:?}: {error}"));
        match count {
            // It runs on.
            Count::HandlerTimedOut => Returned::Unfinished(error),
            _ => Returned::Failed(error),
        }
    }

    /// Runs a handler to its end, so that the next one comes after it. It takes
    /// no slot: there is one of these at a time.
    pub(crate) async fn run_in_turn<A: Send + 'static>(
        &self,
        callback: Option<Callback<A>>,
        argument: A,
    ) {
        let Some(callback) = callback else { return };
        let ended = match self.start_handler(callback, argument, None, None).await {
            Started::Ended(ended) => ended,
            Started::Runs(handler) => handler.end().await,
        };
        if let Ended::Panicked = ended {
            self.counters.refuse(Count::HandlerPanicked, "a presence event");
        }
    }

    async fn start_handler<A: Send + 'static>(
        &self,
        callback: Callback<A>,
        argument: A,
        slot: Option<OwnedSemaphorePermit>,
        recording: Option<Recording>,
    ) -> Started<Returned> {
        let note = |recording: Option<Recording>, returned| {
            recording.into_iter().for_each(|recording| recording.end(&returned));
            returned
        };
        match callback {
            Callback::Plain(closure) => self.tasks.start_blocking_handler(move || {
                let (_slot, recording) = (slot, recording);
                let returned = closure(argument);
                note(recording, returned)
            }),
            Callback::Async(closure) => {
                let handler = || match recording {
                    None => closure(argument),
                    recording => {
                        let running = closure(argument);
                        Box::pin(async move { note(recording, running.await) })
                    }
                };
                self.tasks.start_handler(slot, handler).await
            }
        }
    }

    /// Runs the handler of a request that needs no answer from it, without
    /// waiting.
    pub(crate) fn notify(
        self: &Arc<Self>,
        event: Event,
        callback: Option<Callback<Request>>,
        request: Request,
    ) {
        let Some(callback) = callback else { return };
        if self.tasks.is_stopping() {
            return;
        }
        let node = Arc::clone(self);
        self.tasks.spawn(async move {
            let from = request.from;
            if node.run(event, callback, request).await.is_none() {
                node.counters.refuse(Count::HandlersBusy, from);
            }
        });
    }

    /// Tells the handler of an answer to a call of ours.
    pub(crate) fn notify_answer(self: &Arc<Self>, event: Event, request: impl FnOnce() -> Request) {
        if let Some(handler) = self.handlers.on(event) {
            self.notify(event, Some(handler), request());
        }
    }

    // ---- messages ----

    /// Who speaks, for the header of a message.
    pub(crate) fn speaker(&self) -> Speaker {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Speaker::new(self.id, self.port, i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
    }

    /// Whether anybody sees what [`debug`](Self::debug) says.
    pub(crate) fn is_watched(&self) -> bool {
        self.settings.debug || tracing::enabled!(tracing::Level::DEBUG)
    }

    /// Says what happens, as the Python package does: to `tracing` always, and
    /// to standard error if `debug` is set.
    pub(crate) fn debug(&self, text: impl Fn() -> String) {
        tracing::debug!("{}", text());
        if self.settings.debug {
            #[allow(clippy::print_stderr)] // What the setting is for.
            {
                eprintln!("easyhttp: {}", text());
            }
        }
    }
}
