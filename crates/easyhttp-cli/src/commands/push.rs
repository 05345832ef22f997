//! `easyhttp push`: sends a device a command that it accepts or refuses.

use std::path::Path;
use std::time::{Duration, Instant};

use easyhttp::OutboxFile;
use serde_json::value::RawValue;

use super::id;
use crate::args::{Common, Push, Target};
use crate::asker::Asker;
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::output::Output;
use crate::style::{GOOD, ID, milliseconds, styled};

pub(crate) async fn run(args: Push, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let data = args.data.read()?;
    if args.later {
        return later(&args.target, &args.config, args.expires, data, output);
    }
    let asker = Asker::start(common, &args.target).await?;
    let asked = Instant::now();
    asker.ask(asker.device.push(asker.id, data)).await?;
    let took = asked.elapsed();
    output.print(
        || format!("{} {}", styled(ID, asker.id), styled(GOOD, "accepted")),
        || {
            let object = Object::new().with("id", asker.id).with("accepted", true);
            object.with("ms", milliseconds(took))
        },
    )?;
    Ok(Exit::Done)
}

/// Leaves it to the device of this folder, which runs or will run.
fn later(
    target: &Target,
    config: &Path,
    expires: Option<Duration>,
    data: Box<RawValue>,
    output: &Output,
) -> Result<Exit, Failure> {
    // It says that there is none, and what to do.
    id::read(config)?;
    let outbox = OutboxFile::beside(config);
    let number = match expires {
        Some(expires) => outbox.push_within(target.id, data, expires),
        None => outbox.push(target.id, data),
    }?;
    output.print(
        || format!("{} gets it when it is there: item {number}", styled(ID, target.id)),
        || Object::new().with("id", target.id).with("number", number),
    )?;
    Ok(Exit::Done)
}
