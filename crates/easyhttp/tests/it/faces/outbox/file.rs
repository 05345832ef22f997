//! The file of an outbox: who has one, and whose it is.

use easyhttp::{AfterCrash, Error, OutboxFile, StartError};

use super::{Keeps, keeping};
use crate::faces::{Blocking, Face, device, on_both_faces};
use crate::support::folder::Folder;
use crate::support::{assert_error, assert_names};

on_both_faces!(
    a_device_without_a_file_has_no_outbox,
    a_file_that_is_no_outbox_is_left_as_it_is,
    nobody_else_may_read_an_outbox,
    two_devices_cannot_have_one_outbox,
);

fn a_device_without_a_file_has_no_outbox<F: Keeps>() {
    let asking = F::start_with(device::<F>()).unwrap();
    let pushed = asking.push_later("7H8G2K", 1);
    assert_names(pushed.as_ref().unwrap_err(), &[&"no device file"]);
    assert_error!(pushed, Error::NoOutbox);
    assert_eq!(asking.flush().unwrap(), 0);
    assert!(asking.list().unwrap().is_empty());
    assert!(!asking.cancel(1).unwrap());
    let durable = F::start_with(device::<F>().durable(AfterCrash::Unknown));
    assert_error!(durable, Error::NoOutbox);
}

fn a_file_that_is_no_outbox_is_left_as_it_is<F: Keeps>() {
    let folder = Folder::new();
    let path = folder.join("outbox");
    for content in [&b""[..], b"my diary", &[0xff; 10_000]] {
        std::fs::write(&path, content).unwrap();
        let error = F::start_with(device::<F>().outbox_file(&path)).unwrap_err();
        assert_names(&error, &[&path.display(), &"move it away"]);
        assert_error!(Err::<(), _>(error), Error::Start(StartError::Outbox { .. }));
        assert_eq!(std::fs::read(&path).unwrap(), content);
    }
}

fn nobody_else_may_read_an_outbox<F: Keeps>() {
    let folder = Folder::new();
    let asking = F::start_with(device::<F>().config_file(folder.join("device.json"))).unwrap();
    asking.push_later("7H8G2K", 1).unwrap();
    let path = folder.join(".device.json.outbox");
    assert!(path.exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

fn two_devices_cannot_have_one_outbox<F: Keeps>() {
    let (folder, builder) = keeping::<F>();
    let asking = F::start_with(builder).unwrap();
    asking.push_later("7H8G2K", 1).unwrap();
    let second = || F::start_with(device::<F>().outbox_file(folder.join("outbox")));
    assert_error!(second(), Error::Start(StartError::Outbox { .. }));
    drop(asking);
    second().unwrap();
}

#[cfg(unix)]
#[test]
fn an_outbox_is_the_same_by_whichever_name_its_device_file_is_found() {
    let folder = Folder::new();
    let (file, link) = (folder.join("device.json"), folder.join("link.json"));
    let start = |file| Blocking::start_with(device::<Blocking>().config_file(file)).unwrap();
    start(&file).stop();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    OutboxFile::beside(&link).push("7H8G2K", 1).unwrap();
    start(&file).push_later("7H8G2K", 2).unwrap();
    assert_eq!(start(&link).list().unwrap().len(), 2);
}
