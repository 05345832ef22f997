//! The commands of secure mode: those for the network key, and for the keys of devices.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use easyhttp::DeviceId;

use crate::secret::Secret;

/// Make or check the network key that a network's devices share
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub(crate) enum Key {
    New(NewKey),
    Check(CheckKey),
}

/// Make a network key, and print it, this one time
#[derive(Debug, Args)]
#[command(after_help = "\
Whoever has the key is a member of the network: give it to every device, and to \
nobody else.

Examples:
  easyhttp key new --file network.key
  easyhttp serve --key-file network.key
  easyhttp discover --key-file network.key")]
pub(crate) struct NewKey {
    /// Write it to this file, which you alone may read, instead of printing it;
    /// there may be none of that name
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// Say whether a network key is right, and its key id
#[derive(Debug, Args)]
#[command(after_help = "\
The key id tells which key it is, and may be known by all. Without KEY and --file \
this checks the key that the other commands would use: --key, --key-file, or \
EASYHTTP_KEY.

Examples:
  easyhttp key check --file network.key
  easyhttp key check EHK1-7H8G-...
  ssh pi cat network.key | easyhttp key check -")]
pub(crate) struct CheckKey {
    /// The key, which others on this machine can see, or - for standard input
    #[arg(value_parser = Secret::parse)]
    pub(crate) key: Option<Secret>,

    /// The file to check
    #[arg(long, value_name = "FILE", conflicts_with = "key")]
    pub(crate) file: Option<PathBuf>,
}

/// List or forget the devices that are known by a key of their own
#[derive(Debug, Subcommand)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
The first key that a device shows is its key. The file is beside that of \
--device-key [default: easyhttp_device.key], and the device may run meanwhile.

Examples:
  easyhttp serve --key-file network.key --device-key easyhttp_device.key
  easyhttp trust list
  easyhttp trust forget 7H8G2K                    it was replaced or reset"
)]
pub(crate) enum Trust {
    /// Print each device and its key
    List,
    Forget(Forget),
}

/// Forget the key of a device: the next one that it shows is its key
#[derive(Debug, Args)]
pub(crate) struct Forget {
    /// The device's id, such as 7H8G2K
    pub(crate) id: DeviceId,
}
