//! `easyhttp fetch`: asks a device for data, or all of them, and prints it.

use std::time::Instant;

use easyhttp::{Command, EasyHttpAsync};
use serde_json::value::RawValue;

use crate::args::{Common, Fetch};
use crate::asker::Asker;
use crate::everyone::{self, Shown};
use crate::failure::{Exit, Failure};
use crate::json::{self, Object};
use crate::output::Output;
use crate::style::{milliseconds, printable};
use crate::value::Data;

pub(crate) async fn run(args: Fetch, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let query = args.said.data.map(Data::read).transpose()?;
    let Some(id) = args.said.id else {
        let begin = |device: &EasyHttpAsync| device.fetch_all_as::<Box<RawValue>>(query);
        let show = |_: &EasyHttpAsync, id, data: Box<RawValue>| Shown {
            text: in_one_line(data.get()),
            object: Object::new().with("id", id).with("data", data),
        };
        return everyone::ask(common, Command::Fetch, &args.way.finding, output, begin, show).await;
    };
    let asker = Asker::start(common, id, &args.way).await?;
    let asked = Instant::now();
    let call = asker.device.fetch_as::<Box<RawValue>>(asker.id, query);
    let data = asker.ask(Command::Fetch, call).await?;
    let took = asked.elapsed();
    if output.is_json() {
        let object = Object::new().with("id", asker.id).with("data", &data);
        output.object(&object.with("ms", milliseconds(took)))?;
    } else {
        output.data(&text(data.get()))?;
    }
    Ok(Exit::Done)
}

/// A string as it is, as a script wants it; anything else as JSON.
fn text(data: &str) -> String {
    serde_json::from_str::<String>(data).unwrap_or_else(|_| json::pretty(data))
}

/// The same behind an id: a string that has several lines stays JSON.
fn in_one_line(data: &str) -> String {
    let text = serde_json::from_str::<String>(data).ok();
    let text = text.filter(|text| !text.contains(char::is_control));
    text.unwrap_or_else(|| printable(&json::compact(data)))
}
