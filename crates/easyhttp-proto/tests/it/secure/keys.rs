//! Network keys as people copy them.

use easyhttp_proto::id::ALPHABET;
use easyhttp_proto::secure::{InvalidKey, KeyId};

use super::*;

#[test]
fn a_key_is_read_as_it_was_written_and_as_people_write_it() {
    let text = network_key(7).text().to_string();
    assert_eq!(text, KEY);
    let short = text.replace('-', "");
    for written in [
        text.clone(),
        text.to_lowercase(),
        short.clone(),
        format!(" {}\n", text.replace('-', " ")),
        format!("{}-{}", &short[..9], &short[9..].to_lowercase()),
    ] {
        let key: NetworkKey = written.parse().unwrap();
        assert_eq!(key.text().to_string(), text, "{written:?}");
    }
    let mut random = Random(1);
    for _ in 0..1000 {
        let text = NetworkKey::from_entropy(random.bytes()).text().to_string();
        assert_eq!(text.parse::<NetworkKey>().unwrap().text().to_string(), text);
    }
}

/// As PROTOCOL.md has it.
const KEY: &str = "EHK1-2W5J-G3S9-2W5J-G3S9-2W5J-G3S9-2WVS";

/// All of them, of many keys: no two keys can be taken for each other so.
#[test]
fn one_wrong_letter_is_found_wherever_it_is_and_so_are_two_that_changed_places() {
    let mut random = Random(2);
    for _ in 0..100 {
        let text = NetworkKey::from_entropy(random.bytes()).text().to_string().replace('-', "");
        for place in 4..32 {
            for letter in ALPHABET.iter().map(|letter| char::from(*letter)) {
                let mut other = text.clone();
                other.replace_range(place..=place, &letter.to_string());
                let expected = if other == text { None } else { Some(InvalidKey::Mistyped) };
                assert_eq!(other.parse::<NetworkKey>().err(), expected, "{text} {other}");
            }
            for second in place + 1..32 {
                let mut letters: Vec<char> = text.chars().collect();
                letters.swap(place, second);
                let other: String = letters.into_iter().collect();
                let expected = if other == text { None } else { Some(InvalidKey::Mistyped) };
                assert_eq!(other.parse::<NetworkKey>().err(), expected, "{text} {other}");
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_key_is_said_without_showing_it() {
    let key = network_key(7).text().to_string();
    for (text, expected, said) in [
        ("", InvalidKey::Empty, "empty"),
        (" - ", InvalidKey::Empty, "empty"),
        ("correct horse battery staple", InvalidKey::PassPhrase, "easyhttp key new"),
        ("hunter2", InvalidKey::PassPhrase, "pass phrase"),
        (&key[5..], InvalidKey::PassPhrase, "begin with EHK1"),
        (&key.replace("EHK1", "EHK2"), InvalidKey::Prefix, "EHK1"),
        ("EHK", InvalidKey::Prefix, "EHK1"),
        ("EHK1", InvalidKey::Length { letters: 0 }, "0 letters"),
        (&key[..key.len() - 1], InvalidKey::Length { letters: 27 }, "27 letters"),
        (&format!("{key}A"), InvalidKey::Length { letters: 29 }, "29 letters"),
        (&format!("{key}{key}"), InvalidKey::Letter { position: 32 }, "letter 32"),
        (&format!("EHK1-A0{}", &key[7..]), InvalidKey::Letter { position: 2 }, "without 0"),
        (&format!("EHK1-é{}", &key[6..]), InvalidKey::Letter { position: 1 }, "letter 1 "),
    ] {
        let invalid = text.parse::<NetworkKey>().unwrap_err();
        assert_eq!(invalid, expected, "{text:?}");
        let shown = invalid.to_string();
        assert!(shown.contains(said), "{shown}");
        assert!(!shown.contains(&key[5..9]), "{shown}");
    }
}

/// Only its text is the key, and that is asked for.
#[test]
fn a_key_is_not_shown() {
    let key = network_key(7);
    let ring = ring();
    let shown = format!("{key:?} {:?} {ring:?} {:?}", key.text(), ring.signing());
    assert_eq!(shown, "NetworkKey(F-0tbTxg) KeyText(secret) [F-0tbTxg] Keys(F-0tbTxg)");
}

#[test]
fn a_ring_signs_with_the_first_key_and_accepts_all() {
    let [old, new]: [Keyring; 2] = [6, 7].map(|key| Keyring::new(network_key(key), []));
    let both = Keyring::new(network_key(7), [network_key(6)]);
    let (asked, bytes) = signed(&old, &post(b"{}"), b"{}");
    let claim = check_request(&both, &bytes).unwrap().claim;
    assert_eq!(claim.key(), old.signing().id());
    let refused = check_request(&new, &bytes).unwrap_err();
    assert_eq!(refused, Refused::Secure(Refusal::UnknownKey(old.signing().id())));

    // Who has asked with the old key can read the answer with it.
    let fields = both.sign_answer(&claim, &ok(b"{}"), None);
    assert!(check_answer(&old, &asked, &answer_bytes(&ok(b"{}"), &fields, b"{}")).is_ok());

    assert_eq!(both.signing().id(), new.signing().id());
    assert_eq!(both.prefer(Some(old.signing().id())).id(), old.signing().id());
    assert_eq!(both.prefer("AAAAAAAA".parse().ok()).id(), new.signing().id());
    assert_eq!(both.ids().collect::<Vec<KeyId>>().len(), 2);
    // What one device has sealed, the other opens.
    let sealed = old.signing().seal([1; 16], b"a");
    assert_eq!(both.open(&sealed), Ok(b"a".to_vec()));
    assert_eq!(new.open(&sealed), Err(Refusal::UnknownKey(old.signing().id())));
}
