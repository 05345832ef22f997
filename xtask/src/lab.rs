//! `cargo xtask lab`: measures how devices find each other in the network lab,
//! and writes the table.
//!
//! A test of the lab prints a line for each figure,
//!
//! ```text
//! lab: CASE | TARGET | MEASURED
//! ```
//!
//! and the table is made of these, in sections that are the lab's files.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::thread;

use crate::Context;
use crate::build::cargo;
use crate::failure::{Failure, Outcome, run};
use crate::network;
use crate::python;

/// The page that is written.
const PAGE: &str = "docs/lab.md";

/// The lab, as people use the program: with the release profile.
const TEST: [&str; 6] = ["test", "--release", "--package", "easyhttp-cli", "--test", "lab"];

/// What the lab's files are called in the table, in this order. Another file
/// comes last, and by its name.
const SECTIONS: &[(&str, &str)] = &[
    ("finding", "Finding each other"),
    ("ways", "Without multicast"),
    ("poor", "Where packets are lost"),
    ("presence", "Knowing when one is gone"),
    ("changes", "When the network changes"),
    ("crowds", "Many devices"),
    ("kills", "Killed again and again"),
    ("away", "While a device is away"),
    ("idle", "While nothing happens"),
    ("python", "Python devices"),
    ("flood", "Forged datagrams"),
    ("attack", "Attacks"),
];

/// A figure, and the file of the lab that measured it.
#[derive(Debug, PartialEq)]
struct Row {
    file: String,
    case: String,
    target: String,
    measured: String,
}

/// While there is a network to get crates from.
pub(crate) fn build(context: &Context) -> Outcome {
    run(cargo(context).args(TEST).arg("--no-run"), "correct what the compiler says")
}

/// Measures, prints the table, and writes the page.
pub(crate) fn measure(context: &Context) -> Outcome {
    let mut lab = network::cargo_in_own_network(context)?;
    lab.args(TEST)
        .args(["--offline", "--", "--nocapture", "--test-threads", "1"])
        .env(network::PYTHON, python::interpreter(&context.root))
        .env("EASYHTTP_LAB", "full")
        // A row that is left out would not be missed.
        .env("CI", "true");
    let rows = rows(&printed(&mut lab)?);
    let table = table(&rows);
    println!("\n{table}");
    let path = context.root.join(PAGE);
    fs::write(&path, page(&table)).map_err(|error| {
        Failure::new(
            format!("{} could not be written", path.display()),
            error.to_string(),
            "see that the disk is not full",
        )
    })
}

/// Runs the lab, and gives what it prints, which is shown as it comes.
fn printed(lab: &mut Command) -> Result<String, Failure> {
    let failed = |cause: String| {
        let remedy = "one test of it: `cargo xtask test -p easyhttp-cli --test lab NAME`";
        Failure::new("the network lab failed", cause, remedy)
    };
    let started = lab.stdout(Stdio::piped()).spawn();
    let mut running = started.map_err(|error| failed(error.to_string()))?;
    let mut text = String::new();
    let stdout = running.stdout.take().expect("it has just been piped");
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        println!("{line}");
        text.extend([line.as_str(), "\n"]);
    }
    match running.wait() {
        Ok(status) if status.success() => Ok(text),
        Ok(status) => Err(failed(format!("{status}; what it printed is above"))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// The figures in what the lab prints. The test runner says which test it is
/// that prints: `test FILE::TEST ... `, and what the test prints first is on the
/// same line.
fn rows(printed: &str) -> Vec<Row> {
    let mut file = "";
    let mut rows = Vec::new();
    for line in printed.lines() {
        if let Some((name, _)) = line.strip_prefix("test ").and_then(|test| test.split_once("::")) {
            file = name;
        }
        let Some((_, figure)) = line.split_once("lab: ") else { continue };
        if let [case, target, measured] = figure.split(" | ").collect::<Vec<_>>()[..] {
            let [file, case, target, measured] = [file, case, target, measured].map(str::to_owned);
            rows.push(Row { file, case, target, measured });
        }
    }
    rows
}

/// The table, in Markdown.
fn table(rows: &[Row]) -> String {
    let mut sections = SECTIONS.to_vec();
    for row in rows {
        if sections.iter().all(|(file, _)| *file != row.file) {
            sections.push((&row.file, &row.file));
        }
    }
    let mut table = "| case | target | measured |\n|---|---|---|\n".to_owned();
    for (file, title) in sections {
        let rows: Vec<_> = rows.iter().filter(|row| row.file == file).collect();
        if !rows.is_empty() {
            table += &format!("| **{title}** | | |\n");
        }
        for Row { case, target, measured, .. } in rows {
            table += &format!("| {case} | {target} | {measured} |\n");
        }
    }
    table
}

fn page(table: &str) -> String {
    let system = said_by("uname", "-sr");
    let date = said_by("date", "+%-d %B %Y");
    let cores = thread::available_parallelism().map_or(1, usize::from);
    format!(
        "\
# What the network lab measures

```sh
cargo xtask lab
```

runs the program `easyhttp`, built with the release profile, on hosts that are
network namespaces of one machine, on bridges and on a switch that loses packets
(`crates/easyhttp-cli/tests/lab`). It takes half an hour once it is built, and writes this page.

The targets are what devices are made to reach. The tests insist on less, because
they also run on machines that are busy with something else: `cargo xtask test` runs
them with fewer trials and fewer devices.

{table}
Measured on {date}, on {system} with {cores} cores.

All hosts, switches and devices share these cores; there is one test after the
other. Times are those until the devices say it by their events, from the moment
when something was done to the network or to a device. Where there are several
trials, p50 is the middle one, and 99 % do not exceed p99. Datagrams are those of
discovery, multicast and unicast, over IPv4 and IPv6, each counted once on the switch.
A device is woken as often as one of its threads has fallen asleep to wait for something.
"
    )
}

/// What a command says about this machine.
fn said_by(command: &str, argument: &str) -> String {
    let output = Command::new(command).arg(argument).env("LC_ALL", "C").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    said.unwrap_or_else(|_| format!("(there is no `{command}` here)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
running 2 tests
test presence::a_goodbye_is_heard ... lab: goodbye seen | ≤ 100 ms | 1 ms
ok
test finding::two_hosts ... lab: two devices | ≤ 20 ms | 3 ms
lab: … again | – | 4 ms
ok
test flood::it ... ok
";

    #[test]
    fn what_the_lab_prints_becomes_a_table_in_sections() {
        assert_eq!(
            table(&rows(PRINTED)),
            "\
| case | target | measured |
|---|---|---|
| **Finding each other** | | |
| two devices | ≤ 20 ms | 3 ms |
| … again | – | 4 ms |
| **Knowing when one is gone** | | |
| goodbye seen | ≤ 100 ms | 1 ms |
"
        );
    }

    #[test]
    fn a_file_that_has_no_title_yet_is_in_the_table() {
        let rows = rows("test tides::high ... lab: high | – | 1 m");
        assert!(table(&rows).ends_with("| **tides** | | |\n| high | – | 1 m |\n"));
    }
}
