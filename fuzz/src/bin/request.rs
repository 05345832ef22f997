//! A command from a peer: whatever it says and whatever becomes of it, there is
//! an answer that the peer understands.
#![no_main]

use std::str;

use easyhttp_proto::DeviceId;
use easyhttp_proto::exchange::{Answer, Outcome, Rejection, Reply, Request, Speaker};
use easyhttp_proto::json::Json;
use easyhttp_proto::message::Data;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;

/// What the device may answer with.
const STATUSES: [u16; 8] = [200, 400, 409, 412, 421, 422, 500, 503];

fuzz_target!(|body: &[u8]| {
    let own = Speaker::new(DeviceId::from_entropy([0; 6]), Some(5000), 1_767_225_600);
    match Request::read(body) {
        Ok(request) => {
            for outcome in outcomes(&request, body) {
                let answer = request.answer(&own, outcome);
                assert_understood(&own, &answer);
            }
        }
        Err(malformed) => assert_eq!(Answer::from(malformed).status, 400),
    }
});

/// All that can become of a request. Handlers give data and texts of any kind:
/// the peer's own, for want of worse.
fn outcomes<'a>(request: &Request<'a>, body: &'a [u8]) -> impl Iterator<Item = Outcome> + use<'a> {
    let text = str::from_utf8(body).unwrap_or_default();
    // The whole message as data is one level deeper than what arrived.
    let texts = request.data.map(Json::get).into_iter().chain([text]);
    let values = texts.filter_map(|text| serde_json::from_str::<&RawValue>(text).ok());
    let values = values.filter_map(|value| Data::of(value).ok()).map(Outcome::Value);
    let others = [
        Outcome::NoHandler,
        Outcome::Done,
        Outcome::Accepted,
        Outcome::Refused(None),
        Outcome::Refused(Some(text.to_owned())),
        Outcome::Failed(text.to_owned()),
        Outcome::Busy,
        Outcome::Misdirected,
        Outcome::InProgress,
        Outcome::Forgotten,
        Outcome::KeyReused,
    ];
    values.chain(others)
}

fn assert_understood(own: &Speaker, answer: &Answer) {
    assert!(STATUSES.contains(&answer.status), "{answer:?}");
    let body = answer.body.to_vec();
    assert_eq!(body.len(), answer.body.len());
    match Reply::read(own.id, answer.status, answer.note, &body) {
        Err(Rejection::NotUnderstood { malformed, .. }) => panic!("{malformed}: {answer:?}"),
        Err(Rejection::NotTaken { status: 409 | 412 | 422, .. }) => {}
        Err(Rejection::NotTaken { message, .. }) => panic!("{message}: {answer:?}"),
        Err(Rejection::WrongDevice { found, .. }) => assert_eq!(found, Some(own.id), "{answer:?}"),
        _ => {}
    }
}
