//! What the device answers to FETCH and PUSH: a constant, or what a command
//! says.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use easyhttp::{Builder, EasyHttpAsync, HandlerError, PushAnswer, Request};
use serde_json::value::RawValue;

use super::event;
use super::exec::{Exec, Finished};
use super::log::Log;
use crate::args::Serve;
use crate::failure::Failure;
use crate::json;

/// The answers that were asked for on the command line.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) fetch: Option<Fetch>,
    pub(super) push: Option<Exec>,
}

/// How a FETCH is answered.
#[derive(Debug, Clone)]
pub(super) enum Fetch {
    Constant(Box<RawValue>),
    Command(Exec),
}

impl Answers {
    /// A command may take `time`.
    pub(super) fn new(args: &Serve, time: Duration) -> Result<Self, Failure> {
        let exec = |command: &Option<String>| command.as_ref().map(|text| Exec::new(text, time));
        let constant = args.fetch.clone().map(|data| data.read()).transpose()?;
        let fetch = constant.map(Fetch::Constant);
        Ok(Self {
            fetch: fetch.or_else(|| exec(&args.fetch_exec).map(Fetch::Command)),
            push: exec(&args.push_exec),
        })
    }

    /// Adds the handlers. Without one, those who ask are told that there is
    /// none.
    pub(super) fn add_to(
        &self,
        mut builder: Builder<EasyHttpAsync>,
        log: &Arc<Log>,
    ) -> Builder<EasyHttpAsync> {
        if let Some(fetch) = self.fetch.clone() {
            let log = Arc::clone(log);
            builder = builder.on_fetch_async(move |request| {
                let (fetch, log) = (fetch.clone(), Arc::clone(&log));
                async move {
                    let answer = fetch.answer(&request).await;
                    log.add(event::fetch(&request, &answer));
                    answer.map_err(HandlerError::new)
                }
            });
        }
        if let Some(exec) = self.push.clone() {
            let log = Arc::clone(log);
            builder = builder.on_push_async(move |request| {
                let (exec, log) = (exec.clone(), Arc::clone(&log));
                async move {
                    let answer = push(&exec, &request).await;
                    log.add(event::push(&request, &answer));
                    answer.map_err(HandlerError::new)
                }
            });
        }
        builder
    }
}

impl Fetch {
    async fn answer(&self, request: &Request) -> Result<Box<RawValue>, String> {
        match self {
            Self::Constant(data) => Ok(data.clone()),
            Self::Command(exec) => match exec.run(request).await? {
                Finished::Done { output } => read(&output),
                Finished::Refused { because } => Err(because),
            },
        }
    }
}

/// What a command printed, as JSON. Nothing is `null`.
fn read(output: &str) -> Result<Box<RawValue>, String> {
    let text = if output.trim().is_empty() { "null" } else { output };
    json::parse(text).map_err(|error| format!("the command printed what is not JSON: {error}"))
}

async fn push(exec: &Exec, request: &Request) -> Result<PushAnswer, String> {
    Ok(match exec.run(request).await? {
        Finished::Done { .. } => PushAnswer::Accepted,
        Finished::Refused { because } => PushAnswer::refuse(because),
    })
}

impl fmt::Display for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(data) => f.write_str(&json::compact(data.get())),
            Self::Command(exec) => exec.fmt(f),
        }
    }
}
