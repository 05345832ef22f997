//! Devices that are killed: what they had promised holds when they are back.
//!
//! The devices to be killed are processes of this test program, which runs
//! [`child`] there.

#[cfg(target_os = "linux")]
mod power;

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use easyhttp::{AfterCrash, Delivery, Value, json};
use rustix::process::{Resource, getrlimit, setrlimit};

use crate::support::folder::Folder;
use crate::support::http::{Client, command, ping};
use crate::support::{device, eventually, local, next};

/// What a child is to do: the name of a variable of its environment.
const TASK: &str = "EASYHTTP_TEST_TASK";
const FOLDER: &str = "EASYHTTP_TEST_FOLDER";
const PEER: &str = "EASYHTTP_TEST_PEER";
const ROUND: &str = "EASYHTTP_TEST_ROUND";

#[test]
fn child() {
    let Ok(task) = std::env::var(TASK) else { return };
    let variable = |name| std::env::var(name).unwrap();
    let builder = device().config_file(Path::new(&variable(FOLDER)).join("device.json"));
    match &*task {
        "send" => {
            let easy = builder.start().unwrap();
            say(&json!({"id": easy.id().as_str()}));
            easy.add("7H8G2K", variable(PEER)).unwrap();
            for n in 0.. {
                let data = json!([variable(ROUND).parse::<u64>().unwrap(), n]);
                easy.outbox().push("7H8G2K", &data).unwrap();
                say(&json!({"pushed": data}));
            }
        }
        "keep" => {
            let easy = builder.start().unwrap();
            say(&json!({"id": easy.id().as_str()}));
            for n in 0..20 {
                easy.outbox().push("7H8G2K", n).unwrap();
                say(&json!({"pushed": n}));
            }
        }
        // Its handlers do not end.
        "unknown" | "run_again" => {
            let after_crash = match &*task {
                "unknown" => AfterCrash::Unknown,
                _ => AfterCrash::RunAgain,
            };
            let builder = builder.durable(after_crash).on_push(|push| -> bool {
                say(&json!({"ran": push.data.value()}));
                loop {
                    thread::park();
                }
            });
            let easy = builder.start().unwrap();
            say(&json!({"port": easy.port()}));
            loop {
                thread::park();
            }
        }
        "failing_unknown" | "failing_run_again" => {
            let after_crash = match &*task {
                "failing_unknown" => AfterCrash::Unknown,
                _ => AfterCrash::RunAgain,
            };
            let builder = builder.durable(after_crash).on_push(|push| {
                say(&json!({"ran": push.data.value()}));
                if push.data.value() == "fail" {
                    disk_takes(Some(0));
                }
            });
            let easy = builder.on_fetch(|_| disk_takes(None)).start().unwrap();
            say(&json!({"port": easy.port()}));
            loop {
                thread::park();
            }
        }
        other => panic!("{other}"),
    }
}

/// How many bytes each file of this process may have: all others as if the disk were full.
fn disk_takes(bytes: Option<u64>) {
    let mut limit = getrlimit(Resource::Fsize);
    limit.current = bytes;
    setrlimit(Resource::Fsize, limit).unwrap();
}

/// One line, in one write.
fn say(line: &Value) {
    std::io::stdout().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// A device in a process of its own, which is killed when this is dropped.
struct Device {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Device {
    fn start(task: &str, folder: &Folder, others: &[(&str, String)]) -> Self {
        // A write to a disk that is full is an error then, and no signal.
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""]);
        let mut process = of(shell.arg(std::env::current_exe().unwrap()), task, folder)
            .envs(others.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// What it says next that has this field.
    fn says(&mut self, field: &str) -> Value {
        loop {
            let line = self.lines.next().expect("it says more").unwrap();
            if let Ok(Value::Object(mut said)) = serde_json::from_str(&line)
                && let Some(value) = said.remove(field)
            {
                return value;
            }
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn of<'a>(command: &'a mut Command, task: &str, folder: &Folder) -> &'a mut Command {
    command.args(["crashes::child", "--exact", "--nocapture"]);
    command.env(TASK, task).env(FOLDER, folder.path());
    command
}

#[test]
fn a_sender_that_is_killed_delivers_all_that_it_confirmed_in_order_and_once() {
    let (folder, receivers) = (Folder::new(), Folder::new());
    let (done, all) = channel();
    // Each time it is somewhere else.
    let receiver = || {
        let done = done.clone();
        let builder = device().id("7H8G2K").outbox_file(receivers.join("receiver"));
        let builder = builder.durable(AfterCrash::Unknown);
        builder.on_push(move |push| done.send(push.data.value()).unwrap()).start().unwrap()
    };
    let mut confirmed = Vec::new();
    for (round, count) in [1, 25, 3, 60, 10, 40].into_iter().enumerate() {
        let there = receiver();
        let peer = local(there.port().unwrap()).to_string();
        let others = [(PEER, peer), (ROUND, round.to_string())];
        let mut sender = Device::start("send", &folder, &others);
        for _ in 0..count {
            confirmed.push(sender.says("pushed"));
        }
        drop(sender);
    }
    let (told, refused) = channel();
    let last = device().config_file(folder.join("device.json"));
    let last = last.on_refused(move |refused| told.send(refused).unwrap()).start().unwrap();
    let there = receiver();
    last.add("7H8G2K", local(there.port().unwrap())).unwrap();
    eventually("all is delivered", || last.outbox().list().unwrap().is_empty());
    assert!(refused.try_recv().is_err());

    let pair = |value: &Value| (value[0].as_u64().unwrap(), value[1].as_u64().unwrap());
    let done: Vec<_> = all.try_iter().map(|value| pair(&value)).collect();
    assert!(done.is_sorted_by(|a, b| a < b), "{done:?}");
    for value in confirmed {
        assert!(done.contains(&pair(&value)), "{value} was confirmed: {done:?}");
    }
}

/// A sender whose item reaches a device that is killed while its handler runs, and comes
/// back; what the handlers of the sender are told, and how often that of the device ran.
/// Another handler ran already when the device said how many it had begun.
fn killed_in_its_handler(task: &str) -> (Receiver<Delivery>, usize) {
    let (folder, own) = (Folder::new(), Folder::new());
    let (told, refused) = channel();
    let builder = device().outbox_file(own.join("outbox"));
    let builder = builder.on_refused(move |refused| {
        told.send(refused.error.delivery()).unwrap();
    });
    let sender = builder.start().unwrap();
    let start = || {
        let mut there = Device::start(task, &folder, &[]);
        let port = there.says("port").as_u64().unwrap();
        let id = fs::read(folder.join("device.json")).unwrap();
        let id: Value = serde_json::from_slice(&id).unwrap();
        let id = id["device_id"].as_str().unwrap().to_owned();
        sender.add(&*id, local(u16::try_from(port).unwrap())).unwrap();
        (there, id)
    };
    let (mut there, id) = start();
    let address = sender.find(&*id, Duration::ZERO).unwrap().addresses[0];
    let other = id.clone();
    thread::spawn(move || {
        let asking = device().start().unwrap();
        asking.add(&*other, address).unwrap();
        let _ = asking.push(&*other, "of another one");
    });
    assert_eq!(there.says("ran"), "of another one");
    sender.outbox().push(&*id, "once").unwrap();
    assert_eq!(there.says("ran"), "once");
    drop(there);
    let (mut there, _) = start();
    sender.outbox().flush().unwrap();
    sender.outbox().push(&*id, "and another one").unwrap();
    let ran = there.says("ran");
    (refused, if ran == "once" { 2 } else { 1 })
}

#[test]
fn what_a_device_was_doing_when_it_was_killed_is_not_done_again_if_it_must_not() {
    let (refused, ran) = killed_in_its_handler("unknown");
    assert_eq!(next(&refused), Delivery::Unknown);
    assert_eq!(ran, 1);
}

#[test]
fn what_a_device_was_doing_when_it_was_killed_is_done_again_if_it_may() {
    let (refused, ran) = killed_in_its_handler("run_again");
    assert_eq!(ran, 2);
    assert!(refused.try_recv().is_err());
}

#[test]
fn what_a_failing_disk_did_not_take_is_known_as_soon_as_it_does() {
    for (task, runs_meanwhile) in [("failing_unknown", false), ("failing_run_again", true)] {
        let folder = Folder::new();
        let start = || {
            let mut there = Device::start(task, &folder, &[]);
            let port = u16::try_from(there.says("port").as_u64().unwrap()).unwrap();
            (there, Client::connect(port))
        };
        let push = |data: &str| command(5, data).header("Idempotency-Key", format!("\"{data}\""));
        let (there, mut client) = start();
        let outcome = |client: &mut Client, data| {
            let answer = client.ask(&push(data));
            (answer.status, answer.json()["type"].clone(), answer.json()["error"].clone())
        };
        let accepted = (200, json!(6), Value::Null);
        assert_eq!(outcome(&mut client, "fail"), accepted, "{task}: it has run");
        let meanwhile = outcome(&mut client, "meanwhile");
        if runs_meanwhile {
            assert_eq!(meanwhile, accepted, "{task}");
        } else {
            assert_eq!(meanwhile.0, 500, "{task}");
            let reason = meanwhile.2["message"].as_str().unwrap();
            assert!(reason.contains("cannot note on its disk"), "{reason}");
        }
        let stats = ping().method("GET").path("/easyhttp/stats").without("Content-Type");
        let stats = client.ask(&stats).json();
        assert!(stats["pushes_not_noted"].as_u64() >= Some(1), "{task}: {stats}");
        // The disk has room again, and the next push is noted with all before it.
        assert_eq!(client.ask(&command(3, "room")).status, 200);
        assert_eq!(outcome(&mut client, "next"), accepted, "{task}");
        drop(there);

        let (mut there, mut client) = start();
        assert_eq!(outcome(&mut client, "fail"), accepted, "{task}");
        assert_eq!(outcome(&mut client, "meanwhile"), meanwhile, "{task}");
        assert_eq!(outcome(&mut client, "next"), accepted, "{task}");
        assert_eq!(outcome(&mut client, "new"), accepted, "{task}");
        assert_eq!(there.says("ran"), "new", "{task}: nothing ran twice");
    }
}
