//! How many system calls a call takes on either side, counted by strace.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::table::{Figure, Row, Table, Unit};
use crate::failure::Failure;

/// Enough for the threads that are started meanwhile not to count.
const CALLS: usize = 160;

/// How often each setting is measured. The middle figure is taken: threads that
/// wake each other are sometimes awake already.
const ATTEMPTS: usize = 3;

/// The columns, and which system calls are in them. What is in none of them is
/// in the last.
pub(crate) const COLUMNS: [(&str, &[&str]); 6] = [
    ("writes", &["writev", "sendto", "sendmsg"]),
    ("reads", &["read", "readv", "recvfrom", "recvmsg"]),
    ("waits", &["epoll_wait", "epoll_pwait", "epoll_pwait2", "poll", "ppoll"]),
    // Of a thread that waits in `epoll_wait`, by the descriptor made for it.
    ("wakes", &["write"]),
    ("futexes", &["futex"]),
    ("others", &[]),
];

const SIDES: [&str; 2] = ["client", "server"];

/// The pauses that the benchmark makes.
const PAUSES: [&str; 2] = ["nanosleep", "clock_nanosleep"];

/// Two devices that call each other.
struct Setting {
    name: &'static str,
    server: &'static str,
    client: &'static str,
    in_flight: usize,
    /// The columns that change a little from run to run.
    rough: &'static [&'static str],
    /// Those that are a matter of chance.
    chance: &'static [&'static str],
    /// Those that several calls have in common: four at least, and as many more as are
    /// there, which is a matter of chance.
    together: &'static [&'static str],
}

/// What a call has of a system call that is made for four. Less does not count.
const TOGETHER: f64 = 0.25;

const SETTINGS: &[Setting] = &[
    Setting {
        name: "async face, one thread",
        server: "one thread",
        client: "one thread",
        in_flight: 1,
        rough: &[],
        chance: &[],
        together: &[],
    },
    Setting {
        name: "async face, one thread, a new connection per call",
        server: "one thread",
        client: "new connections",
        in_flight: 1,
        // The server may see a connection with what comes on it, or before that.
        rough: &["reads"],
        chance: &["waits"],
        together: &[],
    },
    Setting {
        name: "async face, one thread, 8 in flight",
        server: "one thread",
        client: "one thread",
        in_flight: 8,
        rough: &[],
        // How many answers come at once depends on who is faster.
        chance: &["waits"],
        together: &[],
    },
    // They share a connection.
    Setting {
        name: "async face, one thread, 64 in flight",
        server: "one thread",
        client: "one thread",
        in_flight: 64,
        rough: &[],
        chance: &["waits"],
        together: &["writes", "reads"],
    },
    Setting {
        name: "async face, `#[tokio::main]`",
        server: "tokio::main",
        client: "tokio::main",
        in_flight: 1,
        // One thread wakes another, which may be awake already.
        rough: &["waits", "wakes", "futexes", "others"],
        chance: &[],
        together: &[],
    },
    Setting {
        name: "blocking client, async server",
        server: "one thread",
        client: "blocking",
        in_flight: 1,
        rough: &["waits", "wakes"],
        chance: &[],
        together: &[],
    },
];

/// A figure for each column.
type PerColumn = [f64; COLUMNS.len()];

/// How often each system call was made.
type Counts = BTreeMap<String, f64>;

/// Counts in every setting, with the program `calls`. What strace notes goes to
/// the folder `finds`.
pub(crate) fn measure(calls: &Path, finds: &Path) -> Result<Table, Failure> {
    let mut rows = Vec::new();
    for setting in SETTINGS {
        let attempts = (0..ATTEMPTS).map(|_| setting.per_call(calls, finds));
        let attempts = attempts.collect::<Result<Vec<_>, _>>()?;
        for (side, name) in SIDES.iter().enumerate() {
            let figures = (0..COLUMNS.len()).map(|column| {
                let mut figures: Vec<_> =
                    attempts.iter().map(|attempt| attempt[side][column]).collect();
                figures.sort_by(f64::total_cmp);
                figures[ATTEMPTS / 2]
            });
            rows.push(setting.row(name, figures));
        }
    }
    Ok(Table { unit: Unit::SystemCalls, rows })
}

impl Setting {
    /// The figures of client and server, in the order of the columns.
    fn per_call(&self, calls: &Path, finds: &Path) -> Result<[PerColumn; 2], Failure> {
        let calls_made = CALLS * self.in_flight.min(8);
        let few = self.run(calls, finds, calls_made)?;
        let many = self.run(calls, finds, 2 * calls_made)?;
        // What is done at the start and at the end is in both.
        let figures = |side: usize| {
            let [few, many] = [&few, &many].map(|counts| by_column(&counts[side]));
            std::array::from_fn(|column| {
                ((many[column] - few[column]) / calls_made as f64).max(0.0)
            })
        };
        Ok([figures(0), figures(1)])
    }

    /// Makes so many calls, and counts for client and server.
    fn run(&self, calls: &Path, finds: &Path, made: usize) -> Result<[Counts; 2], Failure> {
        let in_flight = self.in_flight.to_string();
        let notes = SIDES.map(|side| finds.join(format!("{side}.strace")));
        let [of_client, of_server] = &notes;

        let mut server = traced(calls, of_server);
        server.args(["serve", self.server, &in_flight]);
        let mut server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let server = server.as_mut().map_err(|error| failed(self.name, error.to_string()))?;
        let port = port_of(server);

        let mut client = traced(calls, of_client);
        client.args(["ask", self.client, &in_flight, &port, &made.to_string()]);
        let asked = client.status();
        // Its input ends, and so does the server.
        drop(server.stdin.take());
        let served = server.wait();
        for status in [asked, served] {
            match status {
                Ok(status) if status.success() => {}
                Ok(status) => return Err(failed(self.name, status.to_string())),
                Err(error) => return Err(failed(self.name, error.to_string())),
            }
        }
        let counts = |path| match fs::read_to_string(path) {
            Ok(summary) => Ok(counts(&summary)),
            Err(error) => Err(failed(self.name, error.to_string())),
        };
        Ok([counts(of_client)?, counts(of_server)?])
    }

    fn row(&self, side: &str, figures: impl Iterator<Item = f64>) -> Row {
        let columns = COLUMNS.iter().zip(figures);
        let figures = columns.map(|((column, _), figure)| {
            if self.chance.contains(column) {
                None
            } else if self.rough.contains(column) {
                Some(Figure::rough(figure))
            } else if self.together.contains(column) {
                Some(Figure::exact((figure.max(TOGETHER) * 100.0).round() / 100.0))
            } else {
                Some(Figure::exact((figure * 100.0).round() / 100.0))
            }
        });
        Row { name: format!("{}: {side}", self.name), figures: figures.collect() }
    }
}

/// The program under strace, which counts in all its threads.
fn traced(program: &Path, notes: &Path) -> Command {
    let mut strace = Command::new("strace");
    strace.args(["-f", "-c", "-o"]).arg(notes).arg(program);
    strace
}

/// The port that a server prints when it answers; nothing if it does not.
fn port_of(server: &mut Child) -> String {
    let mut line = String::new();
    if let Some(stdout) = server.stdout.take() {
        // Without a port the client fails, and what the server says is above that.
        let _ = BufReader::new(stdout).read_line(&mut line);
    }
    line.trim().to_owned()
}

/// What `strace -c` says: a line for each system call, with its share of time,
/// seconds, microseconds for each, how many, how many failed if any did, and
/// the name.
fn counts(summary: &str) -> Counts {
    let lines = summary.lines().filter_map(|line| {
        let words: Vec<_> = line.split_whitespace().collect();
        let (count, name) = (words.get(3)?.parse().ok()?, *words.last()?);
        (name != "total" && !PAUSES.contains(&name)).then(|| (name.to_owned(), count))
    });
    lines.collect()
}

/// The sums of the columns.
fn by_column(counts: &Counts) -> PerColumn {
    let mut sums = [0.0; COLUMNS.len()];
    for (name, count) in counts {
        let column = COLUMNS.iter().position(|(_, names)| names.contains(&name.as_str()));
        sums[column.unwrap_or(COLUMNS.len() - 1)] += count;
    }
    sums
}

fn failed(setting: &str, cause: String) -> Failure {
    Failure::new(
        format!("the system calls were not counted: {setting}"),
        cause,
        "what the programs printed is above; see that strace may trace here \
         (containers can forbid it)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUMMARY: &str = "\
% time     seconds  usecs/call     calls    errors syscall
------ ----------- ----------- --------- --------- ----------------
 60.00    0.006000           6      1000           writev
 20.00    0.003000           3      2000      1000 recvfrom
 10.00    0.001000           1       500           clock_nanosleep
  5.00    0.000010          10         1           close
  5.00    0.000010          10         3           mmap
------ ----------- ----------- --------- --------- ----------------
100.00    0.010020           2      3504      1000 total
";

    #[test]
    fn what_strace_says_is_sorted_into_columns() {
        assert_eq!(by_column(&counts(SUMMARY)), [1000.0, 2000.0, 0.0, 0.0, 0.0, 4.0]);
    }
}
