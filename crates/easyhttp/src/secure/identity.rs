//! The key of this device, and those that others had first.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

use easyhttp_proto::DeviceId;
use easyhttp_proto::secure::{DeviceKey, Pin, Pins, PublicKey};
use zeroize::Zeroizing;

use super::trust::{TrustFile, failed};
use super::{Impostor, SecureSettings};
use crate::error::StartError;
use crate::files;
use crate::lock::lock;

/// Who this device is, and whom it knows by their keys.
pub(super) struct Identity {
    key: DeviceKey,
    pins: Mutex<Pins>,
    /// Who has changed its identity, as far as the user was told.
    told: Mutex<BTreeSet<DeviceId>>,
    file: TrustFile,
}

impl Identity {
    /// Reads the key of this device, or makes it, and the file of those that it trusts.
    /// None: it is to have none.
    pub(super) fn open(settings: &SecureSettings) -> Result<Option<Self>, StartError> {
        let Some(path) = &settings.device_key else { return Ok(None) };
        let key = read_or_make(path)?;
        let file = TrustFile::beside(path);
        let pins = file.read()?;
        Ok(Some(Self { key, pins: Mutex::new(pins), told: Mutex::default(), file }))
    }

    pub(super) fn key(&self) -> &DeviceKey {
        &self.key
    }

    /// Compares the key that a device has proved to have with the one that it had
    /// first. One that is the first is on disk when this returns.
    pub(super) fn check(&self, id: DeviceId, shown: Option<PublicKey>) -> Result<(), Impostor> {
        let mut pins = self.compare(id, shown)?;
        if let (Ok(Pin::New), Some(key)) = (pins.check(id, shown), shown)
            && let Err(error) = self.file.insert(id, key)
        {
            tracing::warn!(%id, %error, "the key of a device was not kept");
        }
        Ok(())
    }

    /// The same without making a key the first one. Gives those that are known.
    pub(super) fn compare(
        &self,
        id: DeviceId,
        shown: Option<PublicKey>,
    ) -> Result<MutexGuard<'_, Pins>, Impostor> {
        let mut pins = lock(&self.pins);
        // The user may have forgotten the old one, by another program.
        if pins.compare(id, shown).is_err()
            && let Ok(of_file) = self.file.read()
        {
            *pins = of_file;
        }
        if pins.compare(id, shown).is_err() {
            return Err(Impostor { is_news: lock(&self.told).insert(id) });
        }
        lock(&self.told).remove(&id);
        Ok(pins)
    }
}

/// The key in this file, or a new one, which is on disk when this returns.
fn read_or_make(path: &Path) -> Result<DeviceKey, StartError> {
    match File::open(path) {
        Ok(file) => read(path, file),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut seed = Zeroizing::new([0; DeviceKey::LEN]);
            getrandom::fill(&mut *seed).map_err(StartError::Randomness)?;
            let mut text = Zeroizing::new(String::with_capacity(2 * DeviceKey::LEN + 1));
            for byte in seed.iter() {
                // A string takes all that is written to it.
                let _ = write!(text, "{byte:02x}");
            }
            text.push('\n');
            files::replace_private(path, text.as_bytes()).map_err(|error| failed(path, error))?;
            Ok(DeviceKey::from_seed(&seed))
        }
        Err(error) => Err(failed(path, error)),
    }
}

fn read(path: &Path, mut file: File) -> Result<DeviceKey, StartError> {
    let rights = files::check_private(&file).map_err(|error| failed(path, error))?;
    if let Err(mode) = rights {
        let path_text = path.display();
        let problem = format!(
            "other users may read it (mode {mode:04o}). Take their rights away, by \
             `chmod 600 {path_text}`; where one of them may have read it, delete it for a new one"
        );
        return Err(failed(path, problem));
    }
    // As long as it is when it is right, so that no part of it is left in memory.
    let mut text = Zeroizing::new(String::with_capacity(2 * DeviceKey::LEN + 2));
    let read = file.by_ref().take(2 * DeviceKey::LEN as u64 + 2).read_to_string(&mut text);
    read.map_err(|error| failed(path, error))?;
    let seed = read_hex(text.trim_ascii());
    let seed = seed.ok_or_else(|| failed(path, "it has to be 64 hexadecimal digits"))?;
    Ok(DeviceKey::from_seed(&seed))
}

fn read_hex(text: &str) -> Option<Zeroizing<[u8; DeviceKey::LEN]>> {
    let mut seed = Zeroizing::new([0; DeviceKey::LEN]);
    if text.len() != 2 * seed.len() || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, digits) in seed.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(seed)
}
