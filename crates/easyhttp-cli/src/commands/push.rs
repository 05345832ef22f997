//! `easyhttp push`: sends a device a command that it accepts or refuses, or all of them.

use std::path::Path;
use std::time::{Duration, Instant};

use easyhttp::{Command, DeviceId, EasyHttpAsync, OutboxFile};
use serde_json::value::RawValue;

use super::id;
use crate::args::{Common, Push};
use crate::asker::Asker;
use crate::everyone::{self, Shown};
use crate::failure::{ACCEPTED, DELIVERY, Exit, Failure};
use crate::json::Object;
use crate::output::Output;
use crate::style::{GOOD, ID, milliseconds, styled};

pub(crate) async fn run(args: Push, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let Some(data) = args.said.data else {
        return Err(Failure::usage("with --all, say what to push: easyhttp push --all DATA"));
    };
    let data = data.read().map_err(Failure::before_it_was_sent)?;
    let Some(id) = args.said.id else {
        let begin = |device: &EasyHttpAsync| device.push_all(data);
        let show = |_: &EasyHttpAsync, id, ()| Shown {
            text: styled(GOOD, "accepted").to_string(),
            object: Object::new().with("id", id).with("accepted", true).with(DELIVERY, ACCEPTED),
        };
        return everyone::ask(common, Command::Push, &args.way.finding, output, begin, show).await;
    };
    if args.later {
        return later(id, &args.config, args.expires, data, output);
    }
    let asker = Asker::start(common, id, &args.way).await?;
    let asked = Instant::now();
    asker.ask(Command::Push, asker.device.push(asker.id, data)).await?;
    let took = asked.elapsed();
    output.print(
        || format!("{} {}", styled(ID, asker.id), styled(GOOD, "accepted")),
        || {
            let object = Object::new().with("id", asker.id).with("accepted", true);
            object.with("ms", milliseconds(took)).with(DELIVERY, ACCEPTED)
        },
    )?;
    Ok(Exit::Done)
}

/// Leaves it to the device of this folder, which runs or will run.
fn later(
    to: DeviceId,
    config: &Path,
    expires: Option<Duration>,
    data: Box<RawValue>,
    output: &Output,
) -> Result<Exit, Failure> {
    // It says that there is none, and what to do.
    id::read(config).map_err(Failure::before_it_was_sent)?;
    let outbox = OutboxFile::beside(config);
    let number = match expires {
        Some(expires) => outbox.push_within(to, data, expires),
        None => outbox.push(to, data),
    };
    let number = number.map_err(|error| Failure::of_call(Command::Push, error))?;
    output.print(
        || format!("{} gets it when it is there: item {number}", styled(ID, to)),
        || Object::new().with("id", to).with("number", number),
    )?;
    Ok(Exit::Done)
}
