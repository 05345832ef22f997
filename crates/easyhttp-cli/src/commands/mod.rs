//! What each command does, one module for each.

mod demo;
mod discover;
mod fetch;
mod id;
mod key;
mod outbox;
mod ping;
mod push;
mod send;
mod serve;
mod stats;
mod trust;

use crate::args::{Command, Common};
use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Runs a command to its end, and gives the exit code.
pub(crate) async fn run(
    command: Command,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    match command {
        Command::Serve(args) => serve::run(args, common, output).await,
        Command::Discover(args) => discover::run(&args, common, output).await,
        Command::Ping(args) => ping::run(&args, common, output).await,
        Command::Fetch(args) => fetch::run(args, common, output).await,
        Command::Push(args) => push::run(args, common, output).await,
        Command::Send(args) => send::run(args, common, output).await,
        Command::Outbox(args) => outbox::run(args, common, output).await,
        Command::Id(args) => id::run(&args, output),
        Command::Key(args) => key::run(args, common, output),
        Command::Trust(args) => trust::run(args, common, output),
        Command::Stats(args) => stats::run(&args, common, output).await,
        Command::Demo(args) => demo::run(&args, common, output).await,
    }
}
