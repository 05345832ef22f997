//! `easyhttp send`: sends any message, and prints the whole answer.

use easyhttp::{Command, Delivery, Reply};

use crate::args::{Common, Send};
use crate::asker::Asker;
use crate::failure::{ACCEPTED, DELIVERY, Exit, Failure};
use crate::json::{self, Object};
use crate::output::Output;
use crate::style::{ID, TITLE, duration, milliseconds, styled};
use crate::value::Data;

pub(crate) async fn run(args: Send, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let data = args.data.map(Data::read).transpose().map_err(Failure::before_it_was_sent)?;
    let asker = Asker::start(common, args.target.id, &args.target.way).await?;
    let call = asker.device.send(asker.id, args.command, data);
    let Reply { command, data, reason, json, from, took, .. } =
        asker.ask(args.command, call).await?;
    // The answer is printed, whichever it is: the code says that it refuses.
    let (exit, delivery) = match command {
        Some(Command::Nack) => (Exit::Refused, Delivery::Refused.as_str()),
        _ => (Exit::Done, ACCEPTED),
    };
    if output.is_json() {
        let name = command.map(|command| command.name());
        let object = Object::new().with("id", asker.id).with("command", name).with("data", data);
        let object = object.with_some("reason", reason).with("answer", json);
        let object = object.with("address", from).with("ms", milliseconds(took));
        output.object(&object.with(DELIVERY, delivery))?;
    } else {
        let name = command.map_or("an answer", |command| command.name());
        output.text(&format!(
            "{} from {} at {from} in {}",
            styled(TITLE, name),
            styled(ID, asker.id),
            duration(took)
        ))?;
        output.data(&json::pretty(json.raw()))?;
    }
    Ok(exit)
}
