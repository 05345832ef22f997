//! The load that a client makes, and what it measures.

use std::fs;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::Result;

/// Connections are opened, caches filled and threads started meanwhile.
const WARM_UP: Duration = Duration::from_millis(100);
const MEASURED: Duration = Duration::from_millis(400);

const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const OVER: u8 = 2;

/// What one client saw, in microseconds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) calls_per_second: f64,
    /// Processor time for one call.
    pub(crate) client_cpu: f64,
    pub(crate) server_cpu: f64,
}

/// What the measured calls took together.
pub(crate) struct Spent {
    time: Duration,
    client_cpu: Duration,
    server_cpu: Duration,
}

/// Tells the callers when to call, and gathers how long it took.
pub(crate) struct Load {
    pub(crate) in_flight: usize,
    phase: AtomicU8,
    took: Mutex<Vec<Duration>>,
}

/// One of the callers, which waits for each answer before it asks again.
pub(crate) struct Caller<'a> {
    load: &'a Load,
    asked: Instant,
    took: Vec<Duration>,
}

impl Load {
    pub(crate) fn new(in_flight: usize) -> Self {
        Self { in_flight, phase: AtomicU8::new(WARMING), took: Mutex::default() }
    }

    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { load: self, asked: Instant::now(), took: Vec::new() }
    }

    /// Watches the clock while others call, until it is over.
    pub(crate) fn measure(&self, server: u32) -> Result<Spent> {
        let client = std::process::id();
        let now = || Ok::<_, crate::Error>((Instant::now(), cpu_time(client)?, cpu_time(server)?));
        sleep(WARM_UP);
        let start = now()?;
        self.phase.store(MEASURING, Ordering::Relaxed);
        sleep(MEASURED);
        self.phase.store(OVER, Ordering::Relaxed);
        let end = now()?;
        Ok(Spent {
            time: end.0 - start.0,
            client_cpu: end.1 - start.1,
            server_cpu: end.2 - start.2,
        })
    }

    /// Sums up, when all callers are done.
    pub(crate) fn figures(&self, spent: &Spent) -> Figures {
        let mut took = self.took.lock().unwrap_or_else(PoisonError::into_inner);
        took.sort_unstable();
        let calls = took.len() as f64;
        let percentile = |part: f64| micros(took[((calls - 1.0) * part) as usize]);
        Figures {
            p50: percentile(0.5),
            p99: percentile(0.99),
            calls_per_second: calls / spent.time.as_secs_f64(),
            client_cpu: micros(spent.client_cpu) / calls,
            server_cpu: micros(spent.server_cpu) / calls,
        }
    }
}

impl Caller<'_> {
    /// Whether to call once more; from here on the time of the call runs.
    pub(crate) fn asks(&mut self) -> bool {
        self.asked = Instant::now();
        self.load.phase.load(Ordering::Relaxed) != OVER
    }

    /// Notes that the answer is here and parsed.
    pub(crate) fn answered(&mut self) {
        if self.load.phase.load(Ordering::Relaxed) == MEASURING {
            self.took.push(self.asked.elapsed());
        }
    }
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.load.took.lock().unwrap_or_else(PoisonError::into_inner).append(&mut self.took);
    }
}

/// The processor time that the threads of a process have used.
fn cpu_time(process: u32) -> Result<Duration> {
    let mut nanos = 0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        // A thread that has just ended is no error.
        let Ok(stat) = fs::read_to_string(thread?.path().join("schedstat")) else { continue };
        nanos += stat.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
