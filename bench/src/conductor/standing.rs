//! Where others are ahead of us, by the figures alone.

use std::fmt::Write;

use crate::contenders::{Kind, contender};
use crate::loads::Load::{self, *};
use crate::results::Figure::{self, *};
use crate::results::Results;

/// What counts, and whether more of it is better.
const DISCIPLINES: &[(&str, Load, Figure, bool)] = &[
    ("one core, p50", OneCore, P50, false),
    ("one core, p99", OneCore, P99, false),
    ("all cores, p50", TwoCores, P50, false),
    ("calls a second, 8 in flight", At8, Rate, true),
    ("calls a second, 64 in flight", At64, Rate, true),
    ("p99.9, 64 in flight", At64, P999, false),
    ("CPU for a call", At64, Cpu, false),
    ("new connections", Connects, Rate, true),
    ("server's memory when idle", Idle, Server, false),
    ("first answer", Start, P50, false),
    ("program's size", Program, Size, false),
    ("answers of 1 KB", Kilobyte, Rate, true),
    ("answers of 64 KB", Kilobytes64, Rate, true),
    ("answers of 1 MB", Megabyte, Rate, true),
    ("200 devices at once", Crowd, P50, false),
];

/// Less than this is noise.
const NOISE: f64 = 1.05;

/// Whom each of ours is to be compared with.
const PAIRS: &[(&str, &[&str])] = &[
    (
        "async",
        &["tcp", "hyper", "axum", "reqwest", "coap", "iroh", "mqtt", "nats", "zenoh", "libp2p"],
    ),
    ("main", &["hyper-main"]),
    ("blocking", &["std", "ureq"]),
    ("python", &["http.client", "easyhttp-python"]),
    ("python-served", &["easyhttp-python-served"]),
];

/// A list of what others do better, each with how much.
pub(crate) fn losses(results: &Results) -> String {
    let mut text = String::new();
    for (ours, others) in PAIRS {
        let title = |name: &str| contender(name).map_or("", |row| row.title);
        for other in *others {
            let mut lost = String::new();
            for (what, load, figure, more_is_better) in DISCIPLINES {
                // Those that ask our server tell nothing about another one.
                let is_server = matches!(load, Idle | Program | Start);
                let is_client = contender(other).is_some_and(|row| row.kind == Kind::Client);
                if is_server && is_client {
                    continue;
                }
                let Some(ratio) = results.ratio((ours, other), *load, *figure) else { continue };
                let worse = if *more_is_better { 1.0 / ratio } else { ratio };
                if worse > NOISE {
                    let separator = if lost.is_empty() { "" } else { ", " };
                    let _ = write!(lost, "{separator}{what} ({worse:.2} ×)");
                }
            }
            if !lost.is_empty() {
                let _ = writeln!(text, "- {} is behind {}: {lost}", title(ours), title(other));
            }
        }
    }
    match text.is_empty() {
        true => "Nowhere, in this run.\n".to_owned(),
        false => format!(
            "How many times worse than the other one, where it is more than noise:\n\n{text}"
        ),
    }
}
