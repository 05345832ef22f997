//! The file of the keys that other devices had first.
//!
//! ```json
//! {"7H8G2K": "aGVyZSBzdGFuZHMgdGhlIHB1YmxpYyBrZXkgb2YgaXQ="}
//! ```

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use easyhttp_proto::DeviceId;
use easyhttp_proto::secure::{Pins, PublicKey};

use crate::error::StartError;
use crate::files;

/// Which devices are known by their keys: a file beside the key of a device
/// ([`Builder::device_key`](crate::Builder::device_key)).
///
/// A device that runs looks at it before it says that another one has changed its
/// identity, so what is forgotten here is forgotten there.
#[derive(Debug, Clone)]
pub struct TrustFile(PathBuf);

impl TrustFile {
    /// That of a device whose key is in this file: the same name with the extension
    /// `trust`.
    pub fn beside(device_key: impl AsRef<Path>) -> Self {
        Self(device_key.as_ref().with_extension("trust"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The devices in it, sorted by id, each with its key. None if there is no file.
    ///
    /// # Errors
    ///
    /// [`StartError::Identity`] if it cannot be read, or is no such file.
    pub fn list(&self) -> Result<Vec<(DeviceId, PublicKey)>, StartError> {
        Ok(self.read()?.iter().collect())
    }

    /// Forgets the key of a device: the next one that it shows is its key. Says
    /// whether there was one.
    ///
    /// # Errors
    ///
    /// [`StartError::Identity`] if the file cannot be read or written.
    pub fn forget(&self, id: DeviceId) -> Result<bool, StartError> {
        let mut pins = self.read()?;
        let is_known = pins.forget(id).is_some();
        if is_known {
            self.write(&pins)?;
        }
        Ok(is_known)
    }

    /// Adds one, to what others may have changed meanwhile.
    pub(super) fn insert(&self, id: DeviceId, key: PublicKey) -> Result<(), StartError> {
        let mut pins = self.read()?;
        pins.insert(id, key);
        self.write(&pins)
    }

    pub(super) fn read(&self) -> Result<Pins, StartError> {
        let bytes = match fs::read(&self.0) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Pins::new()),
            Err(error) => return Err(failed(&self.0, error)),
        };
        let texts: BTreeMap<String, String> =
            serde_json::from_slice(&bytes).map_err(|error| failed(&self.0, error))?;
        let mut pins = Pins::new();
        for (id, key) in &texts {
            match (id.parse(), key.parse()) {
                (Ok(id), Ok(key)) => _ = pins.insert(id, key),
                _ => return Err(failed(&self.0, format!("{id:?} is not a device with its key"))),
            }
        }
        Ok(pins)
    }

    fn write(&self, pins: &Pins) -> Result<(), StartError> {
        let texts: BTreeMap<String, String> =
            pins.iter().map(|(id, key)| (id.to_string(), key.to_string())).collect();
        let written = serde_json::to_vec_pretty(&texts).map_err(io::Error::from);
        let written = written.and_then(|json| files::replace_private(&self.0, &json));
        written.map_err(|error| failed(&self.0, error))
    }
}

pub(super) fn failed(path: &Path, problem: impl Display) -> StartError {
    StartError::Identity { path: path.to_owned(), problem: problem.to_string() }
}
