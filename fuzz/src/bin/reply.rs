//! An answer from a peer: any status, any header and any bytes mean something.
//!
//! The first line of an input is the HTTP status and the text of the header,
//! with a space between them; what follows is the body.
#![no_main]

use std::str;

use easyhttp_proto::DeviceId;
use easyhttp_proto::exchange::{Rejection, Reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == b'\n');
    let head = parts.next().and_then(|head| str::from_utf8(head).ok()).unwrap_or_default();
    let body = parts.next().unwrap_or_default();
    let (status, note) = match head.split_once(' ') {
        Some((status, note)) => (status, Some(note)),
        None => (head, None),
    };
    let status = status.parse().unwrap_or(200);
    let asked: DeviceId = "7H8G2K".parse().expect("six letters and digits");

    match Reply::read(asked, status, note, body) {
        Ok(Reply::Message(message)) => {
            assert_eq!((status, message.header.sender_id), (200, Some(asked)), "{message:?}");
        }
        Ok(_) => assert_eq!(status, 200),
        // The caller tries another device's address only because of this.
        Err(Rejection::WrongDevice { found, .. }) => {
            assert!(status == 421 || found != Some(asked), "{status} {found:?}");
        }
        Err(_) => {}
    }
});
