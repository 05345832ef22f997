//! What the conductor tells a process to do, as JSON in its arguments.

use serde::{Deserialize, Serialize};

/// What a server is to do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ServerTask {
    /// Which of its ways, if the program has several.
    pub way: String,
    /// The core to stay on. None: any.
    pub core: Option<usize>,
    /// Where the broker is, for those that need one.
    pub broker: String,
    /// How many devices to be, for those that can be several.
    pub devices: usize,
    /// Whether to find others, and be found, on loopback.
    pub discovery: bool,
}

/// What a client is to do.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ClientTask {
    /// Which of its ways, if the program has several.
    pub way: String,
    /// The core to stay on. None: any.
    pub core: Option<usize>,
    /// Where the server is, in its own words.
    pub address: String,
    /// Where the broker is, for those that need one.
    pub broker: String,
    /// How many calls are under way at once.
    pub in_flight: usize,
    /// How many bytes the answer shall carry beside the reading.
    pub bytes: usize,
    /// Whether each call is to open a connection.
    pub connects: bool,
    /// When it is over.
    pub until: Until,
    /// Processes whose CPU and memory are reported beside those of this one.
    pub watched: Vec<u32>,
    /// A command that starts the server and prints its address. The time of the first
    /// call then begins with this start.
    pub server: Vec<String>,
}

/// When a load is over.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Until {
    /// After these milliseconds, the first of them unmeasured: connections are opened,
    /// caches filled and threads started.
    Time {
        /// Unmeasured.
        warm_up: u64,
        /// Measured.
        measured: u64,
    },
    /// After so many calls, all of them measured.
    Calls(u64),
}

impl Default for Until {
    fn default() -> Self {
        Self::Calls(1)
    }
}
