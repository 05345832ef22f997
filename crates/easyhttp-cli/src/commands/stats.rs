//! `easyhttp stats`: what a device of this machine has done and refused.

use easyhttp::{Command, Value};

use crate::args::{Common, Stats};
use crate::asker::Asker;
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::output::Output;

pub(crate) async fn run(args: &Stats, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let asker = Asker::start(common, args.target.id, &args.target.way).await?;
    let counted = asker.ask(Command::Ping, asker.device.stats_of(asker.id)).await?;
    output.print(
        || lines(&counted, args.all),
        || Object::new().with("id", asker.id).with("stats", &counted),
    )?;
    Ok(Exit::Done)
}

/// A line for each counter; without `all`, for each that has counted anything.
fn lines(counted: &Value, all: bool) -> String {
    let Some(counters) = counted.as_object() else { return counted.to_string() };
    let shown = counters.iter().filter(|(_, count)| all || **count != 0);
    let lines: Vec<_> =
        shown.map(|(name, count)| format!("{count:>10}  {}", name.replace('_', " "))).collect();
    lines.join("\n")
}
