//! The memory of pushes on disk, for a device that is to know after a restart what it has
//! done before.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use easyhttp_proto::pushes::{Entry, Mark, Memory, PushKey, PushOutcome, State};
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition, TableError};
use tokio::sync::{oneshot, watch};

use super::AfterCrash;
use crate::counters::{Count, Counters};
use crate::error::StartError;
use crate::lock::lock;
use crate::outbox::{Failure, open_or_make};
use crate::tasks::ForDisk;

/// Who sent a push, its key, the fingerprint of its data, when it began in seconds since
/// 1970, and what became of it with the text that belongs to that.
const PUSHES: TableDefinition<u64, Row> = TableDefinition::new("pushes");
type Row = (&'static str, &'static str, u64, u64, u8, &'static str);

const NUMBERS: TableDefinition<&str, u64> = TableDefinition::new("numbers");

/// The name of the memory, and how far it has come.
const NAME: &str = "name";
const COUNT: &str = "count";
const FORGOTTEN: &str = "forgotten";

/// What the tables mean. Another number means something else.
const FORMAT: &str = "format";
const THIS_FORMAT: u64 = 1;

/// What became of a push, in a row.
const RUNS: u8 = 0;
const ACCEPTED: u8 = 1;
const REFUSED: u8 = 2;
const REFUSED_WITH_REASON: u8 = 3;
const FAILED: u8 = 4;

/// The file of a memory.
pub(super) struct Disk {
    path: PathBuf,
    after_crash: AfterCrash,
    tasks: ForDisk,
    counters: Arc<Counters>,
    /// When the clock of the memory was at zero, in seconds since 1970.
    zero: u64,
    file: Mutex<File>,
    /// How far the memory on it has come.
    count: AtomicU64,
    waiting: Mutex<Waiting>,
    /// How many writes are over.
    written: watch::Sender<u64>,
}

enum File {
    /// The last write failed.
    NotOpen,
    Open(Database),
    /// The device has stopped.
    Closed,
}

/// What is to be written, which may wait for what is being written.
#[derive(Default)]
struct Waiting {
    writes: Vec<Write>,
    /// What came of handlers that the disk did not take. It has another chance with each
    /// that is written.
    untaken: Vec<Write>,
    /// How many were ever asked for.
    asked: u64,
    is_writing: bool,
}

/// An entry as it is now, and how far the memory has come.
struct Write {
    number: u64,
    entry: Entry,
    count: u64,
    forgotten: u64,
    told: Option<oneshot::Sender<bool>>,
}

impl Disk {
    /// Opens the file, which is made if it is not there, and reads the memory in it. One
    /// that is new gets this name.
    pub(super) fn open(
        path: &Path,
        after_crash: AfterCrash,
        tasks: ForDisk,
        counters: &Arc<Counters>,
        name: u64,
        capacity: usize,
    ) -> Result<(Arc<Self>, Memory), StartError> {
        let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let zero = today.saturating_sub(super::EARLIER.as_secs());
        let opened = open_or_make(path).and_then(|database| {
            let memory = read(&database, zero, name, capacity)?;
            Ok((database, memory))
        });
        let failed = |source| StartError::Pushes { path: path.to_owned(), source };
        let (database, memory) = opened.map_err(failed)?;
        let disk = Self {
            path: path.to_owned(),
            after_crash,
            tasks,
            counters: Arc::clone(counters),
            zero,
            file: Mutex::new(File::Open(database)),
            count: AtomicU64::new(memory.mark().count),
            waiting: Mutex::default(),
            written: watch::Sender::new(0),
        };
        Ok((Arc::new(disk), memory))
    }

    /// Notes that a handler is about to begin, if that has to be on disk first. What this
    /// gives says whether it is.
    pub(super) fn begin(
        self: &Arc<Self>,
        memory: &Memory,
        number: u64,
    ) -> Option<oneshot::Receiver<bool>> {
        let (told, written) = oneshot::channel();
        let is_first = self.after_crash == AfterCrash::Unknown;
        is_first.then(|| self.write(memory, number, Some(told)))?;
        Some(written)
    }

    /// Notes what came of a handler.
    pub(super) fn end(self: &Arc<Self>, memory: &Memory, number: u64) {
        self.write(memory, number, None);
    }

    /// How many pushes are known to have begun, after a crash as well.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Waits until all that was noted so far is on disk, or the disk did not take it. What
    /// came of a handler is true either way, so it is answered: what is lost is that it is
    /// known after a crash.
    pub(super) async fn settle(&self) {
        let asked = lock(&self.waiting).asked;
        // It fails when the device is gone.
        let _ = self.written.subscribe().wait_for(|written| *written >= asked).await;
    }

    /// Has an entry written, with all others that come while the disk is busy.
    fn write(self: &Arc<Self>, memory: &Memory, number: u64, told: Option<oneshot::Sender<bool>>) {
        let Some(entry) = memory.get(number).cloned() else { return };
        let (count, forgotten) = (memory.mark().count, memory.forgotten());
        let mut waiting = lock(&self.waiting);
        waiting.writes.push(Write { number, entry, count, forgotten, told });
        waiting.asked += 1;
        if !std::mem::replace(&mut waiting.is_writing, true) {
            let disk = Arc::clone(self);
            self.tasks.spawn(move || while disk.write_waiting() {});
        }
    }

    /// Commits what waits. It waits for the disk.
    pub(super) fn commit(&self) {
        {
            let mut waiting = lock(&self.waiting);
            let untaken = std::mem::take(&mut waiting.untaken);
            waiting.writes.splice(..0, untaken);
        }
        while self.write_waiting() {}
    }

    /// The same, and closes the file.
    pub(super) fn close(&self) {
        if !matches!(*lock(&self.file), File::Closed) {
            self.commit();
            *lock(&self.file) = File::Closed;
        }
    }

    /// Writes what waits. Gives whether there was anything.
    fn write_waiting(&self) -> bool {
        let mut file = lock(&self.file);
        let (mut writes, asked) = {
            let mut waiting = lock(&self.waiting);
            waiting.is_writing = !waiting.writes.is_empty();
            if !waiting.is_writing {
                return false;
            }
            // What is written last is what counts.
            let mut writes = std::mem::take(&mut waiting.untaken);
            writes.append(&mut waiting.writes);
            (writes, waiting.asked)
        };
        let written = self.write_to(&mut file, &writes);
        let told: Vec<_> = writes.iter_mut().filter_map(|write| write.told.take()).collect();
        if let Err(error) = &written {
            let what = format_args!("{}: {error}", self.path.display());
            self.counters.refuse(Count::PushesNotNoted, what);
            let forgotten = forgotten(&writes);
            writes.retain(|write| {
                write.number > forgotten && matches!(write.entry.state, State::Ended(_))
            });
            lock(&self.waiting).untaken = writes;
        }
        drop(file);
        for told in told {
            let _ = told.send(written.is_ok());
        }
        self.written.send_replace(asked);
        true
    }

    /// After a failure the file is opened anew: the disk may have room again.
    fn write_to(&self, file: &mut File, writes: &[Write]) -> Result<(), Failure> {
        if let File::NotOpen = file {
            *file = File::Open(open_or_make(&self.path)?);
        }
        let File::Open(database) = file else { return Err("the device has stopped".into()) };
        let count = write(database, self.zero, writes).inspect_err(|_| *file = File::NotOpen)?;
        self.count.store(count, Ordering::Relaxed);
        Ok(())
    }
}

/// Gives how far the memory on disk has come.
fn write(database: &Database, zero: u64, writes: &[Write]) -> Result<u64, Failure> {
    let writing = database.begin_write()?;
    let count = writes.iter().map(|write| write.count).max().unwrap_or_default();
    {
        let mut pushes = writing.open_table(PUSHES)?;
        let mut numbers = writing.open_table(NUMBERS)?;
        for Write { number, entry, .. } in writes {
            let (state, text) = match &entry.state {
                State::Runs | State::Lost => (RUNS, ""),
                State::Ended(PushOutcome::Accepted) => (ACCEPTED, ""),
                State::Ended(PushOutcome::Refused(None)) => (REFUSED, ""),
                State::Ended(PushOutcome::Refused(Some(why))) => (REFUSED_WITH_REASON, &**why),
                State::Ended(PushOutcome::Failed(text)) => (FAILED, &**text),
            };
            let sender = entry.sender.as_ref().map_or("", |id| id.as_str());
            let began = zero.saturating_add(entry.begun.as_secs());
            let key = entry.key.to_string();
            pushes.insert(number, (sender, &*key, entry.fingerprint, began, state, text))?;
        }
        let forgotten = forgotten(writes);
        pushes.retain_in(..=forgotten, |_, _| false)?;
        numbers.insert(FORGOTTEN, forgotten)?;
        numbers.insert(COUNT, count)?;
    }
    writing.commit()?;
    Ok(count)
}

fn forgotten(writes: &[Write]) -> u64 {
    writes.iter().map(|write| write.forgotten).max().unwrap_or_default()
}

/// The memory as it was. What ran then is lost.
fn read(database: &Database, zero: u64, name: u64, capacity: usize) -> Result<Memory, Failure> {
    let reading = database.begin_read()?;
    let (numbers, pushes) = match reading.open_table(NUMBERS) {
        Ok(numbers) => (numbers, reading.open_table(PUSHES)?),
        Err(TableError::TableDoesNotExist(_)) => return make(database, name, capacity),
        Err(error) => return Err(error.into()),
    };
    let number = |name| -> Result<u64, Failure> {
        Ok(numbers.get(name)?.map_or(0, |number| number.value()))
    };
    match number(FORMAT)? {
        THIS_FORMAT => {}
        other => return Err(format!("it has the format {other}, of a later version").into()),
    }
    let mut entries = Vec::new();
    for row in pushes.iter()? {
        let (number, row) = row?;
        let (sender, key, fingerprint, began, state, text) = row.value();
        let outcome = match state {
            RUNS => None,
            ACCEPTED => Some(PushOutcome::Accepted),
            REFUSED => Some(PushOutcome::Refused(None)),
            REFUSED_WITH_REASON => Some(PushOutcome::Refused(Some(text.to_owned()))),
            _ => Some(PushOutcome::Failed(text.to_owned())),
        };
        // A clock that was set back makes nothing younger than now.
        let begun = Duration::from_secs(began.saturating_sub(zero)).min(super::EARLIER);
        let entry = Entry {
            sender: (!sender.is_empty()).then(|| sender.parse()).transpose()?,
            key: PushKey::read(key.as_bytes())?,
            fingerprint,
            begun,
            state: outcome.map_or(State::Lost, State::Ended),
        };
        entries.push((number.value(), entry));
    }
    let mark = Mark { name: number(NAME)?, count: number(COUNT)? };
    Ok(Memory::restore(mark, number(FORGOTTEN)?, capacity, entries))
}

fn make(database: &Database, name: u64, capacity: usize) -> Result<Memory, Failure> {
    let writing = database.begin_write()?;
    writing.open_table(PUSHES)?;
    {
        let mut numbers = writing.open_table(NUMBERS)?;
        numbers.insert(FORMAT, THIS_FORMAT)?;
        numbers.insert(NAME, name)?;
    }
    writing.commit()?;
    Ok(Memory::new(name, capacity))
}
