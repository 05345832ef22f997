//! Devices find each other where multicast does not pass, and tell what they
//! do on each interface.

use std::thread;
use std::time::Duration;

use easyhttp::{Builder, Error, InterfaceState, Source};

use super::{Face, device, on_both_faces};
use crate::support::fake_peer::FakePeer;
use crate::support::folder::Folder;
use crate::support::{PATIENCE, assert_error, eventually, id, local, own_port};

on_both_faces!(
    a_named_device_is_found_and_asked_for_its_id,
    a_named_device_is_found_whenever_it_comes,
    a_name_is_looked_up,
    what_names_no_device_is_an_error,
    a_device_that_names_itself_is_no_peer_and_no_duplicate,
    the_devices_of_the_last_run_are_found_again,
    a_file_of_peers_that_is_damaged_does_no_harm,
    the_interfaces_are_told,
);

/// A device whose multicast reaches nobody else: no other has this port.
fn alone<F: Face>() -> Builder<F::Device> {
    device::<F>().discovery(true).interfaces(["lo"]).discovery_port(own_port())
}

fn a_named_device_is_found_and_asked_for_its_id<F: Face>() {
    let named = F::start_with(alone::<F>()).unwrap();
    let at = local(named.port().unwrap());
    let device = F::start_with(alone::<F>().peer(at.to_string())).unwrap();
    let peer = device.find(named.id(), PATIENCE).unwrap();
    assert_eq!((peer.address(), peer.source), (Some(at), Source::Added));
    assert_eq!(peer.version.as_deref(), Some("0.4.0"));
    device.ping(named.id()).unwrap();
    // It knows who asked.
    eventually("both know each other", || named.find(device.id(), Duration::ZERO).is_ok());
}

fn a_named_device_is_found_whenever_it_comes<F: Face>() {
    let port = own_port();
    let device = F::start_with(alone::<F>().peer(local(port).to_string())).unwrap();
    thread::scope(|scope| {
        let late = alone::<F>().port(port).id("7H8G2K");
        let found = scope.spawn(|| device.find("7H8G2K", PATIENCE));
        let _late = F::start_with(late).unwrap();
        found.join().unwrap().unwrap();
    });
}

fn a_name_is_looked_up<F: Face>() {
    let named = F::start_with(alone::<F>()).unwrap();
    let name = format!("localhost:{}", named.port().unwrap());
    let device = F::start_with(alone::<F>().peer(name)).unwrap();
    device.find(named.id(), PATIENCE).unwrap();
}

fn what_names_no_device_is_an_error<F: Face>() {
    for bad in ["", "192.168.1.23", "192.168.1.23:", ":5000", "host:0", "host:70000", "fe80::1:5"] {
        let started = F::start_with(alone::<F>().peer(bad));
        assert_error!(started, Error::InvalidAddress(given) if given == bad);
    }
}

fn a_device_that_names_itself_is_no_peer_and_no_duplicate<F: Face>() {
    let port = own_port();
    let other = FakePeer::ponging(id("7H8G2K"));
    let own = local(port).to_string();
    let builder = alone::<F>().port(port).peer(own).peer(other.at.to_string());
    let device = F::start_with(builder.on_duplicate_id(|twin| panic!("{twin:?}"))).unwrap();
    device.find("7H8G2K", PATIENCE).unwrap();
    assert_eq!(device.devices().len(), 1);
}

fn the_devices_of_the_last_run_are_found_again<F: Face>() {
    let folder = Folder::new();
    let port = own_port();
    let file = folder.join("device.json");
    let other = F::start_with(alone::<F>().discovery_port(port)).unwrap();
    let device = F::start_with(alone::<F>().discovery_port(port).config_file(&file)).unwrap();
    device.find(other.id(), PATIENCE).unwrap();
    device.stop();
    // Addresses of this machine mean nothing to others, so they are not kept.
    let kept = std::fs::read_to_string(folder.join(".device.json.peers")).unwrap_or_default();
    assert!(!kept.contains("127.0.0.1"), "{kept}");
}

fn a_file_of_peers_that_is_damaged_does_no_harm<F: Face>() {
    for damaged in ["", "{", "[]", r#"{"peers":[{"id":1,"address":"nowhere"}]}"#] {
        let folder = Folder::new();
        std::fs::write(folder.join(".device.json.peers"), damaged).unwrap();
        let builder = alone::<F>().config_file(folder.join("device.json"));
        F::start_with(builder).unwrap().stop();
    }
}

fn the_interfaces_are_told<F: Face>() {
    let device = F::start_with(alone::<F>()).unwrap();
    eventually("it announces itself on loopback, and hears it", || {
        let interfaces = device.interfaces();
        let lo = interfaces.iter().find(|interface| interface.name == "lo").unwrap();
        let is_whole = lo.addresses.contains(&local(0).ip()) && lo.state == InterfaceState::Used;
        is_whole && lo.sent > 0 && lo.heard > 0
    });
    device.stop_discovery();
    assert_eq!(device.interfaces(), []);
    let missing = F::start_with(alone::<F>().interfaces(["nothing0"])).unwrap();
    let is_skipped = |interface: &easyhttp::Interface| {
        matches!(interface.state, InterfaceState::Skipped(_)) && interface.sent == 0
    };
    assert!(missing.interfaces().iter().all(is_skipped), "{:?}", missing.interfaces());
}
