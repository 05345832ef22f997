//! Datagrams that show who sent them.

use easyhttp_proto::DeviceId;
use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::secure::Challenge;

use super::*;

fn id() -> DeviceId {
    "7H8G2K".parse().unwrap()
}

fn challenge() -> Challenge {
    Challenge::from_entropy([0xff; Challenge::LEN])
}

fn question() -> Datagram {
    Datagram::new(Kind::Announce, id(), Some(5000), Some(3_735_928_559)).every(5).asking(true)
}

fn proved(mut datagram: Datagram) -> Datagram {
    ring().signing().prove(&mut datagram, epoch(), challenge());
    datagram
}

#[test]
fn a_datagram_of_a_member_is_known_as_one() {
    let bytes = proved(question()).encode();
    assert_eq!(str::from_utf8(&bytes).unwrap(), DATAGRAM);
    let heard = Datagram::decode(&bytes).unwrap();
    let proof = ring().check_datagram(&heard).unwrap();
    assert_eq!((proof.epoch, proof.challenge), (epoch(), challenge()));
    assert_eq!(proof.key, ring().signing().id());

    let stranger = Keyring::new(network_key(8), []);
    let refused = stranger.check_datagram(&heard).unwrap_err();
    assert_eq!(refused, Refusal::UnknownKey(ring().signing().id()));
    let refused = ring().check_datagram(&question()).unwrap_err();
    assert_eq!(refused, Refusal::Unsigned);
}

/// As PROTOCOL.md has it.
const DATAGRAM: &str = concat!(
    r#"{"version":"0.4.0","type":8,"id":"7H8G2K","port":5000,"boot":3735928559,"every":5,"#,
    r#""ask":true,"#,
    r#""es":"1.F-0tbTxg.3735928559.EBESExQVFhcYGRob.________________.V0ZaO-ryvD3h-NQnGFj7SQ"}"#,
);

#[test]
fn the_largest_fits() {
    let datagram = Datagram::new(Kind::Announce, id(), Some(65535), Some(u32::MAX));
    let mut datagram = proved(datagram.every(65535).asking(true));
    datagram.version = Some("0".repeat(limits::VERSION));
    assert!(datagram.encode().len() <= limits::DATAGRAM_SENT / 2);
}

#[test]
fn whatever_is_changed_is_noticed() {
    let text = String::from_utf8(proved(question()).encode()).unwrap();
    for (from, to) in [
        (r#""type":8"#, r#""type":9"#),
        (r#""type":8"#, r#""type":"bye""#),
        ("7H8G2K", "7H8G2L"),
        (r#""port":5000"#, r#""port":5001"#),
        (r#""port":5000,"#, ""),
        (r#""boot":3735928559"#, r#""boot":3735928558"#),
        (r#""boot":3735928559,"#, ""),
        (r#""every":5"#, r#""every":6"#),
        (r#""every":5,"#, ""),
        (r#""ask":true"#, r#""ask":false"#),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text);
        let heard = Datagram::decode(changed.as_bytes()).unwrap();
        assert_eq!(ring().check_datagram(&heard), Err(Refusal::Signature), "{changed}");
    }
    let start = text.find(r#""es":"#).unwrap() + 6;
    for place in start..text.len() - 2 {
        for bit in 0..7 {
            let mut changed = text.clone().into_bytes();
            changed[place] ^= 1 << bit;
            if let Ok(heard) = Datagram::decode(&changed) {
                assert!(ring().check_datagram(&heard).is_err(), "{place} {bit}");
            }
        }
    }
}

/// Others may have a field of that name.
#[test]
fn what_is_no_proof_counts_as_absent() {
    let text = String::from_utf8(proved(question()).encode()).unwrap();
    for (from, to) in [
        (r#""es":"1."#, r#""es":"2."#),
        (r#""es":"1."#, r#""es":"1.1."#),
        (r#""es":"#, r#""es":1,"was":"#),
        (r#""es":"1."#, r#""es":"","was":"1."#),
        (".3735928559.", ".03735928559."),
        (".3735928559.", ".+3735928559."),
        (".3735928559.", ".4294967296."),
        ("EBES", "EBE"),
    ] {
        let other = text.replace(from, to);
        assert_ne!(other, text);
        assert_eq!(Datagram::decode(other.as_bytes()), Ok(question()), "{other}");
    }
}
