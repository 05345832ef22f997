//! Rust and Python devices find each other, on the multicast group that all of
//! them use.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use easyhttp::{DeviceId, EasyHttp, Source, json};
use easyhttp_proto::datagram::{Datagram, GROUP, Kind, PORT};
use socket2::{Domain, Protocol, Socket, Type};

use super::program::Python;
use super::{device, start};
use crate::support::{PATIENCE, eventually};

/// What "at once" means on a busy machine. A Python device that nobody has
/// heard announces itself again after 30 s.
const AT_ONCE: Duration = Duration::from_secs(10);

#[test]
fn a_rust_device_that_starts_later_finds_python_and_is_found() {
    let _group = group();
    let Some(python) = Python::start_discovering() else { return };
    python.returns("on_ping", ());
    let started = Instant::now();
    let easy = start_discovering();
    assert_they_know_each_other(&easy, &python);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

#[test]
fn a_python_device_that_starts_later_finds_rust_and_is_found() {
    let _group = group();
    let Some(python) = Python::discovering() else { return };
    python.returns("on_ping", ());
    let easy = start_discovering();
    python.answer_requests();
    let started = Instant::now();
    assert_they_know_each_other(&easy, &python);
    assert!(started.elapsed() < AT_ONCE, "{:?}", started.elapsed());
}

#[test]
fn a_python_device_is_greeted_once() {
    let _group = group();
    let Some(python) = Python::start_discovering() else { return };
    let group = Group::join();
    python.returns("on_ping", ());
    let easy = start_discovering();
    // It answers each of them.
    for _ in 0..5 {
        group.wait_for(Kind::Announce, easy.id());
    }
    assert_eq!(python.calls_of("on_ping").len(), greetings(&easy, &python));
}

#[test]
fn a_python_device_whose_on_ping_raises_is_greeted_once_as_well() {
    let _group = group();
    let Some(python) = Python::start_discovering() else { return };
    let group = Group::join();
    python.raises("on_ping");
    let easy = start_discovering();
    for _ in 0..5 {
        group.wait_for(Kind::Announce, easy.id());
    }
    assert_eq!(python.calls_of("on_ping").len(), greetings(&easy, &python));
    assert!(python.address_of(easy.id()).is_some());
}

#[test]
fn rust_devices_beside_a_python_device_on_one_host_all_find_it() {
    let _group = group();
    let Some(python) = Python::start_discovering() else { return };
    python.returns("on_ping", ());
    let devices: Vec<_> = (0..3)
        .map(|_| {
            let easy = start_discovering();
            assert_they_know_each_other(&easy, &python);
            easy
        })
        .collect();
    for easy in &devices {
        for other in &devices {
            assert!(easy.id() == other.id() || easy.find(other.id(), PATIENCE).is_ok());
        }
    }
}

#[test]
fn rust_devices_that_start_together_beside_a_python_device_all_find_it() {
    let _group = group();
    let Some(python) = Python::start_discovering() else { return };
    python.returns("on_ping", ());
    let devices: Vec<_> = (0..3).map(|_| start_discovering()).collect();
    for easy in &devices {
        assert_they_know_each_other(easy, &python);
    }
}

#[test]
fn a_python_device_finds_all_rust_devices_of_its_host() {
    let _group = group();
    let Some(python) = Python::discovering() else { return };
    python.returns("on_ping", ());
    let devices: Vec<_> = (0..3).map(|_| start_discovering()).collect();
    python.answer_requests();
    for easy in &devices {
        assert_they_know_each_other(easy, &python);
    }
}

#[test]
fn a_goodbye_means_nothing_to_python() {
    let _group = group();
    let Some(python) = Python::start_discovering() else { return };
    let group = Group::join();
    python.returns("on_ping", ());
    let easy = start_discovering();
    assert_they_know_each_other(&easy, &python);
    easy.stop();
    group.wait_for(Kind::Bye, easy.id());
    assert!(python.address_of(easy.id()).is_some());

    let next = start_discovering();
    assert_they_know_each_other(&next, &python);
    assert!(python.address_of(easy.id()).is_some());
}

#[test]
fn a_python_device_that_announces_before_it_answers_is_greeted_again() {
    let _group = group();
    let Some(python) = Python::discovering() else { return };
    python.returns("on_ping", ());
    let easy = start_discovering();
    let closed = TcpListener::bind((Ipv4Addr::UNSPECIFIED, python.port)).unwrap();
    python.call("start_discovery", json!([]));
    drop(closed.accept().unwrap());
    drop(closed);
    python.answer_requests();
    assert_they_know_each_other(&easy, &python);
}

#[test]
fn a_python_device_that_was_restarted_finds_us_again() {
    let _group = group();
    let Some(mut python) = Python::start_discovering() else { return };
    python.returns("on_ping", ());
    let easy = start_discovering();
    assert_they_know_each_other(&easy, &python);
    python.restart();
    eventually("Python knows us", || python.address_of(easy.id()).is_some());
}

/// As its users write it: `while True: easy.ping("ABC123"); time.sleep(5)`.
#[test]
fn a_blocking_python_device_that_calls_now_and_then_is_found_and_finds_us() {
    let _group = group();
    let Some(python) = Python::start_sync_discovering() else { return };
    let easy = start_discovering();
    let pinged = start();
    python.add(&pinged);
    eventually("they know each other", || {
        python.call("ping", json!([pinged.id()]));
        python.address_of(easy.id()).is_some() && easy.discovered().contains(&python.id)
    });
}

#[test]
fn a_device_that_only_asks_finds_python() {
    let _group = group();
    let Some(python) = Python::start_discovering() else { return };
    python.returns("on_fetch", "data");
    let asker = device(EasyHttp::builder()).ask_only().discovery(true).start().unwrap();
    assert_eq!(asker.fetch(python.id, ()).unwrap(), "data");
}

#[test]
fn a_device_that_stops_discovery_can_still_be_asked_by_python() {
    let _group = group();
    let Some(python) = Python::start_discovering() else { return };
    python.returns("on_ping", ());
    let easy = start_discovering();
    assert_they_know_each_other(&easy, &python);
    easy.stop_discovery();
    assert_eq!(python.call("ping", json!([easy.id()])), true);
    easy.ping(python.id).unwrap();
}

fn start_discovering() -> EasyHttp {
    device(EasyHttp::builder()).discovery(true).start().unwrap()
}

/// Without an `add` on either side.
fn assert_they_know_each_other(easy: &EasyHttp, python: &Python) {
    let peer = easy.find(python.id, PATIENCE).unwrap();
    assert_eq!(peer.source, Source::Found);
    assert!(easy.discovered().contains(&python.id));
    python.next_call_by(easy.id(), "on_ping");
    assert_eq!(python.address_of(easy.id()).map(|at| at.port()), easy.port());
}

/// How many PINGs it takes: one for each address at which the device was heard.
fn greetings(easy: &EasyHttp, python: &Python) -> usize {
    easy.find(python.id, PATIENCE).unwrap().addresses.len()
}

/// The group is shared by all that runs on this host, so one test has it at a
/// time.
fn group() -> MutexGuard<'static, ()> {
    static GROUP: Mutex<()> = Mutex::new(());
    GROUP.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Hears the group, and takes no answer away from those that it is meant for:
/// only what is sent to the group's own address reaches this socket.
struct Group(UdpSocket);

impl Group {
    fn join() -> Self {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind(&SocketAddr::from((GROUP, PORT)).into()).unwrap();
        socket.join_multicast_v4(&GROUP, &Ipv4Addr::LOCALHOST).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        Self(socket.into())
    }

    fn wait_for(&self, kind: Kind, id: DeviceId) {
        let mut buffer = [0; 1024];
        loop {
            let length = self.0.recv(&mut buffer).unwrap();
            let datagram = Datagram::decode(&buffer[..length]);
            if datagram.is_ok_and(|datagram| (datagram.kind, datagram.id) == (kind, id)) {
                return;
            }
        }
    }
}
