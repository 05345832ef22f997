//! What a device has said is on disk, is: the power may go.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::of;
use crate::support::folder::Folder;
use crate::support::skip;

/// At each of its system calls the power could go. It is then all as it was or as it is
/// to be: a file gets its name when it is on disk, and nothing is promised before both are.
#[test]
fn what_a_device_has_said_is_on_disk() {
    let folder = Folder::new();
    let trace = Folder::new();
    let trace = trace.join("trace");
    let mut strace = Command::new("strace");
    strace.args(["-f", "-y", "-s", "200", "-e", CALLS, "-o"]).arg(&trace);
    strace.arg(std::env::current_exe().unwrap());
    match of(&mut strace, "keep", &folder).stdout(Stdio::null()).status() {
        Ok(status) => assert!(status.success(), "{status}"),
        Err(error) => return skip("what_a_device_has_said_is_on_disk", error),
    }
    let mut disk = Disk { folder: folder.path().to_owned(), ..Disk::default() };
    for call in whole_calls(&fs::read_to_string(trace).unwrap()) {
        disk.take(&call);
    }
    assert_eq!(disk.promises, 21);
    assert!(disk.renamed.contains(&folder.join("device.json")));
    assert!(disk.renamed.contains(&folder.join(".device.json.outbox")));
}

const CALLS: &str = "trace=open,openat,creat,write,pwrite64,writev,pwritev,ftruncate,fsync,fdatasync,rename,\
     renameat,renameat2,unlink,unlinkat";

/// The calls in the order in which they returned, those that others interrupted included.
fn whole_calls(trace: &str) -> Vec<String> {
    let mut begun = BTreeMap::new();
    let mut calls = Vec::new();
    for line in trace.lines() {
        let Some((thread, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if let Some(start) = call.strip_suffix("<unfinished ...>") {
            begun.insert(thread, start);
        } else if let Some((_, end)) = call.split_once(" resumed>") {
            calls.push(format!("{}{end}", begun.remove(thread).unwrap_or_default()));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

/// What is not on disk yet.
#[derive(Default)]
struct Disk {
    folder: PathBuf,
    unsynced: BTreeSet<PathBuf>,
    unsynced_names: BTreeSet<PathBuf>,
    renamed: BTreeSet<PathBuf>,
    promises: usize,
}

impl Disk {
    fn take(&mut self, call: &str) {
        let Some((name, arguments)) = call.split_once('(') else { return };
        if call.contains(" = -1 ") {
            return;
        }
        // Of a file that is open, by `-y`; or of names.
        let file = arguments.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let file = file.map(|(path, _)| PathBuf::from(path)).unwrap_or_default();
        let names: Vec<_> = arguments.split('"').skip(1).step_by(2).map(PathBuf::from).collect();
        match name {
            "write" if arguments.starts_with("1<") && arguments.contains(r#""{\""#) => {
                self.promises += 1;
                assert!(self.unsynced.is_empty(), "{call}: {:?}", self.unsynced);
                assert!(self.unsynced_names.is_empty(), "{call}: {:?}", self.unsynced_names);
            }
            // A database that is shortened behind its last page loses nothing either way.
            "write" | "pwrite64" | "writev" | "pwritev" if self.is_ours(&file) => {
                assert_ne!(file, self.folder.join("device.json"), "{call}");
                self.unsynced.insert(file);
            }
            "fsync" | "fdatasync" if file == self.folder => self.unsynced_names.clear(),
            "fsync" | "fdatasync" => _ = self.unsynced.remove(&file),
            "rename" | "renameat" | "renameat2" if self.is_ours(&names[1]) => {
                assert!(!self.unsynced.contains(&names[0]), "{call}");
                self.unsynced_names.insert(names[1].clone());
                self.renamed.insert(names[1].clone());
            }
            "open" | "openat" | "creat" if call.contains("O_CREAT") && self.is_ours(&names[0]) => {
                let is_new = names[0].extension().is_some_and(|extension| extension == "new");
                assert!(is_new, "{call}");
            }
            _ => {}
        }
    }

    /// Whether a file is in the folder, and is to outlast the device, as its lock and its
    /// token are not.
    fn is_ours(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let is_passing = name.ends_with(".lock") || name.contains(".token");
        path.starts_with(&self.folder) && !is_passing
    }
}
