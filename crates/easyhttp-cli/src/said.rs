//! Whom a command is for, and what is said: `ID [DATA]`, or `--all [DATA]`. What stands
//! first is an id or data, so it is looked at when it is known whether all are meant.

use std::ffi::OsStr;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, CommandFactory, Error, FromArgMatches};
use easyhttp::DeviceId;

use crate::args::Cli;
use crate::value::Data;

/// Whom a command is for, and what is said.
#[derive(Debug)]
pub(crate) struct Said {
    /// None: all devices.
    pub(crate) id: Option<DeviceId>,
    pub(crate) data: Option<Data>,
}

/// As it is typed.
#[derive(Debug, Args)]
struct Words {
    /// The device's id, such as 7H8G2K
    #[arg(value_name = "ID", required_unless_present = "all", allow_negative_numbers = true)]
    first: Option<String>,

    /// What to say: JSON, a word, or - for standard input
    #[arg(value_name = "DATA", value_parser = Data::parse, allow_negative_numbers = true)]
    second: Option<Data>,

    /// All devices that are found at once, instead of the one with an ID
    #[arg(long, conflicts_with = "at")]
    all: bool,
}

impl Said {
    fn new(words: Words) -> Result<Self, Error> {
        let Words { first, second, all } = words;
        match (first, second) {
            (Some(_), Some(_)) if all => Err(Error::raw(
                ErrorKind::TooManyValues,
                "with --all there is no ID before what is said: leave it out",
            )),
            (data, _) if all => {
                let data = data.map(|data| parse("second", &data, Data::parse)).transpose()?;
                Ok(Self { id: None, data })
            }
            (id, data) => {
                let id = id.map(|id| parse("first", &id, DeviceId::from_str)).transpose()?;
                Ok(Self { id, data })
            }
        }
    }
}

/// Parses a word as clap does, so that its errors look the same.
fn parse<T, E>(name: &str, word: &str, parser: fn(&str) -> Result<T, E>) -> Result<T, Error>
where
    T: Clone + Send + Sync + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>> + 'static,
{
    let words = Words::augment_args(Command::new("words"));
    let argument = words.get_arguments().find(|argument| argument.get_id() == name);
    parser.parse_ref(&Cli::command(), argument, OsStr::new(word))
}

impl FromArgMatches for Said {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        Self::new(Words::from_arg_matches(matches)?)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Said {
    fn augment_args(command: Command) -> Command {
        Words::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Words::augment_args_for_update(command)
    }
}
