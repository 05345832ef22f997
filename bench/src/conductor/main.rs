//! How fast and how small EasyHTTP is, beside others that do the same job.
//!
//! This is the conductor. It builds the contenders, each a program of its own, lets them take
//! turns, and writes what came of it.

// A report is what this program is for.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod chart;
mod contenders;
mod loads;
mod measure;
mod programs;
mod report;
mod results;
mod servers;
mod standing;
mod syscalls;
mod targets;

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs};

use contenders::{BASELINE, CONTENDERS, Contender, Kind};
use easyhttp_bench::Result;
use measure::Run;
use programs::{Programs, target};
use results::Results;

const HELP: &str = "\
Measures EasyHTTP beside others, and writes docs/benchmark.md and docs/benchmark.svg.

    cargo run --release --manifest-path bench/Cargo.toml [-- OPTION...]

    --only NAME,...   only these contenders, and bare hyper; `ours` are all of ours
    --quick           two short repetitions, good for nothing but a look
    --repetitions N   9 by default
    --prepare         builds what is to be measured, and ends
    --again           writes the report of the last run anew

A run takes less than 15 minutes once everything is built; the first build takes longer.
With --only or --quick, the report goes to the folder of the build instead.

The brokers mosquitto and nats-server come from the system, and so does strace, which counts
system calls: `bench/install` gets them on Debian. What is missing is left out, and the report
says so. Everything talks on loopback; only building needs a network.

Contenders:";

/// Fewer are quick to look at, and good for nothing else.
const REPETITIONS: usize = 9;

/// What the user wants.
#[derive(Default)]
struct Options {
    only: Option<String>,
    quick: bool,
    repetitions: Option<usize>,
    prepare: bool,
    again: bool,
}

fn main() -> Result<()> {
    let Some(options) = Options::parse(env::args().skip(1))? else {
        println!("{HELP}");
        CONTENDERS.iter().for_each(|row| println!("    {:22} {}", row.name, row.title));
        return Ok(());
    };
    let results: Results = match options.again {
        true => serde_json::from_slice(&fs::read(target()?.join("benchmark.json"))?)?,
        false => match options.measure()? {
            Some(results) => results,
            None => return Ok(()),
        },
    };
    let report = report::render(&results);
    println!("{report}");
    let folder = folder(&results)?;
    fs::write(folder.join("benchmark.md"), report)?;
    if let Some(chart) = chart::render(&results) {
        fs::write(folder.join("benchmark.svg"), chart)?;
    }
    eprintln!("written to {}", folder.display());
    Ok(())
}

impl Options {
    /// None if help is wanted.
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut options = Self::default();
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} wants a value"));
            match argument.as_str() {
                "--only" => options.only = Some(value()?),
                "--repetitions" => options.repetitions = Some(value()?.parse()?),
                "--quick" => options.quick = true,
                "--prepare" => options.prepare = true,
                "--again" => options.again = true,
                "--help" | "-h" => return Ok(None),
                _ => return Err(format!("{argument}: unknown; see --help").into()),
            }
        }
        Ok(Some(options))
    }

    fn contenders(&self) -> Result<Vec<&'static Contender>> {
        let Some(only) = &self.only else { return Ok(CONTENDERS.iter().collect()) };
        let names: Vec<_> = only.split(',').chain([BASELINE]).collect();
        let unknown = |name: &&&str| **name != "ours" && contenders::contender(name).is_none();
        if let Some(name) = names.iter().find(unknown) {
            return Err(format!("{name}: no such contender; see --help").into());
        }
        let is_wanted = |row: &&Contender| {
            names.contains(&row.name) || names.contains(&"ours") && row.kind == Kind::Ours
        };
        Ok(CONTENDERS.iter().filter(is_wanted).collect())
    }

    /// None if it was only to be built.
    fn measure(&self) -> Result<Option<Results>> {
        let contenders = self.contenders()?;
        let (programs, left_out) = Programs::build(&contenders)?;
        if self.prepare {
            left_out.iter().for_each(|(name, reason)| eprintln!("{name}: left out: {reason}"));
            return Ok(None);
        }
        let start = Instant::now();
        let repetitions = self.repetitions.unwrap_or(if self.quick { 2 } else { REPETITIONS });
        let mut results = Results::new(repetitions, machine(), left_out);
        results.is_whole = self.only.is_none() && !self.quick && repetitions >= REPETITIONS;
        let mut run = Run { programs: &programs, contenders, quick: self.quick, results };
        for repetition in 1..=repetitions {
            eprintln!("repetition {repetition} of {repetitions}");
            run.repeat(repetition)?;
        }
        run.once();
        run.results.seconds = start.elapsed().as_secs();
        fs::write(target()?.join("benchmark.json"), serde_json::to_vec(&run.results)?)?;
        Ok(Some(run.results))
    }
}

/// Where the report goes. What is not whole is nothing to show.
fn folder(results: &Results) -> Result<PathBuf> {
    match results.is_whole {
        true => Ok(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")),
        false => target(),
    }
}

fn machine() -> String {
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("Linux {} with {} cores", kernel.trim(), measure::cores())
}
