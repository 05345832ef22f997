//! The file that keeps a device's id, and the lock that keeps the id unique.
//!
//! ```json
//! {"device_id": "7H8G2K", "port": 5000, "version": "0.4.0"}
//! ```
//!
//! The Python devices use the same file. It is written once, at the first
//! start, and never again.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use easyhttp_proto::{DeviceId, VERSION};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::error::StartError;
use crate::files::{beside, replace, target};

/// A device file that this process alone uses, until it is dropped.
#[derive(Debug)]
pub(crate) struct DeviceFile {
    path: PathBuf,
    lock: File,
}

#[derive(Serialize)]
struct Content {
    device_id: DeviceId,
    port: u16,
    version: &'static str,
}

impl DeviceFile {
    /// Locks the file, which need not exist, for as long as a device runs.
    pub(crate) fn lock(path: &Path) -> Result<Self, StartError> {
        Self::lock_as(path, &this_process())
    }

    /// Locks it for a moment, for which who comes then may wait: no holder is told.
    #[cfg(feature = "outbox")]
    pub(crate) fn lock_briefly(path: &Path) -> Result<Self, StartError> {
        Self::lock_as(path, "")
    }

    fn lock_as(path: &Path, holder: &str) -> Result<Self, StartError> {
        if path.is_dir() {
            return Err(StartError::DeviceFile {
                path: path.to_owned(),
                action: "read",
                source: io::ErrorKind::IsADirectory.into(),
            });
        }
        // The lock is a file beside it, because replacing a file atomically
        // would replace the lock as well. Links to one file share its lock.
        let target = target(path);
        let lock_path = beside(&target, "lock");
        let failed = |source| StartError::DeviceFile {
            path: path.to_owned(),
            action: "lock (by a file beside it)",
            source,
        };
        let mut lock = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&lock_path)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let is_told = lock.read_to_string(&mut holder).is_ok() && !holder.is_empty();
                return Err(StartError::DeviceFileHeld {
                    path: path.to_owned(),
                    holder: is_told.then(|| holder.trim().to_owned()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Only for the error message of others: what cannot be written is left out.
        let _ = lock.set_len(0).and_then(|()| lock.write_all(holder.as_bytes()));
        Ok(Self { path: path.to_owned(), lock })
    }

    /// The id in the file. None if there is no file yet.
    pub(crate) fn read(&self) -> Result<Option<DeviceId>, StartError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.failed("read", source)),
        };
        if bytes.trim_ascii().is_empty() {
            return Err(self.invalid("it is empty"));
        }
        let content: Map<String, Value> = serde_json::from_slice(&bytes)
            .map_err(|error| self.invalid(format!("it is not a JSON object: {error}")))?;
        match content.get("device_id") {
            Some(Value::String(text)) => text
                .parse()
                .map(Some)
                .map_err(|invalid| self.invalid(format!("device_id: {invalid}"))),
            Some(other) => Err(self.invalid(format!("device_id must be a text, and is {other}"))),
            None => Err(self.invalid("it has no device_id")),
        }
    }

    /// Writes the file: all of it, or nothing. When this returns it is on disk.
    pub(crate) fn write(&self, id: DeviceId, port: u16) -> Result<(), StartError> {
        let content = Content { device_id: id, port, version: VERSION };
        let json = serde_json::to_vec_pretty(&content).map_err(io::Error::from);
        let written = json.and_then(|mut json| {
            json.push(b'\n');
            replace(&self.path, &json)
        });
        written.map_err(|source| self.failed("write", source))
    }

    fn failed(&self, action: &'static str, source: io::Error) -> StartError {
        StartError::DeviceFile { path: self.path.clone(), action, source }
    }

    fn invalid(&self, problem: impl Into<String>) -> StartError {
        StartError::DeviceFileInvalid { path: self.path.clone(), problem: problem.into() }
    }
}

impl Drop for DeviceFile {
    fn drop(&mut self) {
        // Closing alone does not free the lock while a child process that is
        // just being started has our files.
        let _ = self.lock.unlock();
    }
}

fn this_process() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(Path::file_name).unwrap_or_default();
    format!("process {} ({})", std::process::id(), name.to_string_lossy())
}
