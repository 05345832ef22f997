//! Devices find each other by multicast.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use easyhttp::{Builder, DeviceId, Error, Peer, Source, json};

use super::{Face, device, on_both_faces};
use crate::support::fake_peer::{FakePeer, Seen};
use crate::support::{
    PATIENCE, assert_error, assert_names, eventually, id, local, next, own_port, quickly, udp,
};

on_both_faces!(
    devices_find_each_other_and_say_so,
    a_device_may_be_called_by_its_id_right_after_the_start,
    a_device_that_stops_says_goodbye,
    a_device_that_is_dropped_says_goodbye,
    discovery_can_be_stopped_and_started,
    a_device_that_only_asks_finds_and_is_not_found,
    devices_with_another_discovery_port_are_not_seen,
    find_waits_for_a_device_that_comes,
    find_gives_up_and_names_the_devices_that_were_seen,
    a_device_that_restarts_elsewhere_is_found_again,
    a_python_device_is_pinged_so_that_it_learns_us,
    a_device_that_was_forgotten_comes_back_when_it_is_heard,
);

/// A device that finds others with this discovery port, on this machine only.
fn seeking<F: Face>(discovery_port: u16) -> Builder<F::Device> {
    device::<F>().discovery(true).interfaces(["lo"]).discovery_port(discovery_port)
}

fn start<F: Face>(discovery_port: u16) -> F {
    F::start_with(seeking::<F>(discovery_port)).unwrap()
}

fn ids(peers: &[Peer]) -> Vec<DeviceId> {
    peers.iter().map(|peer| peer.id).collect()
}

fn devices_find_each_other_and_say_so<F: Face>() {
    let port = own_port();
    let (events, joined) = channel();
    let first = start::<F>(port);
    first.on_joined(move |peer| events.send(peer).unwrap());
    let second = start::<F>(port);
    let peer = next(&joined);
    assert_eq!(peer.id, second.id());
    assert_eq!(peer.address(), Some(local(second.port().unwrap())));
    assert_eq!(peer.source, Source::Found);
    assert!(peer.last_seen.is_some());
    eventually("the second finds the first", || second.discovered() == [first.id()]);
    assert_eq!(ids(&second.devices()), [first.id()]);
    assert_eq!(first.discovered(), [second.id()]);
    first.ping(second.id()).unwrap();
    second.ping(first.id()).unwrap();
}

fn a_device_may_be_called_by_its_id_right_after_the_start<F: Face>() {
    let port = own_port();
    let sensor =
        F::start_with(seeking::<F>(port).on_fetch(|_| json!({"temperature": 23.5}))).unwrap();
    for _ in 0..5 {
        let asking = start::<F>(port);
        assert_eq!(asking.fetch(sensor.id(), ()).unwrap()["temperature"], 23.5);
    }
}

/// What a second device hears when a first one goes.
fn assert_goodbye<F: Face>(leave: impl FnOnce(F)) {
    let port = own_port();
    let (events, left) = channel();
    let staying = start::<F>(port);
    staying.on_left(move |peer| events.send(peer).unwrap());
    let leaving = start::<F>(port);
    let id = leaving.id();
    staying.find(id, PATIENCE).unwrap();
    leave(leaving);
    let peer = next(&left);
    assert_eq!((peer.id, peer.source), (id, Source::Found));
    assert_eq!(staying.devices(), []);
    assert_error!(staying.find(id, Duration::ZERO), Error::UnknownDevice { .. });
}

fn a_device_that_stops_says_goodbye<F: Face>() {
    assert_goodbye::<F>(|device| device.stop());
}

fn a_device_that_is_dropped_says_goodbye<F: Face>() {
    assert_goodbye::<F>(drop);
}

fn discovery_can_be_stopped_and_started<F: Face>() {
    let port = own_port();
    let (events, heard) = channel();
    let left = events.clone();
    let staying = F::start_with(
        seeking::<F>(port)
            .on_joined(move |peer| events.send(("joined", peer.id)).unwrap())
            .on_left(move |peer| left.send(("left", peer.id)).unwrap()),
    )
    .unwrap();
    let other = F::start_with(device::<F>().interfaces(["lo"]).discovery_port(port)).unwrap();
    other.start_discovery().unwrap();
    other.start_discovery().unwrap();
    assert_eq!(next(&heard), ("joined", other.id()));
    other.find(staying.id(), PATIENCE).unwrap();
    for _ in 0..3 {
        other.stop_discovery();
        other.stop_discovery();
        // It still answers, so it has not left for those that know it.
        staying.ping(other.id()).unwrap();
        other.ping(staying.id()).unwrap();
        // For others it is not there.
        let newcomer = start::<F>(port);
        newcomer.find(staying.id(), PATIENCE).unwrap();
        assert_eq!(next(&heard), ("joined", newcomer.id()));
        assert_error!(newcomer.find(other.id(), Duration::ZERO), Error::UnknownDevice { .. });
        other.start_discovery().unwrap();
        newcomer.find(other.id(), PATIENCE).unwrap();
        drop(newcomer);
        assert_eq!(next(&heard).0, "left");
    }
}

fn a_device_that_only_asks_finds_and_is_not_found<F: Face>() {
    let port = own_port();
    let answering = start::<F>(port);
    let asking = F::start_with(seeking::<F>(port).ask_only()).unwrap();
    asking.ping(answering.id()).unwrap();
    // A third one is found by the first, so that also the second would be.
    let third = start::<F>(port);
    answering.find(third.id(), PATIENCE).unwrap();
    assert_eq!(ids(&answering.devices()), [third.id()]);
}

fn devices_with_another_discovery_port_are_not_seen<F: Face>() {
    let port = own_port();
    let stranger = start::<F>(own_port());
    let (first, second) = (start::<F>(port), start::<F>(port));
    first.find(second.id(), PATIENCE).unwrap();
    second.find(first.id(), PATIENCE).unwrap();
    assert_eq!(stranger.devices(), []);
    assert_eq!(ids(&first.devices()), [second.id()]);
}

fn find_waits_for_a_device_that_comes<F: Face>() {
    let port = own_port();
    let asking = start::<F>(port);
    thread::scope(|scope| {
        let found = scope.spawn(|| asking.find("LATE22", PATIENCE).unwrap());
        let late = F::start_with(seeking::<F>(port).id("LATE22")).unwrap();
        let peer = found.join().unwrap();
        assert_eq!(peer.address(), Some(local(late.port().unwrap())));
        // One that is known is given at once.
        quickly(Duration::from_secs(2), || asking.find("LATE22", PATIENCE).unwrap());
    });
}

fn find_gives_up_and_names_the_devices_that_were_seen<F: Face>() {
    let port = own_port();
    let (asking, other) = (start::<F>(port), start::<F>(port));
    asking.find(other.id(), PATIENCE).unwrap();
    let error = asking.find("NEVER2", Duration::from_millis(10)).unwrap_err();
    assert_names(&error, &[&"NEVER2", &"known are", &other.id()]);
    assert_error!(Err::<(), _>(error), Error::UnknownDevice { seen, .. } if seen == [other.id()]);
}

fn a_device_that_restarts_elsewhere_is_found_again<F: Face>() {
    let port = own_port();
    let asking = start::<F>(port);
    for _ in 0..3 {
        let answering = F::start_with(seeking::<F>(port).id("MVNG22")).unwrap();
        let at = local(answering.port().unwrap());
        eventually("it answers there", || {
            let known = asking.find("MVNG22", PATIENCE).unwrap();
            known.addresses.contains(&at) && asking.ping("MVNG22").is_ok()
        });
    }
}

fn a_python_device_is_pinged_so_that_it_learns_us<F: Face>() {
    let port = own_port();
    let python = FakePeer::ponging(id("PYTHN2"));
    let device = start::<F>(port);
    // It has no boot number: ours have.
    let datagram = json!({
        "version": "0.4.0-alpha.6", "type": 8, "id": "PYTHN2", "port": python.at.port(),
    });
    udp::multicast(port, datagram.to_string());
    assert_eq!(next(&python.seen), Seen::Request(0, json!(1)));
    assert_eq!(device.discovered(), [id("PYTHN2")]);
}

fn a_device_that_was_forgotten_comes_back_when_it_is_heard<F: Face>() {
    let port = own_port();
    let (asking, other) = (start::<F>(port), start::<F>(port));
    asking.find(other.id(), PATIENCE).unwrap();
    assert!(asking.remove(other.id()).unwrap());
    asking.find(other.id(), PATIENCE).unwrap();
}
