//! `easyhttp discover`: who is on this network, once or as they come and go.

mod list;
mod live;
mod table;
mod watch;

use std::time::Duration;

use crate::args::{Common, Discover};
use crate::failure::{Exit, Failure};
use crate::output::Output;
use crate::{identity, network};

/// How long a device that was found may take to answer a PING.
const PING: Duration = Duration::from_secs(1);

pub(crate) async fn run(
    args: &Discover,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    network::check_interfaces(common)?;
    let device = network::builder(common, &args.finding)?.ask_only().id(identity::own()?);
    let device = device.timeout(PING).start().await?;
    match args.watch {
        true => watch::run(&device, common, output).await,
        false => list::run(&device, args, common, output).await,
    }
}
