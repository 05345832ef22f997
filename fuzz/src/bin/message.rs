//! What comes by HTTP: any bytes give a message or the reason why not, and a
//! message means the same when it is sent on.
#![no_main]

use easyhttp_proto::{Malformed, Message};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

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
    assert_carries(bytes);
});

/// What another parser takes is taken as data, unless it is too deep.
fn assert_carries(bytes: &[u8]) {
    if serde_json::from_slice::<&RawValue>(bytes).is_ok() {
        let message = [b"{\"type\":3,\"data\":", bytes, b"}"].concat();
        let refused = Message::decode(&message).err().filter(|why| *why != Malformed::TooDeep);
        assert!(refused.is_none(), "{refused:?}: {}", bytes.escape_ascii());
    }
}

/// Nothing that another parser would refuse may pass for a message.
fn assert_json(bytes: &[u8]) {
    if let Err(error) = serde_json::from_slice::<IgnoredAny>(bytes) {
        panic!("this is not JSON ({error}): {}", bytes.escape_ascii());
    }
}
