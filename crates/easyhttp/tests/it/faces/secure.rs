//! Devices with a network key: they talk to each other, and to nobody else.

use std::io::ErrorKind;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use easyhttp::{Builder, Delivery, Error, NetworkKey, PushAnswer, json};
use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::secure::{Challenge, Epoch, Keyring};

use super::{Face, device, on_both_faces, pair};
use crate::support::{
    PATIENCE, assert_error, assert_names, eventually, id, local, next, own_port, udp,
};

on_both_faces!(
    members_talk_as_any_devices_do,
    what_is_encrypted_arrives_as_it_was,
    a_member_that_encrypts_and_one_that_does_not_understand_each_other,
    large_data_arrives_as_it_was,
    another_key_is_told_with_the_ids_of_both,
    a_device_without_a_key_learns_that_it_needs_one,
    what_a_device_without_a_key_answers_is_not_believed,
    strangers_command_nothing_and_are_not_learned,
    a_device_that_allows_it_talks_to_those_without_a_key,
    a_peer_that_restarts_is_called_as_before,
    keys_change_one_device_after_the_other_and_no_call_fails,
    a_key_that_was_taken_away_is_worth_nothing,
    a_text_that_is_no_key_is_told,
    a_device_without_a_key_gets_none_later,
    members_find_each_other_and_nobody_else,
    a_member_stays_silent_to_a_stranger_who_asks,
);

/// A network key; each number has its own.
fn key(number: u8) -> NetworkKey {
    NetworkKey::from_entropy([number; 16])
}

fn member<F: Face>(number: u8) -> Builder<F::Device> {
    device::<F>().network_key(key(number))
}

/// Its answers are those that the asker expects, whichever way they travel.
fn assert_talk<F: Face>(asking: &F, answering: &F) {
    asking.meet(answering);
    answering.on_fetch(|fetch| json!({"query": fetch.data.value()}));
    answering.on_push(|push| match push.data.value() == "on" {
        true => PushAnswer::Accepted,
        false => PushAnswer::refuse("it must be on"),
    });
    asking.ping(answering.id()).unwrap();
    assert_eq!(asking.fetch(answering.id(), "t").unwrap(), json!({"query": "t"}));
    asking.push(answering.id(), "on").unwrap();
    let refused = asking.push(answering.id(), "off");
    assert_error!(refused, Error::Refused { reason: Some(reason), .. } if reason == "it must be on");
}

fn members_talk_as_any_devices_do<F: Face>() {
    let start = || F::start_with(member::<F>(1)).unwrap();
    let (one, other) = (start(), start());
    assert_talk(&one, &other);
    assert_talk(&other, &one);
    // What is not there is told, too.
    let silent = start();
    one.meet(&silent);
    assert_error!(one.push(silent.id(), 1), Error::NoHandler { .. });
    assert_error!(one.fetch(silent.id(), 1), Error::NoHandler { .. });
    silent.on_push(|_| -> bool { panic!("a test") });
    assert_error!(one.push(silent.id(), 1), Error::HandlerFailed { .. });
}

fn what_is_encrypted_arrives_as_it_was<F: Face>() {
    let start = || F::start_with(member::<F>(1).encrypt(true)).unwrap();
    assert_talk(&start(), &start());
}

fn a_member_that_encrypts_and_one_that_does_not_understand_each_other<F: Face>() {
    let start = |encrypt| F::start_with(member::<F>(1).encrypt(encrypt)).unwrap();
    let (sealed, plain) = (start(true), start(false));
    assert_talk(&sealed, &plain);
    assert_talk(&plain, &sealed);
}

fn large_data_arrives_as_it_was<F: Face>() {
    for encrypt in [false, true] {
        let start = || F::start_with(member::<F>(1).encrypt(encrypt)).unwrap();
        let (asking, answering) = (start(), start());
        asking.meet(&answering);
        answering.on_fetch(|fetch| fetch.data.value());
        let text = "é".repeat(300_000);
        assert_eq!(asking.fetch(answering.id(), &text).unwrap(), text);
    }
}

fn another_key_is_told_with_the_ids_of_both<F: Face>() {
    let asking = F::start_with(member::<F>(1)).unwrap();
    let answering = F::start_with(member::<F>(2)).unwrap();
    asking.meet(&answering);
    // It is the PING before it that is refused.
    let error = asking.push(answering.id(), 1).unwrap_err();
    assert_eq!(error.delivery(), Delivery::NotSent);
    assert_names(&error, &[&answering.id(), &key(1).id(), &key(2).id(), &"same"]);
    assert_error!(Err::<(), _>(error), Error::OtherKey { ours: Some(_), .. });
}

fn a_device_without_a_key_learns_that_it_needs_one<F: Face>() {
    let (asking, answering) = pair::<F>(member::<F>(2));
    let error = asking.ping(answering.id()).unwrap_err();
    assert_names(&error, &[&answering.id(), &key(2).id(), &"none"]);
    assert_error!(Err::<(), _>(error), Error::OtherKey { ours: None, .. });
}

fn what_a_device_without_a_key_answers_is_not_believed<F: Face>() {
    let asking = F::start_with(member::<F>(1)).unwrap();
    let open = F::start_with(device::<F>().on_fetch(|_| 1)).unwrap();
    asking.meet(&open);
    let error = asking.fetch(open.id(), ()).unwrap_err();
    assert_names(&error, &[&open.id(), &local(open.port().unwrap()), &"key"]);
    assert_error!(Err::<(), _>(error), Error::NotAuthenticated { .. });
}

fn strangers_command_nothing_and_are_not_learned<F: Face>() {
    let (events, called) = channel();
    let answering = F::start_with(member::<F>(1)).unwrap();
    let of = |name: &'static str| {
        let events = events.clone();
        move |_| events.send(name).unwrap()
    };
    answering.on_ping(of("ping"));
    answering.on_pong(of("pong"));
    answering.on_data(of("data"));
    let told = of("fetch");
    answering.on_fetch(move |fetch| {
        told(fetch);
        0
    });
    let told = of("push");
    answering.on_push(move |push| {
        told(push);
        true
    });
    for stranger in [device::<F>(), member::<F>(2), member::<F>(2).encrypt(true)] {
        let stranger = F::start_with(stranger).unwrap();
        stranger.meet(&answering);
        assert!(stranger.ping(answering.id()).is_err());
        assert!(stranger.fetch(answering.id(), ()).is_err());
        assert!(stranger.push(answering.id(), 1).is_err());
        for command in [easyhttp::Command::Pong, easyhttp::Command::Data] {
            assert!(stranger.send(answering.id(), command, 1).is_err());
        }
    }
    assert_eq!(answering.devices().len(), 0);
    // Handlers of one device are called one after the other: this one is the first.
    let own = F::start_with(member::<F>(1)).unwrap();
    own.meet(&answering);
    own.push(answering.id(), 1).unwrap();
    // The PING before it, and itself.
    assert!(called.try_iter().all(|name| ["ping", "push"].contains(&name)));
    assert_eq!(answering.devices().len(), 1);
}

fn a_device_that_allows_it_talks_to_those_without_a_key<F: Face>() {
    for encrypt in [false, true] {
        let member = member::<F>(1).encrypt(encrypt).allow_legacy(true);
        let member = F::start_with(member).unwrap();
        let open = F::start_with(device::<F>()).unwrap();
        assert_talk(&open, &member);
        assert_talk(&member, &open);
    }
}

fn a_peer_that_restarts_is_called_as_before<F: Face>() {
    let port = own_port();
    let asking = F::start_with(member::<F>(1)).unwrap();
    let start = || {
        let answering = device::<F>().port(port).id("PEER22").network_key(key(1)).encrypt(true);
        F::start_with(answering.on_fetch(|_| 7)).unwrap()
    };
    asking.add("PEER22", local(port)).unwrap();
    for _ in 0..3 {
        let answering = start();
        assert_eq!(asking.fetch("PEER22", ()).unwrap(), 7);
        assert_eq!(asking.fetch("PEER22", ()).unwrap(), 7);
        answering.stop();
    }
}

fn keys_change_one_device_after_the_other_and_no_call_fails<F: Face>() {
    const DEVICES: usize = 5;
    let start = |_| Arc::new(F::start_with(member::<F>(1).on_push(|_| true)).unwrap());
    let devices: Vec<Arc<F>> = (0..DEVICES).map(start).collect();
    for one in &devices {
        devices.iter().filter(|other| other.id() != one.id()).for_each(|other| one.meet(other));
    }
    let has_ended = AtomicBool::new(false);
    let calls: Vec<_> = (0..DEVICES).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for (number, one) in devices.iter().enumerate() {
            let (devices, has_ended, calls) = (&devices, &has_ended, &calls);
            scope.spawn(move || {
                while !has_ended.load(Ordering::Relaxed) {
                    for other in devices.iter().filter(|other| other.id() != one.id()) {
                        one.push(other.id(), 1).unwrap();
                        calls[number].fetch_add(1, Ordering::Relaxed);
                    }
                }
            });
        }
        // All of them call each other before the next device changes.
        let all_call = || {
            let before: Vec<_> = calls.iter().map(|calls| calls.load(Ordering::Relaxed)).collect();
            eventually("all devices call", || {
                let now = calls.iter().map(|calls| calls.load(Ordering::Relaxed));
                now.zip(&before).all(|(now, before)| now > before + DEVICES)
            });
        };
        all_call();
        for keys in [vec![2, 1], vec![2]] {
            for device in &devices {
                device.set_network_keys(keys.iter().map(|number| key(*number))).unwrap();
                all_call();
            }
        }
        has_ended.store(true, Ordering::Relaxed);
    });
}

fn a_key_that_was_taken_away_is_worth_nothing<F: Face>() {
    let (one, other) = (F::start_with(member::<F>(1)).unwrap(), member::<F>(1).on_fetch(|_| 1));
    let other = F::start_with(other).unwrap();
    one.meet(&other);
    one.fetch(other.id(), ()).unwrap();
    other.set_network_keys([key(2)]).unwrap();
    assert_error!(one.fetch(other.id(), ()), Error::OtherKey { .. });
}

fn a_text_that_is_no_key_is_told<F: Face>() {
    let text = key(1).text().to_string();
    F::start_with(device::<F>().network_key(&*text)).unwrap();
    let mistyped = text.replacen('-', "-2", 1);
    for wrong in ["", "my secret pass phrase", &mistyped] {
        let error = F::start_with(device::<F>().network_key(wrong)).unwrap_err();
        assert!(wrong.is_empty() || !error.to_string().contains(wrong), "{error}");
        assert_error!(Err::<(), _>(error), Error::InvalidKey(_));
    }
    assert_error!(F::start_with(device::<F>().encrypt(true)), Error::NoNetworkKey);
}

fn a_device_without_a_key_gets_none_later<F: Face>() {
    let open = F::start_with(device::<F>()).unwrap();
    assert_error!(open.set_network_keys([key(1)]), Error::NoNetworkKey);
    let secure = F::start_with(member::<F>(1)).unwrap();
    assert_error!(secure.set_network_keys([] as [NetworkKey; 0]), Error::NoNetworkKey);
}

fn members_find_each_other_and_nobody_else<F: Face>() {
    let port = own_port();
    let seeking = |builder: Builder<F::Device>| {
        F::start_with(builder.discovery(true).interfaces(["lo"]).discovery_port(port)).unwrap()
    };
    let (events, joined) = channel();
    let first = seeking(member::<F>(1));
    first.on_joined(move |peer| events.send(peer.id).unwrap());
    let (_other, _open) = (seeking(member::<F>(2)), seeking(device::<F>()));
    let second = seeking(member::<F>(1).encrypt(true));
    assert_eq!(next(&joined), second.id());
    first.ping(second.id()).unwrap();
    second.find(first.id(), PATIENCE).unwrap();
    assert_eq!(first.discovered(), [second.id()]);
    // It says goodbye with a proof as well.
    let (events, left) = channel();
    first.on_left(move |peer| events.send(peer.id).unwrap());
    let id = second.id();
    second.stop();
    assert_eq!(next(&left), id);
}

fn a_member_stays_silent_to_a_stranger_who_asks<F: Face>() {
    let port = own_port();
    let member = member::<F>(1).discovery(true).interfaces(["lo"]).discovery_port(port);
    let _member = F::start_with(member).unwrap();
    let ask = |proves: bool| {
        let speaker = udp::speaker();
        let mut question = Datagram::new(Kind::Announce, id("AB3F9Z"), None, Some(7)).asking(true);
        if proves {
            let (epoch, challenge) =
                (Epoch::from_entropy([0; 12]), Challenge::from_entropy([0; 12]));
            Keyring::new(key(1), []).signing().prove(&mut question, epoch, challenge);
        }
        speaker.send_to(&question.encode(), (udp::GROUP, port)).unwrap();
        speaker
    };
    let (stranger, own) = (ask(false), ask(true));
    let mut answer = [0; 512];
    own.set_read_timeout(Some(PATIENCE)).unwrap();
    let length = own.recv(&mut answer).unwrap();
    assert!(Datagram::decode(&answer[..length]).unwrap().proof.is_some());
    // It asked first.
    stranger.set_nonblocking(true).unwrap();
    assert_eq!(stranger.recv(&mut answer).unwrap_err().kind(), ErrorKind::WouldBlock);
}
