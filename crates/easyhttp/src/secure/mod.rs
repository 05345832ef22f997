//! What a device with a network key adds to what it says, and asks of what it
//! hears.
//!
//! The scheme is the protocol's ([`easyhttp_proto::secure`]). Here is what it needs
//! of a running device: time, randomness, and what is known of others.

#[cfg_attr(not(feature = "device-keys"), path = "no_identity.rs")]
mod identity;
mod incoming;
mod key_file;
mod keys;
mod known;
mod outgoing;
#[cfg(feature = "device-keys")]
mod trust;
mod unique;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use easyhttp_proto::DeviceId;
use easyhttp_proto::datagram::Datagram;
use easyhttp_proto::secure::{Challenge, DeviceKey, Epoch, Epochs, KeyId, Keyring, PublicKey};

use crate::error::StartError;
use crate::lock::lock;

use identity::Identity;
use known::Known;
use unique::Nonces;

pub use key_file::{KeyFileError, read_key_file};
pub use keys::IntoNetworkKey;
#[cfg(feature = "device-keys")]
pub use trust::TrustFile;

pub(crate) use incoming::{Sender, Signed, answer_of, count_of};
pub(crate) use keys::keyring;
pub(crate) use outgoing::{Asked, Distrust, Outgoing, Worth};

/// How a device takes part in secure mode.
#[derive(Debug, Clone, Default)]
pub(crate) struct SecureSettings {
    /// None: it does not.
    pub(crate) keys: Option<Arc<Keyring>>,
    /// Whether what it says is encrypted.
    pub(crate) encrypts: bool,
    /// Whether it listens to devices that have no network key as well.
    pub(crate) allows_open: bool,
    /// Where its own key is, if it has one.
    pub(crate) device_key: Option<PathBuf>,
}

/// The secure side of a running device.
pub(crate) struct Secure {
    keys: Mutex<Arc<Keyring>>,
    encrypts: bool,
    pub(crate) allows_open: bool,
    /// Those of this device, and what was asked in them.
    epochs: Mutex<Epochs>,
    /// Those of others.
    known: Mutex<Known>,
    nonces: Nonces,
    /// None: it has no key of its own, and asks others for none.
    identity: Option<Identity>,
    /// What the clock of the epochs counts from.
    started: Instant,
}

impl Secure {
    /// None if the device has no network key. It waits until the system has
    /// randomness.
    pub(crate) fn start(
        settings: &SecureSettings,
        nonces: usize,
    ) -> Result<Option<Arc<Self>>, StartError> {
        let Some(keys) = &settings.keys else { return Ok(None) };
        if settings.allows_open {
            tracing::warn!(
                "this device has a network key, and listens to those without one all the same: \
                 anybody on the network can command it"
            );
        }
        let mut entropy = [0; 12];
        getrandom::fill(&mut entropy).map_err(StartError::Randomness)?;
        Ok(Some(Arc::new(Self {
            keys: Mutex::new(Arc::clone(keys)),
            encrypts: settings.encrypts,
            allows_open: settings.allows_open,
            epochs: Mutex::new(Epochs::new(Duration::ZERO, nonces, entropy)),
            known: Mutex::default(),
            nonces: Nonces::new().map_err(StartError::Randomness)?,
            identity: Identity::open(settings)?,
            started: Instant::now(),
        })))
    }

    /// The keys that are valid now.
    pub(crate) fn keys(&self) -> Arc<Keyring> {
        Arc::clone(&lock(&self.keys))
    }

    /// Other keys from now on.
    pub(crate) fn replace_keys(&self, keys: Keyring) {
        *lock(&self.keys) = Arc::new(keys);
    }

    /// The epoch in which this device takes requests now.
    pub(crate) fn epoch(&self) -> Epoch {
        lock(&self.epochs).current(self.now(), || self.draw())
    }

    /// Takes what a device at an address says of itself: in which epoch it takes
    /// requests, and with which key it signs.
    pub(crate) fn learn(&self, at: SocketAddr, epoch: Epoch, key: KeyId) {
        lock(&self.known).learn(at, epoch, key);
    }

    /// Whether a device that has shown this key, or none, is the one that had the id
    /// first; and if not, whether that is news.
    pub(crate) fn check_identity(
        &self,
        id: DeviceId,
        shown: Option<PublicKey>,
    ) -> Result<(), Impostor> {
        self.identity.as_ref().map_or(Ok(()), |identity| identity.check(id, shown))
    }

    /// The same of a device that did not do what it was asked: that makes no key the first
    /// one.
    pub(crate) fn compare_identity(
        &self,
        id: DeviceId,
        shown: Option<PublicKey>,
    ) -> Result<(), Impostor> {
        let Some(identity) = &self.identity else { return Ok(()) };
        identity.compare(id, shown).map(|_| ())
    }

    fn device_key(&self) -> Option<&DeviceKey> {
        self.identity.as_ref().map(Identity::key)
    }

    /// What a question in the network begins with.
    pub(crate) fn challenge(&self) -> Challenge {
        Challenge::from_entropy(self.draw())
    }

    /// Proves in a datagram that we have a network key: this one, if it is ours.
    pub(crate) fn prove(&self, datagram: &mut Datagram, key: Option<KeyId>, challenge: Challenge) {
        self.keys().prefer(key).prove(datagram, self.epoch(), challenge);
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// What a new epoch is made of. One that the system gives no randomness for is
    /// unlike those before it all the same.
    fn draw(&self) -> [u8; 12] {
        let mut entropy = [0; 12];
        if getrandom::fill(&mut entropy).is_err() {
            entropy.copy_from_slice(&self.nonces.next()[..12]);
        }
        entropy
    }
}

/// Somebody has not the key that a device of its id had first.
pub(crate) struct Impostor {
    /// Whether the user was not told of this one yet.
    pub(crate) is_news: bool,
}

/// The content type of all that is signed.
const TYPE: &str = "application/json";

/// Seconds since 1970, for those who read a capture: it decides nothing.
fn created() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
