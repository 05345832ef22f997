//! Whoever reads what the program prints has seen enough, as `head -1` does: it ends at
//! once, and does not wait for something to print.
#![cfg(unix)]

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{PATIENCE, Place};

#[test]
fn a_watch_ends_with_its_reader() {
    let place = Place::new();
    let _device = place.serve("lamp", &[]);
    ends_with_its_reader(place.command(&["discover", "--watch"]));
    ends_with_its_reader(place.command(&["discover", "--watch", "--json"]));
}

#[test]
fn pings_end_with_their_reader() {
    let place = Place::new();
    let device = place.serve("lamp", &[]);
    let often = ["ping", &device.id, "--count", "2", "--interval", "3600"];
    ends_with_its_reader(place.command(&often));
}

#[test]
fn a_device_ends_with_its_reader() {
    let place = Place::new();
    ends_with_its_reader(place.command(&["serve", "--port", "0", "--no-discovery"]));
}

/// Reads one line of what the program prints, and waits for its end.
fn ends_with_its_reader(mut command: Command) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.ends_with('\n'), "{line:?}");

    let process = Pid::from_child(&child);
    let (ended, end) = channel();
    thread::spawn(move || ended.send(child.wait().unwrap().code()));
    let code = end.recv_timeout(PATIENCE);
    if code.is_err() {
        kill_process(process, Signal::KILL).unwrap();
    }
    assert_eq!(code, Ok(Some(0)), "{command:?} goes on without a reader");
}
