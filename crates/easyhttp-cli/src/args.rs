//! What can be typed on the command line.

mod common;
mod secure;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use easyhttp::{AfterCrash, Command as Type, DeviceId};

use crate::said::Said;
use crate::style::HELP;
use crate::value::{Data, after_crash, command_type, interval, lifetime, origin, seconds};

pub(crate) use common::{Common, Finding, Target, Way};
pub(crate) use secure::{CheckKey, Key, NewKey, Trust};

/// Devices on the local network: serve, find and ask them by six-character ids.
#[derive(Debug, Parser)]
#[command(
    name = "easyhttp",
    version,
    styles = HELP,
    disable_help_subcommand = true,
    after_help = "\
Examples:
  easyhttp demo                                   see it work
  easyhttp serve --fetch '{\"temperature\": 23.5}'  be a device
  easyhttp discover                               who is there?
  easyhttp fetch 7H8G2K                           ask one

Exit codes: 0 done, 1 the device refused or failed, 2 wrong usage, 3 no such \
device, 4 unreachable or timed out, 5 anything else, 6 a command was sent and \
no answer came, so it may have been done. With --all: 1 if one failed."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Serve(Serve),
    Discover(Discover),
    Ping(Ping),
    Fetch(Fetch),
    Push(Push),
    Send(Send),
    Outbox(Outbox),
    Id(Id),
    #[command(subcommand)]
    Key(Key),
    #[command(subcommand)]
    Trust(Trust),
    Stats(Stats),
    Demo(Demo),
}

/// Be a device: answer others, and print what they ask
#[derive(Debug, Args)]
#[command(after_help = "\
A command (CMD) is run by the shell. It gets the query or the data as JSON on \
its standard input, and EASYHTTP_SENDER, EASYHTTP_FROM and EASYHTTP_TIMESTAMP \
in its environment. It has 2.4 s (or --timeout), as those who ask wait for 3 s.

On SIGHUP it reads --key-file again: so a network's key is changed while its \
devices run.

Examples:
  easyhttp serve --fetch '{\"temperature\": 23.5}'
  easyhttp serve --fetch-exec 'cat /sys/class/thermal/thermal_zone0/temp'
  easyhttp serve --push-exec 'jq -e .led || { echo no such command >&2; exit 1; }'
  easyhttp serve --json | jq -r 'select(.event == \"data\") | .data'")]
pub(crate) struct Serve {
    /// The TCP port to answer on; 0 picks one that is free
    #[arg(long, default_value_t = 5000)]
    pub(crate) port: u16,

    /// The file that keeps the id; it is made at the first start
    #[arg(long, value_name = "FILE", default_value = DEVICE_FILE)]
    pub(crate) config: PathBuf,

    /// Answer FETCH with this
    #[arg(long, value_name = "JSON", value_parser = Data::parse)]
    #[arg(allow_negative_numbers = true, conflicts_with = "fetch_exec")]
    pub(crate) fetch: Option<Data>,

    /// Answer FETCH with the JSON that this command prints
    #[arg(long, value_name = "CMD")]
    pub(crate) fetch_exec: Option<String>,

    /// Do a PUSH by this command: exit code 0 accepts, another refuses with
    /// what it said on standard error
    #[arg(long, value_name = "CMD")]
    pub(crate) push_exec: Option<String>,

    /// Remember on disk what was done, so that no push is done twice because of a restart.
    /// One that is being done in a crash is not done again (unknown, the default), or is if
    /// it is sent again (run-again)
    #[arg(
        long,
        value_name = "AFTER_CRASH",
        num_args = 0..=1,
        default_missing_value = "unknown",
        value_parser = after_crash
    )]
    pub(crate) durable: Option<AfterCrash>,

    /// How often to tell others that it is there, 1 to 3600: they notice after
    /// about twice this time that it is gone [default: 5]
    #[arg(long, value_name = "SECONDS", value_parser = interval)]
    pub(crate) announce_interval: Option<Duration>,

    /// Neither find others nor be found
    #[arg(long, conflicts_with_all = ["peers", "sweep"])]
    pub(crate) no_discovery: bool,

    /// A name by which this device may be addressed, beside its IP addresses
    /// (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(crate) host_name: Vec<String>,

    /// Let web pages of this origin send commands, as http://panel.local:8080
    /// (repeatable)
    #[arg(long, value_name = "ORIGIN", value_parser = origin)]
    pub(crate) allow_origin: Vec<String>,

    #[command(flatten)]
    pub(crate) finding: Finding,
}

/// List the devices that answer on this network
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  easyhttp discover
  easyhttp discover --watch
  easyhttp discover --peer 10.0.5.20:5000         where multicast does not reach
  easyhttp discover --wait 10 --json | jq -r .id")]
pub(crate) struct Discover {
    /// How long to listen [default: 2, with --sweep 7]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) wait: Option<Duration>,

    /// Show who comes and goes, until Ctrl-C
    #[arg(long, conflicts_with = "wait")]
    pub(crate) watch: bool,

    #[command(flatten)]
    pub(crate) finding: Finding,
}

/// Ask whether a device is there, and how fast it answers
#[derive(Debug, Args)]
#[command(after_help = "\
With a count above 1, --timeout is that of finding, and of each ping.

Examples:
  easyhttp ping 7H8G2K
  easyhttp ping --all
  easyhttp ping 7H8G2K --count 10 --interval 0.2
  easyhttp ping 7H8G2K --at 192.168.1.23:5000")]
pub(crate) struct Ping {
    /// How often to ask
    #[arg(
        long,
        value_name = "N",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..)
    )]
    pub(crate) count: u32,

    /// The time between two pings [default: 1]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) interval: Option<Duration>,

    /// The device's id, such as 7H8G2K
    #[arg(required_unless_present = "all")]
    pub(crate) id: Option<DeviceId>,

    /// All devices that are found at once, instead of the one with an ID
    #[arg(long, conflicts_with_all = ["id", "at", "count", "interval"])]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) way: Way,
}

/// Ask a device for data, and print it
#[derive(Debug, Args)]
#[command(
    override_usage = "\
easyhttp fetch [OPTIONS] <ID> [QUERY]
       easyhttp fetch [OPTIONS] --all [QUERY]",
    mut_arg("second", |query| query.value_name("QUERY").help(
        "What to ask for: JSON, a word, or - for standard input"
    )),
    after_help = "\
Examples:
  easyhttp fetch 7H8G2K
  easyhttp fetch 7H8G2K temperature
  easyhttp fetch 7H8G2K '{\"sensor\": \"temperature\"}' --timeout 0.5
  easyhttp fetch 7H8G2K --at raspberrypi.local:5000
  easyhttp fetch --all temperature                a line for each, quick ones first"
)]
pub(crate) struct Fetch {
    #[command(flatten)]
    pub(crate) said: Said,

    #[command(flatten)]
    pub(crate) way: Way,
}

/// Send a device a command that it accepts or refuses
#[derive(Debug, Args)]
#[command(
    override_usage = "\
easyhttp push [OPTIONS] <ID> <DATA>
       easyhttp push [OPTIONS] --all <DATA>",
    mut_arg("second", |data| data.required_unless_present("all").help(
        "The command: JSON, a word, or - for standard input"
    )),
    after_help = "\
Examples:
  easyhttp push 7H8G2K '{\"command\": \"led\", \"state\": \"on\"}'
  easyhttp push 7H8G2K on
  easyhttp push 7H8G2K - < settings.json
  easyhttp push --all off --json | jq -r 'select(.error) | .id'
  easyhttp push 7H8G2K '{\"state\": \"off\"}' --later     when it is there again

Exit code 0 says that it was accepted, 6 that it may have been: it was sent, and \
no answer came that says so. With any other it was not, though a handler that failed \
may have done a part. With --json this is \"delivery\": accepted, unknown, refused or \
not_sent. With --all, 1 says that one failed. With --later, 0 says that it is kept \
on disk, and 6 that it may be.")]
pub(crate) struct Push {
    #[command(flatten)]
    pub(crate) said: Said,

    #[command(flatten)]
    pub(crate) way: Way,

    /// Leave it to the device of --config: kept on disk, and delivered by that device
    /// when this one is heard; see `easyhttp outbox`
    #[arg(long, conflicts_with_all = ["all", "at", "peers", "sweep"], help_heading = LATER)]
    pub(crate) later: bool,

    /// The file of the device that delivers it, as `serve` has it
    #[arg(
        long,
        value_name = "FILE",
        default_value = DEVICE_FILE,
        requires = "later",
        help_heading = LATER
    )]
    pub(crate) config: PathBuf,

    /// How long it may wait, such as 90, 30m, 12h or 7d [default: 7d]
    #[arg(
        long,
        value_name = "TIME",
        value_parser = lifetime,
        requires = "later",
        help_heading = LATER
    )]
    pub(crate) expires: Option<Duration>,
}

/// Send any message, and print the whole answer
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  easyhttp send 7H8G2K DATA '{\"temperature\": 23.5}'
  easyhttp send 7H8G2K 5 '{\"command\": \"led\", \"state\": \"on\"}'")]
pub(crate) struct Send {
    #[command(flatten)]
    pub(crate) target: Target,

    /// PING, PONG, FETCH, DATA or PUSH, or its number
    #[arg(value_name = "TYPE", value_parser = command_type, help_heading = ARGUMENTS)]
    pub(crate) command: Type,

    /// The data: JSON, a word, or - for standard input
    #[arg(value_parser = Data::parse, allow_negative_numbers = true, help_heading = ARGUMENTS)]
    pub(crate) data: Option<Data>,
}

/// See to what a device of this machine has to deliver (`push --later`)
#[derive(Debug, Args)]
#[command(
    disable_help_subcommand = true,
    after_help = "\
Without a command it lists what waits. The device may run or not: what it does not \
deliver now it delivers when it runs. The exit code of flush is 4 if something still waits, \
as when the time of --timeout is over.

Examples:
  easyhttp push 7H8G2K off --later
  easyhttp outbox
  easyhttp outbox cancel 3
  easyhttp outbox flush"
)]
pub(crate) struct Outbox {
    /// The device's file, as `serve` has it
    #[arg(long, value_name = "FILE", default_value = DEVICE_FILE, global = true)]
    pub(crate) config: PathBuf,

    #[command(subcommand)]
    pub(crate) command: Option<OutboxCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum OutboxCommand {
    /// Print what waits
    List,
    /// Take an item out
    Cancel {
        /// Its number
        number: u64,
    },
    /// Try all devices for which something waits
    Flush,
}

/// Print the id that `serve` has in this folder
#[derive(Debug, Args)]
pub(crate) struct Id {
    /// The file that keeps the id
    #[arg(long, value_name = "FILE", default_value = DEVICE_FILE)]
    pub(crate) config: PathBuf,
}

/// Count what a device on this machine has done and refused
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  easyhttp stats 7H8G2K
  easyhttp stats 7H8G2K --json | jq .stats.unauthenticated")]
pub(crate) struct Stats {
    /// Show what has never happened, too
    #[arg(long)]
    pub(crate) all: bool,

    #[command(flatten)]
    pub(crate) target: Target,
}

/// See it work: a sensor, a lamp and a controller that find each other
#[derive(Debug, Args)]
#[command(after_help = "\
Runs three devices in this process until Ctrl-C, and says how to talk to them \
from a second terminal.")]
pub(crate) struct Demo {
    /// Do everything once, and exit with 0 if it worked
    #[arg(long)]
    pub(crate) once: bool,
}

/// What stands above the options about a push that may wait.
const LATER: &str = "Later";

/// Arguments that follow those options stand with the first one.
const ARGUMENTS: Option<&str> = None;

/// The file that the library uses unless it is told another one.
const DEVICE_FILE: &str = "easyhttp_device.json";
