//! The program `easyhttp`: devices of a local network from the shell.
//!
//! | module | is |
//! |---|---|
//! | [`args`] | what can be typed |
//! | [`said`], [`value`], [`json`] | texts on the command line, and JSON in and out |
//! | [`commands`] | what each command does |
//! | [`asker`], [`identity`] | the device that a command speaks as |
//! | [`everyone`] | one command to all devices |
//! | [`keys`], [`secret`] | the network key, wherever it is given |
//! | [`network`], [`interrupt`] | this machine: its network, and Ctrl-C |
//! | [`output`], [`progress`], [`event`], [`style`] | what is seen |
//! | [`reader`] | whoever sees it |
//! | [`screen`], [`grid`], [`text`] | what is live on the terminal |
//! | [`failure`], [`usage`], [`silence`] | what goes wrong, and the exit code |
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for the terminal speaks on its standard streams"
)]

mod args;
mod asker;
mod commands;
mod event;
mod everyone;
mod failure;
mod grid;
mod identity;
mod interrupt;
mod json;
mod keys;
mod logging;
mod network;
mod output;
mod progress;
mod reader;
mod said;
mod screen;
mod secret;
mod silence;
mod style;
mod text;
mod usage;
mod value;

use std::process::ExitCode;

use clap::Parser;

use crate::args::{Cli, Command};
use crate::failure::Failure;
use crate::output::Output;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return usage::report(&error),
    };
    let is_device = matches!(cli.command, Command::Serve(_) | Command::Demo(_));
    logging::start(cli.common.verbose, is_device);
    let output = Output::new(cli.common.json);
    match run(cli, &output) {
        Ok(exit) => exit.into(),
        Err(failure) => output.failed(&failure).into(),
    }
}

fn run(cli: Cli, output: &Output) -> Result<failure::Exit, Failure> {
    // One thread is enough: what a command does, it does by waiting.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(easyhttp::StartError::Runtime).map_err(easyhttp::Error::from)?;
    let done = runtime.block_on(commands::run(cli.command, &cli.common, output));
    // A name server that does not answer must not keep the program.
    runtime.shutdown_background();
    done
}
