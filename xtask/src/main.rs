//! `cargo xtask`: the commands that developers and CI run on this repository.
//!
//! A program instead of shell scripts, so that a fresh machine needs Rust,
//! Python 3, a C++ compiler, valgrind, strace and Chromium, and without
//! dependencies, so that it starts within a second or two.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line tool speaks to a person and has no log"
)]

mod build;
mod checks;
mod costs;
mod failure;
mod fuzz;
mod lab;
mod network;
mod python;
mod smallest;

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use crate::Request::{All, Lab, Python, Rust};
use crate::failure::{Failure, Outcome};

const HELP: &str = "\
cargo xtask test           every check and every test, as CI runs them
cargo xtask test ARG...    only the tests; the arguments go to `cargo test`,
                           as in `cargo xtask test -p easyhttp ping -- --nocapture`
cargo xtask python ARG...  only the tests of the Python package; the arguments go to
                           pytest, as in `cargo xtask python -k fetch`
cargo xtask fuzz [SECONDS] each fuzz target for a minute, or for this long
cargo xtask costs          counts the instructions and system calls of a call, and compares
                           them with docs/costs.md; with --accept, writes that page
cargo xtask lab            measures how devices find each other in the network lab,
                           and writes the table in docs/lab.md
";

/// Everything that is done, in this order.
///
/// What needs a network (crates, Python packages) comes before the tests,
/// which have none. What fails fast comes before what takes long.
const STEPS: &[Step] = &[
    Step { name: "python peers", of: &[All, Rust, Python, Lab], action: python::install_peers },
    Step { name: "format", of: &[All], action: checks::format },
    Step { name: "clippy", of: &[All], action: checks::clippy },
    Step { name: "benchmark", of: &[All], action: checks::benchmark },
    Step { name: "documentation", of: &[All], action: checks::documentation },
    Step { name: "protocol without std", of: &[All], action: checks::no_std },
    Step { name: "smallest device", of: &[All], action: smallest::check },
    Step { name: "fuzz", of: &[All], action: fuzz::briefly },
    Step { name: "costs", of: &[All], action: costs::check },
    Step { name: "release program", of: &[All, Python], action: build::program },
    Step { name: "python package", of: &[All, Python], action: python::install_package },
    Step { name: "build tests", of: &[All, Rust], action: build::tests },
    Step { name: "tests", of: &[All, Rust], action: network::tests },
    Step { name: "python tests", of: &[All, Python], action: network::python_tests },
    Step { name: "build the lab", of: &[Lab], action: lab::build },
    Step { name: "lab", of: &[Lab], action: lab::measure },
];

/// One step of a command.
struct Step {
    name: &'static str,
    of: &'static [Request],
    action: fn(&Context) -> Outcome,
}

/// What somebody asked for.
#[derive(Clone, Copy, PartialEq)]
enum Request {
    /// All that CI runs.
    All,
    /// Certain tests of the Rust crates, without waiting for the rest.
    Rust,
    /// The tests of the Python package.
    Python,
    /// The table of what the network lab measures.
    Lab,
}

/// What every step is given.
struct Context {
    /// The repository.
    root: PathBuf,
    /// What follows `cargo xtask test` or `cargo xtask python`, for `cargo test` or pytest.
    test_arguments: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let Some((command, rest)) = arguments.split_first() else { return help() };
    let outcome = match command.as_str() {
        "help" | "--help" | "-h" => return help(),
        "test" if rest.is_empty() => take_steps(All, rest),
        "test" => take_steps(Rust, rest),
        "python" => take_steps(Python, rest),
        "lab" if rest.is_empty() => take_steps(Lab, rest),
        "costs" => repository().and_then(|root| costs::command(root, rest)),
        "fuzz" => repository().and_then(|root| fuzz::command(&root, rest)),
        _ => {
            eprint!("error: there is no `cargo xtask {command}`; there is:\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::FAILURE
        }
    }
}

fn help() -> ExitCode {
    print!("{HELP}");
    ExitCode::SUCCESS
}

fn take_steps(request: Request, arguments: &[String]) -> Outcome {
    let context = Context { root: repository()?, test_arguments: arguments.to_vec() };
    for step in STEPS.iter().filter(|step| step.of.contains(&request)) {
        eprintln!("── {}", step.name);
        (step.action)(&context)?;
    }
    match request {
        All => eprintln!("all passed"),
        Rust | Python => eprintln!("the chosen tests passed"),
        Lab => {}
    }
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
