//! The bytes of a connection to a device: our HTTP and hyper's find the same
//! answers in them, which end at the same byte, or ours refuses one for a reason.
#![no_main]

use easyhttp_fuzz::http::{End, Heard, Message, oracle, ours, rules, spelled_out};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(bytes) = spelled_out(input) else { return };
    let (ours, ends) = ours::answers(&bytes, 1);
    for step in [7, bytes.len().max(1)] {
        let (other, _) = ours::answers(&bytes, step);
        assert_eq!(other.whole(), ours.whole(), "by {step} bytes: {}", bytes.escape_ascii());
    }

    // hyper gets one after the other, each with those that come before it.
    let mut begin = 0;
    for (message, end) in ours.whole().iter().zip(&ends) {
        if message.start.starts_with('1') {
            continue;
        }
        let is_last = *end == *ends.last().expect("there is this one");
        compare(message, &bytes[begin..*end], is_last, &ours.end);
        begin = *end;
    }

    let rest = &bytes[begin..];
    if let End::Refused(fault) = ours.end {
        let hyper = oracle::answer(rest, true);
        let shown = || format!("\n{}\nours: {ours:#?}\nhyper: {hyper:#?}", rest.escape_ascii());
        if !hyper.whole().is_empty() {
            let fault = fault.expect("we say why");
            // What hyper skips is no part of the answer that we refuse.
            let first = ends.last().map_or(rest, |last| &bytes[*last..]);
            assert!(rules::may_refuse(fault, first), "{fault} is no reason: {}", shown());
        }
    } else if ours.end == End::Waits {
        let hyper = oracle::answer(rest, true);
        assert!(hyper.whole().is_empty(), "hyper takes it: {} {hyper:#?}", rest.escape_ascii());
    }
});

/// An answer that is whole with these bytes is so for hyper, and not before.
fn compare(message: &Message, bytes: &[u8], is_last: bool, end: &End) {
    let shown = |hyper: &Heard| format!("\n{}\n{message:#?}\n{hyper:#?}", bytes.escape_ascii());
    let hyper = oracle::answer(bytes, false);
    if hyper.whole().is_empty() {
        // It ends with the connection.
        assert!(is_last && *end == End::Closed, "hyper needs more: {}", shown(&hyper));
        let hyper = oracle::answer(bytes, true);
        assert_eq!(std::slice::from_ref(message), hyper.whole(), "{}", shown(&hyper));
        return;
    }
    assert_eq!(std::slice::from_ref(message), hyper.whole(), "{}", shown(&hyper));
    let earlier = oracle::answer(&bytes[..bytes.len() - 1], false);
    assert!(earlier.whole().is_empty(), "hyper needs less: {}", shown(&earlier));
    let is_closed = is_last && *end == End::Closed;
    if is_closed != (hyper.end == End::Closed) {
        assert!(is_closed && rules::may_close(bytes), "the connection: {}", shown(&hyper));
    }
}
