//! What several commands take: the options of all, and how devices are found.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use easyhttp::DeviceId;

use crate::secret::Secret;
use crate::value::{At, seconds};

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub(crate) struct Common {
    /// Print one JSON object a line, for programs
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// How long all of it may take, finding and asking [default: 3 for each]
    #[arg(long, value_name = "SECONDS", value_parser = seconds, global = true)]
    pub(crate) timeout: Option<Duration>,

    /// The UDP port of discovery, if yours is not 37020
    #[arg(
        long,
        value_name = "PORT",
        env = "EASYHTTP_DISCOVERY_PORT",
        hide_env_values = true,
        value_parser = clap::value_parser!(u16).range(1..),
        help_heading = FINDING,
        display_order = 1,
        global = true
    )]
    pub(crate) discovery_port: Option<u16>,

    /// A network interface to find others on (repeatable), or `all`: those of
    /// containers, virtual machines and tunnels, too
    #[arg(
        long = "interface",
        value_name = "NAME",
        help_heading = FINDING,
        display_order = 2,
        global = true
    )]
    pub(crate) interfaces: Vec<String>,

    /// The network key, for trying out: others on this machine can see it (with
    /// several, the first one signs, and all are accepted)
    #[arg(
        long = "key",
        value_name = "KEY",
        value_parser = Secret::parse,
        help_heading = SECURE,
        global = true
    )]
    pub(crate) keys: Vec<Secret>,

    /// The file of the network key, which nobody else may read; with several
    /// lines, the first key signs, and all are accepted [default: the one key
    /// that EASYHTTP_KEY has, if it is set]
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with = "keys",
        help_heading = SECURE,
        global = true
    )]
    pub(crate) key_file: Option<PathBuf>,

    /// Encrypt what is said; whoever has the network key can read it
    #[arg(long, help_heading = SECURE, global = true)]
    pub(crate) encrypt: bool,

    /// The file of a key of its own, made at the first start: it and others are
    /// known by their keys, see `easyhttp trust`
    #[arg(long, value_name = "FILE", help_heading = SECURE, global = true)]
    pub(crate) device_key: Option<PathBuf>,

    /// Listen to devices without a network key, too: then anybody can command this one
    #[arg(long, help_heading = SECURE, global = true)]
    pub(crate) allow_legacy: bool,

    /// Say on standard error what happens; EASYHTTP_LOG=error says less than usual
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// The device that a command is for.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The device's id, such as 7H8G2K
    pub(crate) id: DeviceId,

    #[command(flatten)]
    pub(crate) way: Way,
}

/// How devices are found.
#[derive(Debug, Args)]
pub(crate) struct Way {
    /// Where it is; without this it is looked for
    #[arg(long, value_name = "HOST:PORT", conflicts_with_all = ["peers", "sweep"])]
    pub(crate) at: Option<At>,

    #[command(flatten)]
    pub(crate) finding: Finding,
}

/// How others are found where multicast does not reach them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = FINDING)]
pub(crate) struct Finding {
    /// Where a device is; it is asked for those that it knows, too (repeatable)
    #[arg(long = "peer", value_name = "HOST:PORT", display_order = 3)]
    pub(crate) peers: Vec<At>,

    /// Ask every address around this machine at port 5000, which takes 5 seconds
    #[arg(long, display_order = 4)]
    pub(crate) sweep: bool,

    /// Do without DNS-SD
    #[arg(long, display_order = 5)]
    pub(crate) no_dns_sd: bool,
}

/// What stands above the options about finding others.
const FINDING: &str = "Finding others";

/// What stands above the options about the network key.
const SECURE: &str = "Secure mode";
