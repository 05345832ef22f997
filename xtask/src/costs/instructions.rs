//! How many instructions the protocol takes, counted by callgrind.

use std::env;
use std::path::Path;
use std::process::{Command, Output};

use super::table::{Figure, Row, Table, Unit};
use crate::failure::Failure;

/// Enough for what happens once in many rounds to be spread over them.
const ROUNDS: u64 = 1000;

/// Counts each benchmark of the program `core`. What callgrind notes goes to
/// the folder `finds`.
pub(crate) fn measure(core: &Path, finds: &Path) -> Result<Table, Failure> {
    let names = output(&mut Command::new(core))?;
    let names = String::from_utf8_lossy(&names.stdout).into_owned();
    let rows = names.lines().map(|name| {
        let notes = finds.join(format!("{}.callgrind", name.replace([' ', ','], "-")));
        let count = |rounds| count(core, name, rounds, &notes);
        // What the program does besides the rounds is in both.
        let figure = (count(2 * ROUNDS)? - count(ROUNDS)?) / ROUNDS as f64;
        Ok(Row { name: name.to_owned(), figures: vec![Some(Figure::exact(figure.round()))] })
    });
    Ok(Table { unit: Unit::Instructions, rows: rows.collect::<Result<_, _>>()? })
}

fn count(core: &Path, name: &str, rounds: u64, notes: &Path) -> Result<f64, Failure> {
    let mut valgrind = Command::new("valgrind");
    // Nothing of this machine's settings: allocators and `memcpy` have some.
    valgrind.env_clear().env("PATH", env::var_os("PATH").unwrap_or_default());
    valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", notes.display()));
    let output = output(valgrind.arg(core).arg(name).arg(rounds.to_string()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    let collected = log.split_once("Collected : ").and_then(|(_, rest)| {
        let number = rest.split_whitespace().next()?;
        number.parse().ok()
    });
    collected.ok_or_else(|| failed(name, log.into_owned()))
}

fn output(command: &mut Command) -> Result<Output, Failure> {
    let shown = format!("{command:?}");
    match command.output() {
        Ok(output) if output.status.success() => Ok(output),
        Ok(output) => Err(failed(&shown, String::from_utf8_lossy(&output.stderr).into_owned())),
        Err(error) => Err(failed(&shown, error.to_string())),
    }
}

fn failed(what: &str, cause: String) -> Failure {
    Failure::new(
        format!("the instructions of this were not counted: {what}"),
        cause,
        "see whether the benchmark runs without valgrind: \
         cargo bench -p easyhttp-proto --bench core -- NAME 1",
    )
}
