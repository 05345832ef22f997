//! What happens at the device, as a line for people or for programs.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use easyhttp::{DeviceId, DuplicateId, Moved, Peer, PushAnswer, Request};
use serde_json::value::RawValue;

use super::answer::Answers;
use crate::json::{Object, compact};
use crate::style::{BAD, DIM, DOUBTFUL, GOOD, ID, TITLE, how, printable, shortened, styled};

/// How much of the data people get to see.
const SHOWN: usize = 300;

/// One thing that happened.
pub(super) struct Event {
    /// For people: what stands behind the time.
    text: String,
    /// For programs.
    object: Object,
    at: SystemTime,
}

impl Event {
    fn new(text: String, object: Object) -> Self {
        Self { text, object, at: SystemTime::now() }
    }

    pub(super) fn line(self, is_json: bool) -> String {
        let Self { text, object, at } = self;
        let since_1970 = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        if is_json {
            // To the millisecond.
            let time = (since_1970.as_secs_f64() * 1e3).round() / 1e3;
            return object.with("time", time).to_string();
        }
        let seconds = since_1970.as_secs();
        let [hour, minute, second] = [seconds / 3600 % 24, seconds / 60 % 60, seconds % 60];
        // The standard library knows no time zones; the Z says that it is UTC.
        let time = format!("{hour:02}:{minute:02}:{second:02}Z");
        format!("{} {text}", styled(DIM, time))
    }
}

pub(super) fn started(
    id: DeviceId,
    address: SocketAddr,
    config: &Path,
    answers: &Answers,
) -> Event {
    let object = named("started").with("id", id).with("port", address.port());
    let object = object.with("address", address);
    let described = |what: Option<String>, options: &str| {
        what.map_or_else(
            || styled(DIM, format!("no handler ({options})")).to_string(),
            |what| shortened(&what, SHOWN),
        )
    };
    let fetch = answers.fetch.as_ref().map(ToString::to_string);
    let push = answers.push.as_ref().map(ToString::to_string);
    let text = format!(
        "{} answers at {} (id from {})\n          FETCH  {}\n          PUSH   {}",
        styled(ID, id),
        styled(TITLE, address),
        config.display(),
        described(fetch, "--fetch JSON or --fetch-exec CMD"),
        described(push, "--push-exec CMD"),
    );
    Event::new(text, object)
}

pub(super) fn stopped() -> Event {
    Event::new("stopped".to_owned(), named("stopped"))
}

/// Lines got lost, because nobody read them.
pub(super) fn skipped(count: u64) -> Event {
    let text = format!("{count} events are not shown: nobody read them in time");
    Event::new(styled(DOUBTFUL, text).to_string(), named("skipped").with("count", count))
}

pub(super) fn peer(name: &'static str, peer: &Peer) -> Event {
    let object = named(name)
        .with("id", peer.id)
        .with("address", peer.address())
        .with("source", how(peer.source));
    let at = peer.address().map(|at| format!(" at {at}")).unwrap_or_default();
    Event::new(format!("{name:<6} {}{at}, by {}", styled(ID, peer.id), how(peer.source)), object)
}

pub(super) fn moved(moved: &Moved) -> Event {
    let Moved { peer, from, .. } = moved;
    let object = named("moved").with("id", peer.id).with("address", peer.address());
    let to = peer.address().map(|to| format!(" to {to}")).unwrap_or_default();
    let text = format!("{:<6} {} from {from}{to}", "moved", styled(ID, peer.id));
    Event::new(text, object.with("moved_from", from))
}

pub(super) fn duplicate_id(twin: &DuplicateId) -> Event {
    let DuplicateId { here, there, .. } = twin;
    let here = here.map(|here| format!("; this one is at {here}")).unwrap_or_default();
    let text = format!("another device uses the id of this one, at {there}{here}");
    let object = named("duplicate_id").with("address", there).with("own", twin.here);
    Event::new(styled(BAD, text).to_string(), object)
}

/// A request that needs no answer.
pub(super) fn request(name: &'static str, request: &Request) -> Event {
    let object = from(name, request);
    let object = match name {
        "data" => object.with("data", &request.data),
        _ => object,
    };
    Event::new(asked(name, request), object)
}

pub(super) fn fetch(request: &Request, answer: &Result<Box<RawValue>, String>) -> Event {
    let object = from("fetch", request).with("query", &request.data);
    let asked = asked("fetch", request);
    match answer {
        Ok(data) => {
            let text = format!("{asked} → {}", styled(GOOD, in_short(&compact(data.get()))));
            Event::new(text, object.with("outcome", "answered").with("data", data))
        }
        Err(message) => failed(&asked, object, message),
    }
}

pub(super) fn push(request: &Request, answer: &Result<PushAnswer, String>) -> Event {
    let object = from("push", request).with("data", &request.data);
    let asked = asked("push", request);
    match answer {
        Ok(PushAnswer::Refused(reason)) => {
            let because = reason.as_deref().unwrap_or("without a reason");
            let text = format!("{asked} → {} {}", styled(DOUBTFUL, "refused:"), in_short(because));
            Event::new(text, object.with("outcome", "refused").with("reason", reason))
        }
        Ok(_) => {
            let text = format!("{asked} → {}", styled(GOOD, "accepted"));
            Event::new(text, object.with("outcome", "accepted"))
        }
        Err(message) => failed(&asked, object, message),
    }
}

fn failed(asked: &str, object: Object, message: &str) -> Event {
    let text = format!("{asked} → {} {}", styled(BAD, "failed:"), in_short(message));
    Event::new(text, object.with("outcome", "failed").with("message", message))
}

fn named(event: &'static str) -> Object {
    Object::new().with("event", event)
}

fn from(event: &'static str, request: &Request) -> Object {
    named(event)
        .with("sender", request.sender)
        .with("from", request.from)
        .with("timestamp", request.timestamp)
}

/// Who asks for what.
fn asked(name: &str, request: &Request) -> String {
    let who = match request.sender {
        Some(id) => styled(ID, id.to_string()),
        None => styled(DIM, "nobody".to_owned()),
    };
    let data = match request.data.is_none() {
        true => String::new(),
        false => format!("  {}", in_short(&compact(request.data.raw()))),
    };
    format!("{name:<6} {who} at {}{data}", request.from.ip())
}

fn in_short(text: &str) -> String {
    shortened(&printable(text), SHOWN)
}
