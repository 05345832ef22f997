//! What the device does, as a line for people or for programs.

use std::net::SocketAddr;
use std::path::Path;

use easyhttp::{DeviceId, PushAnswer, Request};
use serde_json::value::RawValue;

use super::answer::Answers;
use crate::event::{Event, SHOWN, named};
use crate::json::{Object, compact};
use crate::style::{BAD, DIM, DOUBTFUL, GOOD, ID, TITLE, printable, shortened, styled};

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

/// The network keys were read again.
pub(super) fn keys(ids: &[String]) -> Event {
    let text = format!("the network keys are {}", ids.join(", "));
    Event::new(text, named("keys").with("key_ids", ids))
}

pub(super) fn stopped() -> Event {
    Event::new("stopped".to_owned(), named("stopped"))
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
