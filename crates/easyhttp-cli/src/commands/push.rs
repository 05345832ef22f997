//! `easyhttp push`: sends a device a command that it accepts or refuses, or all of them.

use std::time::Instant;

use easyhttp::{Command, EasyHttpAsync};

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
