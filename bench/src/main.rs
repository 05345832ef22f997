//! How fast and how large EasyHTTP is, beside others that do the same job.
//!
//! ```text
//! cargo run --release --manifest-path bench/Cargo.toml [-- REPETITIONS]
//! ```
//!
//! The job is one FETCH: a message is rendered and sent, parsed and handled,
//! answered, and parsed again. Client and server are processes of their own on
//! loopback, and keep their connections. The contenders take turns, so that
//! whatever else the machine does hits all of them, and are compared within a
//! turn; what is shown is the median of all turns.
//!
//! This program is the conductor, and the processes that it starts as well:
//! `serve NAME CORE` and `call NAME CORE IN_FLIGHT PORT PID`.

// A report is what this program is for.
#![allow(clippy::print_stdout, clippy::print_stderr)]

mod contenders;
mod load;
mod payload;
mod processes;
mod product;
mod report;

use std::{env, fs};

use contenders::CONTENDERS;
use processes::{Placement, Server};
use report::Series;

type Error = Box<dyn std::error::Error + Send + Sync>;
type Result<T> = std::result::Result<T, Error>;

/// Fewer are quick to look at, and good for nothing else.
const REPETITIONS: usize = 9;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", name, core] => processes::serve(name, core),
        ["call", name, core, in_flight, port, server] => {
            processes::call(name, core, in_flight.parse()?, port.parse()?, server.parse()?)
        }
        [repetitions] => run(repetitions.parse()?),
        [] => run(REPETITIONS),
        _ => Err("usage: easyhttp-bench [REPETITIONS]".into()),
    }
}

fn run(repetitions: usize) -> Result<()> {
    let mut series = Vec::new();
    for placement in [Placement::OneCore, Placement::AllCores] {
        series.extend([1, 64].map(|in_flight| Series { placement, in_flight, turns: Vec::new() }));
    }
    for repetition in 1..=repetitions {
        eprintln!("repetition {repetition} of {repetitions}");
        for series in &mut series {
            let figures = CONTENDERS.iter().map(|contender| {
                Server::start(contender.name, series.placement)?.measure(series.in_flight)
            });
            let turn = figures.collect::<Result<_>>()?;
            series.turns.push(turn);
        }
    }
    eprintln!("the program `easyhttp`");
    let report = report::render(&series, product::measure(repetitions), repetitions);
    println!("{report}");
    let results = concat!(env!("CARGO_MANIFEST_DIR"), "/results");
    fs::create_dir_all(results)?;
    Ok(fs::write(format!("{results}/latest.md"), report)?)
}
