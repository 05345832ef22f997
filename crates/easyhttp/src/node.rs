//! A running device: what both faces share.

mod handlers;
mod impostors;
mod peers;

use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use easyhttp_proto::DeviceId;
use easyhttp_proto::exchange::Speaker;
use easyhttp_proto::peers::PeerTable;
use easyhttp_proto::retry;
use tokio::net::TcpListener;
use tokio::sync::{Notify, Semaphore};

use crate::budget::Budget;
use crate::client::Client;
use crate::counters::Counters;
use crate::deadline::Deadlines;
use crate::device_file::DeviceFile;
use crate::discovery::{self, Remembered};
use crate::error::{Error, Result};
use crate::handler::Handlers;
use crate::lock::lock;
use crate::outbox::Keeper;
use crate::presence::Announcer;
use crate::pushes::Pushes;
use crate::random::Random;
use crate::secure::{IntoNetworkKey, Secure, keyring};
use crate::settings::Settings;
use crate::tasks::Tasks;
use crate::turns::Turns;

/// A running device.
pub(crate) struct Node {
    pub(crate) id: DeviceId,
    /// The port on which it answers. None if it only asks.
    pub(crate) port: Option<u16>,
    pub(crate) settings: Settings,
    pub(crate) client: Client,
    /// None: it has no network key.
    pub(crate) secure: Option<Arc<Secure>>,
    /// Whose turn it is to call a device.
    pub(crate) turns: Turns,
    pub(crate) tasks: Tasks,
    /// What is left for large bodies.
    pub(crate) bodies: Arc<Budget>,
    /// The pushes that wait for their devices.
    pub(crate) outbox: Keeper,
    /// What has happened, counted.
    pub(crate) counters: Arc<Counters>,
    pub(crate) handlers: Handlers,
    pub(crate) listener: Mutex<Option<TcpListener>>,
    pub(crate) discovery: Mutex<Option<discovery::Running>>,
    pub(crate) file: Mutex<Option<DeviceFile>>,
    /// The peers of the last run, and for the next one.
    pub(crate) remembered: Option<Remembered>,
    pub(crate) peers: Mutex<PeerTable>,
    /// Woken when a peer enters the table.
    pub(crate) peer_heard: Notify,
    /// Where the user is told who comes and goes.
    pub(crate) presence: Announcer,
    /// The PUSHes that have come.
    pub(crate) pushes: Arc<Pushes>,
    pub(crate) random: Random,
    /// How much may be sent again.
    pub(crate) retries: Mutex<retry::Budget>,
    /// How many handlers may still start.
    pub(crate) slots: Arc<Semaphore>,
    /// Until when handlers and what comes on a connection are waited for.
    pub(crate) deadlines: Deadlines,
    /// What the clock of the peer table counts from.
    pub(crate) started: Instant,
}

impl Node {
    /// The time by the clock of the peer table.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Who speaks, for the header of a message.
    pub(crate) fn speaker(&self) -> Speaker {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Speaker::new(self.id, self.port, i64::try_from(now.as_secs()).unwrap_or(i64::MAX))
    }

    /// The address at which the device answers, which may be all. None if it
    /// only asks.
    pub(crate) fn answers_at(&self) -> Option<IpAddr> {
        let listener = lock(&self.listener);
        listener.as_ref().and_then(|listener| listener.local_addr().ok()).map(|at| at.ip())
    }

    pub(crate) fn has_discovery(&self) -> bool {
        lock(&self.discovery).is_some()
    }

    pub(crate) async fn interfaces(&self) -> Vec<discovery::Interface> {
        let reported = lock(&self.discovery).as_ref().map(discovery::Running::report);
        match reported {
            Some(reported) => reported.await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    pub(crate) fn set_network_keys<K: IntoNetworkKey>(
        &self,
        keys: impl IntoIterator<Item = K>,
    ) -> Result<()> {
        match (&self.secure, keyring(keys)?) {
            (Some(secure), Some(keys)) => {
                secure.replace_keys(keys);
                Ok(())
            }
            _ => Err(Error::NoNetworkKey),
        }
    }

    /// Whether anybody sees what [`debug`](Self::debug) says.
    pub(crate) fn is_watched(&self) -> bool {
        self.settings.debug || tracing::enabled!(tracing::Level::DEBUG)
    }

    /// Says what happens, as the Python package does: to `tracing` always, and
    /// to standard error if `debug` is set.
    pub(crate) fn debug(&self, text: impl Fn() -> String) {
        tracing::debug!("{}", text());
        if self.settings.debug {
            #[allow(clippy::print_stderr)] // What the setting is for.
            {
                eprintln!("easyhttp: {}", text());
            }
        }
    }
}
