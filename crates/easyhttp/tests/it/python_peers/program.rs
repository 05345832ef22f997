//! A Python program in a process of its own, driven line by line.

use std::collections::VecDeque;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Instant;

use easyhttp::{DeviceId, EasyHttp, Value, json};

use crate::support::{PATIENCE, local, own_port};

const DEVICE: &str = include_str!("../python/device.py");
const RECORDER: &str = include_str!("../python/recorder.py");

/// A device of the Python package.
pub(super) struct Python {
    pub(super) id: DeviceId,
    pub(super) port: u16,
    program: Program,
}

impl Python {
    /// A device that runs, and does not look for others. None: there is no
    /// Python, so that the test is skipped.
    pub(super) fn start() -> Option<Self> {
        Self::new("async", false).inspect(Self::answer_requests)
    }

    /// The same with the package's blocking face: it answers others only
    /// inside its own calls.
    pub(super) fn start_sync() -> Option<Self> {
        Self::new("sync", false).inspect(Self::answer_requests)
    }

    /// A device that runs, finds others and is found.
    pub(super) fn start_discovering() -> Option<Self> {
        Self::discovering().inspect(Self::answer_requests)
    }

    /// The same with the package's blocking face.
    pub(super) fn start_sync_discovering() -> Option<Self> {
        Self::new("sync", true).inspect(Self::answer_requests)
    }

    /// A device that will look for others, once it is started.
    pub(super) fn discovering() -> Option<Self> {
        Self::new("async", true)
    }

    fn new(face: &str, discovery: bool) -> Option<Self> {
        let port = own_port();
        let id = format!("P{port}").parse().unwrap();
        let program = Program::start(DEVICE, port, |folder| {
            let config_file = folder.join("easyhttp_device.json");
            let stored = json!({"device_id": id, "port": port, "version": "0.4.0-alpha.6"});
            fs::write(&config_file, stored.to_string()).unwrap();
            json!({
                "face": face, "port": port, "config_file": config_file, "discovery": discovery,
            })
        })?;
        Some(Self { id, port, program })
    }

    /// Starts it, and returns when its port answers.
    pub(super) fn answer_requests(&self) {
        self.call("start", json!([]));
    }

    /// Ends the process without a warning, and starts the device anew.
    pub(super) fn restart(&mut self) {
        self.program.restart();
        self.answer_requests();
    }

    pub(super) fn address(&self) -> SocketAddr {
        local(self.port)
    }

    pub(super) fn config_file(&self) -> PathBuf {
        self.program.folder.join("easyhttp_device.json")
    }

    /// Ends the process without a warning.
    pub(super) fn kill(self) {}

    /// Calls a method of the device.
    pub(super) fn call(&self, method: &str, arguments: Value) -> Value {
        self.program.ask(method, arguments)
    }

    /// Has a callback return this.
    pub(super) fn returns(&self, event: &str, value: impl Into<Value>) {
        let value: Value = value.into();
        self.call("on", json!([event, {"returns": value}]));
    }

    /// Has a callback raise an exception.
    pub(super) fn raises(&self, event: &str) {
        self.call("on", json!([event, {"raises": "the sensor is not there"}]));
    }

    /// What a callback was given since this was asked last.
    pub(super) fn calls_of(&self, event: &str) -> Vec<Value> {
        // What was said before this answer has arrived when it arrives.
        self.devices();
        self.program.take(event)
    }

    /// The next call of a callback.
    pub(super) fn next_call_of(&self, event: &str) -> Value {
        self.program.next(event, |_| true)
    }

    /// The next call of a callback on behalf of this device.
    pub(super) fn next_call_by(&self, id: DeviceId, event: &str) -> Value {
        self.program.next(event, |call| call["sender_id"] == *id.as_str())
    }

    pub(super) fn add(&self, easy: &EasyHttp) {
        self.call("add", json!([easy.id(), "127.0.0.1", easy.port()]));
    }

    pub(super) fn fetch(&self, id: DeviceId, query: impl Into<Value>) -> Value {
        let query: Value = query.into();
        self.call("fetch", json!([id, query]))
    }

    /// Sends any command, by its number.
    pub(super) fn send(&self, id: DeviceId, command: u8, data: impl Into<Value>) -> Value {
        let data: Value = data.into();
        self.call("send", json!([id, command, data]))
    }

    /// The dictionary of the devices that it knows.
    pub(super) fn devices(&self) -> Value {
        self.call("devices", json!([]))
    }

    /// The address that it has of a device.
    pub(super) fn address_of(&self, id: DeviceId) -> Option<SocketAddr> {
        let device = &self.devices()[id.as_str()];
        let ip: Ipv4Addr = device["ip"].as_str()?.parse().ok()?;
        Some((ip, u16::try_from(device["port"].as_u64()?).ok()?).into())
    }
}

/// A Python web server that says what it is sent.
pub(super) struct Recorder {
    pub(super) id: DeviceId,
    pub(super) address: SocketAddr,
    program: Program,
}

impl Recorder {
    pub(super) fn start() -> Option<Self> {
        let port = own_port();
        let id = DeviceId::from_entropy([7; 6]);
        let program = Program::start(RECORDER, port, |_| json!({"port": port, "id": id}))?;
        program.ask("answer", json!([]));
        Some(Self { id, address: local(port), program })
    }

    pub(super) fn next_request(&self) -> Value {
        self.program.next("request", |_| true)
    }
}

/// A Python process, what it has said, and a folder for it.
struct Program {
    source: &'static str,
    options: Value,
    folder: PathBuf,
    process: Process,
}

struct Process {
    child: Child,
    stdin: Mutex<ChildStdin>,
    said: Arc<Said>,
}

/// The lines that a program has said, until somebody takes them.
#[derive(Default)]
struct Said {
    lines: Mutex<Lines>,
    news: Condvar,
}

#[derive(Default)]
struct Lines {
    events: Vec<Value>,
    results: VecDeque<Value>,
    errors: String,
    is_over: bool,
}

impl Program {
    /// None: there is no Python.
    fn start(
        source: &'static str,
        number: u16,
        options: impl FnOnce(&PathBuf) -> Value,
    ) -> Option<Self> {
        let interpreter = interpreter()?;
        let name = format!("python-{}-{number}", std::process::id());
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let options = options(&folder);
        let process = Process::start(&interpreter, source, &options);
        Some(Self { source, options, folder, process })
    }

    fn restart(&mut self) {
        self.process.end();
        let interpreter = interpreter().expect("it was there before");
        self.process = Process::start(&interpreter, self.source, &self.options);
    }

    fn ask(&self, what: &str, with: Value) -> Value {
        let line = json!({"do": what, "with": with});
        writeln!(lock(&self.process.stdin), "{line}").unwrap();
        let mut answer = self.wait(what, |lines| lines.results.pop_front());
        assert!(answer.get("result").is_some(), "{line}: {answer}");
        answer["result"].take()
    }

    fn next(&self, event: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.wait(event, |lines| {
            let is_it = |line: &Value| line["event"] == event && is_it(line);
            let index = lines.events.iter().position(is_it)?;
            Some(lines.events.remove(index))
        })
    }

    fn take(&self, event: &str) -> Vec<Value> {
        let mut lines = lock(&self.process.said.lines);
        lines.events.extract_if(.., |line| line["event"] == event).collect()
    }

    fn wait<T>(&self, what: &str, mut find: impl FnMut(&mut Lines) -> Option<T>) -> T {
        let said = &self.process.said;
        let deadline = Instant::now() + PATIENCE;
        let mut lines = lock(&said.lines);
        loop {
            if let Some(found) = find(&mut lines) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!lines.is_over, "Python ended before {what:?}:\n{}", lines.errors);
            assert!(!left.is_zero(), "no {what:?} in {:?}\n{}", lines.events, lines.errors);
            (lines, _) =
                said.news.wait_timeout(lines, left).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Process {
    fn start(interpreter: &PathBuf, source: &str, options: &Value) -> Self {
        let mut child = Command::new(interpreter)
            .args(["-c", source, &options.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", interpreter.display()));
        let said = Arc::<Said>::default();
        listen(&said, child.stderr.take().unwrap(), |lines, line| {
            lines.errors.push_str(&line);
            lines.errors.push('\n');
        });
        listen(&said, child.stdout.take().unwrap(), |lines, line| {
            let line: Value = serde_json::from_str(&line).unwrap();
            match line.get("event") {
                Some(_) => lines.events.push(line),
                None => lines.results.push_back(line),
            }
        });
        Self { stdin: Mutex::new(child.stdin.take().unwrap()), child, said }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

// Prints where the test runner shows it with the test that failed.
#[allow(clippy::print_stderr)]
impl Drop for Program {
    fn drop(&mut self) {
        self.process.end();
        let _ = fs::remove_dir_all(&self.folder);
        if thread::panicking() {
            eprintln!("what Python said:\n{}", lock(&self.process.said.lines).errors);
        }
    }
}

fn listen(
    said: &Arc<Said>,
    pipe: impl Read + Send + 'static,
    hear: impl Fn(&mut Lines, String) + Send + 'static,
) {
    let said = Arc::clone(said);
    thread::spawn(move || {
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            hear(&mut lock(&said.lines), line);
            said.news.notify_all();
        }
        lock(&said.lines).is_over = true;
        said.news.notify_all();
    });
}

/// The interpreter that has the package. None: skip the test, which is said
/// where the test harness does not swallow it.
fn interpreter() -> Option<PathBuf> {
    const VARIABLE: &str = "EASYHTTP_TEST_PYTHON";
    static WARNING: Once = Once::new();
    if let Some(path) = env::var_os(VARIABLE) {
        return Some(path.into());
    }
    let in_ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
    assert!(!in_ci, "{VARIABLE} is not set, and CI must not skip the tests with Python devices");
    WARNING.call_once(|| {
        let _ = writeln!(
            std::io::stderr(),
            "\nSKIPPED: all tests with Python devices, because {VARIABLE} is not set.\n\
             `cargo xtask test` installs the Python package and sets it.\n"
        );
    });
    None
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
