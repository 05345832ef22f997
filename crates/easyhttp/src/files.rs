//! Files that are replaced as a whole, so that nobody ever finds half of one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file: all of it, or nothing. When this returns it is on disk.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    replace_by(path, content, File::options().write(true).create(true).truncate(true))
}

/// The same, of a file that its owner alone may read.
#[cfg(feature = "device-keys")]
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    // Made anew, as one that is there keeps its rights.
    let _ = fs::remove_file(beside(path, "new"));
    replace_by(path, content, &private())
}

/// Writes a file that its owner alone may read: all of it, or nothing. It need not
/// outlast a loss of power.
#[cfg(feature = "outbox")]
pub(crate) fn place_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let new = beside(path, "new");
    let _ = fs::remove_file(&new);
    let write = || {
        private().open(&new)?.write_all(content)?;
        fs::rename(&new, path)
    };
    write().inspect_err(|_| _ = fs::remove_file(&new))
}

/// How a file is made that its owner alone may read.
#[cfg(any(feature = "device-keys", feature = "outbox"))]
fn private() -> OpenOptions {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn replace_by(path: &Path, content: &[u8], options: &OpenOptions) -> io::Result<()> {
    let new = beside(path, "new");
    let write = || -> io::Result<()> {
        let mut file = options.open(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        sync_folder(path)
    };
    write().inspect_err(|_| _ = fs::remove_file(&new))
}

/// Waits until the names in the folder of this file are on disk.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder(path))?.sync_all()?;
    let _ = path;
    Ok(())
}

/// Looks whether its owner alone has rights to a file that is open, as its name may
/// mean another one by now; if not, gives its mode. Where files have no owners, nobody
/// else has.
pub(crate) fn check_private(file: &File) -> io::Result<Result<(), u32>> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = file.metadata()?.permissions().mode() & 0o777;
        // Who may write there could put in a key of their own.
        if mode & 0o077 != 0 {
            return Ok(Err(mode));
        }
    }
    let _ = file;
    Ok(Ok(()))
}

/// `.NAME.EXTENSION` in the folder of a file.
pub(crate) fn beside(path: &Path, extension: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{extension}"))
}

/// The file to which a name leads, over links: what stands beside a file has one place,
/// by whichever name it is found.
pub(crate) fn target(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(unix)]
fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}
