//! The addresses of the last run: a small file beside the device file, so that
//! a device that starts again finds the others even where multicast does not
//! pass. What it says is a hint, like all that is not asked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Mutex;

use easyhttp_proto::{DeviceId, introduction, limits};

use crate::files::{beside, replace};
use crate::lock::lock;
use crate::settings::Identity;

/// The file, and what it says.
pub(crate) struct Remembered {
    path: PathBuf,
    known: Mutex<Vec<(DeviceId, SocketAddr)>>,
}

impl Remembered {
    /// Reads the file, if there is one. None for a device without a device file.
    pub(crate) fn of(identity: &Identity) -> Option<Self> {
        let Identity::File(device_file) = identity else { return None };
        let path = beside(device_file, "peers");
        let read = std::fs::read(&path).ok().and_then(|bytes| introduction::read(&bytes).ok());
        Some(Self { path, known: Mutex::new(read.unwrap_or_default()) })
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        lock(&self.known).iter().map(|(_, at)| *at).collect()
    }

    /// Whether the file would say something else.
    pub(crate) fn is_news(&self, here: &[(DeviceId, SocketAddr)]) -> bool {
        let known = lock(&self.known);
        all(here, &known) != *known
    }

    /// Writes the file if there is news.
    pub(crate) fn keep(&self, here: &[(DeviceId, SocketAddr)]) {
        let mut known = lock(&self.known);
        let all = all(here, &known);
        if all == *known {
            return;
        }
        match replace(&self.path, &introduction::write(&all)) {
            Ok(()) => *known = all,
            Err(error) => {
                tracing::debug!(path = %self.path.display(), %error, "cannot remember the peers");
            }
        }
    }
}

/// Those that are not here now stay, as long as there is room: they may be back at the next
/// start.
fn all(
    here: &[(DeviceId, SocketAddr)],
    known: &[(DeviceId, SocketAddr)],
) -> Vec<(DeviceId, SocketAddr)> {
    let absent = known.iter().filter(|(id, _)| here.iter().all(|(other, _)| other != id));
    here.iter().chain(absent).copied().take(limits::INTRODUCED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_or_moves_is_news_and_who_goes_is_none() {
        let peer = |id: &str, port| (id.parse().unwrap(), SocketAddr::from(([10, 0, 0, 1], port)));
        let (lamp, sensor) = (peer("LAMP22", 5000), peer("SENS22", 5001));
        let known = Mutex::new(vec![lamp, sensor]);
        let remembered = Remembered { path: PathBuf::new(), known };
        assert!(!remembered.is_news(&[lamp, sensor]));
        assert!(!remembered.is_news(&[lamp]));
        assert!(!remembered.is_news(&[]));
        assert!(remembered.is_news(&[lamp, peer("SENS22", 5002)]));
        assert!(remembered.is_news(&[lamp, sensor, peer("DOOR22", 5003)]));
    }
}
