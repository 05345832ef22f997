//! Devices that may be killed at any moment: processes of this test program, which runs
//! [`child`] there. What they promise and what they were told they say on a pipe, what
//! they have done they write to a file.

use std::env;
use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Stdio};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Duration;

use easyhttp::{AfterCrash, Builder, DeviceId, EasyHttp, Request};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

use crate::device::lines_of;
use crate::dice::Dice;
use crate::network::Host;

/// What a child is to do, which of its lives this is, and what a sender is to send: so
/// many items, to these devices in turn.
const TASK: &str = "EASYHTTP_LAB_TASK";
const LIFE: &str = "EASYHTTP_LAB_LIFE";
const COUNT: &str = "EASYHTTP_LAB_COUNT";
const TO: &str = "EASYHTTP_LAB_TO";

/// The longest pause between two items, and the longest that a handler works on one.
const PAUSE: Duration = Duration::from_millis(80);
const WORK: Duration = Duration::from_millis(100);

/// The file of what was done.
const DONE: &str = "done";

/// What a device is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Task {
    /// It puts items into its outbox.
    Send,
    /// It takes them, and is durable in this way.
    Take(AfterCrash),
    /// It takes them at once, and remembers nothing after its end.
    TakeQuickly,
}

/// An item: which one of which life of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) life: u32,
    pub(crate) number: u32,
}

/// What a sender says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    Started(DeviceId),
    /// The item for this device is on disk.
    Confirmed(DeviceId, Item),
    /// What it was told of an item that was not delivered.
    Refused(DeviceId, Item, String),
    /// Nothing waits any more, of all that its earlier lives have left.
    Empty,
}

/// Something that was done, in which life of whoever did it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) sender: DeviceId,
    pub(crate) item: Item,
    pub(crate) life: u32,
}

/// A device that is killed and started again.
pub(crate) struct Victim {
    pub(crate) host: Host,
    pub(crate) task: Task,
    /// How often it was started.
    lives: u32,
    process: Option<Child>,
}

impl Victim {
    pub(crate) fn new(host: Host, task: Task) -> Self {
        Self { host, task, lives: 0, process: None }
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.process.is_some()
    }

    /// Starts it. What it says goes there, also what is in the pipe when it is killed.
    pub(crate) fn start(&mut self, to: &[DeviceId], count: usize, said: Sender<(u8, Said)>) {
        self.lives += 1;
        let to: Vec<_> = to.iter().map(|id| id.as_str()).collect();
        let mut child = self
            .host
            .command(env::current_exe().unwrap().to_str().unwrap())
            .args(["victim::child", "--exact", "--nocapture"])
            .env(TASK, format!("{:?}", self.task))
            .env(LIFE, self.lives.to_string())
            .env(COUNT, count.to_string())
            .env(TO, to.join(","))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (lines, number) = (lines_of(child.stdout.take().unwrap()), self.host.number);
        thread::spawn(move || {
            for line in lines {
                // The test runner speaks as well.
                if let Ok(line) = serde_json::from_str(&line) {
                    let _ = said.send((number, line));
                }
            }
        });
        self.process = Some(child);
    }

    /// Kills it. It must not have ended by itself.
    pub(crate) fn kill(&mut self) {
        let mut process = self.process.take().unwrap();
        let ended = process.try_wait().unwrap();
        assert!(ended.is_none(), "host {}, life {}: {ended:?}", self.host.number, self.lives);
        kill_process(Pid::from_child(&process), Signal::KILL).unwrap();
        process.wait().unwrap();
    }

    /// What it has done, in this order.
    pub(crate) fn done(&self) -> Vec<Done> {
        let lines = fs::read_to_string(self.host.path(DONE)).unwrap_or_default();
        lines.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        if let Some(mut process) = self.process.take() {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

#[test]
fn child() {
    let Ok(task) = env::var(TASK) else { return };
    // Ends the line of the test runner.
    println!();
    let life = number(LIFE);
    let builder = EasyHttp::builder().port(0).config_file("victim.json");
    match &*task {
        "Send" => send(builder, life),
        "Take(Unknown)" => take(builder.durable(AfterCrash::Unknown), life, WORK),
        "Take(RunAgain)" => take(builder.durable(AfterCrash::RunAgain), life, WORK),
        "TakeQuickly" => take(builder, life, Duration::ZERO),
        other => panic!("{other}"),
    }
}

fn number(variable: &str) -> u32 {
    env::var(variable).unwrap().parse().unwrap()
}

fn say(said: &Said) {
    // One line, in one write.
    std::io::stdout().write_all(line(said).as_bytes()).unwrap();
}

fn line(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap() + "\n"
}

fn send(builder: Builder<EasyHttp>, life: u32) {
    let builder = builder.on_refused(|refused| {
        let item = serde_json::from_str(refused.item.data.raw()).unwrap();
        let error = format!("{:?}: {}", refused.error.delivery(), refused.error);
        say(&Said::Refused(refused.item.to, item, error));
    });
    let easy = builder.start().unwrap();
    say(&Said::Started(easy.id()));
    let to: Vec<DeviceId> =
        env::var(TO).unwrap().split_terminator(',').map(|id| id.parse().unwrap()).collect();
    let mut dice = Dice::new(life.into());
    let count = number(COUNT);
    for (number, to) in (0..count).zip(to.iter().cycle().skip(life as usize)) {
        let item = Item { life, number };
        easy.outbox().push(*to, item).unwrap();
        say(&Said::Confirmed(*to, item));
        thread::sleep(dice.within(PAUSE));
    }
    while count > 0 || !easy.outbox().list().unwrap().is_empty() {
        thread::sleep(Duration::from_millis(100));
    }
    say(&Said::Empty);
    loop {
        thread::park();
    }
}

fn take(builder: Builder<EasyHttp>, life: u32, most: Duration) {
    let done = File::options().create(true).append(true).open(DONE).unwrap();
    let builder = builder.on_push(move |push: Request| {
        let item = serde_json::from_str(push.data.raw()).unwrap();
        let done_now = Done { sender: push.sender.unwrap(), item, life };
        let mut dice = Dice::new(u64::from(life) << 32 | u64::from(item.number));
        thread::sleep(dice.within(most));
        (&done).write_all(line(&done_now).as_bytes()).unwrap();
        thread::sleep(dice.within(most));
    });
    let easy = builder.start().unwrap();
    say(&Said::Started(easy.id()));
    loop {
        thread::park();
    }
}
