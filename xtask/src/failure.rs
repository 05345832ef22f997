//! How a step fails, and how it runs other programs.

use std::fmt;
use std::process::{Command, Output};

/// What a step returns.
pub(crate) type Outcome = Result<(), Failure>;

/// Why a step failed, for a person who has not read this program.
#[derive(Debug)]
pub(crate) struct Failure {
    what: String,
    cause: String,
    remedy: String,
}

impl Failure {
    pub(crate) fn new(
        what: impl Into<String>,
        cause: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self { what: what.into(), cause: cause.into(), remedy: remedy.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.what)?;
        writeln!(f, "cause: {}", self.cause)?;
        write!(f, "to do: {}", self.remedy)
    }
}

/// Runs a command whose output goes where ours goes: CI and people read it.
pub(crate) fn run(command: &mut Command, remedy: &str) -> Outcome {
    let cause = match command.status() {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => format!("{status}; what it printed is above"),
        Err(error) => format!("it could not be started: {error}"),
    };
    Err(Failure::new(format!("this command failed: {}", shown(command)), cause, remedy))
}

/// Runs a command only to learn whether it works; an error says why not.
pub(crate) fn try_out(command: &mut Command) -> Result<(), String> {
    match command.output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(last_words(&output)),
        Err(error) => Err(format!("it could not be started: {error}")),
    }
}

/// The last line that a program printed as its error: tracebacks end in the
/// message.
fn last_words(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    match text.lines().rfind(|line| !line.trim().is_empty()) {
        Some(line) => line.trim().to_owned(),
        None => output.status.to_string(),
    }
}

/// A command as a person would type it.
fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_thing_the_cause_and_what_to_do() {
        let missing = run(&mut Command::new("no-such-program-here"), "install it").unwrap_err();
        let text = missing.to_string();
        assert!(text.starts_with("error: this command failed: no-such-program-here\n"), "{text}");
        assert!(text.contains("\ncause: it could not be started: "), "{text}");
        assert!(text.ends_with("\nto do: install it"), "{text}");
    }
}
