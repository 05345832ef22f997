//! Bodies that only members can read.

use easyhttp_proto::secure::SEALED;

use super::*;

#[test]
fn a_sealed_body_is_opened_by_members_alone() {
    let mut random = Random(4);
    for length in [0, 1, 2, 16, 17, 100, 5000] {
        let body: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
        let sealed = ring().signing().seal(random.bytes(), &body);
        assert!(sealed.len() <= body.len() + SEALED, "{length}");
        assert_eq!(ring().open(&sealed).as_deref(), Ok(&body[..]));
        let stranger = Keyring::new(network_key(8), []);
        let refused = stranger.open(&sealed);
        assert_eq!(refused, Err(Refusal::UnknownKey(ring().signing().id())));
    }
}

#[test]
fn nothing_of_the_body_can_be_seen() {
    let body = br#"{"type":6,"header":{"recipient_id":"7H8G2K"},"data":{"on":true}}"#;
    let sealed = ring().signing().seal([1; 16], body);
    for part in body.windows(4) {
        assert!(!sealed.windows(4).any(|other| other == part));
    }
}

#[test]
fn whatever_is_changed_or_missing_is_noticed() {
    let sealed = ring().signing().seal([1; 16], b"{\"type\":1}");
    for place in 0..sealed.len() {
        assert!(ring().open(&sealed[..place]).is_err(), "{place}");
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[place] ^= 1 << bit;
            // The size of a record is only a limit, and a larger one is no harm.
            let is_size = (16..20).contains(&place);
            assert!(ring().open(&changed).is_err() || is_size, "{place} {bit}");
        }
    }
    assert!(ring().open(&[&sealed[..], b"a"].concat()).is_err());
}

/// The signature is over what is on the wire, and says that it is sealed.
#[test]
fn a_sealed_request_gets_through() {
    let body = ring().signing().seal([2; 16], b"{\"type\":1}");
    let request = Request { content_encoding: Some(AES128GCM), ..post(&body) };
    let (_, bytes) = signed(&ring(), &request, &body);
    let accepted = check_request(&ring(), &bytes).unwrap();
    assert!(accepted.claim.is_sealed());
    assert_eq!(accepted.body, b"{\"type\":1}");
    // What is sealed in another way cannot be read.
    let other = Request { content_encoding: Some("gzip"), ..request };
    let (_, bytes) = signed(&ring(), &other, &body);
    let refused = check_request(&ring(), &bytes).unwrap_err();
    assert_eq!(refused, Refused::Secure(Refusal::Components));
}
