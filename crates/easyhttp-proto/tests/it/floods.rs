//! How much one device does at the most, whatever it is sent.

use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::{Action, Pinged};
use easyhttp_proto::limits;

use crate::one::{One, at, id};

const SECONDS: fn(u64) -> Duration = Duration::from_secs;

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
