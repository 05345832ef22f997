//! Folders that are gone after the test.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// An empty folder, which is deleted when this is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("easyhttp-test-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        // One may be left of a process that was killed and had our number.
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// A device file with this content.
    pub(crate) fn with_file(content: impl AsRef<[u8]>) -> (Self, PathBuf) {
        let folder = Self::new();
        let file = folder.join("device.json");
        fs::write(&file, content).unwrap();
        (folder, file)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
