//! What comes by HTTP: any bytes give a message or the reason why not, and a
//! message means the same when it is sent on.
#![no_main]

use easyhttp_proto::Message;
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;

fuzz_target!(|bytes: &[u8]| {
    match Message::decode(bytes) {
        Ok(message) => {
            assert_json(bytes);
            let sent = message.encode();
            assert_json(&sent);
            let arrived = Message::decode(&sent);
            // The debug form has every field, those that are added later too.
            assert_eq!(format!("{arrived:?}"), format!("{:?}", Ok::<_, ()>(message)));
        }
        Err(malformed) => assert!(!malformed.to_string().is_empty()),
    }
});

/// Nothing that another parser would refuse may pass for a message.
fn assert_json(bytes: &[u8]) {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        panic!("this is not JSON ({error}): {}", bytes.escape_ascii());
    }
}
