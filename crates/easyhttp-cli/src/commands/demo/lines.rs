//! The demo as lines, for people and for programs.

use super::View;
use super::event::{Event, Outcome, Role};
use crate::failure::Failure;
use crate::json::Object;
use crate::output::Output;
use crate::style::{
    BAD, DIM, DOUBTFUL, GOOD, ID, TITLE, duration, milliseconds, printable, styled,
};

/// Prints each event as it comes.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    output: &'a Output,
}

impl<'a> Lines<'a> {
    pub(super) fn new(output: &'a Output) -> Self {
        Self { output }
    }
}

impl View for Lines<'_> {
    fn show(&mut self, event: Event) -> Result<(), Failure> {
        if self.output.is_json() {
            object(&event).map_or(Ok(()), |object| self.output.object(&object))
        } else {
            text(&event).map_or(Ok(()), |text| self.output.text(&text))
        }
    }

    fn refresh(&mut self) -> Result<(), Failure> {
        Ok(())
    }
}

/// An event for people. None: nothing that a line is worth.
fn text(event: &Event) -> Option<String> {
    Some(match event {
        Event::Started { role, id, address } => {
            format!("{:<10} {} answers at {address}", role.name(), styled(ID, id))
        }
        Event::Hints(hints) => {
            let title = styled(TITLE, "From a second terminal, while this runs:");
            format!("{title}\n  {}", hints.join("\n  "))
        }
        Event::Found { role, id, address, after } => {
            let at = address.map(|at| format!(" at {at}")).unwrap_or_default();
            let (role, after) = (role.name(), duration(*after));
            format!("found {role} {}{at} by multicast after {after}", styled(ID, id))
        }
        Event::Called { role, call, took, outcome, .. } => {
            let took = styled(DIM, format!("({})", duration(*took)));
            format!("{} {call} → {} {took}", role.name(), words(outcome))
        }
        Event::Asked { role, who, call, outcome } => {
            let who = who.map_or_else(|| "somebody".to_owned(), |id| id.to_string());
            let call = printable(call);
            format!("{} {call} by {} → {}", role.name(), styled(ID, who), words(outcome))
        }
        Event::Others(_) => return None,
        Event::Worked => {
            let worked = styled(GOOD, "it works:");
            format!("{worked} found by multicast, fetched, pushed, and refused what it should")
        }
    })
}

/// What came of asking, in words.
pub(super) fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Pong => styled(GOOD, "there".to_owned()).to_string(),
        Outcome::Data { words, .. } => words.clone(),
        Outcome::Accepted => styled(GOOD, "accepted").to_string(),
        Outcome::Refused(reason) => {
            format!("{} {}", styled(DOUBTFUL, "refused:"), printable(reason))
        }
        Outcome::Failed { message, .. } => {
            format!("{} {}", styled(BAD, "failed:"), printable(message))
        }
    }
}

/// An event for programs.
fn object(event: &Event) -> Option<Object> {
    let named = |name: &'static str| Object::new().with("event", name);
    let device = |name, role: &Role| named(name).with("role", role.name());
    Some(match event {
        Event::Started { role, id, address } => device("started", role)
            .with("id", id)
            .with("port", address.port())
            .with("address", address),
        Event::Hints(hints) => named("hints").with("commands", hints),
        Event::Found { role, id, address, after } => device("found", role)
            .with("id", id)
            .with("address", address)
            .with("ms", milliseconds(*after)),
        Event::Called { role, id, call, took, outcome } => {
            let object = device("called", role).with("id", id).with("call", call);
            with_outcome(object.with("ms", milliseconds(*took)), outcome)
        }
        Event::Asked { role, who, call, outcome } => {
            with_outcome(device("asked", role).with("sender", who).with("call", call), outcome)
        }
        Event::Others(_) => return None,
        Event::Worked => named("worked"),
    })
}

fn with_outcome(object: Object, outcome: &Outcome) -> Object {
    match outcome {
        Outcome::Pong => object.with("outcome", "pong"),
        Outcome::Data { json, .. } => object.with("outcome", "data").with("data", json),
        Outcome::Accepted => object.with("outcome", "accepted"),
        Outcome::Refused(reason) => object.with("outcome", "refused").with("reason", reason),
        Outcome::Failed { error, .. } => object.with("outcome", "failed").with("error", error),
    }
}
