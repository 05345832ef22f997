//! A run: repetition after repetition, in which the contenders take turns.

use std::thread::{available_parallelism, sleep};
use std::time::{Duration, Instant};

use easyhttp_bench::{Result, ServerTask, process};

use crate::contenders::{BASELINE, Contender, Kind, Program, Role, contender};
use crate::loads::{CROWD, Load, ON_ALL_CORES, ON_ONE_CORE};
use crate::programs::Programs;
use crate::results::{Figure, Results};
use crate::servers::{Running, Servers, ask};
use crate::syscalls;

/// How long a server has had nothing to do until it counts as idle.
const SETTLED: Duration = Duration::from_millis(500);

/// How long an idle device is watched, after nothing is left of the start: the last
/// announcement of a burst may come 8.4 s after it.
const WATCHED: Duration = Duration::from_secs(20);
const FOUND: Duration = Duration::from_secs(25);

pub(crate) struct Run<'a> {
    pub(crate) programs: &'a Programs,
    pub(crate) contenders: Vec<&'static Contender>,
    pub(crate) quick: bool,
    pub(crate) results: Results,
}

impl Run<'_> {
    /// One repetition. Each starts with another contender, so that nobody is always the
    /// first, or after the same one.
    pub(crate) fn repeat(&mut self, repetition: usize) -> Result<()> {
        let mut order = self.contenders();
        let count = order.len();
        order.rotate_left(repetition % count.max(1));
        let one_core = ON_ONE_CORE.first().and_then(|load| load.task(self.quick).core);
        for (core, loads) in [(one_core, ON_ONE_CORE), (None, ON_ALL_CORES)] {
            let mut servers = Servers::new(self.programs, core);
            for contender in &order {
                if let Err(error) = servers.start(contender) {
                    self.leave_out(contender, &error);
                }
            }
            if core.is_none() {
                sleep(SETTLED);
                self.look_at_memory(repetition, &servers)?;
            }
            for load in loads {
                self.put(repetition, *load, &order, &servers);
            }
        }
        Ok(())
    }

    fn contenders(&self) -> Vec<&'static Contender> {
        let takes_part =
            |contender: &&&Contender| !self.results.left_out.contains_key(contender.name);
        self.contenders.iter().filter(takes_part).copied().collect()
    }

    fn leave_out(&mut self, contender: &Contender, error: &easyhttp_bench::Error) {
        eprintln!("{}: {error}", contender.name);
        self.results.left_out.insert(contender.name.to_owned(), error.to_string());
    }

    /// Puts one load on all contenders that take it, one after the other.
    fn put(&mut self, repetition: usize, load: Load, order: &[&Contender], servers: &Servers<'_>) {
        for contender in order {
            let is_out = self.results.left_out.contains_key(contender.name);
            if is_out || !contender.loads.contains(&load) {
                continue;
            }
            let task = load.task(self.quick);
            let figures = match load {
                Load::Crowd => self.ask_crowd(contender),
                Load::Start => servers.ask_from_start(contender, task),
                _ => servers.ask(contender, task),
            };
            match figures {
                Ok(figures) => self.results.add_figures(repetition, contender.name, load, &figures),
                Err(error) => self.leave_out(contender, &error),
            }
        }
    }

    /// Asks 200 servers in one process at once.
    fn ask_crowd(&self, contender: &Contender) -> Result<easyhttp_bench::Figures> {
        let task = ServerTask { devices: CROWD, ..ServerTask::default() };
        let crowd = Running::server(self.programs, contender.server, task)?;
        let mut task = Load::Crowd.task(self.quick);
        task.address.clone_from(&crowd.address);
        task.watched = vec![crowd.id()];
        ask(self.programs, contender.client, task)
    }

    /// What servers and brokers take before anybody asks.
    fn look_at_memory(&mut self, repetition: usize, servers: &Servers<'_>) -> Result<()> {
        // The server of those that are clients is that of our async face.
        for contender in self.contenders().iter().filter(|known| known.kind != Kind::Client) {
            let figures = [Figure::Server, Figure::Broker];
            for (figure, process) in figures.into_iter().zip(servers.processes(contender)) {
                let resident = process::memory(process)?.0;
                self.results.add(repetition, contender.name, Load::Idle, figure, resident);
            }
        }
        Ok(())
    }

    /// What takes too long to be repeated, or does not vary. What cannot be measured is left
    /// out.
    pub(crate) fn once(&mut self) {
        let here = self.contenders();
        let both = here.iter().filter(|contender| ["async", BASELINE].contains(&contender.name));
        let both: Vec<_> = both.copied().collect();
        self.try_out("sizes", Self::look_at_sizes);
        for contender in &both {
            self.try_out("a million calls", |run| run.call_often(contender));
        }
        for contender in &both {
            self.try_out("system calls", |run| {
                syscalls::count(run.programs, contender, &mut run.results)
            });
        }
        if both.iter().any(|contender| contender.name == "async") {
            for others in [0, 10, 100] {
                self.try_out("idle devices", |run| run.watch_idle(others));
            }
        }
    }

    fn try_out(&mut self, what: &str, measure: impl FnOnce(&mut Self) -> Result<()>) {
        eprintln!("{what}");
        if let Err(error) = measure(self) {
            eprintln!("{what}: {error}");
            self.results.left_out.insert(what.to_owned(), error.to_string());
        }
    }

    fn call_often(&mut self, contender: &Contender) -> Result<()> {
        let mut servers = Servers::new(self.programs, None);
        servers.start(contender)?;
        let figures = servers.ask(contender, Load::Million.task(self.quick))?;
        self.results.add_figures(0, contender.name, Load::Million, &figures);
        Ok(())
    }

    fn look_at_sizes(&mut self) -> Result<()> {
        for contender in self.contenders() {
            // What somebody else's server and client take, if they are two programs; of ours,
            // and of those that ask ours, the client.
            let mut roles = vec![contender.client];
            if contender.kind == Kind::Rival && contender.server.program != contender.client.program
            {
                roles.push(contender.server);
            }
            let is_script = |role: &Role| role.program == Program::Python;
            if [contender.server, contender.client].iter().any(is_script) {
                continue;
            }
            let binaries = roles.iter().filter_map(|role| self.programs.binary(*role));
            let bytes: u64 =
                binaries.map(|binary| Ok(binary.metadata()?.len())).sum::<Result<_>>()?;
            let size = bytes as f64 / 1e6;
            self.results.add(0, contender.name, Load::Program, Figure::Size, size);
        }
        let programs = self.programs;
        for (name, program) in [("program", &programs.easyhttp), ("smallest", &programs.smallest)] {
            if let Some(program) = program {
                let size = program.metadata()?.len() as f64 / 1e6;
                self.results.add(0, name, Load::Program, Figure::Size, size);
            }
        }
        Ok(())
    }

    /// What a device takes that has nothing to do but to find others.
    fn watch_idle(&mut self, others: usize) -> Result<()> {
        let Some(device) = contender("async").map(|contender| contender.server) else {
            return Ok(());
        };
        let task = ServerTask { discovery: true, ..ServerTask::default() };
        let watched = Running::server(self.programs, device, task.clone())?;
        let _crowd = match others {
            0 => None,
            _ => {
                let task = ServerTask { devices: others, ..task };
                Some(Running::server(self.programs, Role { way: "others", ..device }, task)?)
            }
        };
        let (found, time) = if self.quick { (FOUND / 4, WATCHED / 4) } else { (FOUND, WATCHED) };
        sleep(found);
        let look = || {
            Ok::<_, easyhttp_bench::Error>((
                Instant::now(),
                process::wake_ups(watched.id())?,
                process::cpu_time(watched.id())?,
            ))
        };
        let start = look()?;
        sleep(time);
        let end = look()?;
        let seconds = (end.0 - start.0).as_secs_f64();
        let cpu = (end.2 - start.2).as_secs_f64() / seconds * 100.0;
        let load = Load::Discovering(others);
        let wake_ups = (end.1 - start.1) as f64 / seconds;
        self.results.add(0, "async", load, Figure::WakeUps, wake_ups);
        self.results.add(0, "async", load, Figure::CorePercent, cpu);
        let resident = process::memory(watched.id())?.0;
        self.results.add(0, "async", load, Figure::Server, resident);
        Ok(())
    }
}

/// How many cores take part.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, usize::from)
}
