//! What the system knows of a process.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Pid;
use rustix::thread::{CpuSet, sched_setaffinity};

use crate::Result;

/// Keeps a process, by default this one, on a core. Threads that it starts stay there too.
///
/// # Errors
///
/// There is no such core.
pub fn stay_on(process: Option<u32>, core: Option<usize>) -> Result<()> {
    let Some(core) = core else { return Ok(()) };
    let mut cores = CpuSet::new();
    cores.set(core);
    let process = process.and_then(|process| Pid::from_raw(process as i32));
    Ok(sched_setaffinity(process, &cores)?)
}

/// The processor time that the threads of a process have used.
///
/// # Errors
///
/// There is no such process, or the kernel counts no times.
pub fn cpu_time(process: u32) -> Result<Duration> {
    let mut nanos = 0;
    for thread in threads(process)? {
        // A thread that has just ended is no error.
        let Ok(stat) = fs::read_to_string(thread.join("schedstat")) else { continue };
        nanos += stat.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanos))
}

/// How often the threads of a process have waited for something, and were woken.
///
/// # Errors
///
/// There is no such process.
pub fn wake_ups(process: u32) -> Result<u64> {
    let count = |thread: PathBuf| field(&thread.join("status"), "voluntary_ctxt_switches:");
    threads(process)?.into_iter().map(count).sum()
}

/// The memory of a process in MB (10⁶ bytes) that is resident: now, and at its peak.
///
/// # Errors
///
/// There is no such process.
pub fn memory(process: u32) -> Result<(f64, f64)> {
    let status = PathBuf::from(format!("/proc/{process}/status"));
    let megabytes = |kib: u64| kib as f64 * 1024.0 / 1e6;
    Ok((megabytes(field(&status, "VmRSS:")?), megabytes(field(&status, "VmHWM:")?)))
}

fn threads(process: u32) -> Result<Vec<PathBuf>> {
    let threads = fs::read_dir(format!("/proc/{process}/task"))?;
    Ok(threads.map(|thread| Ok(thread?.path())).collect::<std::io::Result<_>>()?)
}

fn field(status: &std::path::Path, name: &str) -> Result<u64> {
    let status = fs::read_to_string(status)?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or(name)?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
