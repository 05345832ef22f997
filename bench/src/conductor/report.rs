//! The figures as tables, in Markdown.

use std::fmt::Write;

use crate::contenders::{BASELINE, CONTENDERS, Contender, Kind};
use crate::loads::Load::{self, *};
use crate::results::Figure::{self, *};
use crate::results::Results;
use crate::standing;
use crate::targets::{Aim, Measured, TARGETS, Target};

/// A column of a table.
struct Column {
    title: &'static str,
    load: Load,
    figure: Figure,
    /// Behind the figure, how it relates to the baseline's.
    is_compared: bool,
    /// What it is multiplied by to be in the unit of the title.
    unit: f64,
}

const fn column(title: &'static str, load: Load, figure: Figure) -> Column {
    Column { title, load, figure, is_compared: false, unit: 1.0 }
}

const fn compared(title: &'static str, load: Load, figure: Figure) -> Column {
    Column { is_compared: true, ..column(title, load, figure) }
}

const ONE_AFTER_THE_OTHER: &[Column] = &[
    compared("one core: p50", OneCore, P50),
    column("p99", OneCore, P99),
    column("p99.9", OneCore, P999),
    compared("all cores: p50", TwoCores, P50),
    column("p99", TwoCores, P99),
    column("p99.9", TwoCores, P999),
];

const AT_ONCE: &[Column] = &[
    column("1 in flight", TwoCores, Rate),
    column("8", At8, Rate),
    compared("64", At64, Rate),
    compared("p99.9 at 64, µs", At64, P999),
    compared("new connections", Connects, Rate),
];

const CPU: &[Column] = &[
    column("client", At64, ClientCpu),
    column("server", At64, ServerCpu),
    column("broker", At64, BrokerCpu),
    compared("together", At64, Cpu),
];

const SIZES: &[Column] = &[
    column("server idle", Idle, Server),
    column("broker idle", Idle, Broker),
    column("server at 64", At64, Server),
    column("client at 64", At64, Client),
    column("broker at 64", At64, Broker),
    Column { unit: 1e-3, ..compared("first answer, ms", Start, P50) },
    column("program, stripped", Program, Size),
];

const ANSWERS: &[Column] = &[
    Column { unit: 1e-3, ..compared("1 KB", Kilobyte, Rate) },
    Column { unit: 64e-3, ..compared("64 KB", Kilobytes64, Rate) },
    Column { unit: 1.0, ..compared("1 MB", Megabyte, Rate) },
];

const MANY: &[Column] = &[
    Column { unit: 1e-3, ..compared("200 devices asked at once: p50, ms", Crowd, P50) },
    Column { unit: 1e-3, ..column("p99, ms", Crowd, P99) },
    column("after a million calls: server, MB", Million, Server),
    column("client, MB", Million, Client),
];

const IDLE: &[(usize, &str)] = &[(0, "nobody else"), (10, "10 others"), (100, "100 others")];

const SYSCALLS: &[Column] = &[
    column("one after the other: client", OneCore, ClientSyscalls),
    column("server", OneCore, ServerSyscalls),
    column("futex: client", OneCore, ClientFutexes),
    column("server", OneCore, ServerFutexes),
    column("64 in flight: client", At64, ClientSyscalls),
    column("server", At64, ServerSyscalls),
];

/// The whole report.
pub(crate) fn render(results: &Results) -> String {
    let mut text = format!(
        "# How fast, how small\n\n\
         ```sh\ncargo run --release --manifest-path bench/Cargo.toml\n```\n\n\
         measures EasyHTTP beside others that do the same job, and writes this page. This one is of \
         {} repetitions in {} minutes on {}.\n\n\
         ![The most important figures as a chart](benchmark.svg)\n\n{EXCHANGE}",
        results.repetitions,
        results.seconds.div_ceil(60),
        results.machine,
    );
    text.push_str("\n## What we aim at\n\n");
    targets(&mut text, results);
    if results.median("async", OneCore, P50).is_some() {
        text.push_str("\n## Where we lose\n\n");
        text.push_str(&standing::losses(results));
    }
    for (title, says, columns) in [
        (
            "One call after the other",
            "Microseconds. On one core it shows what a call costs; with several, mostly how long it takes to wake a core that sleeps.",
            ONE_AFTER_THE_OTHER,
        ),
        ("Many at once", "Calls a second, on all cores.", AT_ONCE),
        ("What a call costs", "Microseconds of processor time for one call, 64 in flight.", CPU),
        (
            "Memory, start and size",
            "MB (10⁶ bytes). The memory at 64 in flight is the most there was. The first answer is timed from the start of the server's process, and has the client's preparations in it.",
            SIZES,
        ),
        ("Larger answers", "MB a second, one call after the other.", ANSWERS),
        (
            "Many peers, many calls",
            "A device of ours has its own port, table of peers and handlers; here they share a process.",
            MANY,
        ),
        (
            "System calls for one call",
            "What strace counts for 12,000 calls, less what it counts for 2,000: what one more call takes.",
            SYSCALLS,
        ),
    ] {
        let _ = write!(text, "\n## {title}\n\n{says}\n\n");
        table(&mut text, results, columns);
    }
    idle(&mut text, results);
    notes(&mut text, results);
    text
}

const EXCHANGE: &str = "\
The exchange is one small FETCH: 156 bytes are asked, 180 answered. Both messages are rendered and
parsed, and a callback gives the answer, whoever takes part. Client and server are processes of
their own on loopback, and keep their connections. In each repetition the contenders take turns,
so that whatever else the machine does hits all of them. A figure is the median over all
repetitions; × is the median of its ratios to bare hyper's within a repetition. Absolute figures
vary by 20 to 30 % from run to run, ratios by 10 to 15 %.
";

fn targets(text: &mut String, results: &Results) {
    text.push_str("| | compared with | aim | measured | |\n|---|---|--:|--:|---|\n");
    for target in TARGETS {
        let (value, verdict) = match target.value(results) {
            Some(value) => {
                (target.written(value), if target.is_met(value) { "met" } else { "**missed**" })
            }
            None => ("–".to_owned(), "not measured"),
        };
        let other = target.compared_with();
        let _ = writeln!(
            text,
            "| {} | {other} | {} | {value} | {verdict} |",
            target.what,
            target.aim()
        );
    }
}

impl Target {
    fn compared_with(&self) -> &'static str {
        let title = |name| crate::contenders::contender(name).map_or("", |other| other.title);
        match self.measured {
            Measured::Ratio(_, other, _, _) | Measured::More(_, other, _, _, _) => title(other),
            Measured::Value(..) => "",
        }
    }

    fn aim(&self) -> String {
        match self.aim {
            Aim::AtMost(limit) => format!("≤ {}", self.written(limit)),
            Aim::AtLeast(limit) => format!("≥ {}", self.written(limit)),
        }
    }

    fn written(&self, value: f64) -> String {
        match self.measured {
            // What is far smaller is easier to grasp the other way round.
            Measured::Ratio(..) if value < 0.1 => format!("1/{:.0} ×", 1.0 / value),
            Measured::Ratio(..) => format!("{value:.2} ×"),
            Measured::More(.., unit) | Measured::Value(.., unit) => {
                format!("{value:.*} {unit}", decimals(value))
            }
        }
    }
}

/// As many as can be told apart.
fn decimals(value: f64) -> usize {
    match value {
        _ if value >= 100.0 => 0,
        _ if value >= 1.0 || value == 0.0 => 1,
        _ => 2,
    }
}

/// A row for each contender that has any of the figures.
fn table(text: &mut String, results: &Results, columns: &[Column]) {
    let has_any = |column: &&Column| {
        CONTENDERS.iter().any(|row| results.median(row.name, column.load, column.figure).is_some())
    };
    let columns: Vec<_> = columns.iter().filter(has_any).collect();
    let mut head = "|".to_owned();
    let mut line = "|---".to_owned();
    for column in &columns {
        let _ = write!(head, " | {}", column.title);
        line.push_str("|--:");
        if column.is_compared {
            head.push_str(" | ×");
            line.push_str("|--:");
        }
    }
    let _ = writeln!(text, "{head} |\n{line}|");
    for row in CONTENDERS {
        let value = |column: &Column| results.median(row.name, column.load, column.figure);
        if columns.iter().all(|column| value(column).is_none()) {
            continue;
        }
        let title = if row.kind == Kind::Ours {
            format!("**{}**", row.title)
        } else {
            row.title.to_owned()
        };
        let _ = write!(text, "| {title}");
        for column in &columns {
            let value = value(column).map(|value| number(value * column.unit));
            let _ = write!(text, " | {}", value.unwrap_or_default());
            if column.is_compared {
                let ratio = results.ratio((row.name, BASELINE), column.load, column.figure);
                let ratio = ratio.map(|ratio| format!("{ratio:.2}"));
                let _ = write!(text, " | {}", ratio.unwrap_or_default());
            }
        }
        text.push_str(" |\n");
    }
}

fn idle(text: &mut String, results: &Results) {
    let value = |others, figure| results.median("async", Discovering(others), figure);
    if value(0, WakeUps).is_none() {
        return;
    }
    text.push_str(
        "\n## Idle\n\nA device of ours, asked by nobody, with discovery on. The others are \
         devices of ours in another process. All of them use loopback alone, where an \
         announcement is one datagram; on other networks IPv6 adds another one. A wake-up is the \
         end of a wait, as the system counts those of all threads.\n\n\
         | | wake-ups a second | % of a core | resident, MB |\n|---|--:|--:|--:|\n",
    );
    for (others, title) in IDLE {
        let _ = write!(text, "| {title}");
        for figure in [WakeUps, CorePercent, Server] {
            let value = value(*others, figure).map(|value| format!("{value:.2}"));
            let _ = write!(text, " | {}", value.unwrap_or_default());
        }
        text.push_str(" |\n");
    }
}

/// With thousands kept apart.
pub(crate) fn number(value: f64) -> String {
    let digits = format!("{value:.*}", decimals(value));
    if value < 1000.0 {
        return digits;
    }
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Who they are, who does more, and who is missing.
fn notes(text: &mut String, results: &Results) {
    text.push_str("\n## Who takes part\n\n");
    let is_here = |row: &&Contender| results.median(row.name, OneCore, P50).is_some();
    for row in CONTENDERS.iter().filter(is_here) {
        let _ = writeln!(text, "- **{}**: {}", row.title, row.note);
    }
    text.push_str(
        "\n## Who does more than we do\n\nTheir figures pay for what ours do not do here:\n\n",
    );
    for row in CONTENDERS.iter().filter(|row| !row.does_more.is_empty()).filter(is_here) {
        let _ = writeln!(text, "- {} {}", row.title, row.does_more);
    }
    text.push_str(
        "\nEasyHTTP has no network key here. With one it signs all that it says, and encrypts it if \
         the user wants that; [security.md](security.md#what-it-costs) says what a call then \
         costs. It finds its peers by itself; while calls are timed its discovery is off, as is \
         that of the others. Bare hyper and TCP alone have no limits and no deadlines, and would \
         not survive on a network.\n",
    );
    text.push_str("\n## What was left out\n\n");
    for (name, reason) in &results.left_out {
        let title = crate::contenders::contender(name).map_or(name.as_str(), |row| row.title);
        let _ = writeln!(text, "- {title}: {reason}");
    }
    text.push_str(LEFT_OUT);
}

const LEFT_OUT: &str = "\
- Networks: loopback loses nothing and has no radio.
- Others than Linux, and machines with more cores.
- Where a cell is empty: new connections and larger answers are measured for bare hyper, TCP
  alone and our async face, crowds and a million calls for bare hyper and our async face, the
  first answer once where servers differ in their runtime alone, or not at all. Devices in
  Python are asked on one core and with 64 in flight.
";
