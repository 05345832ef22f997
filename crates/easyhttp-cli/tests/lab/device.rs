//! A device: the program `easyhttp serve` on a host, and what it says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, pipe};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::network::Host;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_easyhttp");

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
        Self::launch(host, serve(host), port, Stdio::null()).started()
    }

    /// Starts one with these options before the usual ones.
    pub(crate) fn start_with(host: &Host, options: &[&str]) -> Self {
        let mut command = serve(host);
        command.args(options);
        Self::launch(host, command, 5000, Stdio::null()).started()
    }

    /// The same, where the process may have so many files open.
    pub(crate) fn start_limited(host: &Host, descriptors: u32, options: &[&str]) -> Self {
        let mut command = host.command("sh");
        command.env("EASYHTTP_LOG", "error");
        let script = format!("ulimit -n {descriptors}; exec \"$@\"");
        command.args(["-c", &script, "sh", PROGRAM, "serve"]).args(options);
        Self::launch(host, command, 5000, Stdio::null()).started()
    }

    /// Starts one at each of these hosts and ports, all at the same moment,
    /// and says when that was.
    pub(crate) fn start_together(places: &[(Host, u16)]) -> (Vec<Self>, Instant) {
        let (gate, barrier) = pipe().unwrap();
        let launch = |(host, port): &(Host, u16)| {
            let mut command = host.command("sh");
            command.env("EASYHTTP_LOG", "error");
            command.args(["-c", "read _; exec \"$@\"", "sh", PROGRAM, "serve"]);
            Self::launch(host, command, *port, gate.try_clone().unwrap().into())
        };
        let devices: Vec<_> = places.iter().map(launch).collect();
        drop(barrier);
        let opened = Instant::now();
        (devices.into_iter().map(Self::started).collect(), opened)
    }

    fn launch(host: &Host, mut command: Command, port: u16, input: Stdio) -> Self {
        let (port, config) = (port.to_string(), format!("{port}.json"));
        let answer = host.number.to_string();
        let mut child = command
            .args(["--json", "--fetch", &answer, "--port", &port, "--config", &config])
            .stdin(input)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        let (view, said) = Default::default();
        Self { id: String::new(), host: host.clone(), child, lines, view, said }
    }

    fn started(mut self) -> Self {
        self.id = text(&self.event("started", Duration::from_secs(60)), "id");
        self
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
        let Some(event) = self.take(deadline) else {
            panic!("{} never {what}; it said {:#?}", self.id, self.said);
        };
        self.note(event.clone());
        event
    }

    fn take(&self, deadline: Instant) -> Option<Value> {
        let left = deadline.saturating_duration_since(Instant::now());
        let line = self.lines.recv_timeout(left).ok()?;
        Some(serde_json::from_str(&line).expect(&line))
    }

    fn note(&mut self, event: Value) {
        match event["event"].as_str() {
            Some("joined" | "moved") => {
                self.view.insert(text(&event, "id"), text(&event, "address"));
            }
            Some("left" | "lost") => {
                self.view.remove(&text(&event, "id"));
            }
            _ => {}
        }
        self.said.push(event);
    }

    /// Takes what it says for some time, where what it should not say counts.
    pub(crate) fn watch(&mut self, time: Duration) {
        let deadline = Instant::now() + time;
        while let Some(event) = self.take(deadline) {
            self.note(event);
        }
    }

    /// What it said when another one joined.
    pub(crate) fn joined(&self, id: &str) -> &Value {
        let is_it = |event: &&Value| event["event"] == "joined" && event["id"] == id;
        self.said.iter().find(is_it).unwrap()
    }

    /// Whether there was an event of this name among those that were taken.
    pub(crate) fn has_said(&self, name: &str) -> bool {
        self.count(name) > 0
    }

    /// How many events of this name there were among those that were taken.
    pub(crate) fn count(&self, name: &str) -> usize {
        self.said.iter().filter(|event| event["event"] == name).count()
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
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

fn serve(host: &Host) -> Command {
    let mut command = host.command(PROGRAM);
    // What it would warn of is an event as well.
    command.arg("serve").env("EASYHTTP_LOG", "error");
    command
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
