//! The device file, seen from other processes: who holds it, and what is left
//! when one is killed, or finds no room.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use easyhttp::{EasyHttp, Error, StartError};

use super::{assert_whole, read, start};
use crate::support::folder::Folder;
use crate::support::{assert_error, assert_names, device, skip};

const FILE: &str = "EASYHTTP_TEST_DEVICE_FILE";

/// No test, but the child of those below, as which they start this program: a
/// device with the file that its environment names, until its input ends.
#[test]
fn child() {
    let Some(file) = std::env::var_os(FILE) else { return };
    let device = match &*file.to_string_lossy() {
        // The defaults, which these tests let fail before there is a network.
        "" => EasyHttp::start(),
        file => device().config_file(file).debug(true).start(),
    };
    match &device {
        Ok(device) => println!("\nstarted: {}", device.id()),
        Err(error) => println!("\nfailed: {error}"),
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// The command line of a child with this file.
fn child_command(file: impl AsRef<Path>) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "device_file::processes::child", "--nocapture"])
        .env(FILE, file.as_ref())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs a child to its end.
fn run(command: &mut Command) -> Output {
    let child = command.spawn().unwrap();
    // Its input ends as it waits for its end.
    child.wait_with_output().unwrap()
}

/// What a child said of its start.
fn outcome(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut lines = text.lines();
    let said = lines.find(|line| line.starts_with("started: ") || line.starts_with("failed: "));
    said.unwrap_or_else(|| panic!("the child said nothing: {output:?}")).to_owned()
}

/// A child that has started, and is killed when this is dropped.
struct Running(Child);

impl Running {
    fn new(file: &Path) -> Self {
        let mut child = child_command(file).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.map_while(Result::ok).any(|line| line.starts_with("started: ")));
        Self(child)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn another_process_that_holds_the_file_is_named_until_it_is_gone() {
    let folder = Folder::new();
    let file = folder.join("device.json");
    let holder = Running::new(&file);
    let error = start(&file).unwrap_err();
    assert_names(&error, &[&file.display(), &format!("process {}", holder.0.id())]);
    assert_error!(Err::<(), _>(error), Error::Start(StartError::DeviceFileHeld { .. }));
    // It is killed, and had no time to clean up.
    drop(holder);
    assert_whole(&file, &start(&file).unwrap());
}

#[test]
fn a_relative_path_and_debug_output_work() {
    let folder = Folder::new();
    let output = run(child_command("device.json").current_dir(folder.path()));
    let device = start(&folder.join("device.json")).unwrap();
    assert_eq!(outcome(&output), format!("started: {}", device.id()));
    let printed = String::from_utf8_lossy(&output.stderr);
    let expected = format!("easyhttp: device {} answers on port", device.id());
    assert!(printed.contains(&expected), "{printed}");
}

#[test]
fn the_default_file_is_in_the_current_folder() {
    let folder = Folder::new();
    let file = folder.join("easyhttp_device.json");
    std::fs::write(&file, "not JSON").unwrap();
    let outcome = outcome(&run(child_command("").current_dir(folder.path())));
    assert!(outcome.starts_with("failed: the device file easyhttp_device.json"), "{outcome}");
    assert_eq!(read(&file), "not JSON");
}

/// When to kill a first start.
enum Moment {
    After(Duration),
    /// As soon as this many files are in the folder.
    Files(usize),
}

fn assert_survives_kill(moment: &Moment) {
    let folder = Folder::new();
    let file = folder.join("device.json");
    let mut child = child_command(&file).spawn().unwrap();
    match moment {
        Moment::After(delay) => std::thread::sleep(*delay),
        Moment::Files(count) => {
            let files = || std::fs::read_dir(folder.path()).unwrap().count();
            let deadline = Instant::now() + Duration::from_secs(20);
            // It may be over before it is seen.
            while files() < *count && !file.exists() && Instant::now() < deadline {
                std::hint::spin_loop();
            }
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();

    // The file is absent or whole, and the next start works in either case.
    let before = file.exists().then(|| read(&file));
    let device = start(&file).unwrap();
    assert_whole(&file, &device);
    if let Some(before) = before {
        assert_eq!(read(&file), before);
    }
}

#[test]
fn a_first_start_may_be_killed_at_any_moment() {
    let folder = Folder::new();
    let started = Instant::now();
    drop(Running::new(&folder.join("device.json")));
    let whole = started.elapsed();
    for step in 0..20 {
        assert_survives_kill(&Moment::After(whole * step / 16));
    }
    for count in [1, 2, 3].repeat(6) {
        assert_survives_kill(&Moment::Files(count));
    }
}

/// Runs a script as root of a mount namespace of its own, with `$child` to
/// start a device, `$folder` for files, and `$file` as the device's.
fn in_mount_namespace(test: &str, script: &str) -> Option<String> {
    let tried = Command::new("unshare").args(["--mount", "true"]).output();
    if !tried.as_ref().is_ok_and(|tried| tried.status.success()) {
        skip(test, tried);
        return None;
    }
    let folder = Folder::new();
    let file = folder.join("device.json");
    let child = child_command(&file);
    let mut words = vec![child.get_program()];
    words.extend(child.get_args());
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap()).collect();
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-euc", script])
        .env(FILE, &file)
        .env("folder", folder.path())
        .env("file", &file)
        .env("child", words.join(" "))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let said = |line: &&str| ["started: ", "failed: ", "> "].iter().any(|p| line.starts_with(p));
    Some(text.lines().filter(said).collect::<Vec<_>>().join("\n"))
}

#[test]
fn a_full_disk_is_told_and_leaves_no_half_of_a_file() {
    let test = "a_full_disk_is_told_and_leaves_no_half_of_a_file";
    let script = r#"
        mount -t tmpfs -o size=8k tmpfs "$folder"
        head -c 1M /dev/zero > "$folder/filler" 2>&1 || true
        $child
        test ! -e "$file" && echo "> no file"
        rm "$folder/filler"
        $child
        cat "$file" | tr -d '\n' | sed 's/^/> /'
        head -c 1M /dev/zero > "$folder/filler" 2>&1 || true
        echo
        $child
    "#;
    let Some(said) = in_mount_namespace(test, script) else { return };
    let [failed, absent, first, content, again] = &said.lines().collect::<Vec<_>>()[..] else {
        panic!("{said}")
    };
    assert!(failed.contains("device.json") && failed.contains("No space left"), "{failed}");
    assert_eq!(*absent, "> no file");
    let id = first.strip_prefix("started: ").unwrap();
    assert!(content.contains(&format!("\"device_id\": \"{id}\"")), "{content}");
    // A device that has its file needs no room.
    assert_eq!(again, first);
}

#[test]
fn a_read_only_folder_is_told() {
    let test = "a_read_only_folder_is_told";
    let script = r#"
        mount -t tmpfs tmpfs "$folder"
        mount -o remount,ro "$folder"
        $child
        mount -o remount,rw "$folder"
        test -z "$(ls -A "$folder")" && echo "> empty"
    "#;
    let Some(said) = in_mount_namespace(test, script) else { return };
    let [failed, left] = &said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    assert!(failed.contains("device.json") && failed.contains("Read-only"), "{failed}");
    assert_eq!(*left, "> empty");
}
