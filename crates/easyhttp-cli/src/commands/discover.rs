//! `easyhttp discover`: lists the devices that answer on this network.

use std::time::{Duration, Instant};

use easyhttp::{EasyHttpAsync, Error, Peer};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::args::{Common, Discover};
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::output::Output;
use crate::style::{BAD, DIM, GOOD, ID, TITLE, duration, how, milliseconds, printable, styled};
use crate::{identity, network, progress};

/// How long to listen: devices answer within milliseconds, unless a packet is
/// lost.
const WAIT: Duration = Duration::from_secs(2);

/// How long a device that was found may take to answer a PING.
const PING: Duration = Duration::from_secs(1);

pub(crate) async fn run(
    args: &Discover,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    network::check_interfaces(common)?;
    let started = Instant::now();
    let wait = args.wait.or(common.timeout).unwrap_or(WAIT);
    let end = started + common.timeout.map_or(wait, |timeout| wait.min(timeout));
    let last = common.timeout.map_or(end + PING, |timeout| started + timeout);

    let (joined, mut joining) = mpsc::unbounded_channel();
    let device =
        network::builder(common, &args.finding).ask_only().id(identity::own()?).timeout(PING);
    let device = device
        .on_joined_async(move |peer| {
            let _ = joined.send(peer);
            std::future::ready(())
        })
        .start()
        .await?;

    let mut list = List { output, count: 0 };
    let mut pings = JoinSet::new();
    // While devices may still join, those that did are asked.
    let listening = async {
        loop {
            tokio::select! {
                Some(peer) = joining.recv() => {
                    pings.spawn(ping(device.handle(), peer));
                }
                Some(Ok(found)) = pings.join_next() => list.add(found)?,
                else => return Ok::<_, Failure>(()),
            }
        }
    };
    let text = || match device.devices().len() {
        0 => "listening".to_owned(),
        n => format!("listening … {n} found"),
    };
    if let Ok(listened) = progress::show(text, timeout_at(end.into(), listening)).await {
        listened?;
    }
    while let Ok(Some(found)) = timeout_at(last.into(), pings.join_next()).await {
        if let Ok(found) = found {
            list.add(found)?;
        }
    }
    list.finish(started.elapsed())
}

/// A device, and what came of asking it.
struct Found {
    peer: Peer,
    answer: easyhttp::Result<Duration>,
}

/// Whether it can be reached: multicast that passes says nothing about TCP.
async fn ping(device: EasyHttpAsync, peer: Peer) -> Found {
    let answer = device.ping(peer.id).await;
    // Now the address that answered stands in front.
    let peer = device.find(peer.id, Duration::ZERO).await.unwrap_or(peer);
    Found { peer, answer }
}

/// The list on the screen.
struct List<'a> {
    output: &'a Output,
    count: usize,
}

impl List<'_> {
    fn add(&mut self, found: Found) -> Result<(), Failure> {
        progress::clear();
        if self.count == 0 && !self.output.is_json() {
            let title = format!("{:<6}  {:<21}  {:<9}  PING", "ID", "ADDRESS", "FOUND BY");
            self.output.text(&styled(TITLE, title).to_string())?;
        }
        self.count += 1;
        if self.output.is_json() {
            self.output.object(&found.into_object())
        } else {
            self.output.text(&found.to_text())
        }
    }

    fn finish(self, waited: Duration) -> Result<Exit, Failure> {
        if self.count == 0 {
            let message = format!("no device was found within {}", duration(waited));
            return Err(Failure::new(Exit::NotFound, "no_devices", message).with_hint(CAUSES));
        }
        if !self.output.is_json() {
            let s = if self.count == 1 { "" } else { "s" };
            self.output.text(&styled(DIM, format!("{} device{s}", self.count)).to_string())?;
        }
        Ok(Exit::Done)
    }
}

const CAUSES: &str = "usual causes are:
  - no device is running: try `easyhttp serve` here, or `easyhttp demo`
  - the device is on another network: another Wi-Fi, a guest network, a VPN
  - a firewall, here or there, does not let UDP port 37020 through
  - the Wi-Fi keeps its clients apart (client isolation), or drops multicast
If you know its address, ask it there: easyhttp ping ID --at HOST:PORT";

impl Found {
    fn to_text(&self) -> String {
        let Self { peer, answer } = self;
        let address = peer.address().map_or_else(|| "-".to_owned(), |at| at.to_string());
        let answer = match answer {
            Ok(took) => styled(GOOD, duration(*took)),
            Err(error) => styled(BAD, in_short(error)),
        };
        format!("{}  {address:<21}  {:<9}  {answer}", styled(ID, peer.id), how(peer.source))
    }

    fn into_object(self) -> Object {
        let Self { peer, answer } = self;
        let object = Object::new()
            .with("id", peer.id)
            .with("address", peer.address())
            .with("addresses", &peer.addresses)
            .with("source", how(peer.source));
        match answer {
            Ok(took) => object.with("ms", milliseconds(took)),
            Err(error) => object.with("error", Failure::from(error).error()),
        }
    }
}

fn in_short(error: &Error) -> String {
    match error {
        Error::Unreachable { source, .. } => format!("cannot connect: {source}"),
        Error::TimedOut { after, .. } => format!("no answer within {}", duration(*after)),
        other => printable(&other.to_string()),
    }
}
