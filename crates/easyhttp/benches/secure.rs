//! What secure mode costs a whole exchange: processor time of each side for a small FETCH.
//!
//! ```text
//! cargo bench --bench secure                 all ways, in turn, and what they take more
//! cargo bench --bench secure -- WAY CALLS    one way, to count it with callgrind
//! ```
//!
//! Each side is a thread, with a device by itself. The ways take turns, a few hundred calls
//! each, and the middle of many turns counts, so that what else the machine does is in all
//! of them alike.
#![allow(clippy::print_stdout, reason = "a benchmark prints what it has measured")]

use std::env;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use easyhttp::{Builder, EasyHttpAsync, NetworkKey, json};
use tokio::runtime::{self, Runtime};
use tokio::sync::oneshot;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const WAYS: [&str; 3] = ["open", "signed", "encrypted"];

/// How many calls a turn has, and how many turns there are.
const CALLS: u32 = 500;
const TURNS: usize = 41;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|it| it != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [way, calls] => Pair::start(way)?.turn(calls.parse()?).map(drop),
        _ => compare(),
    }
}

/// Whether times are taken: valgrind cannot run what asks the kernel for them.
static IS_TIMED: AtomicBool = AtomicBool::new(false);

fn compare() -> Result<()> {
    IS_TIMED.store(true, Ordering::Relaxed);
    let pairs = WAYS.map(Pair::start).into_iter().collect::<Result<Vec<_>>>()?;
    let mut figures = vec![Vec::new(); WAYS.len()];
    for _ in 0..TURNS {
        for (pair, figures) in pairs.iter().zip(&mut figures) {
            figures.push(pair.turn(CALLS)?);
        }
    }
    let middle = |way: &[[f64; 2]], side: usize| {
        let mut all: Vec<f64> = way.iter().map(|turn| turn[side]).collect();
        all.sort_by(f64::total_cmp);
        all[TURNS / 2]
    };
    for (side, name) in ["asker", "asked"].into_iter().enumerate() {
        let open = middle(&figures[0], side);
        for (way, figures) in WAYS.iter().zip(&figures) {
            let took = middle(figures, side);
            println!("{name}, {way}: {took:.2} µs a call, {:.2} more than open", took - open);
        }
    }
    Ok(())
}

/// Two devices, of which one asks the other.
struct Pair {
    runtime: Runtime,
    asking: EasyHttpAsync,
    /// How long the thread of the other one had run when it answered last, in nanoseconds.
    answered: Arc<AtomicU64>,
    _end: oneshot::Sender<()>,
}

impl Pair {
    fn start(way: &str) -> Result<Self> {
        let answered = Arc::new(AtomicU64::new(0));
        let (end, ended) = oneshot::channel::<()>();
        let (tell, told) = channel();
        let (noted, settings) = (Arc::clone(&answered), settings(way));
        thread::spawn(move || -> Result<()> {
            one_thread()?.block_on(async {
                let device = settings.port(0).on_fetch_async(move |_| {
                    noted.store(thread_time(), Ordering::Relaxed);
                    async { json!({"sensor": "temperature", "value": 23.5, "unit": "C"}) }
                });
                let device = device.start().await?;
                tell.send((device.id(), device.port()))?;
                let _ = ended.await;
                Ok(())
            })
        });
        let (id, port) = told.recv()?;
        let runtime = one_thread()?;
        let asking = runtime.block_on(self::settings(way).ask_only().start())?;
        asking.add(id, (Ipv4Addr::LOCALHOST, port.ok_or("the device has no port")?))?;
        let pair = Self { runtime, asking, answered, _end: end };
        pair.turn(CALLS)?;
        Ok(pair)
    }

    /// The processor time of a call on each side, in microseconds.
    fn turn(&self, calls: u32) -> Result<[f64; 2]> {
        let devices = self.asking.devices();
        let id = devices.first().ok_or("there is no device")?.id;
        let ask = || async { self.asking.fetch(id, json!({"sensor": "temperature"})).await };
        // From one answer to another, on either side.
        self.runtime.block_on(ask())?;
        let before = [thread_time(), self.answered.load(Ordering::Relaxed)];
        self.runtime.block_on(async {
            for _ in 0..calls {
                ask().await?;
            }
            Result::Ok(())
        })?;
        let after = [thread_time(), self.answered.load(Ordering::Relaxed)];
        let per_call = |side: usize| (after[side] - before[side]) as f64 / 1e3 / f64::from(calls);
        Ok([0, 1].map(per_call))
    }
}

fn settings(way: &str) -> Builder<EasyHttpAsync> {
    let open = EasyHttpAsync::builder().random_id().address(Ipv4Addr::LOCALHOST).discovery(false);
    match way {
        "open" => open,
        _ => open.network_key(NetworkKey::from_entropy([1; 16])).encrypt(way == "encrypted"),
    }
}

fn one_thread() -> Result<Runtime> {
    Ok(runtime::Builder::new_current_thread().enable_all().build()?)
}

/// How long this thread has run, in nanoseconds.
#[cfg(unix)]
fn thread_time() -> u64 {
    use rustix::time::{ClockId, clock_gettime};
    if !IS_TIMED.load(Ordering::Relaxed) {
        return 0;
    }
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Where that cannot be asked: the time that has passed.
#[cfg(not(unix))]
fn thread_time() -> u64 {
    static BEGAN: std::sync::LazyLock<std::time::Instant> =
        std::sync::LazyLock::new(std::time::Instant::now);
    BEGAN.elapsed().as_nanos() as u64
}
