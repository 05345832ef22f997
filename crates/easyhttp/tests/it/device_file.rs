//! The file that keeps a device's id: made once, read for ever, never spoilt,
//! and one device's alone.

mod processes;

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use easyhttp::{EasyHttp, EasyHttpAsync, Error, Result, StartError, Value};

use crate::support::folder::Folder;
use crate::support::{assert_error, assert_names, device, local, quiet};

/// Starts a device with this file.
fn start(file: &Path) -> Result<EasyHttp> {
    device().config_file(file).start()
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

/// Asserts that there is a whole device file with this id.
#[track_caller]
fn assert_whole(file: &Path, device: &EasyHttp) {
    let content: Value = serde_json::from_str(&read(file)).unwrap();
    assert_eq!(content["device_id"], device.id().as_str());
}

#[test]
fn the_first_start_makes_the_file_and_later_ones_keep_the_id() {
    let folder = Folder::new();
    let file = folder.join("device.json");
    let first = start(&file).unwrap();
    let (id, port) = (first.id(), first.port().unwrap());
    assert!(id.as_str().bytes().all(|byte| b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ".contains(&byte)));
    drop(first);

    // As a Python device writes it.
    let content = read(&file);
    let expected = format!(
        "{{\n  \"device_id\": \"{id}\",\n  \"port\": {port},\n  \"version\": \"0.4.0\"\n}}\n"
    );
    assert_eq!(content, expected);
    for _ in 0..3 {
        assert_eq!(start(&file).unwrap().id(), id);
        assert_eq!(read(&file), content);
    }
}

#[test]
fn the_file_of_a_python_device_is_understood_and_left_as_it_is() {
    for (content, id) in [
        (
            "{\n  \"device_id\": \"7H8G2K\",\n  \"port\": 5000,\n  \"version\": \"0.4.0-alpha.6\"\n}",
            "7H8G2K",
        ),
        ("{\"device_id\": \"ABC123\", \"port\": 5000, \"version\": \"0.4.0-alpha.6\"}", "ABC123"),
        ("\r\n{ \"version\": [], \"device_id\":\"ab3f9z\" , \"x\": null }\r\n", "AB3F9Z"),
    ] {
        let (_folder, file) = Folder::with_file(content);
        for _ in 0..2 {
            assert_eq!(start(&file).unwrap().id().as_str(), id);
            assert_eq!(read(&file), content);
        }
    }
}

#[test]
fn a_file_that_cannot_be_understood_is_named_and_left_as_it_is() {
    for (content, problem) in [
        (&b""[..], "empty"),
        (b" \r\n", "empty"),
        (b"not JSON", "not a JSON object"),
        (b"{\"device_id\": \"AB3F9Z\"", "not a JSON object"),
        (b"[\"AB3F9Z\"]", "not a JSON object"),
        (b"\"AB3F9Z\"", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"\xff\xfe\0\0", "not a JSON object"),
        (b"{}", "no device_id"),
        (b"{\"id\": \"AB3F9Z\"}", "no device_id"),
        (b"{\"device_id\": null}", "null"),
        (b"{\"device_id\": 123456}", "123456"),
        (b"{\"device_id\": [\"AB3F9Z\"]}", "AB3F9Z"),
        (b"{\"device_id\": \"\"}", "\"\""),
        (b"{\"device_id\": \"AB3F9\"}", "AB3F9"),
        (b"{\"device_id\": \"AB3F9Z7\"}", "AB3F9Z7"),
        (b"{\"device_id\": \"AB-F9Z\"}", "AB-F9Z"),
    ] {
        let (_folder, file) = Folder::with_file(content);
        let error = start(&file).unwrap_err();
        assert_names(&error, &[&file.display(), &problem, &"Mend it"]);
        assert_error!(Err::<(), _>(error), Error::Start(StartError::DeviceFileInvalid { .. }));
        assert_eq!(fs::read(&file).unwrap(), content);
    }
}

#[test]
fn a_path_that_can_be_no_file_is_named() {
    let (folder, file) = Folder::with_file("{\"device_id\": \"AB3F9Z\"}");
    let directory = folder.join("directory");
    fs::create_dir(&directory).unwrap();
    for path in [
        directory.clone(),
        file.join("device.json"),
        folder.join("nowhere").join("device.json"),
        PathBuf::from("/proc/device.json"),
        PathBuf::from("/"),
        PathBuf::from(".."),
    ] {
        let error = start(&path).unwrap_err();
        assert_names(&error, &[&path.display(), &"choose another file"]);
        assert_error!(Err::<(), _>(error), Error::Start(StartError::DeviceFile { .. }));
    }
    // Nothing was made anywhere.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2);
    assert_eq!(fs::read_dir(directory).unwrap().count(), 0);
}

#[test]
fn two_devices_with_one_file_are_refused() {
    let folder = Folder::new();
    let file = folder.join("device.json");
    let first = start(&file).unwrap();
    let content = read(&file);
    for _ in 0..3 {
        let error = start(&file).unwrap_err();
        let process = format!("process {}", std::process::id());
        assert_names(&error, &[&file.display(), &process, &"two devices cannot have one id"]);
        assert_error!(Err::<(), _>(error), Error::Start(StartError::DeviceFileHeld { .. }));
    }
    assert_eq!(read(&file), content);
    assert_whole(&file, &first);
}

#[test]
#[cfg(unix)]
fn a_link_to_the_file_is_the_same_file() {
    let (folder, other) = (Folder::new(), Folder::new());
    let file = folder.join("device.json");
    let link = other.join("link.json");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    let first = start(&file).unwrap();
    assert_error!(start(&link), Error::Start(StartError::DeviceFileHeld { .. }));
    let id = first.id();
    drop(first);
    let by_link = start(&link).unwrap();
    assert_eq!(by_link.id(), id);
    assert_error!(start(&file), Error::Start(StartError::DeviceFileHeld { .. }));
}

#[test]
fn the_file_can_be_used_again_at_once() {
    let folder = Folder::new();
    let file = folder.join("device.json");
    let first = start(&file).unwrap();
    let id = first.id();
    first.stop();
    // The device is stopped, though not dropped.
    assert_eq!(start(&file).unwrap().id(), id);
    drop(first);
    // Dropped, not stopped; and its handlers hold a handle of it.
    for _ in 0..10 {
        let device = start(&file).unwrap();
        let handle = device.handle();
        device.on_ping(move |_| assert_eq!(handle.port(), None));
        assert_eq!(device.id(), id);
    }
}

#[test]
fn the_file_of_an_async_device_can_be_used_again_at_once() {
    let folder = Folder::new();
    let start = || quiet(EasyHttpAsync::builder()).config_file(folder.join("device.json")).start();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let id = start().await.unwrap().id();
        for _ in 0..10 {
            let device = start().await.unwrap();
            let handle = device.handle();
            device.on_ping(move |_| assert_eq!(handle.port(), None));
            assert_eq!(device.id(), id);
        }
        let device = start().await.unwrap();
        assert_error!(start().await, Error::Start(StartError::DeviceFileHeld { .. }));
        device.stop().await;
        start().await.unwrap();
    });
}

#[test]
fn a_start_that_fails_makes_no_file_and_holds_none() {
    let folder = Folder::new();
    let file = folder.join("device.json");
    let taken = TcpListener::bind(local(0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = device().config_file(&file).port(port).start().unwrap_err();
    assert_names(&error, &[&format!("port {port} is in use")]);
    assert!(!file.exists());
    assert_whole(&file, &start(&file).unwrap());
}

#[test]
fn leftovers_of_a_start_that_was_killed_do_not_matter() {
    let folder = Folder::new();
    let file = folder.join("device.json");
    drop(start(&file).unwrap());
    // Whatever else it left beside the file is spoilt, and the file is gone.
    fs::remove_file(&file).unwrap();
    for name in [".device.json.lock", ".device.json.new"] {
        fs::write(folder.join(name), "{\"device_id\": \"half").unwrap();
    }
    assert_whole(&file, &start(&file).unwrap());
}

#[test]
fn a_device_whose_id_is_set_needs_no_file() {
    let folder = Folder::new();
    let file = folder.join("device.json");
    let fixed = device().config_file(&file).id("AB3F9Z").start().unwrap();
    let random = device().config_file(&file).random_id().start().unwrap();
    assert_ne!(fixed.id(), random.id());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}
