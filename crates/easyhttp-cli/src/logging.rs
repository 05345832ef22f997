//! What the library says while it works, on standard error.

use std::io::{self, IsTerminal};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;

use crate::output::warn;
use crate::screen;

/// `debug`, or `easyhttp=debug,hyper=info`.
const VARIABLE: &str = "EASYHTTP_LOG";

/// Where the library tells what it has refused.
const REFUSED: &str = "easyhttp::counters";

pub(crate) fn start(is_verbose: bool, is_device: bool) {
    let usual = Targets::new().with_default(LevelFilter::WARN);
    // What strangers send meanwhile is nothing to who asks one question.
    let usual = match is_device || is_verbose {
        true => usual,
        false => usual.with_target(REFUSED, LevelFilter::OFF),
    };
    let text = std::env::var(VARIABLE).unwrap_or_default();
    let filter = match text.trim() {
        "" => usual,
        given => given.parse().unwrap_or_else(|error| {
            warn(&format!("{VARIABLE} is ignored, as {given:?} is no filter: {error}"));
            usual
        }),
    };
    let filter =
        if is_verbose { filter.with_target("easyhttp", LevelFilter::DEBUG) } else { filter };
    let lines = fmt::layer().with_writer(writer).with_ansi(false).with_target(false);
    tracing_subscriber::registry().with(lines.with_filter(filter)).init();
}

/// Standard error, unless something live is on that very terminal, which lines
/// would tear apart.
fn writer() -> Box<dyn io::Write> {
    match screen::is_open() && io::stderr().is_terminal() {
        true => Box::new(io::sink()),
        false => Box::new(io::stderr()),
    }
}
