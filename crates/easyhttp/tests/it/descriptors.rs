//! A process that may open nothing more.
#![cfg(unix)]

use std::process::Command;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{device, local};

const CHILD: &str = "EASYHTTP_TEST_NO_DESCRIPTORS";

/// No test, but the child of the one below: the limit is that of a whole process.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let (asking, answering) = (device().start().unwrap(), device().start().unwrap());
    asking.add(answering.id(), local(answering.port().unwrap())).unwrap();
    let before = getrlimit(Resource::Nofile);
    // Those of standard input, output and error, which are open.
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..before }).unwrap();
    let failed = asking.ping(answering.id());
    setrlimit(Resource::Nofile, before).unwrap();
    println!("\nfailed: {}", failed.unwrap_err());
    asking.ping(answering.id()).unwrap();
    println!("\nanswered");
}

#[test]
fn a_call_says_that_the_process_has_too_many_files_open() {
    let mut child = Command::new(std::env::current_exe().unwrap());
    let child = child.args(["--exact", "descriptors::child", "--nocapture"]).env(CHILD, "1");
    let output = child.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let failed = text.lines().find(|line| line.starts_with("failed: ")).unwrap();
    for part in ["cannot connect", "open files", "ulimit -n"] {
        assert!(failed.contains(part), "{part:?} is missing in {failed:?}");
    }
    assert!(!failed.contains("firewall"), "{failed}");
    assert!(text.contains("\nanswered\n"), "{text}");
}
