//! The devices that are known: added, learned, forgotten.

use easyhttp::{Error, Source};

use super::{Face, device, on_both_faces, pair};
use crate::support::{assert_error, assert_names, id, local};

on_both_faces!(
    what_is_added_is_known_until_it_is_removed,
    who_asks_is_known_from_then_on,
    an_unknown_device_is_an_error_that_names_the_known_ones,
    a_device_does_not_know_itself,
    what_is_no_id_or_no_address_is_shown,
);

fn what_is_added_is_known_until_it_is_removed<F: Face>() {
    let device = F::start_with(device::<F>()).unwrap();
    assert_eq!(device.devices(), []);
    device.add("ZZZZZZ", local(5000)).unwrap();
    device.add("ab3f9z", local(5001)).unwrap();
    device.add("ab3f9z", local(5002)).unwrap();

    let [first, second] = &device.devices()[..] else { panic!("{:?}", device.devices()) };
    assert_eq!((first.id, second.id), (id("AB3F9Z"), id("ZZZZZZ")));
    // What was said last counts most.
    assert_eq!(first.addresses, [local(5002), local(5001)]);
    assert_eq!(first.address(), Some(local(5002)));
    assert_eq!((first.source, first.last_seen), (Source::Added, None));
    assert_eq!(device.discovered(), []);
    assert_eq!(device.find("AB3F9Z", std::time::Duration::ZERO).unwrap().id, first.id);

    assert!(device.remove("AB3F9Z").unwrap());
    assert!(!device.remove("AB3F9Z").unwrap());
    assert_eq!(device.devices().len(), 1);
}

fn who_asks_is_known_from_then_on<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    asking.ping(answering.id()).unwrap();
    let [peer] = &answering.devices()[..] else { panic!("{:?}", answering.devices()) };
    assert_eq!((peer.id, peer.source), (asking.id(), Source::Learned));
    assert!(peer.last_seen.is_some());
    // It did not announce itself.
    assert_eq!(answering.discovered(), []);
}

fn an_unknown_device_is_an_error_that_names_the_known_ones<F: Face>() {
    let device = F::start_with(device::<F>()).unwrap();
    let error = device.ping("NEVER2").unwrap_err();
    assert_names(&error, &[&"NEVER2", &"no device has been found yet"]);
    assert_error!(Err::<(), _>(error), Error::UnknownDevice { seen, .. } if seen.is_empty());

    device.add("AB3F9Z", local(5000)).unwrap();
    device.add("ZZZZZZ", local(5000)).unwrap();
    for error in [
        device.ping("NEVER2").unwrap_err(),
        device.fetch("NEVER2", ()).unwrap_err(),
        device.push("NEVER2", ()).unwrap_err(),
    ] {
        assert_names(&error, &[&"no device NEVER2; known are AB3F9Z, ZZZZZZ"]);
    }
}

fn a_device_does_not_know_itself<F: Face>() {
    let device = F::start_with(device::<F>()).unwrap();
    let own = device.id();
    assert_error!(device.add(own, local(device.port().unwrap())), Error::OwnId { .. });
    assert_eq!(device.devices(), []);
    let error = device.ping(own).unwrap_err();
    assert_names(&error, &[&own, &"this device itself"]);
    assert_error!(Err::<(), _>(error), Error::OwnId { .. });
}

fn what_is_no_id_or_no_address_is_shown<F: Face>() {
    let device = F::start_with(device::<F>()).unwrap();
    for wrong in ["", "AB3F9", "AB3F9Z7", "AB-F9Z", "ÄÖÜÄÖÜ"] {
        for error in [
            device.ping(wrong).unwrap_err(),
            device.fetch(wrong, ()).unwrap_err(),
            device.push(wrong, ()).unwrap_err(),
            device.add(wrong, local(5000)).unwrap_err(),
            device.remove(wrong).unwrap_err(),
            device.find(wrong, std::time::Duration::ZERO).unwrap_err(),
        ] {
            assert_names(&error, &[&format!("{wrong:?}"), &"23456789ABCDEFGHJKLMNPQRSTUVWXYZ"]);
            assert_error!(Err::<(), _>(error), Error::InvalidId(_));
        }
    }
    for wrong in [
        "",
        "kitchen:5000",
        "127.0.0.1",
        "127.0.0.1:70000",
        "127.0.0.1:0",
        "::1:5000",
        // Of no device, or of many.
        "0.0.0.0:5000",
        "[::]:5000",
        "224.0.0.106:5000",
        "255.255.255.255:5000",
        "[ff02::1]:5000",
        "[::ffff:0.0.0.0]:5000",
    ] {
        let error = device.add("AB3F9Z", wrong).unwrap_err();
        assert_names(&error, &[&format!("{wrong:?}"), &"192.168.1.23:5000"]);
        assert_error!(Err::<(), _>(error), Error::InvalidAddress(_));
    }
    assert_error!(device.add("AB3F9Z", ([127, 0, 0, 1], 0)), Error::InvalidAddress(_));
    assert_eq!(device.devices(), []);
}
