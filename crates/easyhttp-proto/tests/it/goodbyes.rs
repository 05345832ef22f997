//! Which goodbyes are believed, and what the user is told.

use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::{Action, Pinged, Received};
use easyhttp_proto::peers::{Heard, Source};

use crate::one::{One, at, id};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn who_was_told_to_have_left_is_told_once_and_can_come_back() {
    let mut one = One::new();
    one.peers.add(SECONDS(0), id("FRND22"), at("10.0.0.2:5000"));
    let mut told = Vec::new();
    let from = "10.0.0.2:40000";
    told.extend(one.hear(SECONDS(1), from, Kind::Announce, "FRND22", Some(1)));
    told.extend(one.hear_last(SECONDS(1), from, "FRND22", 1));
    told.extend(one.hear_last(SECONDS(1), from, "FRND22", 1));
    told.extend(one.hear(SECONDS(1), from, Kind::Announce, "FRND22", Some(2)));
    let left = told.iter().filter(|action| matches!(action, Action::Left(_))).count();
    let joined = told.iter().filter(|action| matches!(action, Action::Joined(_))).count();
    assert_eq!((left, joined), (1, 2), "{told:?}");
}

#[test]
fn an_announcement_that_arrives_after_the_goodbye_does_not_bring_the_device_back() {
    let mut one = One::new();
    let from = "10.0.0.2:40000";
    one.hear(SECONDS(1), from, Kind::Announce, "FRND22", Some(1));
    one.hear(SECONDS(1), from, Kind::Bye, "FRND22", Some(1));
    // It was sent before, and arrives before the PING has come to its end.
    one.hear(SECONDS(1), from, Kind::Announce, "FRND22", Some(1));
    one.discovery.pinged(SECONDS(1), id("FRND22"), Pinged::Refused, &mut one.peers);
    let told = one.act(SECONDS(1));
    assert!(matches!(told[..], [Action::Left(_)]), "{told:?}");
    one.hear(SECONDS(2), from, Kind::Announce, "FRND22", Some(1));
    assert!(one.peers.is_empty());
}

#[test]
fn the_same_goodbye_on_another_network_is_no_nonsense() {
    let mut one = One::new();
    one.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "FRND22", Some(1));
    let left = one.hear_last(SECONDS(2), "10.0.0.2:40000", "FRND22", 1);
    assert!(matches!(left[..], [Action::Ping(_), Action::Left(_)]), "{left:?}");
    let mut goodbye = |who, boot| {
        let bye = Datagram::new(Kind::Bye, id(who), Some(5000), Some(boot));
        one.discovery.receive(SECONDS(2), at("[fe80::2%2]:40000"), &bye, &mut one.peers)
    };
    assert_eq!(goodbye("FRND22", 1), Received::Taken);
    // Of another start, or of nobody who was here, it is.
    assert_eq!(goodbye("FRND22", 2), Received::Ignored);
    assert_eq!(goodbye("NBDY22", 1), Received::Ignored);
}

#[test]
fn a_goodbye_of_a_device_that_still_answers_is_a_lie() {
    let mut one = One::new();
    let from = "10.0.0.2:40000";
    one.hear(SECONDS(1), from, Kind::Announce, "FRND22", Some(1));
    let actions = one.hear(SECONDS(2), from, Kind::Bye, "FRND22", Some(1));
    assert_eq!(actions, [Action::Ping(id("FRND22"))]);
    one.discovery.pinged(SECONDS(2), id("FRND22"), Pinged::Answered, &mut one.peers);
    assert_eq!(one.act(SECONDS(3)), []);
    assert!(one.peers.get(id("FRND22")).is_some_and(|peer| peer.is_present));
}

#[test]
fn a_goodbye_of_a_device_that_was_only_learned_is_believed() {
    let mut one = One::new();
    assert_eq!(
        one.peers.hear(SECONDS(1), id("FRND22"), at("10.0.0.2:5000"), Source::Learned),
        Heard::Joined
    );
    let actions = one.hear(SECONDS(2), "10.0.0.2:40000", Kind::Bye, "FRND22", Some(1));
    assert!(!actions.is_empty());
}
