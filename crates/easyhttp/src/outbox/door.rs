//! The file by which other programs of the machine find a device that runs, and prove
//! that they may see to its outbox: who can read it may read the outbox itself.
//!
//! ```json
//! {"address": "127.0.0.1:5000", "token": "64 hexadecimal digits"}
//! ```
//!
//! It is there as long as the device runs, and has another token each time.

use std::fmt::Display;
use std::fs::{self, File};
use std::hint::black_box;
use std::io::{self, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::{Deserialize, Serialize};

use crate::files::{beside, check_private, place_private, target};

/// The file of a device that runs.
pub(super) struct Door {
    path: PathBuf,
    token: String,
    is_closed: AtomicBool,
}

/// What is in it.
#[derive(Serialize, Deserialize)]
pub(super) struct Key {
    pub(super) address: SocketAddr,
    pub(super) token: String,
}

impl Door {
    /// Makes the file of a device that listens at this address.
    pub(super) fn open(device_file: &Path, listens_at: SocketAddr) -> io::Result<Self> {
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(io::Error::other)?;
        let token: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
        let address = SocketAddr::new(reachable(listens_at.ip()), listens_at.port());
        let path = file_of(device_file);
        let key = Key { address, token };
        place_private(&path, &serde_json::to_vec(&key)?)?;
        Ok(Self { path, token: key.token, is_closed: AtomicBool::new(false) })
    }

    /// Whether this is the token. How long that takes says nothing of how much of it is
    /// right.
    pub(super) fn knows(&self, shown: &[u8]) -> bool {
        let token = self.token.as_bytes();
        let differing = token.iter().zip(shown).fold(0, |all, (a, b)| black_box(all | (a ^ b)));
        token.len() == shown.len() && differing == 0
    }

    pub(super) fn close(&self) {
        // Once: later there may be the file of the next device.
        if !self.is_closed.swap(true, Ordering::Relaxed) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Takes away what a device has left that was killed.
pub(super) fn sweep(device_file: &Path) {
    let _ = fs::remove_file(file_of(device_file));
}

/// Reads the file. None: there is none.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn read(device_file: &Path) -> Result<Option<Key>, String> {
    let path = file_of(device_file);
    let about = |problem: &dyn Display| format!("the token file {}: {problem}", path.display());
    let mut file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(about(&error)),
    };
    if let Err(mode) = check_private(&file).map_err(|error| about(&error))? {
        return Err(about(&format_args!(
            "it is open to other users (mode {mode:04o}), who may have read it. Restart the \
             device, which makes another one"
        )));
    }
    let mut content = Vec::new();
    file.read_to_end(&mut content).map_err(|error| about(&error))?;
    serde_json::from_slice(&content).map(Some).map_err(|error| about(&error))
}

/// Beside the file itself, whatever links there are to it.
fn file_of(device_file: &Path) -> PathBuf {
    beside(&target(device_file), "token")
}

/// Where a program of this machine reaches who listens at this address.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        // It listens to IPv4, too.
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) | IpAddr::V6(Ipv6Addr::UNSPECIFIED) => {
            Ipv4Addr::LOCALHOST.into()
        }
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_token_will_do() {
        let door = Door { path: PathBuf::new(), token: "0123".repeat(16), is_closed: false.into() };
        assert!(door.knows("0123".repeat(16).as_bytes()));
        for other in ["", "0123", &"0123".repeat(17), &"0123".repeat(15), &"0124".repeat(16)] {
            assert!(!door.knows(other.as_bytes()), "{other}");
        }
    }
}
