//! How a device starts, and how it stops.

use std::net::{IpAddr, Shutdown};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use easyhttp_proto::DeviceId;
use easyhttp_proto::peers::PeerTable;
use easyhttp_proto::retry;
use socket2::SockRef;
use tokio::runtime::Handle;
use tokio::sync::{Notify, Semaphore};

use crate::budget::Budget;
use crate::client::Client;
use crate::counters::Counters;
use crate::deadline::Deadlines;
use crate::device_file::DeviceFile;
use crate::discovery::Remembered;
use crate::error::{Error, Result, StartError};
use crate::handler::{Handlers, Set};
use crate::lock::lock;
use crate::node::Node;
use crate::outbox::Keeper;
use crate::presence::{self, Announcer};
use crate::pushes::Pushes;
use crate::random::Random;
use crate::secure::Secure;
use crate::settings::{Identity, Settings};
use crate::tasks::Tasks;
use crate::turns::Turns;
use crate::{discovery, server};

impl Node {
    /// Starts a device on the current runtime. When this returns, its port
    /// answers.
    pub(crate) async fn start(mut settings: Settings, handlers: Set) -> Result<Arc<Self>> {
        let file = match &settings.identity {
            Identity::File(path) => Some(once_free(MOMENT, || DeviceFile::lock(path)).await?),
            Identity::Fixed(_) => None,
        };
        let wait = settings.limits.stop + MOMENT;
        let mut outbox = once_free(wait, || Keeper::open(&settings, Duration::ZERO)).await?;
        let random = Random::new().map_err(StartError::Randomness)?;
        let tasks = Tasks::new(Handle::current());
        let name = random.next();
        let counters = Arc::new(Counters::new());
        let pushes = || Pushes::open(&settings, &tasks, &counters, name);
        let pushes = once_free(wait, pushes).await?;
        let secure = Secure::start(&settings.secure, settings.limits.nonces)?;
        let stored = file.as_ref().map(DeviceFile::read).transpose()?.flatten();
        let listener = match settings.listen {
            Some((address, port)) => Some(server::listen(address, port)?),
            None => None,
        };
        let address = listener.as_ref().and_then(|listener| listener.local_addr().ok());
        let port = address.map(|at| at.port());
        let id = match (&settings.identity, stored) {
            (Identity::Fixed(id), _) => *id,
            (Identity::File(_), Some(id)) => id,
            (Identity::File(_), None) => {
                free_id(&settings, &secure, address.map(|at| at.ip())).await?
            }
        };
        if let (Some(file), None) = (&file, stored) {
            file.write(id, port.unwrap_or_default())?;
        }

        if let Some(address) = address {
            outbox.let_in(&settings, address);
        }
        settings.host_names.push(discovery::host_name(id));
        let node = Arc::new(Self {
            id,
            port,
            client: Client::new(&settings.limits, secure.clone()),
            secure,
            turns: Turns::new(),
            tasks,
            outbox,
            bodies: Arc::new(Budget::new(settings.limits.bodies)),
            counters,
            handlers: Handlers::new(handlers),
            listener: Mutex::new(listener),
            discovery: Mutex::new(None),
            peers: Mutex::new(PeerTable::new(id, settings.limits.peers)),
            peer_heard: Notify::new(),
            presence: Announcer::new(),
            pushes,
            random,
            retries: Mutex::new(retry::Budget::new(Duration::ZERO)),
            slots: Arc::new(Semaphore::new(settings.limits.handlers)),
            deadlines: Deadlines::default(),
            started: Instant::now(),
            file: Mutex::new(file),
            remembered: Remembered::of(&settings.identity),
            settings,
        });
        if node.handlers.are_of_presence() {
            presence::have_handlers_called(&node);
        }
        if port.is_some() {
            node.tasks.spawn_service(server::accept(Arc::clone(&node)));
        }
        if node.settings.discovery {
            node.start_discovery().inspect_err(|_| {
                node.halt();
                node.close_files();
            })?;
        }
        node.outbox.start(&node);
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
        if let Some(listener) = lock(&self.listener).take() {
            // Closing alone does not free the port while a child process that is
            // just being started has our files.
            let _ = SockRef::from(&listener).shutdown(Shutdown::Both);
        }
        lock(&self.discovery).take();
        self.remember();
        self.outbox.shut();
        lock(&self.file).take();
        self.client.close();
        self.presence.close();
    }

    /// Commits what is to be on disk. It waits for that.
    fn close_files(&self) {
        self.outbox.close();
        self.pushes.close();
    }

    /// The same, but leaves a file open for those handlers that run: they are answered,
    /// so what comes of them has to be known. Gives whether there are any.
    fn close_files_but_running(&self) -> bool {
        let is_running = self.pushes.is_running();
        if is_running {
            self.outbox.close();
            self.pushes.commit();
        } else {
            self.close_files();
        }
        is_running
    }

    /// Stops, waits for what runs, and gives the handlers to be dropped where
    /// they may be: one of them may hold a handle of this device, and without
    /// this neither would ever be freed.
    pub(crate) async fn stop(self: Arc<Self>, inside_handler: bool) -> Set {
        self.halt();
        self.tasks.wait(self.settings.limits.stop, inside_handler).await;
        if !inside_handler {
            self.close_files();
        } else if self.close_files_but_running() {
            // As long as stopping waits for them elsewhere.
            let node = Arc::clone(&self);
            self.tasks.spawn_detached(async move {
                node.tasks.wait(node.settings.limits.stop, false).await;
                node.close_files();
            });
        }
        self.debug(|| format!("device {} has stopped", self.id));
        self.handlers.take()
    }

    /// Stops, when nobody can wait for it.
    pub(crate) fn stop_behind(self: &Arc<Self>) {
        self.halt();
        self.close_files_but_running();
        let (node, runtime) = (Arc::clone(self), self.tasks.runtime().clone());
        self.tasks.spawn_detached(async move {
            let handlers = node.stop(true).await;
            runtime.spawn_blocking(move || drop(handlers));
        });
    }

    pub(crate) fn start_discovery(self: &Arc<Self>) -> Result<()> {
        let mut running = lock(&self.discovery);
        // Asked under the lock, as stopping empties it.
        if self.tasks.is_stopping() {
            return Err(Error::Stopped);
        }
        if running.is_none() {
            *running = Some(discovery::start(self)?);
        }
        Ok(())
    }

    pub(crate) fn stop_discovery(&self) {
        lock(&self.discovery).take();
    }
}

/// How long files are waited for that a program has, and no device.
const MOMENT: Duration = Duration::from_secs(1);

/// Between two looks at them.
const PAUSE: Duration = Duration::from_millis(10);

/// Opens a file, for which it waits if somebody is about to let go of it: a program that
/// changes the outbox, or a device that was dropped and whose handlers still run.
async fn once_free<T>(
    wait: Duration,
    mut open: impl FnMut() -> std::result::Result<T, StartError>,
) -> std::result::Result<T, StartError> {
    let begun = Instant::now();
    loop {
        match open() {
            Err(error) if error.is_passing() && begun.elapsed() < wait => {
                tokio::time::sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
}

/// How often an id is drawn that others have, before one is kept all the same:
/// somebody who answers to every id must not keep a device from starting.
const DRAWS: usize = 3;

/// A fresh id that no device of this network has, as far as one can see.
async fn free_id(
    settings: &Settings,
    secure: &Option<Arc<Secure>>,
    answers_at: Option<IpAddr>,
) -> std::result::Result<DeviceId, StartError> {
    let mut id = new_id()?;
    for _ in 1..DRAWS {
        if !settings.discovery || !discovery::is_taken(id, settings, secure, answers_at).await? {
            break;
        }
        id = new_id()?;
    }
    Ok(id)
}

/// A fresh id from the randomness of the system.
pub(crate) fn new_id() -> std::result::Result<DeviceId, StartError> {
    let mut entropy = [0; DeviceId::LEN];
    getrandom::fill(&mut entropy).map_err(StartError::Randomness)?;
    Ok(DeviceId::from_entropy(entropy))
}
