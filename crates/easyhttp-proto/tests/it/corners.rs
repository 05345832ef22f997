//! Cases that were wrong once, and what they must do.

use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::{Action, FreshId, Pinged, Probed, Received};
use easyhttp_proto::exchange::{Rejection, Reply, Request};
use easyhttp_proto::message::Data;
use easyhttp_proto::peers::{Heard, PeerTable, Source};
use easyhttp_proto::{Malformed, limits};
use serde_json::value::RawValue;

use crate::one::{One, at, id};
use crate::sim::Network;

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

#[test]
fn a_python_device_that_was_restarted_learns_us_again() {
    let mut network = Network::new(1);
    let lamp = network.start("LAMP22");
    let python = network.start_python("PYTHON", SECONDS(0));
    network.run(SECONDS(60));
    assert!(network.knows(python, lamp));
    network.switch_off(python);
    network.run(SECONDS(1));
    network.switch_on(python);
    network.run(SECONDS(3600));
    assert!(network.knows(python, lamp));
}

#[test]
fn a_python_device_that_answers_late_learns_us_at_its_next_announcement() {
    let mut network = Network::new(1);
    let lamp = network.start("LAMP22");
    let python = network.start_python("PYTHON", SECONDS(10));
    network.run(SECONDS(3600));
    assert!(network.knows(python, lamp));
}

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
fn a_python_device_that_the_user_added_is_greeted_when_it_starts() {
    let mut one = One::new();
    one.peers.add(SECONDS(0), id("FRND22"), at("10.0.0.2:5000"));
    let actions = one.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "FRND22", None);
    assert!(actions.iter().any(|action| matches!(action, Action::Ping(_))), "{actions:?}");
}

#[test]
fn a_device_that_was_only_learned_is_answered_when_it_announces() {
    let mut one = One::new();
    one.peers.hear(SECONDS(1), id("FRND22"), at("10.0.0.2:5000"), Source::Learned);
    let actions = one.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "FRND22", Some(1));
    assert!(actions.iter().any(|action| matches!(action, Action::Answer(..))), "{actions:?}");
}

#[test]
fn a_python_device_is_pinged_once_and_until_it_answers() {
    let python = id("PYTHON");
    let greets = |actions: &[Action]| actions.contains(&Action::Ping(python));
    let mut one = One::new();
    let hear = |one: &mut One, now| one.hear(now, "10.0.0.2:40000", Kind::Announce, "PYTHON", None);
    assert!(greets(&hear(&mut one, SECONDS(1))));
    // Its server is not up yet, and it takes a while.
    let mut pings = 1;
    for second in 1..30 {
        one.discovery.pinged(SECONDS(second), python, Pinged::Silent, &mut one.peers);
        pings += usize::from(greets(&one.act(SECONDS(second + 1))));
    }
    assert_eq!(pings, 5);
    assert!(greets(&hear(&mut one, SECONDS(31))), "given up for good");
    one.discovery.pinged(SECONDS(31), python, Pinged::Answered, &mut one.peers);
    for announcement in 2..10 {
        let now = SECONDS(1 + announcement * 30);
        assert!(!greets(&hear(&mut one, now)), "PINGed though it knows us");
    }
    // It has restarted: it announces itself before its time.
    assert!(greets(&hear(&mut one, SECONDS(280))));
}

#[test]
fn a_device_that_answers_is_not_pinged_again_and_again() {
    let mut one = One::new();
    let datagram = Datagram::new(Kind::Announce, id("FRND22"), Some(5000), Some(1)).every(0);
    one.discovery.receive(SECONDS(0), at("10.0.0.2:40000"), &datagram, &mut one.peers);
    let mut pings = 0;
    for tenth in 0..600 {
        let now = Duration::from_millis(tenth * 100);
        for action in one.act(now) {
            if let Action::Ping(id) = action {
                pings += 1;
                one.discovery.pinged(now, id, Pinged::Answered, &mut one.peers);
            }
        }
    }
    assert!(pings <= 60, "{pings} PINGs in a minute");
}

#[test]
fn a_flood_of_invented_devices_has_few_of_them_pinged_at_once() {
    let mut one = One::new();
    for number in 0..1000 {
        one.hear(SECONDS(0), "10.0.0.9:40000", Kind::Announce, &format!("{number:06}"), Some(1));
    }
    // None of the PINGs ends.
    let pinged = one.act(SECONDS(100));
    let pings = pinged.iter().filter(|action| matches!(action, Action::Ping(_))).count();
    assert!((1..=16).contains(&pings), "{pings} at once");
}

#[test]
fn a_flood_of_invented_python_devices_causes_a_bounded_number_of_greetings() {
    let mut one = One::new();
    let mut greetings = 0;
    for number in 0..3000 {
        let who = format!("{number:06}");
        let actions = one.hear(SECONDS(1), "10.0.0.9:40000", Kind::Announce, &who, None);
        greetings += actions.iter().filter(|action| matches!(action, Action::Ping(_))).count();
    }
    assert!(greetings <= limits::PEERS, "{greetings}");
}

#[test]
fn goodbyes_of_invented_devices_do_not_have_more_of_them_pinged_at_once() {
    for (boot, later) in [(None, 1), (Some(1), 100)] {
        let mut one = One::new();
        let mut pinged = Vec::new();
        for number in 0..100 {
            let who = format!("{number:06}");
            pinged.extend(one.hear(SECONDS(0), "10.0.0.9:40000", Kind::Announce, &who, boot));
        }
        for number in 0..100 {
            pinged.extend(one.act(SECONDS(later)));
            let who = format!("{number:06}");
            pinged.extend(one.hear(SECONDS(later), "10.0.0.9:40000", Kind::Bye, &who, boot));
        }
        // None of the PINGs ends. There are 16 to older devices, and 16 to those
        // that may be gone.
        let pings = pinged.iter().filter(|action| matches!(action, Action::Ping(_))).count();
        assert!((1..=32).contains(&pings), "{pings} at once");
    }
}

#[test]
fn a_python_device_that_is_greeted_and_suspect_is_pinged_once() {
    let mut one = One::new();
    let mut pinged = one.hear(SECONDS(1), "10.0.0.2:40000", Kind::Announce, "PYTHON", None);
    one.discovery.suspect(SECONDS(2), id("PYTHON"));
    pinged.extend(one.act(SECONDS(2)));
    pinged.retain(|action| matches!(action, Action::Ping(_)));
    assert_eq!(pinged, [Action::Ping(id("PYTHON"))]);
    // What comes of it is told to both.
    one.discovery.pinged(SECONDS(3), id("PYTHON"), Pinged::Refused, &mut one.peers);
    assert_eq!(one.act(SECONDS(4)), [Action::Ping(id("PYTHON"))]);
    one.discovery.pinged(SECONDS(4), id("PYTHON"), Pinged::Refused, &mut one.peers);
    let told = one.act(SECONDS(5));
    assert!(told.iter().any(|action| matches!(action, Action::Lost(_))), "{told:?}");
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
fn a_duplicate_that_speaks_on_two_interfaces_is_told_once() {
    let mut one = One::new();
    let mut alarms = 0;
    for step in 0..10 {
        for from in ["10.0.0.9:40001", "10.0.0.9:40002"] {
            let now = SECONDS(step * 5);
            one.hear(now, from, Kind::Announce, "SELF22", Some(1));
            let twin = Some((id("SELF22"), None));
            one.discovery.asked(now, at("10.0.0.9:5000"), twin, &mut one.peers);
            let told = one.act(now);
            alarms += told.iter().filter(|told| matches!(told, Action::DuplicateId(_))).count();
        }
    }
    assert_eq!(alarms, 1);
}

#[test]
fn our_own_goodbye_from_before_a_restart_is_no_duplicate() {
    let mut one = One::new();
    let actions = one.hear(SECONDS(0), "10.0.0.1:40000", Kind::Bye, "SELF22", Some(1));
    assert_eq!(actions, []);
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
fn a_flood_of_goodbyes_has_few_devices_pinged_and_keeps_none_that_is_gone() {
    let (mut lies, mut gone) = (One::new(), One::new());
    let (from, friend) = ("10.0.0.2:40000", id("FRND22"));
    lies.hear(SECONDS(1), from, Kind::Announce, "FRND22", Some(1));
    gone.hear(SECONDS(1), from, Kind::Announce, "FRND22", Some(1));
    let (mut pings, mut has_left) = (0, false);
    for step in 0..1000 {
        let now = SECONDS(2) + Duration::from_millis(step * 10);
        // One answers each PING at once, the other one answers none.
        let actions = lies.hear(now, from, Kind::Bye, "FRND22", Some(1));
        if actions.contains(&Action::Ping(friend)) {
            lies.discovery.pinged(now, friend, Pinged::Answered, &mut lies.peers);
            pings += 1;
        }
        let actions = gone.hear(now, from, Kind::Bye, "FRND22", Some(1));
        for _ in actions.iter().filter(|action| **action == Action::Ping(friend)) {
            gone.discovery.pinged(now, friend, Pinged::Silent, &mut gone.peers);
        }
        has_left |= actions.iter().any(|action| matches!(action, Action::Left(_)));
    }
    assert!(pings <= 10, "{pings} PINGs for 1000 lies in 10 s");
    assert!(has_left);
}

#[test]
fn a_flood_of_devices_that_come_and_go_has_few_of_them_pinged() {
    let mut one = One::new();
    let mut pings = 0;
    for number in 0..1000_u32 {
        let now = SECONDS(1) + Duration::from_millis(number.into());
        let (from, who) = ("10.0.0.9:40000", format!("{number:06}"));
        one.hear(now, from, Kind::Announce, &who, Some(1));
        let pinged = one.hear(now, from, Kind::Bye, &who, Some(1));
        for _ in pinged.iter().filter(|action| matches!(action, Action::Ping(_))) {
            one.discovery.pinged(now, id(&who), Pinged::Refused, &mut one.peers);
            pings += 1;
        }
    }
    assert!((200..400).contains(&pings), "{pings} PINGs for 1000 invented devices");
}

#[test]
fn a_device_with_our_id_is_told_once_it_answers() {
    let mut one = One::new();
    let clone = at("10.0.0.9:5000");
    let asked = one.hear(SECONDS(1), "10.0.0.9:40000", Kind::Announce, "SELF22", Some(7));
    assert!(asked.contains(&Action::Ask { at: clone, source: Source::Found }), "{asked:?}");
    one.discovery.asked(SECONDS(1), clone, Some((id("SELF22"), None)), &mut one.peers);
    assert_eq!(one.act(SECONDS(1)), [Action::DuplicateId(clone)]);
    // Who only says so is not believed, and a flood of lies causes few questions.
    let mut actions = Vec::new();
    for host in 10..250 {
        let from = format!("10.0.0.{host}:40000");
        actions.extend(one.hear(SECONDS(2), &from, Kind::Announce, "SELF22", Some(8)));
        let there = ([10, 0, 0, host], 5000).into();
        one.discovery.asked(SECONDS(2), there, None, &mut one.peers);
    }
    let is_ask = |action: &&Action| matches!(action, Action::Ask { .. });
    assert!(actions.iter().filter(is_ask).count() < 10, "{actions:?}");
    assert!(!actions.iter().any(|action| matches!(action, Action::DuplicateId(_))));
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
fn an_unknown_field_that_is_not_utf8_is_refused() {
    assert_eq!(Request::read(b"{\"type\":1,\"x\":\"\xff\"}").unwrap_err(), Malformed::NotJson);
}

#[test]
fn a_number_that_is_too_large_is_named() {
    assert_eq!(Request::read(br#"{"type":1e400}"#).unwrap_err(), Malformed::UnknownCommand);
}

#[test]
fn a_value_that_nests_too_deep_is_no_data_of_an_answer() {
    let deep = |levels| RawValue::from_string("[".repeat(levels) + &"]".repeat(levels)).unwrap();
    assert!(Data::of(&deep(127)).is_ok());
    assert!(Data::of(&deep(128)).is_err());
}

#[test]
fn the_status_counts_when_a_nack_says_nothing() {
    let nack = br#"{"type":7,"header":{"sender_id":"SELF22"}}"#;
    assert_eq!(Reply::read(id("SELF22"), 413, None, nack).unwrap_err(), Rejection::TooLarge);
    assert!(matches!(
        Reply::read(id("SELF22"), 500, None, nack),
        Err(Rejection::HandlerFailed { .. })
    ));
}

#[test]
fn a_note_from_another_device_is_not_believed() {
    let body = br#"{"type":4,"header":{"sender_id":"ZZZZZZ"}}"#;
    let reply = Reply::read(id("SELF22"), 200, Some("no_handler"), body);
    assert_eq!(
        reply.unwrap_err(),
        Rejection::WrongDevice { found: Some(id("ZZZZZZ")), status: 200 }
    );
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

#[test]
fn any_timestamp_survives() {
    let body = format!(r#"{{"type":1,"header":{{"timestamp":{}}}}}"#, -(1_i64 << 53) - 1);
    assert_eq!(Request::read(body.as_bytes()).unwrap().header.timestamp, Some(-(1 << 53) - 1));
}
