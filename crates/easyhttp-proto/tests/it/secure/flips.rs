//! Whatever bit is changed on the way, the message is refused.

use std::ops::Range;

use super::*;

const CASES: usize = 100_000;

/// Requests and answers, with and without all that may be there.
#[test]
fn a_changed_bit_is_noticed_wherever_it_is() {
    let ring = ring();
    let messages: Vec<_> = Kind::all().map(|kind| Pair::new(&ring, kind)).collect();
    let mut random = Random(3);
    let mut by_http = 0;
    for case in 0..CASES {
        let pair = &messages[random.place(messages.len())];
        let is_request = random.below(2) == 0;
        let bytes = if is_request { &pair.request } else { &pair.answer };
        let places = covered(bytes);
        let mut place = random.place(places.iter().map(Range::len).sum());
        let range = places.iter().find(|range| {
            let is_there = place < range.len();
            place -= if is_there { 0 } else { range.len() };
            is_there
        });
        let place = range.unwrap().start + place;
        let mut changed = bytes.clone();
        changed[place] ^= 1 << random.below(8);
        let refused = if is_request {
            check_request(&ring, &changed).map(drop)
        } else {
            check_answer(&ring, &pair.asked, &changed).map(drop)
        };
        by_http += usize::from(refused == Err(Refused::Http));
        assert!(refused.is_err(), "case {case}: {}", String::from_utf8_lossy(&changed));
    }
    assert!(by_http < CASES / 2, "most must be refused by the signature: {by_http}");
}

#[derive(Clone, Copy)]
struct Kind {
    is_sealed: bool,
    has_device: bool,
}

impl Kind {
    fn all() -> impl Iterator<Item = Self> {
        (0..4).map(|kind| Self { is_sealed: kind & 1 == 1, has_device: kind & 2 == 2 })
    }
}

struct Pair {
    asked: SignedRequest,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Pair {
    fn new(ring: &Keyring, kind: Kind) -> Self {
        let seal = |body: &[u8]| match kind.is_sealed {
            true => ring.signing().seal([8; 16], body),
            false => body.to_vec(),
        };
        let content_encoding = kind.is_sealed.then_some(AES128GCM);
        let device = DeviceKey::from_seed(&[4; 32]);
        let device = kind.has_device.then_some(&device);

        let body = seal(br#"{"type":6,"header":{"recipient_id":"7H8G2K"},"data":{"on":true}}"#);
        let idempotency_key = kind.is_sealed.then_some("\"8e03978e-40d5-43e8\"");
        let request = Request { content_encoding, idempotency_key, ..post(&body) };
        let asked = ring.signing().sign_request(&request, device);
        let bytes = request_bytes(&request, asked.fields(), &body);
        let claim = check_request(ring, &bytes).unwrap().claim;

        let body = seal(br#"{"type":7,"header":{"sender_id":"7H8G2K"}}"#);
        let answer = Answer { content_encoding, ..ok(&body) };
        let fields = ring.sign_answer(&claim, &answer, device);
        let answer = answer_bytes(&answer, &fields, &body);
        assert!(check_answer(ring, &asked, &answer).is_ok());
        Self { asked, request: bytes, answer }
    }
}

/// Where what is covered stands: method and path, or status; values; and the body.
fn covered(bytes: &[u8]) -> Vec<Range<usize>> {
    let end = bytes.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    let head = str::from_utf8(&bytes[..end]).unwrap();
    let first = match head.starts_with("HTTP/1.1 ") {
        true => "HTTP/1.1 ".len().."HTTP/1.1 200".len(),
        false => 0..head.find(" HTTP/1.1").unwrap(),
    };
    let mut places = vec![first, end..bytes.len()];
    let mut start = 0;
    for line in head.split_inclusive("\r\n") {
        let name = line.split(':').next().unwrap();
        let is_covered = name.starts_with("signature")
            || name.starts_with("easyhttp-")
            || ["content-type", "content-digest", "content-encoding", "idempotency-key"]
                .contains(&name);
        if is_covered {
            places.push(start + name.len() + 2..start + line.len() - 2);
        }
        start += line.len();
    }
    places
}

#[test]
fn what_must_be_covered_is() {
    let ring = ring();
    let (_, bytes) = signed(&ring, &post(b"{}"), b"{}");
    let text = String::from_utf8(bytes).unwrap();
    let refused = |text: &str| check_request(&ring, text.as_bytes()).unwrap_err();

    for line in ["content-encoding: aes128gcm", "idempotency-key: a", "easyhttp-key: :AA==:"] {
        let more = text.replace("host:", &format!("{line}\r\nhost:"));
        assert_eq!(refused(&more), Refused::Secure(Refusal::Components), "{line}");
    }
    let query = text.replace("/easyhttp/api ", "/easyhttp/api?a ");
    assert_eq!(refused(&query), Refused::Secure(Refusal::Components));
    for name in ["content-type", "content-digest", "easyhttp-epoch"] {
        let twice = text.replace("host:", &format!("{name}: a\r\nhost:"));
        assert_eq!(refused(&twice), Refused::Secure(Refusal::Components), "{name}");
        let less = text.replace(&format!(" \"{name}\""), "");
        assert_eq!(refused(&less), Refused::Secure(Refusal::Components), "{name}");
        let again = text.replace(&format!(" \"{name}\""), &format!(" \"{name}\" \"{name}\""));
        assert_eq!(refused(&again), Refused::Secure(Refusal::Components), "{name}");
    }
    for name in ["signature", "signature-input"] {
        let twice = text.replace("host:", &format!("{name}: net=()\r\nhost:"));
        assert_eq!(refused(&twice), Refused::Secure(Refusal::Malformed), "{name}");
        let none = text.replace(&format!("{name}:"), "other:");
        assert_eq!(refused(&none), Refused::Secure(Refusal::Unsigned), "{name}");
        let filling = "a".repeat(limits::SIGNATURE_FIELD);
        let long = text.replace(&format!("{name}: "), &format!("{name}: {filling}=(), "));
        assert_eq!(refused(&long), Refused::Secure(Refusal::Malformed), "{name}");
    }
    let tag = text.replace("easyhttp-1", "easyhttp-2");
    assert_eq!(refused(&tag), Refused::Secure(Refusal::Unsigned));
    let algorithm = text.replace("hmac-sha256", "rsa-pss-sha512");
    assert_eq!(refused(&algorithm), Refused::Secure(Refusal::Malformed));
}
