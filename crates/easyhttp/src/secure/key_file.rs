//! The file that keeps network keys.
//!
//! ```text
//! # the new one signs
//! EHK1-ABCD-EFGH-JKLM-NPQR-STUV-WXYZ-2345
//! EHK1-2345-ABCD-EFGH-JKLM-NPQR-STUV-WXYZ  # until all devices have the new one
//! ```

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use easyhttp_proto::limits::KEY_FILE;
use easyhttp_proto::secure::{InvalidKey, NetworkKey};
use zeroize::Zeroizing;

use crate::files::check_private;

/// Reads a file of network keys, for
/// [`Builder::network_keys`](crate::Builder::network_keys): one a line, of which the
/// first one signs and all are accepted. What follows a `#` is a comment, and empty
/// lines do not count. There is at least one key.
///
/// Where files have owners, others may have no rights to it: mode 0600 or 0400.
///
/// # Errors
///
/// [`KeyFileError`]. It names the file and the line, and shows nothing of what is in it.
pub fn read_key_file(path: impl AsRef<Path>) -> Result<Vec<NetworkKey>, KeyFileError> {
    let path = path.as_ref();
    let failed = |source| KeyFileError::Read { path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    if let Err(mode) = check_private(&file).map_err(failed)? {
        return Err(KeyFileError::Exposed { path: path.to_owned(), mode });
    }
    // As large as it may become, so that no part of it is left behind in memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(KEY_FILE + 1));
    file.take(KEY_FILE as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > KEY_FILE {
        return Err(failed(io::ErrorKind::FileTooLarge.into()));
    }
    let keys = NetworkKey::parse_lines(&bytes).map_err(|(line, problem)| {
        KeyFileError::Invalid { path: path.to_owned(), line, problem }
    })?;
    if keys.is_empty() {
        return Err(KeyFileError::Empty { path: path.to_owned() });
    }
    Ok(keys)
}

/// Why a file gave no network keys.
#[derive(Debug)]
#[non_exhaustive]
pub enum KeyFileError {
    /// It could not be read.
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Others than its owner may read or change it.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its rights, such as 0o644.
        mode: u32,
    },
    /// A line is no network key.
    Invalid {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        problem: InvalidKey,
    },
    /// There is no key in it.
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl fmt::Display for KeyFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, source } => {
                write!(f, "cannot read the key file {}: {source}", path.display())
            }
            Self::Exposed { path, mode } => {
                let path = path.display();
                write!(
                    f,
                    "the key file {path} is open to other users (mode {mode:04o}): take their \
                     rights away, by `chmod 600 {path}`. Where one of them may have read it, make \
                     a new key"
                )
            }
            Self::Invalid { path, line, problem } => {
                write!(f, "the key file {}, line {line}: {problem}", path.display())
            }
            Self::Empty { path } => {
                write!(
                    f,
                    "there is no key in the key file {}: put one a line there",
                    path.display()
                )
            }
        }
    }
}

impl Error for KeyFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Read { source, .. } => Some(source),
            Self::Invalid { problem, .. } => Some(problem),
            Self::Exposed { .. } | Self::Empty { .. } => None,
        }
    }
}
