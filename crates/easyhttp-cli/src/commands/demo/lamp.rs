//! The lamp of the demo: it does what a PUSH says, and refuses what it does not
//! know.

use std::sync::{Arc, Mutex, PoisonError};

use easyhttp::{Builder, DeviceId, EasyHttpAsync, PushAnswer, Value, json};
use serde::{Deserialize, Serialize};
use serde_json::value::to_raw_value;

use super::event::{Outcome, Witness};

/// What the lamp answers to a FETCH.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct State {
    /// `on` or `off`.
    pub(super) led: String,
    /// Who switched it last.
    pub(super) by: Option<DeviceId>,
}

/// Makes a device the lamp.
pub(super) fn equip(builder: Builder<EasyHttpAsync>, witness: Witness) -> Builder<EasyHttpAsync> {
    let state = Arc::new(Mutex::new(State { led: "off".to_owned(), by: None }));
    let pushed = (Arc::clone(&state), witness.clone());
    builder
        .on_fetch(move |request| {
            let state = state.lock().unwrap_or_else(PoisonError::into_inner).clone();
            if let Ok(json) = to_raw_value(&state) {
                witness.saw(&request, "fetch", Outcome::Data { json, words: state.to_string() });
            }
            state
        })
        .on_push(move |request| {
            let (state, witness) = &pushed;
            match switch(&request.data.value()) {
                Ok(led) => {
                    *state.lock().unwrap_or_else(PoisonError::into_inner) =
                        State { led, by: request.sender };
                    witness.saw(&request, "push", Outcome::Accepted);
                    PushAnswer::Accepted
                }
                Err(reason) => {
                    witness.saw(&request, "push", Outcome::Refused(reason.clone()));
                    PushAnswer::refuse(reason)
                }
            }
        })
}

/// The command that switches the lamp.
pub(super) fn command(led: &str) -> Value {
    json!({"command": "led", "state": led})
}

/// What a command wants, or why the lamp does not do it.
pub(super) fn switch(command: &Value) -> Result<String, String> {
    match (command["command"].as_str(), command["state"].as_str()) {
        (Some("led"), Some(state @ ("on" | "off"))) => Ok(state.to_owned()),
        (Some("led"), _) => Err(r#"the state of a led is "on" or "off""#.to_owned()),
        _ => Err(format!("a lamp only knows {}", self::command("on"))),
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.by {
            Some(id) => write!(f, "{}, switched by {id}", self.led),
            None => write!(f, "{}", self.led),
        }
    }
}
