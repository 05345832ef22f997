//! What is said about a test: that it was skipped, and how long things took.

use std::env;
use std::io::Write;
use std::time::{Duration, Instant};

/// What a test says instead of running where it cannot. In CI that is a failure.
pub(crate) fn skip(what: &str, why: &str) {
    let text = format!("SKIPPED: {what}: {why}");
    assert!(env::var_os("CI").is_none_or(|value| value.is_empty()), "{text}");
    // Not by `eprintln`, of which the test runner shows nothing.
    let _ = writeln!(std::io::stderr(), "\n{text}\n");
}

/// Prints how long something took, for those who ask by `--nocapture`.
pub(crate) fn report(what: &str, since: Instant) {
    println!("lab: {what}: {} ms", since.elapsed().as_millis());
}

/// The same of several times.
pub(crate) fn report_all(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let [middle, longest] = [times[times.len() / 2], times[times.len() - 1]];
    let count = times.len();
    println!("lab: {what}: p50 {middle:.1?}, longest {longest:.1?}, {count} times");
}
