//! Files that are replaced as a whole, so that nobody ever finds half of one.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file: all of it, or nothing. When this returns it is on disk.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = beside(path, "new");
    let write = || -> io::Result<()> {
        let mut file = File::create(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        // The new name is on disk when the folder is.
        #[cfg(unix)]
        File::open(folder(path))?.sync_all()?;
        Ok(())
    };
    write().inspect_err(|_| _ = fs::remove_file(&new))
}

/// `.NAME.EXTENSION` in the folder of a file.
pub(crate) fn beside(path: &Path, extension: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{extension}"))
}

#[cfg(unix)]
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
