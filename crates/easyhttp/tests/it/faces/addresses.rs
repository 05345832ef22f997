//! A command never runs on a device that it was not meant for, whatever others
//! claim, and whoever has an address now.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use easyhttp::{Builder, DeviceId, Error, Value, json};

use super::{Face, device, on_both_faces, pair};
use crate::support::fake_peer::{FakePeer, Seen, Then, answer};
use crate::support::http::{Client, post};
use crate::support::{
    PATIENCE, assert_error, assert_names, eventually, id, local, next, own_port, udp,
};

on_both_faces!(
    another_device_at_an_address_that_was_added_is_named,
    another_device_at_an_address_that_worked_refuses,
    an_address_that_a_request_claims_is_pinged_first,
    an_address_that_a_datagram_claims_is_pinged_first,
    a_claim_takes_nothing_from_a_device_that_answers,
    when_one_address_fails_the_next_is_tried,
    a_device_that_moved_is_found_behind_what_has_its_address_now,
    devices_that_swap_their_addresses_get_their_own_commands,
);

/// A device that tells of the PUSHes that it runs.
fn pushed<F: Face>(builder: Builder<F::Device>) -> (F, Receiver<Value>) {
    let (pushes, heard) = channel();
    let device = F::start_with(builder.on_push(move |push| pushes.send(push.data.value()).is_ok()));
    (device.unwrap(), heard)
}

fn assert_wrong_device(error: Error, asked: &str, found: DeviceId, port: u16) {
    assert_names(&error, &[&asked, &found, &local(port)]);
    assert_error!(Err::<(), _>(error), Error::WrongDevice { found: Some(_), .. });
}

fn another_device_at_an_address_that_was_added_is_named<F: Face>() {
    let (other, pushes) = pushed::<F>(device::<F>().on_fetch(|_| 1));
    let asking = F::start_with(device::<F>()).unwrap();
    let port = other.port().unwrap();
    asking.add("WANTED", local(port)).unwrap();
    for error in [
        asking.ping("WANTED").unwrap_err(),
        asking.fetch("WANTED", ()).unwrap_err(),
        asking.push("WANTED", ()).unwrap_err(),
    ] {
        assert_wrong_device(error, "WANTED", other.id(), port);
    }
    assert!(pushes.try_recv().is_err());
    // The user's word is not forgotten: the device may come back there.
    assert_eq!(asking.devices()[0].address(), Some(local(port)));
}

fn another_device_at_an_address_that_worked_refuses<F: Face>() {
    let port = own_port();
    let asking = F::start_with(device::<F>()).unwrap();
    let (wanted, before) = pushed::<F>(device::<F>().port(port).id("WANTED"));
    asking.meet(&wanted);
    asking.push("WANTED", 1).unwrap();
    assert_eq!(next(&before), 1);
    wanted.stop();

    // Now nothing is PINGed any more: the other device itself must refuse.
    let (other, pushes) = pushed::<F>(device::<F>().port(port));
    let error = asking.push("WANTED", 2).unwrap_err();
    assert_wrong_device(error, "WANTED", other.id(), port);
    assert!(pushes.try_recv().is_err());
    asking.meet(&other);
    asking.push(other.id(), 3).unwrap();
    assert_eq!(next(&pushes), 3);
}

/// What happens to a command for a device that only this claim makes known.
fn assert_pinged_first<F: Face>(asking: &F, claim: impl FnOnce(u16)) {
    let liar = FakePeer::ponging(id("LYNG22"));
    claim(liar.at.port());
    asking.find("WANTED", PATIENCE).unwrap();
    let error = asking.push("WANTED", json!({"door": "open"})).unwrap_err();
    assert_wrong_device(error, "WANTED", id("LYNG22"), liar.at.port());
    assert_eq!(next(&liar.seen), Seen::Request(0, json!(1)));
    assert!(liar.seen.try_recv().is_err(), "more than a PING was sent");
    // The claim is refuted, and so the device is gone.
    eventually("it is unknown", || {
        matches!(asking.find("WANTED", Duration::ZERO), Err(Error::UnknownDevice { .. }))
    });
}

fn an_address_that_a_request_claims_is_pinged_first<F: Face>() {
    let asking = F::start_with(device::<F>()).unwrap();
    assert_pinged_first(&asking, |port| claim("WANTED", port, asking.port().unwrap()));
}

/// Sends a request that claims where a device is.
fn claim(id: &str, port: u16, to: u16) {
    let header = json!({"sender_id": id, "sender_port": port});
    let claim = post(json!({"type": 1, "header": header}).to_string());
    assert_eq!(Client::connect(to).ask(&claim).status, 200);
}

fn an_address_that_a_datagram_claims_is_pinged_first<F: Face>() {
    let discovery_port = own_port();
    let seeking = device::<F>().discovery(true).interfaces(["lo"]).discovery_port(discovery_port);
    let asking = F::start_with(seeking).unwrap();
    assert_pinged_first(&asking, |port| {
        let claim = json!({"type": 8, "id": "WANTED", "port": port, "boot": 1});
        udp::multicast(discovery_port, claim.to_string());
    });
}

fn a_claim_takes_nothing_from_a_device_that_answers<F: Face>() {
    let liar = FakePeer::ponging(id("LYNG22"));
    let (wanted, pushes) = pushed::<F>(device::<F>());
    let asking = F::start_with(device::<F>()).unwrap();
    asking.meet(&wanted);
    asking.ping(wanted.id()).unwrap();
    claim(wanted.id().as_str(), liar.at.port(), asking.port().unwrap());
    assert_eq!(asking.devices()[0].addresses.len(), 2);
    asking.push(wanted.id(), 1).unwrap();
    assert_eq!(next(&pushes), 1);
    assert!(liar.seen.try_recv().is_err());
}

fn when_one_address_fails_the_next_is_tried<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|_| 1));
    let (wanted, at) = (answering.id(), local(answering.port().unwrap()));
    for strange in [
        None,
        Some(FakePeer::ponging(id("THER22"))),
        Some(FakePeer::new(|_| Then::Close(Vec::new()))),
        Some(FakePeer::answering(answer(404, "<html>a router</html>"))),
        Some(FakePeer::answering(answer(200, "<html>a printer</html>"))),
        Some(FakePeer::answering("SSH-2.0-OpenSSH_9.2p1\r\n")),
    ] {
        let strange = strange.map_or(local(own_port()), |peer| peer.at);
        assert!(asking.remove(wanted).unwrap());
        asking.add(wanted, at).unwrap();
        // What was said last is tried first.
        asking.add(wanted, strange).unwrap();
        assert_eq!(asking.devices()[0].addresses, [strange, at]);
        assert_eq!(asking.fetch(wanted, ()).unwrap(), 1);
        // From now on it is asked where it answered.
        assert_eq!(asking.devices()[0].addresses, [at, strange]);
    }
}

fn a_device_that_moved_is_found_behind_what_has_its_address_now<F: Face>() {
    let asking = F::start_with(device::<F>()).unwrap();
    let port = own_port();
    let before = F::start_with(device::<F>().id("MVD222").port(port).on_fetch(|_| 1)).unwrap();
    asking.meet(&before);
    assert_eq!(asking.fetch("MVD222", ()).unwrap(), 1);
    before.stop();
    let _router = FakePeer::on(port, |_| Then::Write(answer(404, "<html>a router</html>")));
    let now = F::start_with(device::<F>().id("MVD222").on_fetch(|_| 2)).unwrap();
    claim("MVD222", now.port().unwrap(), asking.port().unwrap());
    // The address worked, so this command went there; the next one is careful.
    assert_error!(asking.fetch("MVD222", ()), Error::NotTaken { status: 404, .. });
    assert_eq!(asking.fetch("MVD222", ()).unwrap(), 2);
}

fn devices_that_swap_their_addresses_get_their_own_commands<F: Face>() {
    let discovery_port = own_port();
    let seeking =
        || device::<F>().discovery(true).interfaces(["lo"]).discovery_port(discovery_port);
    let asking = F::start_with(seeking()).unwrap();
    let mut ports = [own_port(), own_port()];
    for round in 0..4 {
        let [left, right] = [("LEFT22", ports[0]), ("RGHT22", ports[1])]
            .map(|(id, port)| pushed::<F>(seeking().id(id).port(port)));
        for (device, pushes) in [&left, &right] {
            let at = local(device.port().unwrap());
            let is_there = || asking.find(device.id(), PATIENCE).unwrap().addresses.contains(&at);
            eventually("it is heard where it is now", is_there);
            let data = json!({"for": device.id().as_str(), "round": round});
            asking.push(device.id(), &data).unwrap();
            assert_eq!(next(pushes), data);
        }
        assert!(left.1.try_recv().is_err() && right.1.try_recv().is_err());
        // Until its connections are closed, a PUSH may go to a device that stops, and
        // nobody knows what became of it.
        left.0.stop();
        right.0.stop();
        ports.reverse();
    }
}
