//! The program `easyhttp`: how soon it answers, and how large it is.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{env, fs};

use serde_json::Value;

use crate::report::{Target, median};
use crate::{Result, payload};

/// How long a device has nothing to do until it counts as idle.
const IDLE: Duration = Duration::from_secs(1);

pub(crate) fn measure(repetitions: usize) -> Result<Vec<Target>> {
    let program = build()?;
    let folder = env::temp_dir().join(format!("easyhttp-bench-{}", std::process::id()));
    let (mut first_starts, mut starts, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..repetitions {
        fs::create_dir_all(&folder)?;
        first_starts.push(Serve::start(&program, &folder)?.first_answer()?);
        let mut serve = Serve::start(&program, &folder)?;
        starts.push(serve.first_answer()?);
        sleep(IDLE);
        idle.push(serve.resident()?);
        drop(serve);
        fs::remove_dir_all(&folder)?;
    }
    let size = fs::metadata(program)?.len() as f64 / 1e6;
    let target = |what: &str, limit, measured| Target { what: what.to_owned(), limit, measured };
    Ok(vec![
        target("`serve` starts and gives its first answer, ms", 20.0, median(starts)),
        target("the same when it first writes its device file, ms", 20.0, median(first_starts)),
        target("resident when idle, MB", 8.0, median(idle)),
        target("stripped program, MB", 6.0, size),
    ])
}

/// Builds the program as it is released, and says where it is.
fn build() -> Result<PathBuf> {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--release", "--package", "easyhttp-cli", "--manifest-path", workspace])
        .args(["--quiet", "--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()?;
    let messages = output.stdout.split(|byte| *byte == b'\n');
    messages
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or("it cannot be built".into())
}

/// A running `easyhttp serve`, until it is dropped.
struct Serve {
    process: Child,
    started: Instant,
    port: u16,
}

impl Serve {
    fn start(program: &Path, folder: &Path) -> Result<Self> {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        let started = Instant::now();
        let process = Command::new(program)
            // Others on the network need not hear of a benchmark.
            .args(["serve", "--no-discovery", "--port", &port.to_string()])
            .args(["--fetch", &payload::reading(&payload::query()).to_string()])
            .arg("--config")
            .arg(folder.join("device.json"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        Ok(Self { process, started, port })
    }

    /// Asks until there is an answer, and gives the milliseconds since the start.
    fn first_answer(&mut self) -> Result<f64> {
        let mut stream = loop {
            if let Ok(stream) = TcpStream::connect(("127.0.0.1", self.port)) {
                break stream;
            }
            if let Some(status) = self.process.try_wait()? {
                return Err(format!("`easyhttp serve` ended: {status}").into());
            }
            sleep(Duration::from_micros(100));
        };
        let body = r#"{"version":"0.4.0","type":3,"header":{"sender_id":"AB3F9Z"}}"#;
        let (port, length) = (self.port, body.len());
        write!(
            stream,
            "POST /easyhttp/api HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}",
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let took = self.started.elapsed();
        match answer.contains("23.5") {
            true => Ok(took.as_secs_f64() * 1e3),
            false => Err(format!("`easyhttp serve` answers: {answer}").into()),
        }
    }

    /// Resident memory in MB.
    fn resident(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let kib = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))
            .ok_or("the system does not tell the resident memory")?;
        Ok(kib.parse::<f64>()? * 1024.0 / 1e6)
    }
}

impl Drop for Serve {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
