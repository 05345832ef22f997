//! Runs the program, each test in a folder and on a discovery port of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use serde_json::Value;

/// How long to wait for what must happen: longer than any machine takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A place of its own for one test: its devices see no others.
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) discovery_port: u16,
}

impl Place {
    pub(crate) fn new() -> Self {
        // Below the ports that systems hand out by themselves.
        static NEXT: AtomicU16 = AtomicU16::new(21_000);
        let discovery_port = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("place-{}-{discovery_port}", std::process::id());
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        Self { folder, discovery_port }
    }

    /// The program with these arguments, not yet started.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_easyhttp"));
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("EASYHTTP_DISCOVERY_PORT", self.discovery_port.to_string())
            .env("HOME", &self.folder)
            .env("XDG_STATE_HOME", self.folder.join("state"))
            .env_remove("EASYHTTP_KEY")
            .env_remove("EASYHTTP_LOG");
        // Nothing of a test leaves the machine, whatever network it runs on.
        if let Some(loopback) = LOOPBACK {
            command.args(["--interface", loopback]);
        }
        command
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with_input(arguments, "")
    }

    pub(crate) fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        run(&mut self.command(arguments), input)
    }

    /// Starts a device on a free port, with a file of this name for its id.
    pub(crate) fn serve(&self, name: &str, arguments: &[&str]) -> Device {
        let config = format!("{name}.json");
        let all = [&["serve", "--json", "--port", "0", "--config", &config], arguments].concat();
        let mut child = Running::start(self.command(&all));
        let started = child.event("started");
        let port = u16::try_from(started["port"].as_u64().unwrap()).unwrap();
        Device { id: started["id"].as_str().unwrap().to_owned(), port, child, started }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

const LOOPBACK: Option<&str> = match () {
    () if cfg!(target_os = "linux") => Some("lo"),
    () if cfg!(target_os = "macos") => Some("lo0"),
    () => None,
};

/// What came out of the program.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// The one JSON object that was printed.
    pub(crate) fn json(&self) -> Value {
        let mut lines = self.lines();
        assert_eq!(lines.len(), 1, "{self:?}");
        lines.remove(0)
    }

    /// The JSON objects, one a line.
    pub(crate) fn lines(&self) -> Vec<Value> {
        self.out.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }

    /// Checks the exit code, and that the error of this code was printed.
    pub(crate) fn assert_failed(&self, code: i32, word: &str) -> Value {
        assert_eq!(self.code, Some(code), "{self:?}");
        let error = self.lines().pop().unwrap()["error"].clone();
        assert_eq!(error["code"], word, "{self:?}");
        let message = error["message"].as_str().unwrap();
        assert!(self.err.contains(message.lines().next().unwrap()), "{self:?}");
        error
    }

    pub(crate) fn assert_done(&self) -> &Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

pub(crate) fn run(command: &mut Command, input: &str) -> Ran {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Not every command reads it.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A program that runs, and is killed at the end of the test.
pub(crate) struct Running {
    pub(crate) child: Child,
    lines: Receiver<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        Self { child, lines }
    }

    /// The next line.
    pub(crate) fn line(&mut self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("the program prints a line")
    }

    /// The next event of this name; others are passed over.
    pub(crate) fn event(&mut self, name: &str) -> Value {
        loop {
            let event: Value = serde_json::from_str(&self.line()).unwrap();
            if event["event"] == name {
                return event;
            }
        }
    }

    /// Sends a signal.
    #[cfg(unix)]
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, signal).unwrap();
    }

    /// Sends a signal, waits for the end, and gives the exit code and the lines
    /// that were not read.
    #[cfg(unix)]
    pub(crate) fn end(&mut self, signal: rustix::process::Signal) -> (Option<i32>, Vec<String>) {
        self.signal(signal);
        self.rest()
    }

    /// Waits for the end, and gives the exit code and the lines that were not read.
    #[cfg(unix)]
    pub(crate) fn rest(&mut self) -> (Option<i32>, Vec<String>) {
        let lines = self.lines.iter().collect();
        (self.child.wait().unwrap().code(), lines)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines_of(stdout: ChildStdout) -> Receiver<String> {
    let (sender, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    lines
}

/// A device that `serve` runs.
pub(crate) struct Device {
    pub(crate) id: String,
    pub(crate) port: u16,
    pub(crate) child: Running,
    pub(crate) started: Value,
}

impl Device {
    /// What `--at` takes.
    pub(crate) fn at(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn event(&mut self, name: &str) -> Value {
        self.child.event(name)
    }
}
