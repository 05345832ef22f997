//! `cargo xtask`: the commands that developers and CI run on this repository.
//!
//! A program instead of shell scripts, so that a fresh machine needs Rust,
//! Python 3 and a C++ compiler, and without dependencies, so that it starts
//! within a second or two.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to a person and has no log"
)]

mod build;
mod checks;
mod failure;
mod fuzz;
mod network;
mod python;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::{Failure, Outcome};

const HELP: &str = "\
cargo xtask test           every check and every test, as CI runs them
cargo xtask test ARG...    only the tests; the arguments go to `cargo test`,
                           as in `cargo xtask test -p easyhttp ping -- --nocapture`
cargo xtask fuzz [SECONDS] each fuzz target for a minute, or for this long
";

/// Everything that `cargo xtask test` does, in this order.
///
/// What needs a network (crates, Python packages) comes before the tests,
/// which have none. What fails fast comes before what takes long.
const STEPS: &[Step] = &[
    Step { name: "python peers", runs: Runs::Always, action: python::install_peers },
    Step { name: "format", runs: Runs::InFull, action: checks::format },
    Step { name: "clippy", runs: Runs::InFull, action: checks::clippy },
    Step { name: "benchmark", runs: Runs::InFull, action: checks::benchmark },
    Step { name: "documentation", runs: Runs::InFull, action: checks::documentation },
    Step { name: "protocol without std", runs: Runs::InFull, action: checks::no_std },
    Step { name: "fuzz", runs: Runs::InFull, action: fuzz::briefly },
    Step { name: "release program", runs: Runs::InFull, action: build::program },
    Step { name: "build tests", runs: Runs::Always, action: build::tests },
    Step { name: "tests", runs: Runs::Always, action: network::tests },
];

/// One step of `cargo xtask test`.
struct Step {
    name: &'static str,
    runs: Runs,
    action: fn(&Context) -> Outcome,
}

/// When a step runs.
#[derive(PartialEq)]
enum Runs {
    /// Each time: the tests cannot run without it.
    Always,
    /// Unless somebody asked for certain tests, and so does not want to wait.
    InFull,
}

/// What every step is given.
struct Context {
    /// The repository.
    root: PathBuf,
    /// What follows `cargo xtask test`, for `cargo test`.
    test_arguments: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.split_first() {
        None => help(),
        Some((command, _)) if ["help", "--help", "-h"].contains(&command.as_str()) => help(),
        Some((command, rest)) if command == "test" => exit(test(rest)),
        Some((command, rest)) if command == "fuzz" => {
            exit(repository().and_then(|root| fuzz::command(&root, rest)))
        }
        Some((command, _)) => {
            eprint!("error: there is no `cargo xtask {command}`; there is:\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

fn help() -> ExitCode {
    print!("{HELP}");
    ExitCode::SUCCESS
}

fn exit(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::FAILURE
        }
    }
}

fn test(arguments: &[String]) -> Outcome {
    let context = Context { root: repository()?, test_arguments: arguments.to_vec() };
    let in_full = arguments.is_empty();
    for step in STEPS.iter().filter(|step| in_full || step.runs == Runs::Always) {
        eprintln!("── {}", step.name);
        (step.action)(&context)?;
    }
    eprintln!("{}", if in_full { "all passed" } else { "the chosen tests passed" });
    Ok(())
}

/// The directory above this crate's.
///
/// Asked at run time: a value from compile time would name another clone, if
/// two of them share a target directory.
fn repository() -> Result<PathBuf, Failure> {
    let manifest = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    manifest.as_deref().and_then(|xtask| xtask.parent()).map(PathBuf::from).ok_or_else(|| {
        Failure::new(
            "the repository was not found",
            "cargo, which says where it is, did not start this program",
            "start it as `cargo xtask`",
        )
    })
}
