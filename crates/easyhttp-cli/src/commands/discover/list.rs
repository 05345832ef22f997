//! The devices that answer now, listed once.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use easyhttp::{EasyHttpAsync, Error, Peer, PresenceEvent};
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use super::PING;
use crate::args::{Common, Discover, Finding};
use crate::event::about;
use crate::everyone::{LISTEN, SWEEP, in_short};
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::network::look_up;
use crate::output::{Output, warn};
use crate::progress;
use crate::silence::nobody;
use crate::style::{
    BAD, DIM, GOOD, ID, TITLE, age, duration, how, milliseconds, printable, styled,
};

pub(super) async fn run(
    device: &EasyHttpAsync,
    args: &Discover,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    let started = Instant::now();
    let usual = if args.finding.sweep { SWEEP } else { LISTEN };
    let wait = args.wait.or(common.timeout).unwrap_or(usual);
    let end = started + common.timeout.map_or(wait, |timeout| wait.min(timeout));
    let last = common.timeout.map_or(end + PING, |timeout| started + timeout);

    let mut list = List { output, count: 0 };
    let mut presence = device.presence();
    let mut asked = BTreeSet::new();
    let mut pings = JoinSet::new();
    // While devices may still join, those that did are asked.
    let listening = async {
        loop {
            tokio::select! {
                Some(event) = presence.next() => match event {
                    PresenceEvent::Joined(peer) if asked.insert(peer.id) => {
                        pings.spawn(ping(device.handle(), peer));
                    }
                    _ => {}
                },
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
    warn_of_twins(device, last).await;
    match list.count {
        0 => Err(nobody(device, &args.finding, common, started.elapsed()).await),
        _ => {
            warn_of_silence(device, &args.finding).await;
            list.finish()
        }
    }
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

/// Two devices with one id are one line, and whichever was quicker is in it. By now
/// discovery has heard both several times, so a call says what they are.
async fn warn_of_twins(device: &EasyHttpAsync, until: Instant) {
    for peer in device.devices().iter().filter(|peer| peer.addresses.len() > 1) {
        let call = timeout_at(until.into(), device.ping(peer.id)).await;
        if let Ok(Err(error @ Error::Ambiguous { .. })) = call {
            progress::clear();
            warn(&error.to_string());
        }
    }
}

/// Says at which of the addresses that the user named nobody answered.
async fn warn_of_silence(device: &EasyHttpAsync, finding: &Finding) {
    let heard: Vec<_> = device.devices().into_iter().flat_map(|peer| peer.addresses).collect();
    let until = (Instant::now() + PING).into();
    let mut silent = Vec::new();
    for at in &finding.peers {
        match timeout_at(until, look_up(at)).await {
            Ok(Ok(behind)) if behind.iter().any(|at| heard.contains(at)) => {}
            _ => silent.push(at.to_string()),
        }
    }
    if !silent.is_empty() {
        progress::clear();
        warn(&format!("none answered at {}", silent.join(", ")));
    }
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
            self.output.text(&styled(TITLE, title()).to_string())?;
        }
        self.count += 1;
        if self.output.is_json() {
            self.output.object(&found.into_object())
        } else {
            self.output.text(&found.to_text())
        }
    }

    fn finish(self) -> Result<Exit, Failure> {
        if !self.output.is_json() {
            let s = if self.count == 1 { "" } else { "s" };
            self.output.text(&styled(DIM, format!("{} device{s}", self.count)).to_string())?;
        }
        Ok(Exit::Done)
    }
}

/// Devices are listed as they answer, so the columns are as wide as what they
/// usually hold.
fn title() -> String {
    let [id, address, by] = ["ID", "ADDRESS", "FOUND BY"];
    format!("{id:<6}  {address:<21}  {by:<12}  {:<9}  {:<7}  AGE", "PING", "VERSION")
}

impl Found {
    fn to_text(&self) -> String {
        let Self { peer, answer } = self;
        let (id, by) = (styled(ID, peer.id), how(peer.source));
        let address = peer.address().map_or_else(|| "-".to_owned(), |at| at.to_string());
        let version = printable(peer.version.as_deref().unwrap_or("-"));
        let age = peer.last_seen.map_or_else(|| "-".to_owned(), age);
        let (took, problem) = match answer {
            Ok(took) => (styled(GOOD, duration(*took)), String::new()),
            Err(error) => {
                let failed = styled(BAD, "failed".to_owned());
                (failed, format!("\n        {}", styled(BAD, in_short(error))))
            }
        };
        format!("{id}  {address:<21}  {by:<12}  {took:<9}  {version:<7}  {age}{problem}")
    }

    fn into_object(self) -> Object {
        let Self { peer, answer } = self;
        let object = about(&peer).with("age_ms", peer.last_seen.map(milliseconds));
        match answer {
            Ok(took) => object.with("ms", milliseconds(took)),
            Err(error) => object.with("error", Failure::from(error).error()),
        }
    }
}
