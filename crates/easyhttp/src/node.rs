//! A running device: what both faces share.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use easyhttp_proto::exchange::{Event, Speaker};
use easyhttp_proto::limits;
use easyhttp_proto::peers::{Heard, PeerTable, Source};
use easyhttp_proto::{DeviceId, Header};
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

use crate::client::Client;
use crate::device_file::DeviceFile;
use crate::discovery;
use crate::error::{Error, Result, StartError};
use crate::handler::{Callback, Handlers, Returned, Set};
use crate::peer::Peer;
use crate::request::Request;
use crate::server;
use crate::settings::{Identity, Settings};
use crate::tasks::Tasks;

/// A running device.
pub(crate) struct Node {
    pub(crate) id: DeviceId,
    /// The port on which it answers. None if it only asks.
    pub(crate) port: Option<u16>,
    pub(crate) settings: Settings,
    pub(crate) client: Client,
    pub(crate) tasks: Tasks,
    pub(crate) handlers: Handlers,
    pub(crate) listener: Mutex<Option<TcpListener>>,
    pub(crate) discovery: Mutex<Option<discovery::Running>>,
    peers: Mutex<PeerTable>,
    /// Woken when a peer enters the table.
    peer_heard: Notify,
    /// How many handlers may still start.
    slots: Arc<Semaphore>,
    /// What the clock of the peer table counts from.
    started: Instant,
    file: Mutex<Option<DeviceFile>>,
}

impl Node {
    /// Starts a device on the current runtime. When this returns, its port
    /// answers.
    pub(crate) async fn start(settings: Settings, handlers: Set) -> Result<Arc<Self>> {
        let file = match &settings.identity {
            Identity::File(path) => Some(DeviceFile::lock(path)?),
            Identity::Fixed(_) => None,
        };
        let stored = file.as_ref().map(DeviceFile::read).transpose()?.flatten();
        let listener = match settings.listen {
            Some(at) => Some(server::listen(at.into()).await?),
            None => None,
        };
        let port = listener.as_ref().and_then(|l| l.local_addr().ok()).map(|at| at.port());
        let id = match (&settings.identity, stored) {
            (Identity::Fixed(id), _) => *id,
            (Identity::File(_), Some(id)) => id,
            (Identity::File(_), None) => new_id()?,
        };
        if let (Some(file), None) = (&file, stored) {
            file.write(id, port.unwrap_or_default())?;
        }

        let node = Arc::new(Self {
            id,
            port,
            client: Client::new(&settings.limits),
            tasks: Tasks::new(Handle::current()),
            handlers: Handlers::new(handlers),
            listener: Mutex::new(listener),
            discovery: Mutex::new(None),
            peers: Mutex::new(PeerTable::new(id, settings.limits.peers)),
            peer_heard: Notify::new(),
            slots: Arc::new(Semaphore::new(settings.limits.handlers)),
            started: Instant::now(),
            file: Mutex::new(file),
            settings,
        });
        if port.is_some() {
            node.tasks.spawn_service(server::accept(Arc::clone(&node)));
        }
        if node.settings.discovery {
            node.start_discovery().inspect_err(|_| node.halt())?;
        }
        node.debug(|| match port {
            Some(port) => format!("device {id} answers on port {port}"),
            None => format!("device {id} only asks"),
        });
        Ok(node)
    }

    /// Frees the port and the device file and takes no more work, at once and
    /// whoever calls it.
    pub(crate) fn halt(&self) {
        self.tasks.stop();
        lock(&self.listener).take();
        lock(&self.discovery).take();
        lock(&self.file).take();
        self.client.close();
    }

    /// Stops, and waits for what runs.
    pub(crate) async fn stop(self: Arc<Self>, inside_handler: bool) {
        self.halt();
        self.tasks.wait(self.settings.limits.stop, inside_handler).await;
        // A handler may hold a handle of this device: without this, neither
        // would ever be freed.
        self.handlers.clear();
        self.debug(|| format!("device {} has stopped", self.id));
    }

    pub(crate) fn start_discovery(self: &Arc<Self>) -> Result<()> {
        if self.tasks.is_stopping() {
            return Err(Error::Stopped);
        }
        let mut running = lock(&self.discovery);
        if running.is_none() {
            *running = Some(discovery::start(self)?);
        }
        Ok(())
    }

    pub(crate) fn stop_discovery(&self) {
        lock(&self.discovery).take();
    }

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

    pub(crate) fn add(&self, id: DeviceId, at: SocketAddr) {
        self.peers().add(id, at);
        self.peer_heard.notify_waiters();
    }

    /// Takes the hint of a request about who sent it, and from where.
    pub(crate) fn learn(self: &Arc<Self>, header: &Header, from: SocketAddr) {
        let (Some(id), Some(port)) = (header.sender_id, header.sender_port) else { return };
        let at = SocketAddr::new(from.ip(), port);
        if self.peers().hear(self.now(), id, at, Source::Learned) == Heard::New {
            self.joined(id);
        }
    }

    /// Tells whoever waits, and the user, that a device appeared.
    pub(crate) fn joined(self: &Arc<Self>, id: DeviceId) {
        self.peer_heard.notify_waiters();
        if let Some(peer) = self.device(id) {
            self.debug(|| format!("device {id} joined: {:?}", peer.addresses));
            self.notify(self.handlers.joined(), peer);
        }
    }

    pub(crate) fn left(self: &Arc<Self>, peer: Peer) {
        self.debug(|| format!("device {} left", peer.id));
        self.notify(self.handlers.left(), peer);
    }

    /// Waits until `id` is known.
    pub(crate) async fn find(self: &Arc<Self>, id: DeviceId, wait: Duration) -> Result<Peer> {
        let unknown =
            || Error::UnknownDevice { id, seen: self.peers().iter().map(|peer| peer.id).collect() };
        if let Some(peer) = self.device(id) {
            return Ok(peer);
        }
        if let Some(discovery) = &*lock(&self.discovery) {
            discovery.search();
        }
        let deadline = tokio::time::Instant::now() + wait;
        loop {
            let heard = self.peer_heard.notified();
            if let Some(peer) = self.device(id) {
                return Ok(peer);
            }
            tokio::select! {
                () = heard => {}
                () = tokio::time::sleep_until(deadline) => return Err(unknown()),
                () = self.tasks.stopping() => return Err(Error::Stopped),
            }
        }
    }

    /// How long a call may wait for an unknown device: discovery that has just
    /// started is given a moment.
    pub(crate) fn first_wait(&self) -> Duration {
        lock(&self.discovery).as_ref().map_or(Duration::ZERO, |discovery| {
            limits::FIRST_WAIT.saturating_sub(discovery.running_for())
        })
    }

    // ---- handlers ----

    /// Runs a handler and waits for what it returns. None: too many run.
    pub(crate) async fn run<A: Send + 'static>(
        &self,
        callback: Callback<A>,
        argument: A,
    ) -> Option<Returned> {
        let slot = Arc::clone(&self.slots).try_acquire_owned().ok()?;
        let task = match callback {
            Callback::Plain(closure) => self.tasks.spawn_blocking_handler(move || {
                let _slot = slot;
                closure(argument)
            }),
            Callback::Async(closure) => self.tasks.spawn_handler(async move {
                let _slot = slot;
                closure(argument).await
            }),
        };
        let limit = self.settings.limits.handler;
        // When the limit passes, the handler runs on, and keeps its slot.
        Some(match tokio::time::timeout(limit, task).await {
            Ok(Ok(returned)) => returned,
            Ok(Err(error)) if error.is_panic() => Returned::Failed("it panicked".to_owned()),
            Ok(Err(_)) => Returned::Failed("the device is stopping".to_owned()),
            Err(_) => Returned::Failed(format!("it did not finish within {limit:?}")),
        })
    }

    /// Runs the handler of something that wants no answer, without waiting.
    pub(crate) fn notify<A: Send + 'static>(
        self: &Arc<Self>,
        callback: Option<Callback<A>>,
        argument: A,
    ) {
        let Some(callback) = callback else { return };
        if self.tasks.is_stopping() {
            return;
        }
        let node = Arc::clone(self);
        self.tasks.spawn(async move {
            if node.run(callback, argument).await.is_none() {
                tracing::warn!("an event was not told: all handlers are busy");
            }
        });
    }

    /// Tells the handler of an answer to a call of ours.
    pub(crate) fn notify_answer(self: &Arc<Self>, event: Event, request: Request) {
        self.notify(self.handlers.on(event), request);
    }

    // ---- messages ----

    /// Who speaks, for the header of a message.
    pub(crate) fn speaker(&self) -> Speaker {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Speaker::new(self.id, self.port, i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
    }

    /// Says what happens, as the seed's `debug` does: to `tracing` always, and
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

/// Locks, also after a panic elsewhere: nothing here is left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A fresh id from the randomness of the system.
pub(crate) fn new_id() -> std::result::Result<DeviceId, StartError> {
    let mut entropy = [0; DeviceId::LEN];
    getrandom::fill(&mut entropy).map_err(StartError::Randomness)?;
    Ok(DeviceId::from_entropy(entropy))
}
