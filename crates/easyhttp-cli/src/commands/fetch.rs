//! `easyhttp fetch`: asks a device for data, and prints it.

use std::time::Instant;

use easyhttp::Command;
use serde_json::value::RawValue;

use crate::args::{Common, Fetch};
use crate::asker::Asker;
use crate::failure::{Exit, Failure};
use crate::json::{self, Object};
use crate::output::Output;
use crate::style::milliseconds;
use crate::value::Data;

pub(crate) async fn run(args: Fetch, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let query = args.query.map(Data::read).transpose()?;
    let asker = Asker::start(common, &args.target).await?;
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
