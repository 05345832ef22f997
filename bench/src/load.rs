//! The load that a client makes, and what it measures.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::histogram::Histogram;
use crate::{ClientTask, Result, Until, process};

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// What one client saw. The lists have one entry for the client, and one for each process
/// that was watched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Figures {
    /// Microseconds that half of the calls took at most.
    pub p50: f64,
    /// Microseconds that 99 % of the calls took at most.
    pub p99: f64,
    /// Microseconds that 99.9 % of the calls took at most.
    pub p999: f64,
    /// Calls a second.
    pub rate: f64,
    /// Microseconds of processor time for one call.
    pub cpu: Vec<f64>,
    /// MB resident at the end.
    pub resident: Vec<f64>,
    /// MB resident at most.
    pub peak: Vec<f64>,
}

/// Tells the callers when to call, and counts how long it took.
#[derive(Debug)]
pub struct Load {
    task: ClientTask,
    phase: AtomicU8,
    /// How many calls may still begin.
    left: AtomicU64,
    took: Histogram,
    /// Tells the clock that all is prepared.
    begin: SyncSender<()>,
    /// When the server was started, if that counts.
    server_started: Option<Instant>,
}

/// One of the callers, which waits for each answer before it asks again.
#[derive(Debug)]
pub struct Caller {
    load: &'static Load,
    asked: Instant,
}

impl Load {
    /// What the conductor wants.
    pub fn task(&self) -> &ClientTask {
        &self.task
    }

    /// Another one that calls. From the first on, the time runs.
    pub fn caller(&'static self) -> Caller {
        // It is full as soon as somebody has told it.
        let _ = self.begin.try_send(());
        Caller { load: self, asked: Instant::now() }
    }

    /// Lets a client call until it is over, and sums up.
    pub(crate) fn run(
        mut task: ClientTask,
        call: impl Fn(&'static Load) -> Result<()>,
    ) -> Result<Figures> {
        let server = if task.server.is_empty() { None } else { Some(Server::start(&mut task)?) };
        let (phase, left) = match task.until {
            Until::Time { .. } => (WARMING, u64::MAX),
            Until::Calls(calls) => (MEASURING, calls),
        };
        let (begin, begun) = sync_channel(1);
        let load: &'static Self = Box::leak(Box::new(Self {
            task,
            phase: phase.into(),
            left: left.into(),
            took: Histogram::new(),
            begin,
            server_started: server.as_ref().map(|server| server.started),
        }));
        let (start, end) = match load.task.until {
            Until::Time { warm_up, measured } => {
                let clock = thread::spawn(move || load.keep_time(&begun, warm_up, measured));
                call(load)?;
                clock.join().map_err(|_| "the clock panicked")??
            }
            Until::Calls(_) => {
                let start = load.look()?;
                call(load)?;
                (start, load.look()?)
            }
        };
        load.figures(&start, &end)
    }

    /// Watches the clock while others call.
    fn keep_time(&self, begun: &Receiver<()>, warm_up: u64, measured: u64) -> Result<(Look, Look)> {
        begun.recv()?;
        sleep(Duration::from_millis(warm_up));
        let start = self.look()?;
        self.phase.store(MEASURING, Ordering::Relaxed);
        sleep(Duration::from_millis(measured));
        // Before any thread ends, and takes what it has used with it.
        let end = self.look()?;
        self.phase.store(OVER, Ordering::Relaxed);
        Ok((start, end))
    }

    fn look(&self) -> Result<Look> {
        let cpu = self.processes().map(process::cpu_time).collect::<Result<_>>()?;
        Ok(Look { at: Instant::now(), cpu })
    }

    fn processes(&self) -> impl Iterator<Item = u32> {
        [std::process::id()].into_iter().chain(self.task.watched.iter().copied())
    }

    fn figures(&self, start: &Look, end: &Look) -> Result<Figures> {
        let calls = self.took.count();
        if calls == 0 {
            return Err("no call was answered in time".into());
        }
        let spent = start.cpu.iter().zip(&end.cpu).map(|(start, end)| *end - *start);
        let memory = self.processes().map(process::memory).collect::<Result<Vec<_>>>()?;
        let (resident, peak) = memory.into_iter().unzip();
        Ok(Figures {
            p50: self.took.percentile(0.5) / 1e3,
            p99: self.took.percentile(0.99) / 1e3,
            p999: self.took.percentile(0.999) / 1e3,
            rate: calls as f64 / (end.at - start.at).as_secs_f64(),
            cpu: spent.map(|cpu| cpu.as_secs_f64() * 1e6 / calls as f64).collect(),
            resident,
            peak,
        })
    }
}

/// What had been used at some moment.
struct Look {
    at: Instant,
    cpu: Vec<Duration>,
}

impl Caller {
    /// Whether to call once more; from here on the time of the call runs.
    pub fn asks(&mut self) -> bool {
        let load = self.load;
        self.asked = load.server_started.unwrap_or_else(Instant::now);
        let may = |left: u64| left.checked_sub(1);
        load.phase.load(Ordering::Relaxed) != OVER
            && match load.task.until {
                Until::Time { .. } => true,
                Until::Calls(_) => {
                    load.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, may).is_ok()
                }
            }
    }

    /// Notes that the answer is here and parsed.
    pub fn answered(&self) {
        if self.load.phase.load(Ordering::Relaxed) == MEASURING {
            self.load.took.add(self.asked.elapsed());
        }
    }
}

/// A server that this client has started, until it is dropped.
struct Server {
    process: Child,
    started: Instant,
}

impl Server {
    /// Starts it, and tells the task its address.
    fn start(task: &mut ClientTask) -> Result<Self> {
        let started = Instant::now();
        let mut process =
            Command::new(&task.server[0]).args(&task.server[1..]).stdout(Stdio::piped()).spawn()?;
        let output = process.stdout.take().ok_or("no output")?;
        let server = Self { process, started };
        let mut address = String::new();
        BufReader::new(output).read_line(&mut address)?;
        task.address = address.trim().to_owned();
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
