//! The bytes of a connection to a device: our HTTP and hyper's find the same
//! requests in them, or ours refuses one for a reason.
#![no_main]

use easyhttp_fuzz::http::{End, oracle, ours, rules, spelled_out};
use libfuzzer_sys::fuzz_target;

/// Comes after every input, so that no line is left unread for want of its end.
const TAIL: &[u8] = b"\r\n\r\n0\r\n\r\nGET /tail HTTP/1.1\r\nhost: a\r\n\r\n";

fuzz_target!(|input: &[u8]| {
    let Some(mut bytes) = spelled_out(input) else { return };
    bytes.extend(TAIL);
    let bytes = &bytes[..];

    let (ours, ends) = ours::requests(bytes, 1);
    for step in [7, bytes.len()] {
        let (other, _) = ours::requests(bytes, step);
        assert_eq!(other.whole(), ours.whole(), "by {step} bytes: {}", bytes.escape_ascii());
    }

    let hyper = oracle::requests(bytes);
    let shown = || format!("\n{}\nours: {ours:#?}\nhyper: {hyper:#?}", bytes.escape_ascii());
    let taken = ours.whole().len();
    assert!(taken <= hyper.whole().len(), "we take what hyper refuses: {}", shown());
    assert_eq!(ours.whole(), &hyper.whole()[..taken], "they mean something else: {}", shown());

    let rest = |count: usize| &bytes[count.checked_sub(1).map_or(0, |last| ends[last])..];
    match &ours.end {
        End::Refused(Some(fault)) if hyper.whole().len() > taken => {
            assert!(rules::may_refuse(*fault, rest(taken)), "{fault} is no reason: {}", shown());
        }
        End::Refused(_) => assert_ne!(hyper.end, End::Closed, "hyper has closed: {}", shown()),
        End::Closed if hyper.end != End::Closed || hyper.whole().len() > taken => {
            assert!(rules::may_close(rest(taken - 1)), "hyper goes on: {}", shown());
        }
        End::Closed => {}
        End::Waits => assert_eq!(ours, hyper, "{}", shown()),
    }
});
