//! A command line that cannot be understood, and `--help` and `--version`.

use std::error::Error as _;
use std::io::Write;
use std::process::ExitCode;

use clap::Error;
use clap::error::ErrorKind;
use easyhttp::InvalidId;

use crate::failure::{Exit, Failure};
use crate::output::Output;

/// Prints what clap has to say, also as JSON if that was asked for.
pub(crate) fn report(error: &Error) -> ExitCode {
    // Nobody reads it: then the exit code says it.
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let _ = write!(anstream::stderr(), "{}", without_keys(error.render().ansi().to_string()));
    if error.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand && wants_json() {
        let report = Failure::new(Exit::Usage, code(error), message(error)).report;
        if let Some(report) = report {
            let _ = Output::new(true).object(&report.to_object());
        }
    }
    Exit::Usage.into()
}

/// The flag itself, as the line was not understood.
fn wants_json() -> bool {
    std::env::args_os().skip(1).take_while(|arg| arg != "--").any(|arg| arg == "--json")
}

fn code(error: &Error) -> &'static str {
    if invalid_id(error).is_some() { "invalid_id" } else { "usage" }
}

/// The first sentence, without the usage that follows for people.
fn message(error: &Error) -> String {
    if let Some(invalid) = invalid_id(error) {
        return invalid.to_string();
    }
    let text = without_keys(error.render().to_string());
    let first = text.split("\n\n").next().unwrap_or_default();
    first.trim_start_matches("error: ").trim_end().to_owned()
}

/// A text that may repeat arguments, without network keys that stand among them: one
/// is soon given where none is expected.
fn without_keys(text: String) -> String {
    let arguments = std::env::args_os().skip(1).filter_map(|argument| argument.into_string().ok());
    arguments.fold(text, |text, argument| match argument.to_ascii_uppercase().find(KEY) {
        Some(start) => text.replace(&argument[start..], "EHK1-…"),
        None => text,
    })
}

/// How a network key begins, of whatever version it is.
const KEY: &str = "EHK";

fn invalid_id(error: &Error) -> Option<&InvalidId> {
    error.source()?.downcast_ref()
}
