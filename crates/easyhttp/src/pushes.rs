//! PUSHes with a key: each is run once, and whoever sends it again gets what came of it.
//!
//! What is remembered, and for how long, is the protocol's
//! ([`easyhttp_proto::pushes`]). Here is who runs it, and who waits.

#[cfg_attr(not(feature = "outbox"), path = "pushes/no_disk.rs")]
mod disk;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use easyhttp_proto::exchange::{Event, Outcome};
use easyhttp_proto::json::Json;
use easyhttp_proto::pushes::{Found, Mark, Memory, PushKey, PushOutcome, fingerprint};
use easyhttp_proto::{DeviceId, limits};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::timeout_at;

use crate::answer::Returned;
use crate::counters::{Count, Counters};
use crate::error::StartError;
use crate::handler::Callback;
use crate::instant::instant_after;
use crate::lock::lock;
use crate::node::Node;
use crate::request::Request;
use crate::settings::Settings;
use crate::tasks::Tasks;

use disk::Disk;

/// What becomes of a PUSH that was being done when the device, or its machine, stopped
/// without warning. Its sender asks again, and nobody knows how far the handler had come.
#[cfg(feature = "outbox")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AfterCrash {
    /// It is not run again, and its sender is told that nobody knows what became of it:
    /// for what must not be done twice. It is noted before its handler begins, and once
    /// more when that has ended.
    Unknown,
    /// It is run again: for what does no harm if it is done twice. It is noted when its
    /// handler has ended.
    RunAgain,
}

/// How long before the start of a device the clock of its memory begins: entries of an
/// earlier run are as old as that.
const EARLIER: Duration = limits::PUSHES_FOR;

/// What a device remembers of PUSHes.
pub(crate) struct Pushes {
    memory: Mutex<Memory>,
    /// Told when a handler has ended.
    ended: Notify,
    /// How many requests may still wait for that.
    places: Semaphore,
    /// None: it is forgotten when the device stops.
    disk: Option<Arc<Disk>>,
}

/// A PUSH that has come with a key.
pub(crate) struct Keyed {
    from: SocketAddr,
    sender: Option<DeviceId>,
    key: PushKey,
    fingerprint: u64,
}

/// What a PUSH that has come is to get.
enum Verdict {
    /// Its handler runs in this place, and what comes of it is noted.
    ///
    /// Not before this says that it was noted, if there is any.
    Run(Callback<Request>, OwnedSemaphorePermit, Recording, Option<oneshot::Receiver<bool>>),
    /// What comes of the handler that runs.
    Wait,
    Answer(Outcome),
}

impl Pushes {
    /// With what is on disk, if it is kept there. `name` is random.
    pub(crate) fn open(
        settings: &Settings,
        tasks: &Tasks,
        counters: &Arc<Counters>,
        name: u64,
    ) -> Result<Arc<Self>, StartError> {
        let capacity = settings.limits.pushes;
        #[cfg(feature = "outbox")]
        let (disk, memory) = match (settings.durable, settings.beside("pushes")) {
            (Some(after_crash), Some(path)) => {
                let tasks = tasks.for_disk();
                let (disk, memory) =
                    Disk::open(&path, after_crash, tasks, counters, name, capacity)?;
                (Some(disk), memory)
            }
            _ => (None, Memory::new(name, capacity)),
        };
        #[cfg(not(feature = "outbox"))]
        let (disk, memory, _) = (None, Memory::new(name, capacity), (tasks, counters));
        Ok(Arc::new(Self {
            memory: Mutex::new(memory),
            ended: Notify::new(),
            places: Semaphore::new(limits::PUSHES_AWAITED),
            disk,
        }))
    }

    /// Whether handlers run of which it is to be noted on disk what comes of them.
    pub(crate) fn is_running(&self) -> bool {
        self.disk.is_some() && lock(&self.memory).is_running()
    }

    /// Commits what is not on disk yet. It waits for the disk.
    pub(crate) fn commit(&self) {
        if let Some(disk) = &self.disk {
            disk.commit();
        }
    }

    /// The same, and closes the file.
    pub(crate) fn close(&self) {
        if let Some(disk) = &self.disk {
            disk.close();
        }
    }

    /// What others are told of it: no more than is known after a crash as well. Keys that
    /// were made of more would then look like those of a memory that has lost something.
    pub(crate) fn mark(&self) -> Mark {
        let memory = lock(&self.memory);
        let Mark { name, count } = memory.mark();
        let kept = self.disk.as_ref().map_or(count, |disk| disk.count());
        Mark { name, count: kept.max(memory.forgotten()) }
    }

    fn end(&self, number: u64, outcome: PushOutcome) {
        let mut memory = lock(&self.memory);
        memory.end(number, outcome);
        if let Some(disk) = &self.disk {
            disk.end(&memory, number);
        }
        drop(memory);
        self.ended.notify_waiters();
    }
}

impl Keyed {
    pub(crate) fn new(
        from: SocketAddr,
        sender: Option<DeviceId>,
        key: PushKey,
        data: Option<Json<'_>>,
    ) -> Self {
        Self { from, sender, key, fingerprint: fingerprint(data) }
    }
}

impl Node {
    /// Runs the handler of a PUSH, unless it has run, or may have.
    pub(crate) async fn push_once(
        &self,
        push: Keyed,
        argument: impl FnOnce() -> Request,
    ) -> Outcome {
        let verdict = match self.judge(&push) {
            Verdict::Wait => Box::pin(self.await_other(&push)).await,
            at_once => at_once,
        };
        match verdict {
            Verdict::Run(handler, slot, mut recording, noted) => {
                if let Some(noted) = noted
                    && !noted.await.unwrap_or(false)
                {
                    let text = "the device cannot note on its disk that it does this";
                    let returned = Returned::Failed(text.to_owned());
                    recording.end(&returned);
                    return returned.into_outcome();
                }
                recording.has_begun = true;
                let recording = Some(recording);
                let returned = self.run_in(Event::Push, slot, handler, argument(), recording).await;
                // It is known after a crash as well, unless the disk fails.
                if let Some(disk) = &self.pushes.disk {
                    disk.settle().await;
                }
                returned.into_outcome()
            }
            Verdict::Wait => self.answer_for(&push, Count::PushInProgress, Outcome::InProgress),
            Verdict::Answer(outcome) => outcome,
        }
    }

    /// What was noted is told whatever the device does now: it may be the only proof of
    /// what has happened.
    fn judge(&self, push: &Keyed) -> Verdict {
        let mut memory = lock(&self.pushes.memory);
        let now = self.now() + EARLIER;
        let (count, outcome) = match memory.find(now, push.sender, &push.key, push.fingerprint) {
            Found::Runs => return Verdict::Wait,
            Found::Ended(outcome) => (Count::PushRepeated, outcome.clone().into()),
            Found::Reused => (Count::KeyReused, Outcome::KeyReused),
            Found::Forgotten => (Count::PushForgotten, Outcome::Forgotten),
            Found::New => {
                if self.tasks.is_stopping() {
                    return Verdict::Answer(Outcome::Busy);
                }
                let Some(handler) = self.handlers.on(Event::Push) else {
                    return Verdict::Answer(Outcome::NoHandler);
                };
                if let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() {
                    let key = push.key.clone();
                    let number = memory.begin(now, push.sender, key, push.fingerprint);
                    let pushes = Arc::clone(&self.pushes);
                    let recording =
                        Recording { pushes, number, has_begun: false, has_ended: false };
                    let disk = self.pushes.disk.as_ref();
                    let noted = disk.and_then(|disk| disk.begin(&memory, number));
                    return Verdict::Run(handler, slot, recording, noted);
                }
                (Count::HandlersBusy, Outcome::Busy)
            }
        };
        drop(memory);
        Verdict::Answer(self.answer_for(push, count, outcome))
    }

    /// Gives the outcome of a PUSH that is not run, and tells of it.
    fn answer_for(&self, push: &Keyed, count: Count, outcome: Outcome) -> Outcome {
        match count {
            // Nobody has done anything wrong.
            Count::PushRepeated | Count::PushForgotten | Count::PushInProgress => {
                self.counters.add(count);
            }
            _ => self.counters.refuse(count, push.from),
        }
        self.debug(|| format!("PUSH {} from {}: not run, {outcome:?}", push.key, push.from));
        outcome
    }

    /// Waits for the handler that runs, as long as an answer may wait for one.
    async fn await_other(&self, push: &Keyed) -> Verdict {
        let deadline = instant_after(self.settings.limits.handler).into();
        let Ok(_place) = self.pushes.places.try_acquire() else { return Verdict::Wait };
        loop {
            let mut ended = pin!(self.pushes.ended.notified());
            // From here on it is not missed.
            ended.as_mut().enable();
            match self.judge(push) {
                Verdict::Wait if timeout_at(deadline, ended).await.is_ok() => {}
                verdict => return verdict,
            }
        }
    }
}

/// The handler of a PUSH that runs. What comes of it is noted wherever it ends, as whoever
/// asked may have gone.
pub(crate) struct Recording {
    pushes: Arc<Pushes>,
    number: u64,
    has_begun: bool,
    has_ended: bool,
}

impl Recording {
    pub(crate) fn end(mut self, returned: &Returned) {
        self.has_ended = true;
        self.pushes.end(self.number, returned.push_outcome());
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        if !self.has_begun && !self.has_ended {
            let text = "it was not begun: whoever asked for it was gone";
            return self.pushes.end(self.number, PushOutcome::Failed(text.to_owned()));
        }
        // One that did not end because the device does stays as it is: nobody knows.
        if !self.has_ended && thread::panicking() {
            let outcome = PushOutcome::Failed(Returned::PANICKED.to_owned());
            self.pushes.end(self.number, outcome);
        }
    }
}
