//! What can be typed on the command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use easyhttp::{AfterCrash, Command as Type, DeviceId};

use crate::said::Said;
use crate::secret::Secret;
use crate::style::HELP;
use crate::value::{At, Data, after_crash, command_type, interval, lifetime, seconds};

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
        global = true
    )]
    pub(crate) discovery_port: Option<u16>,

    /// A network interface to find others on (repeatable), or `all`: those of
    /// containers, virtual machines and tunnels, too
    #[arg(long = "interface", value_name = "NAME", help_heading = FINDING, global = true)]
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

    /// Say on standard error what happens
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

/// How others are found where multicast does not reach them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = FINDING)]
pub(crate) struct Finding {
    /// Where a device is; it is asked for those that it knows, too (repeatable)
    #[arg(long = "peer", value_name = "HOST:PORT")]
    pub(crate) peers: Vec<At>,

    /// Ask every address around this machine at port 5000, which takes 5 seconds
    #[arg(long)]
    pub(crate) sweep: bool,

    /// Do without DNS-SD
    #[arg(long)]
    pub(crate) no_dns_sd: bool,
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
    #[arg(long, value_name = "ORIGIN")]
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
  easyhttp push 7H8G2K off --later                when it is there again

Exit code 0 says that it was accepted, 6 that it may have been: it was sent, and \
no answer came that says so. With any other it was not. With --json this is \
\"delivery\": accepted, unknown, refused or not_sent. With --all, 1 says that one \
failed. With --later, 0 says that it is kept on disk, and 6 that it may be.")]
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

/// What stands above the options about finding others.
const FINDING: &str = "Finding others";

/// What stands above the options about a push that may wait.
const LATER: &str = "Later";

/// Arguments that follow those options stand with the first one.
const ARGUMENTS: Option<&str> = None;

/// What stands above the options about the network key.
const SECURE: &str = "Secure mode";

/// The file that the library uses unless it is told another one.
const DEVICE_FILE: &str = "easyhttp_device.json";
