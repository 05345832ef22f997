//! A device: the program `easyhttp serve` on a host, and what it says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::network::Host;

/// A device that runs until it is dropped.
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) host: Host,
    child: Child,
    lines: Receiver<String>,
    /// Where it sees others, by their ids.
    pub(crate) view: BTreeMap<String, String>,
    /// All that it has said, as far as somebody waited for it.
    pub(crate) said: Vec<Value>,
}

impl Device {
    /// Starts one as a user does, at port 5000.
    pub(crate) fn start(host: &Host) -> Self {
        Self::start_at(host, 5000)
    }

    /// Starts one at this port, with a device file that is named by it. It
    /// answers FETCH with the number of its host.
    pub(crate) fn start_at(host: &Host, port: u16) -> Self {
        let (port, config) = (port.to_string(), format!("{port}.json"));
        let answer = host.number.to_string();
        let mut child = host
            .command(env!("CARGO_BIN_EXE_easyhttp"))
            .args(["serve", "--json", "--fetch", &answer, "--port", &port, "--config", &config])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let (view, said) = Default::default();
        let (id, host) = (String::new(), host.clone());
        let mut device = Self { id, host, child, lines, view, said };
        device.id = text(&device.event("started", Duration::from_secs(20)), "id");
        device
    }

    /// Waits until it sees another one.
    pub(crate) fn sees(&mut self, other: &Self, within: Duration) {
        self.wait(&format!("saw {}", other.id), within, |view| view.contains_key(&other.id));
    }

    /// Waits until it sees another one at this address.
    pub(crate) fn sees_at(&mut self, id: &str, address: &str, within: Duration) {
        self.wait(&format!("saw {id} at {address}"), within, |view| {
            view.get(id).is_some_and(|there| there == address)
        });
    }

    /// Waits until it sees another one no more.
    pub(crate) fn misses(&mut self, other: &Self, within: Duration) {
        self.wait(&format!("missed {}", other.id), within, |view| !view.contains_key(&other.id));
    }

    fn wait(
        &mut self,
        what: &str,
        within: Duration,
        is_so: impl Fn(&BTreeMap<String, String>) -> bool,
    ) {
        let deadline = Instant::now() + within;
        while !is_so(&self.view) {
            self.next(what, deadline);
        }
    }

    /// Waits for the next event of this name.
    pub(crate) fn event(&mut self, name: &str, within: Duration) -> Value {
        let deadline = Instant::now() + within;
        loop {
            let event = self.next(&format!("said {name}"), deadline);
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Takes the next event, and remembers what it says about others.
    fn next(&mut self, what: &str, deadline: Instant) -> Value {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(line) = self.lines.recv_timeout(left) else {
            panic!("{} never {what}; it said {:#?}", self.id, self.said);
        };
        let event: Value = serde_json::from_str(&line).expect(&line);
        match event["event"].as_str() {
            Some("joined" | "moved") => {
                self.view.insert(text(&event, "id"), text(&event, "address"));
            }
            Some("left" | "lost") => {
                self.view.remove(&text(&event, "id"));
            }
            _ => {}
        }
        self.said.push(event.clone());
        event
    }

    /// Whether there was an event of this name among those that were taken.
    pub(crate) fn has_said(&self, name: &str) -> bool {
        self.said.iter().any(|event| event["event"] == name)
    }

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until each of them sees all of the others.
pub(crate) fn everybody_sees_everybody(devices: &mut [Device], within: Duration) {
    for index in 0..devices.len() {
        let (before, rest) = devices.split_at_mut(index);
        let (device, after) = rest.split_first_mut().unwrap();
        for other in before.iter().chain(&*after) {
            device.sees(other, within);
        }
    }
}

/// What a program prints, line by line.
pub(crate) fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

fn text(event: &Value, name: &str) -> String {
    event[name].as_str().unwrap_or_default().to_owned()
}
