//! What a command prints: text for people, or one JSON object a line.

use std::io::{self, IsTerminal, Write};

use crate::event::Event;
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::style::{BAD, DIM, printable, styled};

/// Standard output and standard error, as this run uses them.
#[derive(Debug)]
pub(crate) struct Output {
    is_json: bool,
}

impl Output {
    pub(crate) fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.is_json
    }

    /// Prints one of the two.
    pub(crate) fn print(
        &self,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> Object,
    ) -> Result<(), Failure> {
        if self.is_json { self.object(&json()) } else { self.text(&text()) }
    }

    /// Prints a line for people.
    pub(crate) fn text(&self, line: &str) -> Result<(), Failure> {
        let mut stdout = anstream::stdout().lock();
        writeln!(stdout, "{line}").and_then(|()| stdout.flush())?;
        Ok(())
    }

    /// Prints a line for programs.
    pub(crate) fn object(&self, object: &Object) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{object}").and_then(|()| stdout.flush())?;
        Ok(())
    }

    /// Prints something that happened.
    pub(crate) fn event(&self, event: Event) -> Result<(), Failure> {
        let line = event.line(self.is_json);
        if self.is_json {
            let mut stdout = io::stdout().lock();
            writeln!(stdout, "{line}").and_then(|()| stdout.flush())?;
            Ok(())
        } else {
            self.text(&line)
        }
    }

    /// Prints data of another device: as it is, unless a terminal would obey it.
    pub(crate) fn data(&self, data: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        if stdout.is_terminal() {
            writeln!(stdout, "{}", printable(data))?;
        } else {
            writeln!(stdout, "{data}")?;
        }
        stdout.flush()?;
        Ok(())
    }

    /// Says why the program ends, and gives its exit code.
    pub(crate) fn failed(&self, failure: &Failure) -> Exit {
        if let Some(report) = &failure.report {
            if self.is_json {
                // If it cannot be printed, the exit code still says it.
                let _ = self.object(&report.to_object());
            }
            let message = printable(&report.message);
            let _ = writeln!(anstream::stderr(), "{} {message}", styled(BAD, "error:"));
            if let Some(hint) = &report.hint {
                let _ = writeln!(anstream::stderr(), "{} {hint}", styled(DIM, "hint:"));
            }
        }
        failure.exit
    }
}

/// Says something on standard error that does not end the program.
pub(crate) fn warn(text: &str) {
    // Nobody listens: then nobody misses it.
    let _ = writeln!(anstream::stderr(), "{} {text}", styled(crate::style::DOUBTFUL, "warning:"));
}
