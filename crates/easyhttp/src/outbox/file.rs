//! A database in a file that its owner alone may read.

use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, StorageBackend};

use crate::files::{beside, sync_folder};

/// Whatever the database says, for somebody who reads it.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;

/// How much of a file is kept in memory, in bytes: what is in it is read once or twice.
const CACHE: usize = 256 * 1024;

/// Opens a file that is there.
pub(super) fn open(path: &Path) -> Result<Database> {
    let file = File::options().read(true).write(true).open(path)?;
    // Otherwise it would be taken for a new one.
    if file.metadata()?.len() == 0 {
        return Err("it is empty".into());
    }
    over(FileBackend::new(file)?)
}

/// Opens a file, and makes it first if it is not there.
pub(crate) fn open_or_make(path: &Path) -> Result<Database> {
    if !path.try_exists()? {
        make(path)?;
    }
    open(path)
}

/// Whether a file cannot be used because a device that stops still has it.
pub(crate) fn is_in_use(failure: &Failure) -> bool {
    matches!(failure.downcast_ref(), Some(DatabaseError::DatabaseAlreadyOpen))
}

/// What this file, or what stands for one, has in it.
pub(super) fn over(backend: impl StorageBackend) -> Result<Database> {
    Ok(Builder::new().set_cache_size(CACHE).create_with_backend(backend)?)
}

/// Makes a file with nothing in it: under another name first, so that nobody ever finds
/// half of one.
fn make(path: &Path) -> Result<()> {
    let new = beside(path, "new");
    let _ = fs::remove_file(&new);
    let fill = || -> Result<()> {
        let mut options = File::options();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        drop(over(FileBackend::new(options.open(&new)?)?)?);
        File::open(&new)?.sync_all()?;
        fs::rename(&new, path)?;
        Ok(sync_folder(path)?)
    };
    fill().inspect_err(|_| _ = fs::remove_file(&new))
}
