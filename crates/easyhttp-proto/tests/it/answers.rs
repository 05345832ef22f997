//! Whom one device answers, and where to.

use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::{Action, FreshId};
use easyhttp_proto::peers::Source;

use crate::one::{One, at, id};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn a_search_is_answered_by_those_who_know_us_already() {
    let mut asked = One::new();
    asked.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "FRND22", Some(1));
    // FRND22 has lost the answer to that, and searches.
    let mut answers = Vec::new();
    for step in 0..8 {
        let now = SECONDS(30 + step);
        answers.extend(asked.hear(now, "10.0.0.2:40000", Kind::Announce, "FRND22", Some(1)));
    }
    assert!(!answers.is_empty());
}

#[test]
fn a_device_that_the_user_added_is_answered_when_it_starts() {
    let mut one = One::new();
    one.peers.add(SECONDS(0), id("FRND22"), at("10.0.0.2:5000"));
    let actions = one.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "FRND22", Some(1));
    assert!(actions.iter().any(|action| matches!(action, Action::Answer(..))), "{actions:?}");
}

#[test]
fn a_device_that_was_only_learned_is_answered_when_it_announces() {
    let mut one = One::new();
    one.peers.hear(SECONDS(1), id("FRND22"), at("10.0.0.2:5000"), Source::Learned);
    let actions = one.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "FRND22", Some(1));
    assert!(actions.iter().any(|action| matches!(action, Action::Answer(..))), "{actions:?}");
}

#[test]
fn who_asks_by_two_ways_is_answered_in_that_order() {
    let mut one = One::new();
    let asks = Datagram::new(Kind::Announce, id("FRND22"), None, Some(1)).asking(true);
    let ways = ["10.0.0.2:40000", "[fe80::2%3]:40000"].map(at);
    for from in ways {
        one.discovery.receive(SECONDS(1), from, &asks, &mut one.peers);
    }
    let answered = one.act(SECONDS(2)).into_iter().filter_map(|action| match action {
        Action::Answer(to, _) => Some(to),
        _ => None,
    });
    assert_eq!(answered.collect::<Vec<_>>(), ways);
}

#[test]
fn who_asks_whether_its_new_id_is_taken_is_told_where_the_device_is() {
    let mut one = One::new();
    let fresh = FreshId::new(id("SELF22"), 7);
    one.discovery.receive(SECONDS(1), at("10.0.0.9:40000"), &fresh.question(), &mut one.peers);
    let actions = one.act(SECONDS(1) + Duration::from_millis(2));
    let [Action::Answer(to, answer)] = &actions[..] else { panic!("{actions:?}") };
    assert_eq!(*to, at("10.0.0.9:40000"));
    assert_eq!(fresh.taken(at("10.0.0.1:40000"), answer), Some(at("10.0.0.1:5000")));
    // Neither the question itself says so, nor another device, nor one that leaves.
    assert_eq!(fresh.taken(at("10.0.0.9:40000"), &fresh.question()), None);
    let leaves = one.discovery.goodbye().unwrap();
    assert_eq!(fresh.taken(at("10.0.0.1:40000"), &leaves), None);
    assert_eq!(FreshId::new(id("FRND22"), 7).taken(at("10.0.0.1:40000"), answer), None);
    assert!(one.peers.is_empty());
}
