//! What we aim at, as data.

use crate::loads::Load::{self, *};
use crate::results::Figure::{self, *};
use crate::results::Results;

/// A figure, and what it shall be.
pub(crate) struct Target {
    /// What it is about; the first of several in a row names it.
    pub(crate) what: &'static str,
    pub(crate) measured: Measured,
    pub(crate) aim: Aim,
}

pub(crate) enum Measured {
    /// How one contender relates to another.
    Ratio(&'static str, &'static str, Load, Figure),
    /// How much more one contender takes than another, in this unit.
    More(&'static str, &'static str, Load, Figure, &'static str),
    /// What one contender takes, in this unit.
    Value(&'static str, Load, Figure, &'static str),
}

#[derive(Clone, Copy)]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

use Aim::{AtLeast, AtMost};
use Measured::{More, Ratio, Value};

const fn target(what: &'static str, measured: Measured, aim: Aim) -> Target {
    Target { what, measured, aim }
}

/// All of them, in the order of the report.
pub(crate) const TARGETS: &[Target] = &[
    target(
        "One call after the other, one core, p50",
        Ratio("async", "hyper", OneCore, P50),
        AtMost(0.9),
    ),
    target("", Ratio("async", "tcp", OneCore, P50), AtMost(1.6)),
    target("", Ratio("async", "easyhttp-python", OneCore, P50), AtMost(1.0 / 40.0)),
    target("64 in flight, calls a second", Ratio("async", "hyper", At64, Rate), AtLeast(1.3)),
    target("", Ratio("async", "tcp", At64, Rate), AtLeast(0.65)),
    target("", Ratio("async", "iroh", At64, Rate), AtLeast(1.2)),
    target("", Ratio("async", "nats", At64, Rate), AtLeast(1.5)),
    target("", Ratio("async", "zenoh", At64, Rate), AtLeast(2.8)),
    target("", Ratio("async", "mqtt", At64, Rate), AtLeast(3.0)),
    target("", Ratio("async", "easyhttp-python", At64, Rate), AtLeast(35.0)),
    target("64 in flight, CPU of both sides", Ratio("async", "hyper", At64, Cpu), AtMost(0.8)),
    target("64 in flight, p99.9", Ratio("async", "hyper", At64, P999), AtMost(1.0)),
    target(
        "A new connection per call, calls a second",
        Ratio("async", "hyper", Connects, Rate),
        AtLeast(1.0),
    ),
    target(
        "System calls, one after the other",
        Value("async", OneCore, ClientSyscalls, "by the client"),
        AtMost(3.0),
    ),
    target("", Value("async", OneCore, ServerSyscalls, "by the server"), AtMost(3.0)),
    target("… of them writes", Value("async", OneCore, ClientWrites, "by the client"), AtMost(1.0)),
    target("", Value("async", OneCore, ServerWrites, "by the server"), AtMost(1.0)),
    target(
        "… of them waits for another thread",
        Value("async", OneCore, ClientFutexes, "by the client"),
        AtMost(0.01),
    ),
    target("", Value("async", OneCore, ServerFutexes, "by the server"), AtMost(0.01)),
    target(
        "System calls, 64 in flight",
        Value("async", At64, ClientSyscalls, "by the client"),
        AtMost(2.3),
    ),
    target("", Value("async", At64, ServerSyscalls, "by the server"), AtMost(2.3)),
    target("Blocking client, one core, p50", Ratio("blocking", "std", OneCore, P50), AtMost(1.25)),
    target("", Ratio("blocking", "ureq", OneCore, P50), AtMost(0.6)),
    target(
        "Plain closure instead of an async handler, one core, p50",
        More("closure", "async", OneCore, P50, "µs more"),
        AtMost(20.0),
    ),
    target("… 64 in flight, calls a second", Ratio("closure", "async", At64, Rate), AtLeast(0.8)),
    target(
        "Python callback, 64 in flight, calls a second",
        Ratio("python-served", "easyhttp-python-served", At64, Rate),
        AtLeast(9.0),
    ),
    target(
        "Python at both ends, one core, p50",
        Ratio("python", "easyhttp-python", OneCore, P50),
        AtMost(1.0 / 25.0),
    ),
    target("Start to the first right answer", Ratio("async", "hyper", Start, P50), AtMost(1.3)),
    target(
        "… in Python",
        Ratio("python-served", "easyhttp-python-served", Start, P50),
        AtMost(1.0 / 20.0),
    ),
    target("Resident when idle", Value("async", Idle, Server, "MB"), AtMost(4.0)),
    target("… with discovery on", Value("async", Discovering(0), Server, "MB"), AtMost(4.0)),
    target(
        "Resident after a million calls",
        Value("async", Million, Server, "MB, server"),
        AtMost(6.0),
    ),
    target("", Value("async", Million, Client, "MB, client"), AtMost(6.0)),
    target(
        "Resident when idle, in Python",
        Ratio("python-served", "easyhttp-python-served", Idle, Server),
        AtMost(0.35),
    ),
    target("The program `easyhttp`, stripped", Value("program", Program, Size, "MB"), AtMost(5.0)),
    target("A device made for size, stripped", Value("smallest", Program, Size, "MB"), AtMost(1.5)),
    target(
        "Idle with 10 others around",
        Value("async", Discovering(10), WakeUps, "wake-ups a second"),
        AtMost(3.0),
    ),
    target("", Value("async", Discovering(10), CorePercent, "% of a core"), AtMost(0.1)),
    target(
        "Answers of 1 MB, bytes a second",
        Ratio("async", "hyper", Megabyte, Rate),
        AtLeast(1.0),
    ),
];

impl Target {
    /// None if it was not measured in this run.
    pub(crate) fn value(&self, results: &Results) -> Option<f64> {
        match self.measured {
            Ratio(ours, other, load, figure) => results.ratio((ours, other), load, figure),
            More(ours, other, load, figure, _) => results.difference((ours, other), load, figure),
            Value(contender, load, figure, _) => results.median(contender, load, figure),
        }
    }

    pub(crate) fn is_met(&self, value: f64) -> bool {
        match self.aim {
            AtMost(limit) => value <= limit,
            AtLeast(limit) => value >= limit,
        }
    }
}
