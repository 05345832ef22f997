//! What is said about a test: that it was skipped, and what it measured.

use std::env;
use std::fmt::{self, Display};
use std::io::Write;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a test says instead of running where it cannot. In CI that is a failure.
pub(crate) fn skip(what: &str, why: &str) {
    let text = format!("SKIPPED: {what}: {why}");
    assert!(env::var_os("CI").is_none_or(|value| value.is_empty()), "{text}");
    // Not by `eprintln`, of which the test runner shows nothing.
    let _ = writeln!(std::io::stderr(), "\n{text}\n");
}

/// Whether there is a Python, which takes no package; if not it is said.
pub(crate) fn has_python(what: &str) -> bool {
    let has_it = Command::new("python3").arg("--version").output().is_ok();
    if !has_it {
        skip(what, "there is no `python3`");
    }
    has_it
}

/// How much is tried: all of it for the table of `cargo xtask lab`, which sets
/// the variable, and less where people wait for the tests.
pub(crate) fn in_full_or<T>(full: T, less: T) -> T {
    if env::var("EASYHTTP_LAB").is_ok_and(|value| value == "full") { full } else { less }
}

/// What a test with many processes holds, so that there is one at a time.
pub(crate) fn crowd() -> MutexGuard<'static, ()> {
    static CROWD: Mutex<()> = Mutex::new(());
    CROWD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Prints what was measured, for those who ask by `--nocapture`: a row of the
/// table that `cargo xtask lab` makes. The target is what the row should say,
/// which is less than what the test insists on.
pub(crate) fn report(case: &str, target: &str, measured: impl Display) {
    println!("lab: {case} | {target} | {measured}");
}

/// How long something took that began then.
pub(crate) fn since(start: Instant) -> Took {
    Took(start.elapsed())
}

/// A time, in milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Took(pub(crate) Duration);

impl Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_millis() {
            0 => f.write_str("< 1 ms"),
            milliseconds => write!(f, "{milliseconds} ms"),
        }
    }
}

/// The middle one of several times, and that which 99 % do not exceed.
pub(crate) fn spread(mut times: Vec<Took>) -> String {
    times.sort();
    let count = times.len();
    let [middle, long] = [count / 2, (count * 99).div_ceil(100) - 1].map(|index| times[index]);
    format!("p50 {middle}, p99 {long}, {count} times")
}
