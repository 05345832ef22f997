//! The processes of a measurement: what starts them, and what they do.

use std::env;
use std::fmt::{self, Display, Formatter};
use std::io::{BufRead, BufReader, Write, stdout};
use std::process::{Child, Command, Stdio};
use std::thread::{self, available_parallelism};

use rustix::thread::{CpuSet, sched_setaffinity};

use crate::Result;
use crate::contenders::{CONTENDERS, Contender};
use crate::load::{Figures, Load};

/// Where client and server run.
#[derive(Clone, Copy)]
pub(crate) enum Placement {
    /// Both on one core: what a call costs, without the time that it takes to
    /// wake a halted core, which would hide it.
    OneCore,
    /// Wherever the system puts them, as in real life.
    AllCores,
}

impl Display for Placement {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OneCore => "one core",
            Self::AllCores => "all cores",
        })
    }
}

/// The process of a server, until it is dropped.
pub(crate) struct Server {
    name: &'static str,
    core: String,
    process: Child,
    port: String,
}

impl Server {
    pub(crate) fn start(name: &'static str, placement: Placement) -> Result<Self> {
        let core = match placement {
            // The last one: the first serves most interrupts.
            Placement::OneCore => (available_parallelism()?.get() - 1).to_string(),
            Placement::AllCores => "any".to_owned(),
        };
        let mut process =
            this_program()?.args(["serve", name, &core]).stdout(Stdio::piped()).spawn()?;
        let mut port = String::new();
        BufReader::new(process.stdout.take().ok_or("no output")?).read_line(&mut port)?;
        Ok(Self { name, core, process, port: port.trim().to_owned() })
    }

    /// Puts a load on the server from another process.
    pub(crate) fn measure(&self, in_flight: usize) -> Result<Figures> {
        let server = self.process.id().to_string();
        let client = this_program()?
            .args(["call", self.name, &self.core, &in_flight.to_string(), &self.port, &server])
            .stderr(Stdio::inherit())
            .output()?;
        if !client.status.success() {
            return Err(format!("{}: the client failed", self.name).into());
        }
        Ok(serde_json::from_slice(&client.stdout)?)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn this_program() -> Result<Command> {
    Ok(Command::new(env::current_exe()?))
}

/// Is the server process: prints the port, and answers until it is killed.
pub(crate) fn serve(name: &str, core: &str) -> Result<()> {
    stay_on(core)?;
    (contender(name)?.serve)(|port| {
        println!("{port}");
        let _ = stdout().flush();
    })
}

/// Is the client process: makes the load, and prints the figures.
pub(crate) fn call(name: &str, core: &str, in_flight: usize, port: u16, server: u32) -> Result<()> {
    stay_on(core)?;
    let load: &'static Load = Box::leak(Box::new(Load::new(in_flight)));
    let meter = thread::spawn(move || load.measure(server));
    (contender(name)?.call)(port, load)?;
    let spent = meter.join().map_err(|_| "the meter panicked")??;
    println!("{}", serde_json::to_string(&load.figures(&spent))?);
    Ok(())
}

/// Keeps this process on one core. Threads that it starts stay there as well.
fn stay_on(core: &str) -> Result<()> {
    let Ok(core) = core.parse() else { return Ok(()) };
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}

fn contender(name: &str) -> Result<&'static Contender> {
    CONTENDERS.iter().find(|known| known.name == name).ok_or("no such contender".into())
}
