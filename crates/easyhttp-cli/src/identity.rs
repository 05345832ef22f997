//! Who a command speaks as: an id of its own, the same each time, so that
//! others see in their logs that it is the same person who asks.

use std::env;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use easyhttp::{DeviceId, Error, StartError};

use crate::failure::Failure;
use crate::output::warn;

/// The id of the commands of this user. Without a place to keep it, a random
/// one does.
pub(crate) fn own() -> Result<DeviceId, Failure> {
    let fresh = fresh_id()?;
    let Some(folder) = state_folder() else { return Ok(fresh) };
    let path = folder.join("identity");
    match read(&path).or_else(|_| keep(&path, fresh)) {
        Ok(Some(id)) => Ok(id),
        Ok(None) => {
            // Somebody wrote it by hand: it is not ours to overwrite.
            warn(&format!(
                "{} holds no device id, so this command speaks as {fresh}; delete the file to \
                 get a new id that stays",
                path.display()
            ));
            Ok(fresh)
        }
        Err(_) => Ok(fresh),
    }
}

/// The id in the file. None if what is there is none.
fn read(path: &Path) -> io::Result<Option<DeviceId>> {
    Ok(fs::read_to_string(path)?.trim().parse().ok())
}

/// Writes the id unless there is one, and gives the one that is there then: of
/// several first starts at once, one wins.
fn keep(path: &Path, fresh: DeviceId) -> io::Result<Option<DeviceId>> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder)?;
    // The name is taken by nobody else, as the id is random.
    let new = folder.join(format!(".identity.{fresh}"));
    let written = write(&new, fresh).and_then(|()| {
        // The file appears with all it holds, and only if there is none yet.
        match fs::hard_link(&new, path) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => fs::rename(&new, path),
            _ => Ok(()),
        }
    });
    let _ = fs::remove_file(&new);
    written?;
    read(path)
}

fn write(path: &Path, id: DeviceId) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    writeln!(file, "{id}")?;
    file.sync_all()
}

fn fresh_id() -> Result<DeviceId, Failure> {
    let mut entropy = [0; DeviceId::LEN];
    getrandom::fill(&mut entropy).map_err(|error| Error::from(StartError::Randomness(error)))?;
    Ok(DeviceId::from_entropy(entropy))
}

/// Where programs keep what is theirs. None for a user without a home.
fn state_folder() -> Option<PathBuf> {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let variable = |name| env::var_os(name).map(PathBuf::from).and_then(absolute);
    let home = || env::home_dir().and_then(absolute);
    let parent = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("XDG_STATE_HOME").or_else(|| Some(home()?.join("Library/Application Support")))
    } else {
        variable("XDG_STATE_HOME").or_else(|| Some(home()?.join(".local/state")))
    };
    Some(parent?.join("easyhttp"))
}
