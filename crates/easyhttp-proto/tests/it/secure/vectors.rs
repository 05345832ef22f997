//! What is on the wire, byte for byte.

use easyhttp_proto::secure::{Epochs, Hint, Refusal};
use std::time::Duration;

use super::*;

/// The body of the vector.
const BODY: &str = concat!(
    r#"{"version":"0.4.0-alpha.6","type":1,"header":{"sender_id":"XYZXYZ","sender_port":5001,"#,
    r#""recipient_id":"ABCDEF","timestamp":1795340273}}"#
);

const FIELDS: &str = concat!(
    "content-digest: sha-256=:tduW8glrRWyjeGBR0PSUlwpze8CK50dcYEpUt1vaOZM=:\r\n",
    "easyhttp-epoch: \"EBESExQVFhcYGRob\"\r\n",
    "signature-input: net=(\"@method\" \"@path\" \"content-type\" \"content-digest\" ",
    "\"easyhttp-epoch\");created=1795340273;nonce=\"AAECAwQFBgcICQoLDA0ODw\";",
    "keyid=\"F-0tbTxg\";alg=\"hmac-sha256\";tag=\"easyhttp-1\"\r\n",
    "signature: net=:8UaVa9DvK2Pq0HaEkQ6usbAOssDkDPlVimLKfqLMp6A=:\r\n",
);

#[test]
fn the_vector_is_signed_as_it_stands_and_accepted() {
    let (signed, bytes) = signed(&ring(), &post(BODY.as_bytes()), BODY.as_bytes());
    assert_eq!(signed.fields(), FIELDS);
    let accepted = check_request(&ring(), &bytes).unwrap();
    assert_eq!(accepted.body, BODY.as_bytes());
    assert_eq!(accepted.claim.epoch(), epoch());
    assert_eq!(accepted.claim.nonce(), nonce());
    assert_eq!(accepted.claim.key().to_string(), "F-0tbTxg");
}

#[test]
fn an_answer_is_bound_to_its_request() {
    let body = br#"{"type":2}"#;
    let (asked, bytes) = signed(&ring(), &post(BODY.as_bytes()), BODY.as_bytes());
    let claim = check_request(&ring(), &bytes).unwrap().claim;
    let fields = ring().sign_answer(&claim, &ok(body), None);
    assert_eq!(fields, ANSWER);
    let bytes = answer_bytes(&ok(body), &fields, body);
    let accepted = check_answer(&ring(), &asked, &bytes).unwrap();
    assert_eq!((&accepted.body[..], accepted.claim.epoch()), (&body[..], epoch()));

    // Another request, even if only its nonce is another.
    let other = Request { nonce: [9; NONCE], ..post(BODY.as_bytes()) };
    let (other, _) = signed(&ring(), &other, BODY.as_bytes());
    let refused = check_answer(&ring(), &other, &bytes).unwrap_err();
    assert_eq!(refused, Refused::Secure(Refusal::Signature));
}

const ANSWER: &str = concat!(
    "content-digest: sha-256=:stmgowcecz3OswAqLgcIjuxk37KI1/IoTH33vAz2PzY=:\r\n",
    "easyhttp-epoch: \"EBESExQVFhcYGRob\"\r\n",
    "signature-input: net=(\"@status\" \"content-type\" \"content-digest\" ",
    "\"easyhttp-epoch\" \"signature\";req;key=\"net\");created=1795340274;",
    "keyid=\"F-0tbTxg\";alg=\"hmac-sha256\";tag=\"easyhttp-1\"\r\n",
    "signature: net=:afTLkShzYFpIyLqZK/+EOQtTEgr5Uga/3UWcjFTuWqg=:\r\n",
);

/// What is not signed, or by others, is told where it could learn how.
#[test]
fn a_stranger_is_told_the_epoch_and_the_name_of_the_key() {
    let bytes = request_bytes(&post(b"{}"), "", b"{}");
    let refused = check_request(&ring(), &bytes).unwrap_err();
    assert_eq!(refused, Refused::Secure(Refusal::Unsigned));
    assert_eq!(Refusal::Unsigned.status(), 401);

    let mut epochs = Epochs::new(Duration::ZERO, limits::NONCES, [5; 12]);
    let epoch = epochs.current(Duration::ZERO, || unreachable!());
    let fields = Hint::fields(epoch, ring().signing().id());
    assert_eq!(
        fields,
        "easyhttp-epoch: \"BQUFBQUFBQUFBQUF\"\r\n\
         www-authenticate: EasyHTTP-1 keyid=\"F-0tbTxg\"\r\n"
    );
    let answer = Answer { status: 401, ..ok(b"") };
    let bytes = answer_bytes(&answer, &fields, b"");
    let hint = Hint::read(&arrived(&bytes).answer().unwrap().unwrap());
    assert_eq!((hint.epoch, hint.key), (Some(epoch), Some(ring().signing().id())));
    // It is never more than a hint.
    let (asked, _) = signed(&ring(), &post(b"{}"), b"{}");
    let refused = check_answer(&ring(), &asked, &bytes).unwrap_err();
    assert_eq!(refused, Refused::Secure(Refusal::Unsigned));
}

#[test]
fn a_sealed_body_is_what_it_is_elsewhere() {
    let sealed = ring().signing().seal(nonce(), b"{\"type\":1}");
    let expected: &[u8] = b"\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\
        \x00\x00\x00\x1b\x08F-0tbTxg\
        \x3f\x8c\x7c\xca\x33\xd5\x8e\x79\xe3\x4e\x1c\x04\xa0\x55\x93\xb1\
        \x00\xea\xcf\x26\x92\x9c\xa7\xfa\x2f\x00\x5d";
    assert_eq!(sealed, expected);
}
