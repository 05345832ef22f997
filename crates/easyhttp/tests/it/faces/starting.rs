//! Starting: when it returns the device is there, and when it fails nothing is
//! left.

use std::net::{Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket};

use easyhttp::{Error, StartError};

use super::{Face, device, on_both_faces, pair};
use crate::support::folder::Folder;
use crate::support::http::Client;
use crate::support::{assert_error, assert_names, eventually, is_free, local, own_port};

on_both_faces!(
    when_start_returns_the_port_answers,
    port_0_is_a_free_one_and_peers_are_told_which,
    a_port_that_is_taken_is_named,
    an_address_of_another_machine_is_named,
    a_device_answers_by_ipv6_where_it_is_told_to,
    a_device_that_only_asks_has_no_port_and_leaves_no_address,
    a_wrong_id_is_told_at_the_start,
    a_start_that_fails_late_leaves_nothing_behind,
);

fn when_start_returns_the_port_answers<F: Face>() {
    for _ in 0..20 {
        let device = F::start_with(device::<F>()).unwrap();
        Client::connect(device.port().unwrap()).assert_works(device.id());
    }
}

fn port_0_is_a_free_one_and_peers_are_told_which<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    assert_ne!(asking.port(), Some(0));
    asking.ping(answering.id()).unwrap();
    let known = answering.devices();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].id, asking.id());
    assert_eq!(known[0].address(), Some(local(asking.port().unwrap())));
    answering.ping(asking.id()).unwrap();
}

fn a_port_that_is_taken_is_named<F: Face>() {
    let taken = TcpListener::bind(local(0)).unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = F::start_with(device::<F>().port(port)).unwrap_err();
    assert_names(&error, &[&format!("port {port} is in use"), &"choose another port"]);
    assert_error!(Err::<(), _>(error), Error::Start(StartError::PortInUse { .. }));

    let first = F::start_with(device::<F>()).unwrap();
    let second = F::start_with(device::<F>().port(first.port().unwrap()));
    assert_error!(second, Error::Start(StartError::PortInUse { .. }));
}

fn an_address_of_another_machine_is_named<F: Face>() {
    let foreign = Ipv4Addr::new(203, 0, 113, 1);
    let error = F::start_with(device::<F>().address(foreign)).unwrap_err();
    assert_names(&error, &[&foreign, &"an address of this machine"]);
    assert_error!(Err::<(), _>(error), Error::Start(StartError::Listen { .. }));
}

fn a_device_answers_by_ipv6_where_it_is_told_to<F: Face>() {
    let (asking, _) = pair::<F>(device::<F>());
    let answering = F::start_with(device::<F>().address(Ipv6Addr::LOCALHOST)).unwrap();
    let port = answering.port().unwrap();
    asking.add(answering.id(), format!("[::1]:{port}")).unwrap();
    asking.ping(answering.id()).unwrap();
}

fn a_device_that_only_asks_has_no_port_and_leaves_no_address<F: Face>() {
    let answering = F::start_with(device::<F>().on_fetch(|_| 1)).unwrap();
    let asking = F::start_with(device::<F>().ask_only()).unwrap();
    assert_eq!(asking.port(), None);
    asking.meet(&answering);
    asking.ping(answering.id()).unwrap();
    assert_eq!(asking.fetch(answering.id(), ()).unwrap(), 1);
    assert_eq!(answering.devices(), []);
}

fn a_wrong_id_is_told_at_the_start<F: Face>() {
    let error = F::start_with(device::<F>().id("nonsense")).unwrap_err();
    assert_names(&error, &[&"nonsense", &"23456789ABCDEFGHJKLMNPQRSTUVWXYZ"]);
    assert_error!(Err::<(), _>(error), Error::InvalidId(_));
}

fn a_start_that_fails_late_leaves_nothing_behind<F: Face>() {
    let (port, discovery_port) = (own_port(), own_port());
    let folder = Folder::new();
    let builder = || {
        let file = folder.join("device.json");
        device::<F>().port(port).config_file(file).interfaces(["lo"]).discovery_port(discovery_port)
    };
    let taken = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, discovery_port)).unwrap();
    let error = F::start_with(builder().discovery(true)).unwrap_err();
    assert_names(&error, &[&format!("UDP port {discovery_port}"), &"without discovery"]);
    assert_error!(Err::<(), _>(error), Error::Start(StartError::Discovery { .. }));
    assert!(is_free(port));

    drop(taken);
    // The socket lives on for a moment in a process that another test is starting.
    eventually("nothing is in the way", || F::start_with(builder().discovery(true)).is_ok());
}
