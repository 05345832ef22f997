//! What waits, in memory and on disk.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use easyhttp_proto::outbox::{self, Action, Attempt, Item, Next, Sent};
use easyhttp_proto::{DeviceId, limits};
use tokio::sync::{Notify, oneshot};

use super::door::{self, Door};
use super::driver;
use super::file::Failure;
use super::item::OutboxItem;
use super::kept::{restore, seconds, shown, unix_time};
use super::store::{Change, Kept, Store};
use crate::error::{Error, Result, StartError};
use crate::lock::lock;
use crate::node::Node;
use crate::settings::{Identity, LONGEST, Settings};

/// The outbox of a device.
pub(crate) struct Keeper {
    /// None: the device has no file beside which it could be.
    path: Option<PathBuf>,
    machine: Mutex<outbox::Outbox>,
    /// Locked as long as the disk takes, and never while the machine is.
    disk: Mutex<Disk>,
    writes: Mutex<Writes>,
    /// Whether anything waits, for those who only want to know that nothing does.
    has_items: AtomicBool,
    /// How other programs of the machine may ask.
    door: Option<Door>,
    /// Wakes the task that delivers.
    pub(super) changed: Notify,
    /// Wakes those who wait until everything was tried.
    settled: Notify,
}

enum Disk {
    /// Not open: nothing was ever put in, or the last attempt to write failed.
    NotOpen,
    Open(Store),
    /// The device has stopped.
    Closed,
}

/// What is to be written, which may wait for what is being written.
#[derive(Default)]
struct Writes {
    waiting: Vec<(Change, Option<Told>)>,
    is_writing: bool,
    is_driven: bool,
}

/// Whoever waits until a change is on disk.
type Told = Box<dyn FnOnce(Result<()>) + Send>;

impl Keeper {
    /// Opens the file if there is one.
    pub(crate) fn open(
        settings: &Settings,
        now: Duration,
    ) -> std::result::Result<Self, StartError> {
        let path = settings.outbox.clone().or_else(|| settings.beside("outbox"));
        if let Identity::File(device_file) = &settings.identity {
            door::sweep(device_file);
        }
        let limits = &settings.limits;
        let mut machine = outbox::Outbox::new(limits.outbox_items, limits.outbox_bytes);
        let mut disk = Disk::NotOpen;
        if let Some(path) = &path
            && path.try_exists().unwrap_or(true)
        {
            let store = Store::open(path).and_then(|store| {
                restore(&store, &mut machine, now)?;
                Ok(store)
            });
            let failed = |source| StartError::Outbox { path: path.clone(), source };
            disk = Disk::Open(store.map_err(failed)?);
        }
        Ok(Self {
            path,
            has_items: AtomicBool::new(!machine.is_empty()),
            machine: Mutex::new(machine),
            disk: Mutex::new(disk),
            writes: Mutex::default(),
            door: None,
            changed: Notify::new(),
            settled: Notify::new(),
        })
    }

    /// Lets other programs of the machine ask for what is here, if it belongs to a device
    /// file. The device does without if that cannot be.
    pub(crate) fn let_in(&mut self, settings: &Settings, listens_at: SocketAddr) {
        let Identity::File(device_file) = &settings.identity else { return };
        match Door::open(device_file, listens_at) {
            Ok(door) => self.door = Some(door),
            Err(error) => tracing::warn!(%error, "other programs cannot use the outbox"),
        }
    }

    /// Whether this is the token that other programs have to show.
    pub(crate) fn knows(&self, token: &[u8]) -> bool {
        self.door.as_ref().is_some_and(|door| door.knows(token))
    }

    /// Lets nobody in any more.
    pub(crate) fn shut(&self) {
        self.door.iter().for_each(Door::close);
    }

    /// Delivers what an earlier run has left.
    pub(crate) fn start(&self, node: &Arc<Node>) {
        if self.has_items.load(Ordering::Relaxed) {
            self.drive(node);
        }
    }

    /// Has a task deliver what waits, from now on.
    fn drive(&self, node: &Arc<Node>) {
        let is_driven = std::mem::replace(&mut lock(&self.writes).is_driven, true);
        if !is_driven && !node.tasks.is_stopping() {
            node.tasks.spawn_service(driver::run(Arc::clone(node)));
        }
        self.changed.notify_one();
    }

    /// A device was heard, or has an address now.
    pub(crate) fn heard(&self, id: DeviceId, now: impl FnOnce() -> Duration) {
        // Each request, answer and datagram comes by here.
        if self.has_items.load(Ordering::Relaxed) {
            self.machine().heard(now(), id);
            self.changed.notify_one();
        }
    }

    /// Commits what is not on disk yet, and closes the file. It waits for the disk.
    pub(crate) fn close(&self) {
        let mut disk = lock(&self.disk);
        let writes = std::mem::take(&mut lock(&self.writes).waiting);
        self.write_to(&mut disk, writes);
        *disk = Disk::Closed;
        drop(disk);
        self.settled.notify_waiters();
    }

    // ---- for the user ----

    pub(super) async fn push(
        &self,
        node: &Arc<Node>,
        to: DeviceId,
        json: String,
        lifetime: Duration,
    ) -> Result<u64> {
        if self.path.is_none() {
            return Err(Error::NoOutbox);
        }
        let lifetime = lifetime.min(LONGEST);
        let bytes = json.len();
        let number = lock(&self.machine).reserve(bytes).map_err(Error::OutboxFull)?;
        let expires = node.now() + lifetime;
        let item = Item { to, bytes, expires, tries: 0, may_have_arrived: false };
        let change =
            Change::Add { number, to, came: unix_time(), lifetime: seconds(lifetime), json };
        let (sender, written) = oneshot::channel();
        // What is on disk goes out, whether somebody still waits for this or not.
        let there = Arc::clone(node);
        let told = move |result: Result<()>| {
            let keeper = &there.outbox;
            match &result {
                Ok(()) => {
                    lock(&keeper.machine).insert(there.now(), number, item);
                    keeper.has_items.store(true, Ordering::Relaxed);
                    keeper.drive(&there);
                }
                Err(_) => lock(&keeper.machine).release(bytes),
            }
            let _ = sender.send(result);
        };
        self.write(node, change, Some(Box::new(told)));
        written.await.unwrap_or(Err(Error::Stopped)).map(|()| number)
    }

    pub(super) async fn cancel(&self, node: &Arc<Node>, number: u64) -> Result<bool> {
        let canceled = self.machine().cancel(number).is_some();
        if canceled {
            let (sender, written) = oneshot::channel();
            let told = move |result| _ = sender.send(result);
            self.write(node, Change::Remove(number), Some(Box::new(told)));
            // A flush may have waited for it.
            self.settled.notify_waiters();
            written.await.unwrap_or(Err(Error::Stopped))?;
        }
        Ok(canceled)
    }

    /// The items behind this number, or as many of them as have no more bytes than these,
    /// but at least one.
    pub(super) async fn list(
        &self,
        node: &Arc<Node>,
        behind: u64,
        most: usize,
    ) -> Result<Vec<OutboxItem>> {
        let mut bytes = 0_usize;
        let items: Vec<_> = self
            .machine()
            .iter()
            .filter(|(number, _)| *number > behind)
            .take_while(|(_, item)| {
                let is_first = bytes == 0;
                bytes = bytes.saturating_add(item.bytes + limits::ENVELOPE);
                is_first || bytes <= most
            })
            .map(|(number, item)| (number, item.clone()))
            .collect();
        let numbers = items.iter().map(|(number, _)| *number).collect();
        let mut kept = self.read(node, numbers).await?;
        let now = node.now();
        // One that is gone in the meantime is not told.
        let told = |(number, item): (u64, Item)| {
            kept.remove(&number).map(|kept| shown(now, number, &item, kept.json))
        };
        Ok(items.into_iter().filter_map(told).collect())
    }

    pub(super) async fn flush(&self, node: &Arc<Node>) -> Result<usize> {
        self.machine().flush(node.now());
        self.changed.notify_one();
        loop {
            let settled = self.settled.notified();
            {
                let machine = self.machine();
                if !machine.is_flushing() {
                    return Ok(machine.len());
                }
            }
            tokio::select! {
                () = settled => {}
                () = node.tasks.stopping() => return Err(Error::Stopped),
            }
        }
    }

    // ---- for the tasks that deliver ----

    fn machine(&self) -> MutexGuard<'_, outbox::Outbox> {
        lock(&self.machine)
    }

    pub(super) fn poll(&self, now: Duration) -> (Option<Action>, Option<Duration>) {
        let mut machine = self.machine();
        let action = machine.poll(now);
        if let Some(Action::Expired(..)) = action {
            self.settled.notify_waiters();
        }
        self.has_items.store(!machine.is_empty(), Ordering::Relaxed);
        (action, machine.next_wakeup())
    }

    pub(super) fn begin(&self, now: Duration, id: DeviceId) -> Option<Next> {
        self.machine().begin(now, id)
    }

    pub(super) fn upcoming(&self, id: DeviceId) -> Vec<Next> {
        self.machine().upcoming(id, limits::OUTBOX_BATCH)
    }

    pub(super) fn end(&self, now: Duration, number: u64, attempt: Attempt) -> Sent {
        self.machine().end(now, number, attempt)
    }

    /// A device's turn is over.
    pub(super) fn turn_ended(&self) {
        self.changed.notify_one();
        self.settled.notify_waiters();
    }

    /// Those of these items that are on disk.
    pub(super) async fn read(
        &self,
        node: &Arc<Node>,
        numbers: Vec<u64>,
    ) -> Result<BTreeMap<u64, Kept>> {
        if numbers.is_empty() {
            return Ok(BTreeMap::new());
        }
        let (sender, read) = oneshot::channel();
        let there = Arc::clone(node);
        node.tasks.spawn_blocking(move || {
            let keeper = &there.outbox;
            let mut disk = lock(&keeper.disk);
            let read = keeper.with_store(&mut disk, |store| store.read(&numbers));
            let _ = sender.send(read.map(|items| items.into_iter().collect()));
        });
        read.await.unwrap_or(Err(Error::Stopped))
    }

    /// Writes down the keys with which items are about to be sent.
    pub(super) async fn set_keys(&self, node: &Arc<Node>, keys: Vec<(u64, String)>) -> Result<()> {
        let (sender, written) = oneshot::channel();
        let told = move |result| _ = sender.send(result);
        self.write(node, Change::SetKeys(keys), Some(Box::new(told)));
        written.await.unwrap_or(Err(Error::Stopped))
    }

    /// Removes what is done, and gives its place back. If that is lost, it is sent again
    /// with the same key.
    pub(super) fn remove(&self, node: &Arc<Node>, number: u64, bytes: usize) {
        self.machine().release(bytes);
        self.write(node, Change::Remove(number), None);
    }

    // ---- the disk ----

    /// Has a change written, together with all others that come while the disk is busy.
    fn write(&self, node: &Arc<Node>, change: Change, told: Option<Told>) {
        let mut writes = lock(&self.writes);
        writes.waiting.push((change, told));
        if std::mem::replace(&mut writes.is_writing, true) {
            return;
        }
        drop(writes);
        let there = Arc::clone(node);
        node.tasks.spawn_blocking(move || {
            let keeper = &there.outbox;
            loop {
                let mut disk = lock(&keeper.disk);
                let waiting = {
                    let mut writes = lock(&keeper.writes);
                    writes.is_writing = !writes.waiting.is_empty();
                    std::mem::take(&mut writes.waiting)
                };
                if waiting.is_empty() {
                    return;
                }
                keeper.write_to(&mut disk, waiting);
            }
        });
    }

    fn write_to(&self, disk: &mut Disk, writes: Vec<(Change, Option<Told>)>) {
        if writes.is_empty() {
            return;
        }
        let changes = writes.iter().map(|(change, _)| change);
        let written = self.with_store(disk, |store| store.apply(changes));
        for (_, told) in writes {
            let Some(told) = told else { continue };
            told(match &written {
                Ok(()) => Ok(()),
                // Each of those who wait gets one of its own.
                Err(Error::Outbox { path, source }) => {
                    Err(Error::Outbox { path: path.clone(), source: source.to_string().into() })
                }
                Err(_) => Err(Error::Stopped),
            });
        }
    }

    /// Uses the file, which is opened or made if need be. After a failure it is opened
    /// anew: the disk may have room again.
    fn with_store<T>(
        &self,
        disk: &mut Disk,
        work: impl FnOnce(&Store) -> std::result::Result<T, Failure>,
    ) -> Result<T> {
        let path = self.path();
        let failed = |source| Error::Outbox { path: path.clone(), source };
        if let Disk::NotOpen = disk {
            *disk = Disk::Open(Store::open_or_make(&path).map_err(failed)?);
        }
        match disk {
            Disk::Open(store) => match work(store) {
                Ok(done) => Ok(done),
                Err(failure) => {
                    tracing::warn!(path = %path.display(), %failure, "the outbox cannot be used");
                    *disk = Disk::NotOpen;
                    Err(failed(failure))
                }
            },
            Disk::NotOpen | Disk::Closed => Err(Error::Stopped),
        }
    }

    fn path(&self) -> PathBuf {
        self.path.clone().unwrap_or_default()
    }
}
