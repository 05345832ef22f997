//! The tests, in a network of their own.
//!
//! A device announces itself to everybody who listens. On the host's network
//! the tests would meet the devices of the house, and the house would meet
//! theirs. On Linux they run in a network namespace that has a loopback
//! interface and nothing else.

use std::env;
use std::ffi::OsStr;
use std::process::Command;

use crate::Context;
use crate::build::{cargo_program, program_path, test_arguments};
use crate::failure::{Failure, Outcome, run, try_out};
use crate::python;

/// The ways to get a namespace: as root, and as anybody else, where the system
/// lets users have namespaces.
const WAYS: [&[&str]; 2] = [&["--net"], &["--map-root-user", "--net"]];

/// Sets the namespace up, then becomes the command that follows.
const SETUP: &str = "xtask/support/netns.py";

/// Where the tests find Python devices.
pub(crate) const PYTHON: &str = "EASYHTTP_TEST_PYTHON";

/// Tells the tests that they are not alone on the network.
const SHARED_NETWORK: &str = "EASYHTTP_TEST_SHARED_NETWORK";

/// Where the tests of the Python package find the program `easyhttp`.
const PROGRAM: &str = "EASYHTTP_TEST_PROGRAM";

/// Runs all tests, or those that were asked for.
pub(crate) fn tests(context: &Context) -> Outcome {
    run(
        on_network(context, &cargo_program())?
            .args(["test", "--offline"])
            .args(test_arguments(context))
            .env(PYTHON, python::interpreter(&context.root)),
        "what failed is named above; to run one test: `cargo xtask test NAME`",
    )
}

/// Runs all tests of the Python package, or those that were asked for.
pub(crate) fn python_tests(context: &Context) -> Outcome {
    run(
        on_network(context, python::interpreter(&context.root).as_os_str())?
            .args(["-m", "pytest"])
            .args(&context.test_arguments)
            .current_dir(python::package(&context.root))
            .env(PROGRAM, program_path()?),
        "what failed is named above; to run one test: `cargo xtask python -k NAME`",
    )
}

/// Cargo in a network of its own, and not at all where there is none.
pub(crate) fn cargo_in_own_network(context: &Context) -> Result<Command, Failure> {
    let way = working_way(context).map_err(refusal)?;
    Ok(in_namespace(context, way, &cargo_program()))
}

/// A program on the network of the tests.
fn on_network(context: &Context, program: &OsStr) -> Result<Command, Failure> {
    match working_way(context) {
        Ok(way) => Ok(in_namespace(context, way, program)),
        Err(cause) if in_ci() => Err(refusal(cause)),
        Err(cause) => Ok(on_host_network(context, &cause, program)),
    }
}

/// The first way that works, or why none does.
///
/// Tried for real, because a system can hand out a namespace and then refuse
/// to have it set up.
fn working_way(context: &Context) -> Result<&'static [&'static str], String> {
    let mut causes = Vec::new();
    for way in WAYS {
        match try_out(in_namespace(context, way, &cargo_program()).arg("--version")) {
            Ok(()) => return Ok(way),
            Err(cause) => causes.push(format!("unshare {}: {cause}", way.join(" "))),
        }
    }
    Err(causes.join("\n       "))
}

fn in_namespace(context: &Context, way: &[&str], program: &OsStr) -> Command {
    let mut command = Command::new("unshare");
    command
        .current_dir(&context.root)
        .env_remove(SHARED_NETWORK)
        .args(way)
        .arg(python::interpreter(&context.root))
        .arg(context.root.join(SETUP))
        .arg(program);
    command
}

fn on_host_network(context: &Context, cause: &str, program: &OsStr) -> Command {
    eprintln!(
        "\n\
         WARNING: the tests run on the host's network, not on one of their own.\n\
         They may meet other EasyHTTP devices there, and those may see the tests' devices.\n\
         cause: {cause}\n"
    );
    let mut command = Command::new(program);
    command.current_dir(&context.root).env(SHARED_NETWORK, "1");
    command
}

fn refusal(cause: String) -> Failure {
    Failure::new(
        "the tests have no network of their own, which CI and the lab must give them",
        cause,
        "run as root, or where users may make namespaces, with `unshare` (on Debian: apt-get \
         install util-linux); without the variable CI, `cargo xtask test` uses the host's network instead",
    )
}

/// Whether this is CI, where nothing may be left out.
pub(crate) fn in_ci() -> bool {
    env::var_os("CI").is_some_and(|value| !value.is_empty())
}
