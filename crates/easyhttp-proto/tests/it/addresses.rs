//! Where a device is asked that may be at several addresses.

use std::time::Duration;

use easyhttp_proto::datagram::Kind;
use easyhttp_proto::discovery::{Action, Probed};
use easyhttp_proto::limits;
use easyhttp_proto::peers::{PeerTable, Source};

use crate::one::{One, at, id};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn where_a_device_answered_comes_first_whatever_the_user_added() {
    let mut peers = PeerTable::new(id("SELF22"), 9);
    for host in 1..=3 {
        peers.add(SECONDS(0), id("FRND22"), ([10, 0, 0, host], 5000).into());
    }
    peers.confirm(SECONDS(1), id("FRND22"), at("10.0.0.8:5000"));
    peers.confirm(SECONDS(2), id("FRND22"), at("10.0.0.9:5000"));
    let best = peers.get(id("FRND22")).unwrap().addresses()[0];
    assert_eq!((best.at, best.verified), (at("10.0.0.9:5000"), true));
}

#[test]
fn what_the_user_says_last_counts() {
    let mut peers = PeerTable::new(id("SELF22"), 9);
    for host in 1..=5 {
        peers.add(SECONDS(host.into()), id("FRND22"), ([10, 0, 0, host], 5000).into());
    }
    assert!(
        peers.get(id("FRND22")).unwrap().addresses().iter().any(|a| a.at == at("10.0.0.5:5000"))
    );
}

#[test]
fn between_equals_ipv4_is_asked_first() {
    let mut peers = PeerTable::new(id("SELF22"), 9);
    let best = |peers: &PeerTable| peers.get(id("FRND22")).unwrap().addresses()[0].at;
    for text in ["[fe80::2%3]:5000", "10.0.0.2:5000"] {
        peers.hear(SECONDS(1), id("FRND22"), at(text), Source::Found);
    }
    assert_eq!(best(&peers), at("10.0.0.2:5000"));
    peers.confirm(SECONDS(2), id("FRND22"), at("[fe80::2%3]:5000"));
    assert_eq!(best(&peers), at("[fe80::2%3]:5000"));
}

#[test]
fn of_two_new_addresses_that_of_ipv4_is_asked_whichever_is_heard_first() {
    let mut one = One::new();
    one.hear(SECONDS(1), "10.0.0.2:9", Kind::Announce, "FRND22", Some(1));
    for from in ["[fe80::2%3]:9", "10.0.0.6:9"] {
        one.hear(SECONDS(6), from, Kind::Announce, "FRND22", Some(1));
    }
    let asked = one.act(SECONDS(6) + limits::SAME_ROUND);
    assert_eq!(asked, [Action::Probe(id("FRND22"), at("10.0.0.6:5000"))]);
}

#[test]
fn a_device_that_was_heard_by_ipv6_alone_for_a_moment_is_asked_by_ipv4_again() {
    let (old, new, v6) = ("10.0.0.2:9", "10.0.0.6:9", "[fe80::2%3]:9");
    let friend = id("FRND22");
    let hear = |one: &mut One, now: Duration, from: &[&str]| {
        for from in from {
            one.hear(now, from, Kind::Announce, "FRND22", Some(1));
        }
        one.act(now + limits::SAME_ROUND)
    };
    let goes_to_ipv6 = || {
        let mut one = One::new();
        hear(&mut one, SECONDS(1), &[old, v6]);
        one.peers.confirm(SECONDS(2), friend, at("10.0.0.2:5000"));
        let to = at("[fe80::2%3]:5000");
        assert_eq!(hear(&mut one, SECONDS(6), &[v6]), [Action::Probe(friend, to)]);
        one.discovery.probed(SECONDS(6), friend, to, Probed::There, &mut one.peers);
        one.act(SECONDS(6));
        one
    };
    let to = at("10.0.0.6:5000");
    let mut one = goes_to_ipv6();
    assert_eq!(hear(&mut one, SECONDS(8), &[new, v6]), [Action::Probe(friend, to)]);
    one.discovery.probed(SECONDS(8), friend, to, Probed::Both, &mut one.peers);
    let moved = Action::Moved { id: friend, from: at("[fe80::2%3]:5000"), to };
    assert_eq!(one.act(SECONDS(8)), [moved]);
    assert_eq!(one.peers.get(friend).unwrap().addresses()[0].at, to);
    assert_eq!(hear(&mut one, SECONDS(10), &[new, v6]), []);
    // Where nobody answers by IPv4, it stays as it is.
    let mut one = goes_to_ipv6();
    let mut probes = 0;
    for second in 8..60 {
        for _ in hear(&mut one, SECONDS(second), &[v6, new]) {
            one.discovery.probed(SECONDS(second), friend, to, Probed::Nowhere, &mut one.peers);
            probes += 1;
        }
    }
    assert_eq!(probes, 3);
    assert_eq!(one.peers.get(friend).unwrap().addresses()[0].at, at("[fe80::2%3]:5000"));
}

#[test]
fn devices_with_two_addresses_do_not_delay_the_probe_of_one_that_has_moved() {
    let mut one = One::new();
    for (who, hosts) in [("WIRED2", [1, 2]), ("WIRED3", [3, 4]), ("MOVED2", [5, 5])] {
        for host in hosts {
            one.hear(SECONDS(1), &format!("10.0.0.{host}:9"), Kind::Announce, who, Some(1));
        }
    }
    one.act(SECONDS(2));
    for (who, host) in [("WIRED2", 2), ("WIRED2", 1), ("WIRED3", 4), ("WIRED3", 3), ("MOVED2", 6)] {
        one.hear(SECONDS(6), &format!("10.0.0.{host}:9"), Kind::Announce, who, Some(1));
    }
    let now = SECONDS(6) + limits::SAME_ROUND;
    assert_eq!(one.act(now), [Action::Probe(id("MOVED2"), at("10.0.0.6:5000"))]);
    assert!(one.discovery.next_wakeup() > now, "it wants to be polled at once, for nothing");
}

#[test]
fn a_link_local_address_keeps_its_scope() {
    let mut one = One::new();
    let hear = |one: &mut One, from, kind| one.hear(SECONDS(1), from, kind, "FRND22", Some(1));
    let actions = hear(&mut one, "[fe80::2%3]:40000", Kind::Announce);
    let answers =
        |action: &Action| matches!(action, Action::Answer(to, _) if *to == at("[fe80::2%3]:40000"));
    assert!(actions.iter().any(answers), "{actions:?}");
    hear(&mut one, "[fe80::2%4]:40000", Kind::Announce);
    let addresses = |one: &One| -> Vec<_> {
        let peer = one.peers.get(id("FRND22")).unwrap();
        peer.addresses().iter().map(|address| address.at).collect()
    };
    assert_eq!(addresses(&one), [at("[fe80::2%3]:5000"), at("[fe80::2%4]:5000")]);
    // The same address on another link is another host.
    one.hear_last(SECONDS(1), "[fe80::2%5]:40000", "FRND22", 1);
    assert_eq!(addresses(&one).len(), 2);
    one.hear_last(SECONDS(1), "[fe80::2%4]:40000", "FRND22", 1);
    assert_eq!(one.peers.get(id("FRND22")), None);
}
