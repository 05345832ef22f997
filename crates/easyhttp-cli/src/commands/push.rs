//! `easyhttp push`: sends a device a command that it accepts or refuses.

use std::time::Instant;

use easyhttp::Command;

use crate::args::{Common, Push};
use crate::asker::Asker;
use crate::failure::{ACCEPTED, DELIVERY, Exit, Failure};
use crate::json::Object;
use crate::output::Output;
use crate::style::{GOOD, ID, milliseconds, styled};

pub(crate) async fn run(args: Push, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let data = args.data.read().map_err(Failure::before_it_was_sent)?;
    let asker = Asker::start(common, &args.target).await?;
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
