//! Keys of single devices, beside that of the network.

use super::*;

fn device(seed: u8) -> DeviceKey {
    DeviceKey::from_seed(&[seed; DeviceKey::LEN])
}

/// A request that a device has signed, as text.
fn request(nonce: [u8; NONCE], key: &DeviceKey) -> (SignedRequest, String) {
    let request = Request { nonce, ..post(b"{}") };
    let signed = ring().signing().sign_request(&request, Some(key));
    let bytes = request_bytes(&request, signed.fields(), b"{}");
    (signed, String::from_utf8(bytes).unwrap())
}

#[test]
fn a_device_proves_its_key_in_requests_and_in_answers() {
    let (asked, bytes) = request(nonce(), &device(1));
    let accepted = check_request(&ring(), bytes.as_bytes()).unwrap();
    assert_eq!(accepted.device, Some(device(1).public()));
    let fields = ring().sign_answer(&accepted.claim, &ok(b"{}"), Some(&device(2)));
    let bytes = answer_bytes(&ok(b"{}"), &fields, b"{}");
    let accepted = check_answer(&ring(), &asked, &bytes).unwrap();
    assert_eq!(accepted.device, Some(device(2).public()));

    // Both are possible without.
    let (asked, bytes) = signed(&ring(), &post(b"{}"), b"{}");
    let accepted = check_request(&ring(), &bytes).unwrap();
    assert_eq!(accepted.device, None);
    let fields = ring().sign_answer(&accepted.claim, &ok(b"{}"), None);
    let bytes = answer_bytes(&ok(b"{}"), &fields, b"{}");
    assert_eq!(check_answer(&ring(), &asked, &bytes).unwrap().device, None);
}

#[test]
fn the_signature_of_a_device_cannot_be_taken_off_or_away() {
    let (_, text) = request(nonce(), &device(1));
    let refused = |text: &str| check_request(&ring(), text.as_bytes()).unwrap_err();
    let without = |text: &str, name: &str| {
        let start = text.find(&format!("{name}: ")).unwrap();
        let end = start + text[start..].find("\r\n").unwrap() + 2;
        format!("{}{}", &text[..start], &text[end..])
    };
    let cut = |text: &str| {
        let lines = text.split("\r\n").map(|line| match line.starts_with("signature") {
            true => line.split(", dev=").next().unwrap(),
            false => line,
        });
        lines.collect::<Vec<_>>().join("\r\n")
    };
    // Its key, its signature, or both: the network's signature covers the key.
    assert_eq!(refused(&cut(&text)), Refused::Secure(Refusal::Device));
    assert_eq!(refused(&without(&text, "easyhttp-key")), Refused::Secure(Refusal::Components));
    assert_eq!(
        refused(&cut(&without(&text, "easyhttp-key"))),
        Refused::Secure(Refusal::Components)
    );
    let other = text.replace(&device(1).public().to_string(), &device(2).public().to_string());
    assert_eq!(refused(&other), Refused::Secure(Refusal::Signature));
}

/// A member that has recorded a request of a device signs it once more.
#[test]
fn a_member_cannot_use_the_signature_of_a_device_again() {
    let part = |text: &str, name: &str, start: &str| {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap();
        let start = line.find(start).unwrap();
        line[start..].to_owned()
    };
    let (_, recorded) = request(nonce(), &device(1));
    let (_, own) = request([9; NONCE], &device(1));
    let mut forged = own;
    for name in ["signature-input", "signature"] {
        let from = part(&forged, name, "dev=");
        forged = forged.replace(&from, &part(&recorded, name, "dev="));
    }
    let refused = check_request(&ring(), forged.as_bytes()).unwrap_err();
    assert_eq!(refused, Refused::Secure(Refusal::Device));
}

#[test]
fn a_device_key_is_kept_as_its_seed_and_not_shown() {
    let key = device(3);
    let again = DeviceKey::from_seed(&key.seed());
    assert_eq!(again.public(), key.public());
    assert_eq!(format!("{key:?}"), format!("DeviceKey({})", key.public()));
    let public = key.public();
    assert_eq!(public.to_string().parse(), Ok(public));
    assert_eq!((public.to_string().len(), public.id().to_string().len()), (44, 8));
}

/// As PROTOCOL.md has it.
#[test]
fn the_vector_of_a_device() {
    let (_, text) = request(nonce(), &device(1));
    let components = concat!(
        r#"("@method" "@path" "content-type" "content-digest" "easyhttp-epoch" "easyhttp-key")"#,
        r#";created=1795340273;nonce="AAECAwQFBgcICQoLDA0ODw""#,
    );
    let expected = format!(
        "easyhttp-key: :iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=:\r\n\
         signature-input: net={components};keyid=\"F-0tbTxg\";alg=\"hmac-sha256\";\
         tag=\"easyhttp-1\", dev={components};keyid=\"NHUPmL1Z\";alg=\"ed25519\";\
         tag=\"easyhttp-1\"\r\n\
         signature: net=:KcJeSgE/4wTsHpTbmXs4lVsyrxSdvykpD7LGDp8YsXA=:, \
         dev=:S+iU50RUtWAvT/bXjdP3KPrQcmhLrzJMYEBDi2ygPoOjS3l/b8t2cSzOJEf+P034RuymhU+5hRR9OtJexuzpBw==:\r\n"
    );
    assert!(text.contains(&expected), "{text}");
}
