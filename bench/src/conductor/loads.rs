//! What is asked of the contenders.

use std::thread::available_parallelism;

use easyhttp_bench::{ClientTask, Until};
use serde::{Deserialize, Serialize};

/// One way to put load on a contender, or to look at it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) enum Load {
    /// One call after the other, both processes on one core: what a call costs, without
    /// the time that it takes to wake a halted core, which would hide it.
    OneCore,
    /// One call after the other, wherever the system puts the processes.
    TwoCores,
    /// Eight calls at once.
    At8,
    /// 64 calls at once.
    At64,
    /// A connection for each call.
    Connects,
    /// Answers of 1,000 bytes.
    Kilobyte,
    /// Answers of 64,000 bytes.
    Kilobytes64,
    /// Answers of 1,000,000 bytes.
    Megabyte,
    /// 200 devices are asked at once; a round is one call.
    Crowd,
    /// From the start of the server's process to the first right answer.
    Start,
    /// Nothing is asked yet.
    Idle,
    /// Nothing is asked, and discovery is on, with so many others around.
    Discovering(usize),
    /// A million calls, 64 at once.
    Million,
    /// The program itself.
    Program,
}

/// How many devices a crowd has.
pub(crate) const CROWD: usize = 200;

/// The loads that are put on running servers that stay on one core.
pub(crate) const ON_ONE_CORE: &[Load] = &[Load::OneCore];

/// The loads that are put on running servers that may use all cores.
pub(crate) const ON_ALL_CORES: &[Load] = &[
    Load::TwoCores,
    Load::At8,
    Load::At64,
    Load::Connects,
    Load::Kilobyte,
    Load::Kilobytes64,
    Load::Megabyte,
    Load::Crowd,
    Load::Start,
];

impl Load {
    /// What the client is told, but for where the server is.
    pub(crate) fn task(self, quick: bool) -> ClientTask {
        let (warm_up, measured) = if quick { (50, 100) } else { (80, 300) };
        let mut task = ClientTask {
            in_flight: 1,
            until: Until::Time { warm_up, measured },
            ..ClientTask::default()
        };
        match self {
            // The last one: the first serves most interrupts.
            Self::OneCore => task.core = available_parallelism().ok().map(|cores| cores.get() - 1),
            Self::At8 => task.in_flight = 8,
            Self::At64 => task.in_flight = 64,
            Self::Connects => task.connects = true,
            Self::Kilobyte => task.bytes = 1_000,
            Self::Kilobytes64 => task.bytes = 64_000,
            Self::Megabyte => task.bytes = 1_000_000,
            Self::Crowd => task.way = "crowd".to_owned(),
            Self::Start => task.until = Until::Calls(1),
            Self::Million => {
                task.in_flight = 64;
                task.until = Until::Calls(if quick { 100_000 } else { 1_000_000 });
            }
            Self::TwoCores | Self::Idle | Self::Discovering(_) | Self::Program => {}
        }
        task
    }
}
