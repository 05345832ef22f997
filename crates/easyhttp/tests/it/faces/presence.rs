//! Who is gone, who has moved, who has our id.

use std::sync::mpsc::channel;
use std::time::Duration;

use easyhttp::{DeviceId, Error, PresenceEvent};

use super::{Face, device, on_both_faces};
use crate::support::presence::{comes, goes};
use crate::support::{PATIENCE, assert_error, eventually, id, local, next, own_port, udp};

on_both_faces!(
    a_device_that_is_killed_is_told_to_be_lost,
    a_request_that_gets_no_answer_has_the_device_checked_at_once,
    a_device_that_answers_a_ping_is_not_lost_however_silent_it_is,
    a_device_that_answers_elsewhere_has_moved,
    an_address_that_is_only_claimed_changes_nothing,
    a_device_whose_address_another_one_took_is_lost,
    two_devices_with_one_id_are_told_of_each_other,
    what_happens_can_be_read_until_the_device_stops,
);

fn observer<F: Face>(discovery_port: u16) -> F {
    let builder = device::<F>().discovery(true).interfaces(["lo"]).discovery_port(discovery_port);
    F::start_with(builder).unwrap()
}

/// A device that others hear of only by what [`announce`] says.
fn unannounced<F: Face>(name: &str) -> F {
    F::start_with(device::<F>().id(name)).unwrap()
}

/// What a device says that announces itself `every` so many seconds.
fn announce(discovery_port: u16, who: DeviceId, port: u16, every: u16) {
    let announcement =
        format!(r#"{{"type":8,"id":"{who}","port":{port},"boot":7,"every":{every}}}"#);
    udp::multicast(discovery_port, announcement);
}

fn a_device_that_is_killed_is_told_to_be_lost<F: Face>() {
    let (port, ghost) = (own_port(), id("GHST22"));
    let observer = observer::<F>(port);
    let (events, lost) = channel();
    observer.on_lost(move |peer| events.send(peer).unwrap());
    announce(port, ghost, own_port(), 1);
    observer.find(ghost, Duration::from_secs(5)).unwrap();
    assert_eq!(next(&lost).id, ghost);
    assert_eq!(observer.devices(), []);
    assert_error!(observer.ping(ghost), Error::UnknownDevice { .. });
}

fn a_request_that_gets_no_answer_has_the_device_checked_at_once<F: Face>() {
    let (port, ghost) = (own_port(), id("GHST22"));
    let observer = observer::<F>(port);
    let (events, lost) = channel();
    observer.on_lost(move |peer| events.send(peer).unwrap());
    // Its silence would be noticed after half an hour.
    announce(port, ghost, own_port(), 1000);
    observer.find(ghost, Duration::from_secs(5)).unwrap();
    assert_error!(observer.ping(ghost), Error::Unreachable { .. });
    assert_eq!(next(&lost).id, ghost);
}

fn a_device_that_answers_a_ping_is_not_lost_however_silent_it_is<F: Face>() {
    let port = own_port();
    let observer = observer::<F>(port);
    let (events, lost) = channel();
    observer.on_lost(move |peer| events.send(peer.id).unwrap());
    let (silent, pings) = (unannounced::<F>("SHY222"), channel());
    silent.on_ping(move |_| pings.0.send(()).unwrap());
    announce(port, silent.id(), silent.port().unwrap(), 1);
    for _ in 0..3 {
        next(&pings.1);
    }
    assert!(lost.try_recv().is_err());
    assert_eq!(observer.discovered(), [silent.id()]);
}

fn a_device_that_answers_elsewhere_has_moved<F: Face>() {
    let port = own_port();
    let observer = observer::<F>(port);
    let (events, moved) = channel();
    observer.on_moved(move |moved| events.send(moved).unwrap());
    let before = unannounced::<F>("MVR222");
    let from = before.port().unwrap();
    announce(port, before.id(), from, 1000);
    observer.find(before.id(), Duration::from_secs(5)).unwrap();
    observer.ping(before.id()).unwrap();

    before.stop();
    let after = unannounced::<F>("MVR222");
    let to = after.port().unwrap();
    // Longer than a device takes to speak from all of its addresses.
    let silence = || observer.find(after.id(), Duration::ZERO).unwrap().last_seen;
    eventually("it is silent", || silence() > Some(Duration::from_millis(100)));
    announce(port, after.id(), to, 1000);
    let moved = next(&moved);
    assert_eq!((moved.peer.id, moved.from), (after.id(), local(from)));
    assert_eq!(moved.peer.address(), Some(local(to)));
    observer.ping(after.id()).unwrap();
}

fn an_address_that_is_only_claimed_changes_nothing<F: Face>() {
    let port = own_port();
    let observer = observer::<F>(port);
    let (true_one, liar) = (unannounced::<F>("TRUE22"), unannounced::<F>("LIAR22"));
    let at = local(true_one.port().unwrap());
    announce(port, true_one.id(), at.port(), 1000);
    observer.find(true_one.id(), Duration::from_secs(5)).unwrap();
    observer.ping(true_one.id()).unwrap();
    let (events, pings) = channel();
    liar.on_ping(move |_| events.send(()).unwrap());
    announce(port, true_one.id(), liar.port().unwrap(), 1000);
    observer.ping(true_one.id()).unwrap();
    let peer = observer.find(true_one.id(), Duration::ZERO).unwrap();
    assert_eq!(peer.address(), Some(at));
    // Nothing that the liar was asked reached a handler: it was not meant.
    assert!(pings.try_recv().is_err());
}

fn a_device_whose_address_another_one_took_is_lost<F: Face>() {
    let port = own_port();
    let observer = observer::<F>(port);
    let (events, lost) = channel();
    observer.on_lost(move |peer| events.send(peer.id).unwrap());
    let (gone, other) = (id("GNE222"), unannounced::<F>("THER22"));
    announce(port, gone, other.port().unwrap(), 1000);
    observer.find(gone, Duration::from_secs(5)).unwrap();
    assert_error!(observer.push(gone, 1), Error::WrongDevice { .. });
    assert_eq!(next(&lost), gone);
    assert_error!(observer.find(gone, Duration::ZERO), Error::UnknownDevice { .. });
}

fn two_devices_with_one_id_are_told_of_each_other<F: Face>() {
    let port = own_port();
    let twin = || {
        let builder = device::<F>().id("TWIN22").discovery(true).interfaces(["lo"]);
        builder.discovery_port(port)
    };
    let (events, told_first) = channel();
    let first = F::start_with(twin()).unwrap();
    first.on_duplicate_id(move |twin| events.send(twin).unwrap());
    // The second one may be told while it starts, and only then.
    let (events, told_second) = channel();
    let second = twin().on_duplicate_id(move |twin| events.send(twin).unwrap());
    let second = F::start_with(second).unwrap();
    let (one, other) = (local(first.port().unwrap()), local(second.port().unwrap()));
    let told = next(&told_first);
    assert_eq!((told.here, told.there), (Some(one), other));
    let told = next(&told_second);
    assert_eq!((told.here, told.there), (Some(other), one));
    assert_eq!(first.devices(), []);
}

fn what_happens_can_be_read_until_the_device_stops<F: Face>() {
    let (port, guest) = (own_port(), id("GST222"));
    let observer = observer::<F>(port);
    comes(port, guest, 1);
    observer.find(guest, PATIENCE).unwrap();
    let mut presence = observer.presence();
    // It begins with those that are here.
    goes(port, guest, 1);
    let joined = F::next_event(&mut presence);
    assert!(matches!(&joined, Some(PresenceEvent::Joined(peer)) if peer.id == guest), "{joined:?}");
    let left = F::next_event(&mut presence);
    assert!(matches!(&left, Some(PresenceEvent::Left(peer)) if peer.id == guest), "{left:?}");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| F::next_event(&mut presence));
        observer.stop();
        assert_eq!(waiting.join().unwrap(), None);
    });
    assert_eq!(F::next_event(&mut presence), None);
    assert_eq!(F::next_event(&mut observer.presence()), None);
}
