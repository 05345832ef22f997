//! Ids and commands as people write them: each text is one or is not, and what
//! is shown to people can be read again.
#![no_main]

use easyhttp_proto::{Command, DeviceId};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<DeviceId>() {
        Ok(id) => {
            assert!(id.as_str().eq_ignore_ascii_case(text), "{text:?} became {id}");
            assert_eq!(id.to_string().parse(), Ok(id));
            let json = serde_json::to_string(&id).expect("an id can always be written");
            assert_eq!(serde_json::from_str::<DeviceId>(&json).ok(), Some(id));
        }
        // It may have come from a peer and goes to a terminal.
        Err(invalid) => assert!(invalid.to_string().len() < 1024, "too long to be shown"),
    }
    match text.parse::<Command>() {
        Ok(command) => {
            assert_eq!(command.to_string().parse(), Ok(command));
            assert_eq!(Command::from_number(command.number().into()), Some(command));
        }
        Err(unknown) => assert!(!unknown.to_string().is_empty()),
    }
});
