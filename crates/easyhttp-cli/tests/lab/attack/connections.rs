//! Attacks by connections: the attacker's side of them.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use crate::network::Host;

/// Connections of one sort, from 64 addresses, until it is stopped.
pub(super) struct Attack {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// What became of them.
pub(super) struct Done {
    pub(super) opened: u64,
    pub(super) closed: u64,
    pub(super) shortest: f64,
    pub(super) longest: f64,
}

impl Attack {
    pub(super) fn start(host: &Host, sort: &str, count: u32, again: bool) -> Self {
        let addresses: Vec<_> = (128..192).map(|number| format!("10.0.1.{number}")).collect();
        let mut process = host
            .command("python3")
            .args(["-c", include_str!("../attack.py"), sort, "10.0.1.1", "5000"])
            .args([&addresses.join(","), &count.to_string(), &u8::from(again).to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = process.stdin.take().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { process, input, output }
    }

    pub(super) fn stop(self) -> Done {
        let Self { process, input, output } = self;
        drop(input);
        Done::read(process, output)
    }

    /// Waits until all of them are closed, which are not opened again.
    pub(super) fn end(self) -> Done {
        let Self { process, input: _input, output } = self;
        Done::read(process, output)
    }
}

impl Done {
    /// What the attack tells at its end.
    fn read(mut process: Child, mut output: BufReader<ChildStdout>) -> Self {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        process.wait().unwrap();
        let numbers: Vec<Value> =
            line.split_whitespace().map(|number| number.parse().unwrap()).collect();
        let [opened, closed] = [0, 1].map(|index| numbers[index].as_u64().unwrap());
        let [shortest, longest] = [2, 3].map(|index| numbers[index].as_f64().unwrap());
        Self { opened, closed, shortest, longest }
    }
}
