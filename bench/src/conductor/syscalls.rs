//! How many system calls one call takes, by strace: what it counts for many calls, less what
//! it counts for few, so that those of the start do not matter.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use easyhttp_bench::{ClientTask, Result, ServerTask, Until};

use crate::contenders::Contender;
use crate::loads::Load;
use crate::programs::{Programs, target};
use crate::results::{Figure, Results};
use crate::servers::{Running, ask};

const FEW: u64 = 2_000;
const MANY: u64 = 12_000;

/// Of how many parts of a call it is told. The start and the end of a connection take a few
/// system calls more in one run than in the other, as it happens: whether the server looks
/// before the first request is there, and whether it sees the end before it is killed.
const PARTS: f64 = 100.0;

const WRITES: &[&str] = &["write", "writev", "sendto", "sendmsg"];

/// What a process did in all its life, by the names of the system calls.
type Counts = BTreeMap<String, u64>;

/// Counts those of client and server, each while nobody watches the other.
pub(crate) fn count(
    programs: &Programs,
    contender: &Contender,
    results: &mut Results,
) -> Result<()> {
    use Figure::*;
    for load in [Load::OneCore, Load::At64] {
        for (trace, figures) in [
            (trace_client as Trace, [ClientSyscalls, ClientWrites, ClientFutexes]),
            (trace_server as Trace, [ServerSyscalls, ServerWrites, ServerFutexes]),
        ] {
            let task = |calls| ClientTask { until: Until::Calls(calls), ..load.task(false) };
            let few = trace(programs, contender, task(FEW))?;
            let many = trace(programs, contender, task(MANY))?;
            for (figure, names) in figures.into_iter().zip([&["total"], WRITES, &["futex"]]) {
                let sum = |counts: &Counts| -> u64 {
                    names.iter().filter_map(|name| counts.get(*name)).sum()
                };
                let per_call = sum(&many).saturating_sub(sum(&few)) as f64 / (MANY - FEW) as f64;
                let per_call = (per_call * PARTS).round() / PARTS;
                results.add(0, contender.name, load, figure, per_call);
            }
        }
    }
    Ok(())
}

type Trace = fn(&Programs, &Contender, ClientTask) -> Result<Counts>;

fn trace_client(programs: &Programs, contender: &Contender, task: ClientTask) -> Result<Counts> {
    let server = Running::server(programs, contender.server, ServerTask::default())?;
    let task = ClientTask { address: server.address.clone(), ..task };
    let client = programs.command(contender.client, "call", &serde_json::to_string(&task)?)?;
    let mut strace = strace()?;
    let status = strace.args(client).stdout(Stdio::null()).status().map_err(no_strace)?;
    if status.success() { counts() } else { Err("strace failed".into()) }
}

fn trace_server(programs: &Programs, contender: &Contender, task: ClientTask) -> Result<Counts> {
    let server = Running::server(programs, contender.server, ServerTask::default())?;
    let mut strace = strace()?;
    strace.args(["-p", &server.id().to_string()]).stderr(Stdio::null());
    let mut strace = strace.spawn().map_err(no_strace)?;
    wait_until_traced(server.id(), &mut strace)?;
    let task = ClientTask { address: server.address.clone(), ..task };
    ask(programs, contender.client, task)?;
    // Its end is that of strace, which then writes its table.
    drop(server);
    strace.wait()?;
    counts()
}

fn strace() -> Result<Command> {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-qq", "-o"]).arg(target()?.join("strace"));
    Ok(strace)
}

fn no_strace(error: std::io::Error) -> String {
    format!("strace: {error}; `bench/install` installs it")
}

fn wait_until_traced(process: u32, strace: &mut Child) -> Result<()> {
    while fs::read_to_string(format!("/proc/{process}/status"))?.contains("TracerPid:\t0") {
        if strace.try_wait()?.is_some() {
            return Err("strace may not watch another process: run this as root".into());
        }
        sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// `% time, seconds, usecs/call, calls, errors, syscall`; there may be no errors.
fn counts() -> Result<Counts> {
    let count = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        Some(((*words.last()?).to_owned(), words.get(3)?.parse().ok()?))
    };
    Ok(fs::read_to_string(target()?.join("strace"))?.lines().filter_map(count).collect())
}
