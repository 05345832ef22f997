//! The values on the command line: times, addresses, JSON.

use std::fmt;
use std::io::Read;
use std::str::FromStr;
use std::time::Duration;

use easyhttp::{AfterCrash, Command, Error, Limits};
use serde_json::value::RawValue;

use crate::failure::Failure;
use crate::json;

/// A time in seconds, fractions allowed.
pub(crate) fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "give seconds, such as 2 or 0.5, more than 0 and at most 86400".to_owned();
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if !(seconds > 0.0 && seconds <= 86_400.0) {
        return Err(wrong());
    }
    Ok(Duration::from_secs_f64(seconds))
}

/// How often a device announces itself.
pub(crate) fn interval(text: &str) -> Result<Duration, String> {
    let interval =
        seconds(text).ok().filter(|interval| (1.0..=3600.0).contains(&interval.as_secs_f64()));
    interval.ok_or_else(|| "give seconds, from 1 to 3600".to_owned())
}

/// How long something may wait: seconds, or with a unit.
pub(crate) fn lifetime(text: &str) -> Result<Duration, String> {
    let wrong =
        || "give a time, such as 90, 30m, 12h or 7d, more than 0 and at most 365d".to_owned();
    let (number, unit) = match text.char_indices().last() {
        Some((end, 's')) => (&text[..end], 1),
        Some((end, 'm')) => (&text[..end], 60),
        Some((end, 'h')) => (&text[..end], 60 * 60),
        Some((end, 'd')) => (&text[..end], DAY),
        _ => (text, 1),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = number.checked_mul(unit).filter(|seconds| (1..=365 * DAY).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(wrong)
}

/// A day, in seconds.
const DAY: u64 = 24 * 60 * 60;

/// What is to become of a push that was being done in a crash.
pub(crate) fn after_crash(text: &str) -> Result<AfterCrash, String> {
    match text {
        "unknown" => Ok(AfterCrash::Unknown),
        "run-again" => Ok(AfterCrash::RunAgain),
        _ => Err("give unknown or run-again".to_owned()),
    }
}

/// The name or the number of a command that can be sent.
pub(crate) fn command_type(text: &str) -> Result<Command, String> {
    let command = text.parse::<Command>().map_err(|unknown| unknown.to_string())?;
    match command {
        Command::Ping | Command::Pong | Command::Fetch | Command::Data | Command::Push => {
            Ok(command)
        }
        _ => Err(Error::NotARequest(command).to_string()),
    }
}

/// A query or data: given on the command line, or on standard input.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    Given(Box<RawValue>),
    StandardInput,
}

impl Data {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "-" => Ok(Self::StandardInput),
            _ => json::parse(text)
                .map(Self::Given)
                .map_err(|error| format!("it begins like JSON, but is not: {error}")),
        }
    }

    /// The JSON, read from standard input if that was said.
    pub(crate) fn read(self) -> Result<Box<RawValue>, Failure> {
        match self {
            Self::Given(json) => Ok(json),
            Self::StandardInput => read_standard_input(),
        }
    }
}

fn read_standard_input() -> Result<Box<RawValue>, Failure> {
    let limit = Limits::default().body;
    let mut text = String::new();
    let read = std::io::stdin().lock().take(limit as u64 + 1).read_to_string(&mut text);
    read.map_err(|error| Failure::usage(format!("cannot read standard input: {error}")))?;
    if text.len() > limit {
        return Err(Error::TooLarge { limit: Some(limit) }.into());
    }
    if text.trim().is_empty() {
        return Err(Failure::usage("standard input is empty"));
    }
    json::parse(&text).map_err(|error| {
        Failure::usage(format!("standard input begins like JSON, but is not: {error}"))
    })
}

/// Where a device is: a host name or an IP address, and a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl FromStr for At {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            "give a host and a port, such as 192.168.1.23:5000, [fe80::1]:5000 or \
             raspberrypi.local:5000"
                .to_owned()
        };
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?;
        let bare = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        // A colon outside of brackets: an IPv6 address, whose end is no port, or a URL.
        if host.is_empty() || (bare.is_none() && host.contains([':', '/'])) {
            return Err(wrong());
        }
        Ok(Self { host: bare.unwrap_or(host).to_owned(), port })
    }
}

/// As it is read.
impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds() {
        assert_eq!(seconds("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["0", "-1", "NaN", "inf", "1e9", "2s", ""] {
            assert!(seconds(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn how_long_something_may_wait_has_units() {
        for (text, expected) in [
            ("90", 90),
            ("5s", 5),
            ("30m", 1800),
            ("12h", 43_200),
            ("7d", 604_800),
            ("365d", 31_536_000),
        ] {
            assert_eq!(lifetime(text), Ok(Duration::from_secs(expected)), "{text}");
        }
        for wrong in
            ["", "d", "0", "0h", "366d", "1.5h", "-1", "2w", "99999999999999999999d", "7 d"]
        {
            assert!(lifetime(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        let at = |text: &str| text.parse::<At>().map(|at| (at.host, at.port));
        assert_eq!(at("192.168.1.23:5000"), Ok(("192.168.1.23".to_owned(), 5000)));
        assert_eq!(at("pi.local:80"), Ok(("pi.local".to_owned(), 80)));
        assert_eq!(at("[fe80::1%2]:80"), Ok(("fe80::1%2".to_owned(), 80)));
        for text in ["192.168.1.23:5000", "[fe80::1%2]:80"] {
            assert_eq!(text.parse::<At>().unwrap().to_string(), text);
        }
        for wrong in ["pi.local", "pi:0", "pi:x", ":80", "fe80::1", "http://pi:80", "1.2.3.4:99999"]
        {
            assert!(at(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn answers_cannot_be_sent() {
        assert_eq!(command_type("push"), Ok(Command::Push));
        assert_eq!(command_type("5"), Ok(Command::Push));
        assert!(command_type("ACK").unwrap_err().contains("only answers others"));
        assert!(command_type("42").unwrap_err().contains("5 PUSH"));
    }
}
