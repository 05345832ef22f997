//! Fuzzing: inputs that lead to new code are changed again and again, until
//! one of them breaks the protocol crate or the time is over.
//!
//! Started by cargo alone, on stable Rust: `fuzz/.cargo/config.toml` has the
//! flags by which the compiler counts what an input reaches.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Context;
use crate::build::{REMEDY, cargo_program};
use crate::failure::{Failure, Outcome, run, try_out};
use crate::network::in_ci;

/// How long each target runs as one of many checks, in seconds.
const SHORT: u64 = 5;

/// How long each target runs if nobody says it, in seconds.
const LONG: u64 = 60;

/// An input that takes longer than this, in seconds, will never end: others
/// take microseconds.
const ENDLESS: u64 = 60;

/// `cargo xtask fuzz [SECONDS]`.
pub(crate) fn command(root: &Path, arguments: &[String]) -> Outcome {
    let seconds = match arguments {
        [] => Some(LONG),
        [seconds] => seconds.parse().ok(),
        _ => None,
    };
    match seconds {
        Some(seconds) => each_target(root, seconds),
        None => Err(Failure::new(
            "the time to fuzz was not understood",
            format!("given was: {}", arguments.join(" ")),
            "give the seconds for each target, as in `cargo xtask fuzz 120`",
        )),
    }
}

/// Checks the targets, and runs each of them for a few seconds.
pub(crate) fn briefly(context: &Context) -> Outcome {
    if let Err(cause) = try_compiler() {
        return skipped(cause);
    }
    let fuzz = context.root.join("fuzz");
    run(cargo(&fuzz).args(["fmt", "--check"]), "run `cargo fmt` in fuzz/")?;
    run(
        cargo(&fuzz).args(["clippy", "--", "-D", "warnings"]),
        "the targets use the protocol crate as any user does: they must go along with a change",
    )?;
    each_target(&context.root, SHORT)
}

fn each_target(root: &Path, seconds: u64) -> Outcome {
    let fuzz = root.join("fuzz");
    run(cargo(&fuzz).args(["build", "--quiet"]), REMEDY)?;
    for target in targets(&fuzz)? {
        let found = fuzz_for(root, &target, seconds)?;
        eprintln!("{target}: {found}");
    }
    Ok(())
}

/// The names of the targets: each is a program of its own.
fn targets(fuzz: &Path) -> Result<Vec<String>, Failure> {
    let sources = fuzz.join("src/bin");
    let files = fs::read_dir(&sources).map_err(|error| cannot("read", &sources, &error))?;
    let names = files.filter_map(|file| Some(file.ok()?.path().file_stem()?.to_str()?.to_owned()));
    let mut names: Vec<_> = names.collect();
    names.sort();
    Ok(names)
}

/// Runs one target, and says what it did.
fn fuzz_for(root: &Path, target: &str, seconds: u64) -> Result<String, Failure> {
    // What led further stays from run to run, apart from what is committed. So
    // does what broke it: the next run starts with that.
    let finds = root.join("target/fuzz").join(target);
    fs::create_dir_all(&finds).map_err(|error| cannot("write to", &finds, &error))?;
    let broken = finds.join("broken");

    let output = cargo(&root.join("fuzz"))
        .args(["run", "--quiet", "--bin", target, "--"])
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={ENDLESS}"))
        .arg(format!("-exact_artifact_path={}", broken.display()))
        .arg("-print_final_stats=1")
        .arg(&finds)
        .arg(root.join("fuzz/corpus").join(target))
        .output();
    let output = output.map_err(|error| cannot("start", &PathBuf::from(target), &error))?;
    let log = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(broke(target, &log, &broken));
    }
    let (Some(executions), Some(edges)) = (executions(&log), edges(&log)) else {
        eprintln!("{log}");
        return Err(Failure::new(
            format!("the fuzzer does not see what its inputs reach in `{target}`"),
            "the compiler was not given the flags of fuzz/.cargo/config.toml, or does not know \
             them any more",
            "see whether other settings of cargo replace them (`cargo config`, RUSTFLAGS)",
        ));
    };
    Ok(format!("{executions} executions in {seconds} s, {edges} edges of the code reached"))
}

/// A target has found something, which is shown above the failure.
fn broke(target: &str, log: &str, broken: &Path) -> Failure {
    let is_progress = |line: &&str| line.starts_with(['#', '\t', '"']);
    let words: Vec<_> = log.lines().filter(|line| !is_progress(line)).collect();
    eprintln!("{}\n", words.join("\n"));
    if let Ok(input) = fs::read(broken) {
        eprintln!("this input breaks `{target}`:\n");
        for line in input.split(|byte| *byte == b'\n') {
            eprintln!("    {}", line.escape_ascii().to_string().replace("\\\"", "\""));
        }
    }
    let panic = words.iter().position(|line| line.contains("panicked at"));
    let cause = match panic {
        Some(panic) => words[panic..].iter().take(2).copied().collect::<Vec<_>>().join("\n       "),
        None => "no panic: what the fuzzer says of it is above".into(),
    };
    Failure::new(
        format!("the fuzz target `{target}` broke"),
        cause,
        format!(
            "to reproduce it: cd fuzz && cargo run --bin {target} -- {}\n       \
             correct the code, and keep the input as a test or in fuzz/corpus/{target}",
            broken.display()
        ),
    )
}

fn executions(log: &str) -> Option<&str> {
    let (_, number) = log.rsplit_once("stat::number_of_executed_units:")?;
    number.split_whitespace().next()
}

/// How many edges between pieces of code were reached, as the fuzzer last said.
fn edges(log: &str) -> Option<&str> {
    let (_, number) = log.rsplit_once(" cov: ")?;
    number.split_whitespace().next()
}

/// Cargo as one starts it in `fuzz/`, where the flags are.
fn cargo(fuzz: &Path) -> Command {
    let mut cargo = Command::new(cargo_program());
    // These would replace the flags.
    cargo.current_dir(fuzz).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    cargo
}

/// The fuzzer itself is C++.
fn try_compiler() -> Result<(), String> {
    let compiler = env::var_os("CXX").unwrap_or_else(|| "c++".into());
    try_out(Command::new(&compiler).arg("--version"))
        .map_err(|cause| format!("{}: {cause}", compiler.display()))
}

fn skipped(cause: String) -> Outcome {
    let remedy = "install a C++ compiler; on Debian: apt-get install g++";
    if in_ci() {
        return Err(Failure::new("CI must fuzz and has no C++ compiler", cause, remedy));
    }
    eprintln!(
        "\nWARNING: nothing is fuzzed without a C++ compiler.\ncause: {cause}\nto do: {remedy}\n"
    );
    Ok(())
}

fn cannot(verb: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        format!("cannot {verb} {}", path.display()),
        error.to_string(),
        "see that target/ can be written to and that the disk is not full",
    )
}
