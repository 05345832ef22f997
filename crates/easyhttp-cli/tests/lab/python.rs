//! A device that was there before ours: the real Python package on a host of
//! its own.

use std::env;
use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::device::{everybody_sees_everybody, lines_of};
use crate::network::{Host, Lan};
use crate::support::{crowd, report, since, skip};

/// Python takes its time to start.
const SOON: Duration = Duration::from_secs(30);

#[test]
fn a_python_device_is_found_and_finds_ours() {
    let Some(lan) = Lan::new(1) else { return };
    let Some(interpreter) = interpreter() else { return };
    let host = lan.host(1);
    // It sends its multicast where the routing table says.
    host.ip("route add default dev eth0");
    let mut before = lan.device(2);
    let python = PythonDevice::start(&host, &interpreter);
    let mut after = lan.device(3);
    for device in [&mut before, &mut after] {
        device.sees_at(&python.id, "10.0.1.1:5000", SOON);
    }
    let start = Instant::now();
    python.knows(&[format!("{} 10.0.1.2 5000", before.id), format!("{} 10.0.1.3 5000", after.id)]);
    report("a Python device: known to Python after it is known to ours", "–", since(start));
    assert_eq!(lan.host(4).ask(&["ping", &python.id])["id"], *python.id);
}

#[test]
fn five_python_devices_and_three_of_ours_know_each_other() {
    let _crowd = crowd();
    let Some(lan) = Lan::new(1) else { return };
    let Some(interpreter) = interpreter() else { return };
    let mut ours = [1, 2, 3].map(|number| lan.device(number));
    let hosts = [4, 5, 6, 7, 8].map(|number| lan.host(number));
    hosts.iter().for_each(|host| host.ip("route add default dev eth0"));
    let launched = hosts.each_ref().map(|host| PythonDevice::launch(host, &interpreter));
    let theirs = launched.map(PythonDevice::started);
    let start = Instant::now();
    let known: Vec<_> =
        ours.iter().map(|one| format!("{} 10.0.1.{} 5000", one.id, one.host.number)).collect();
    for (python, host) in theirs.iter().zip(&hosts) {
        python.knows(&known);
        for device in &mut ours {
            device.sees_at(&python.id, &format!("10.0.1.{}:5000", host.number), SOON);
        }
    }
    everybody_sees_everybody(&mut ours, SOON);
    let took = since(start);
    let case = "5 Python devices among 3 of ours: each knows all of ours, and is known by all";
    report(case, "all", format!("all, {took} after the last one's start"));
}

/// Prints its id, and then whom it knows, whenever that has changed.
const PROGRAM: &str = "
import asyncio, os
output = os.fdopen(os.dup(1), 'w')
os.dup2(2, 1)
from easyhttp_python import EasyHTTPAsync
async def main():
    easy = EasyHTTPAsync(config_file='python.json')
    await easy.start()
    print(easy.id, file=output, flush=True)
    known = None
    while True:
        now = sorted(f\"{id} {its['ip']} {its['port']}\" for id, its in easy.devices.items())
        if now != known:
            print(';'.join(now), file=output, flush=True)
            known = now
        await asyncio.sleep(0.02)
asyncio.run(main())
";

struct PythonDevice {
    id: String,
    child: Child,
    lines: Receiver<String>,
}

impl PythonDevice {
    fn start(host: &Host, interpreter: &str) -> Self {
        Self::launch(host, interpreter).started()
    }

    fn launch(host: &Host, interpreter: &str) -> Self {
        let mut child = host
            .command(interpreter)
            .args(["-c", PROGRAM])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = lines_of(child.stdout.take().unwrap());
        Self { id: String::new(), child, lines }
    }

    fn started(mut self) -> Self {
        self.id = self.lines.recv_timeout(SOON).expect("it starts");
        self
    }

    /// Waits until it knows these devices, given by id, address and port, and
    /// maybe others.
    fn knows(&self, devices: &[String]) {
        let mut said = Vec::new();
        while !said.last().is_some_and(|now: &String| devices.iter().all(|one| now.contains(one))) {
            match self.lines.recv_timeout(SOON) {
                Ok(line) => said.push(line),
                Err(_) => panic!("never knew {devices:?}; it knew {said:#?}"),
            }
        }
    }
}

impl Drop for PythonDevice {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The interpreter that has the package.
fn interpreter() -> Option<String> {
    const VARIABLE: &str = "EASYHTTP_TEST_PYTHON";
    let path = env::var(VARIABLE).ok();
    if path.is_none() {
        let why = format!("{VARIABLE} is not set; `cargo xtask test` sets it");
        skip("a Python device in the network lab", &why);
    }
    path
}
