//! How many system calls one call takes, by strace: what it counts for some calls, less what it
//! counts for fewer.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};

use easyhttp_bench::{ClientTask, Result, Until};

use crate::contenders::{Contender, Role};
use crate::loads::Load;
use crate::programs::{Programs, target};
use crate::results::{Figure, Results};
use crate::servers::{Running, ask};

const FEW: u64 = 2_000;
const MANY: u64 = 12_000;

/// Counts those of client and server, apart. Does nothing without strace.
pub(crate) fn count(
    programs: &Programs,
    contender: &Contender,
    results: &mut Results,
) -> Result<()> {
    if Command::new("strace").arg("-V").stdout(Stdio::null()).status().is_err() {
        results.left_out.insert(
            "system calls".to_owned(),
            "strace is not installed; `bench/install` installs it".to_owned(),
        );
        return Ok(());
    }
    eprintln!("system calls: {}", contender.name);
    for load in [Load::OneCore, Load::At64] {
        let figures = [
            (true, Figure::ClientSyscalls, Figure::ClientFutexes),
            (false, Figure::ServerSyscalls, Figure::ServerFutexes),
        ];
        for (is_client, syscalls, futexes) in figures {
            let counts = |calls| trace(programs, contender, load, calls, is_client);
            let (few, many) = (counts(FEW)?, counts(MANY)?);
            let per_call = |name| {
                let of = |counts: &BTreeMap<String, u64>| counts.get(name).copied().unwrap_or(0);
                of(&many).saturating_sub(of(&few)) as f64 / (MANY - FEW) as f64
            };
            results.add(0, contender.name, load, syscalls, per_call("total"));
            results.add(0, contender.name, load, futexes, per_call("futex"));
        }
    }
    Ok(())
}

/// What a client or a server did in all its life, by the names of the system calls.
fn trace(
    programs: &Programs,
    contender: &Contender,
    load: Load,
    calls: u64,
    is_client: bool,
) -> Result<BTreeMap<String, u64>> {
    let server = Running::server(programs, contender.server, Default::default())?;
    let output = target()?.join("strace");
    let task = ClientTask {
        address: server.address.clone(),
        until: Until::Calls(calls),
        // Both sides wait for each other as they do when nobody watches.
        ..load.task(false)
    };
    if is_client {
        let traced = Traced { role: contender.client, output: &output };
        traced.ask(programs, task)?;
    } else {
        let mut strace = Command::new("strace")
            .args(["-f", "-c", "-qq", "-p", &server.id().to_string(), "-o"])
            .arg(&output)
            .stderr(Stdio::null())
            .spawn()?;
        wait_until_traced(server.id())?;
        ask(programs, contender.client, task)?;
        drop(server);
        strace.wait()?;
    }
    let table = fs::read_to_string(output)?;
    Ok(table.lines().filter_map(count_of_line).collect())
}

struct Traced<'a> {
    role: Role,
    output: &'a std::path::Path,
}

impl Traced<'_> {
    fn ask(&self, programs: &Programs, task: ClientTask) -> Result<()> {
        let way = self.role.way.to_owned();
        let task = serde_json::to_string(&ClientTask { way, ..task })?;
        let command = programs.command(self.role, "call", &task)?;
        let mut strace = Command::new("strace");
        strace.args(["-f", "-c", "-qq", "-o"]).arg(self.output).args(command);
        match strace.stdout(Stdio::null()).status()?.success() {
            true => Ok(()),
            false => Err("strace failed".into()),
        }
    }
}

fn wait_until_traced(process: u32) -> Result<()> {
    loop {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        if !status.contains("TracerPid:\t0") {
            return Ok(());
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// `% time, seconds, usecs/call, calls, errors, syscall`; there may be no errors.
fn count_of_line(line: &str) -> Option<(String, u64)> {
    let words: Vec<_> = line.split_whitespace().collect();
    Some(((*words.last()?).to_owned(), words.get(3)?.parse().ok()?))
}
