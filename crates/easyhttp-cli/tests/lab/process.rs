//! What a process has cost so far, as the system says.

use std::fs::{read_dir, read_to_string};
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

/// How long it has kept the processor busy.
pub(crate) fn processor_time(process: u32) -> Duration {
    let stat = read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The fields after the program's name, which is in parentheses; the 14th
    // and the 15th of all are those of the program and of the system for it.
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks: u64 = fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}

/// How much memory it has now, in bytes.
pub(crate) fn memory(process: u32) -> u64 {
    memory_of(process, "VmRSS:")
}

/// How much it has had at the most since [`clear_peak_memory`], in bytes.
pub(crate) fn peak_memory(process: u32) -> u64 {
    memory_of(process, "VmHWM:")
}

pub(crate) fn clear_peak_memory(process: u32) {
    std::fs::write(format!("/proc/{process}/clear_refs"), "5").unwrap();
}

fn memory_of(process: u32, name: &str) -> u64 {
    let status = read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

/// How often a thread of it has fallen asleep to wait for something, which is how
/// often one was woken. Threads that have ended do not count.
pub(crate) fn wakeups(process: u32) -> u64 {
    let threads = read_dir(format!("/proc/{process}/task")).unwrap();
    let statuses = threads.map(|thread| read_to_string(thread.unwrap().path().join("status")));
    statuses.map_while(Result::ok).map(|status| voluntary_switches(&status)).sum()
}

fn voluntary_switches(status: &str) -> u64 {
    let count = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
    count.unwrap().trim().parse().unwrap()
}
