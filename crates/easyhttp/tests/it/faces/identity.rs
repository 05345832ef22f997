//! Devices that are known by a key of their own.

use std::fs;
use std::sync::mpsc::channel;

use easyhttp::{Builder, Delivery, DeviceId, Error, NetworkKey, StartError, TrustFile};

use super::{Face, device, on_both_faces};
use crate::support::folder::Folder;
use crate::support::{assert_error, assert_names, id, limits, local, next, own_port};

on_both_faces!(
    a_device_keeps_its_key_and_is_known_by_it,
    who_takes_the_id_of_another_device_is_not_believed,
    who_takes_the_id_of_another_device_refuses_nothing,
    who_takes_the_id_of_another_device_is_not_heard_about_its_memory,
    a_key_that_is_shown_with_a_refusal_is_not_kept,
    who_takes_the_id_of_another_device_commands_nobody,
    a_device_that_shows_no_key_any_more_is_not_believed,
    an_identity_that_was_forgotten_may_change,
    a_key_that_others_can_read_is_refused,
    a_key_that_is_none_is_left_as_it_is,
    a_key_of_its_own_needs_a_network_key,
);

const PEER: &str = "PEER22";

fn member<F: Face>() -> Builder<F::Device> {
    device::<F>().network_key(NetworkKey::from_entropy([1; 16]))
}

/// A device with a key of its own in this folder.
fn known<F: Face>(folder: &Folder, name: &str) -> Builder<F::Device> {
    member::<F>().device_key(folder.join(name))
}

/// The peer, with the key of this name.
fn peer<F: Face>(folder: &Folder, name: &str, port: u16) -> F {
    let peer = known::<F>(folder, name).port(port).id(PEER).on_fetch(|_| 7).on_push(|_| true);
    F::start_with(peer).unwrap()
}

fn trusted(folder: &Folder) -> Vec<DeviceId> {
    let list = TrustFile::beside(folder.join("own.key")).list().unwrap();
    list.into_iter().map(|(id, _)| id).collect()
}

fn a_device_keeps_its_key_and_is_known_by_it<F: Face>() {
    let (folder, port) = (Folder::new(), own_port());
    for _ in 0..2 {
        // Both start again.
        let own = F::start_with(known::<F>(&folder, "own.key")).unwrap();
        own.add(PEER, local(port)).unwrap();
        let peer = peer::<F>(&folder, "peer.key", port);
        assert_eq!(own.fetch(PEER, ()).unwrap(), 7);
        assert_eq!(trusted(&folder), [id(PEER)]);
        peer.stop();
        own.stop();
    }
    #[cfg(unix)]
    for name in ["own.key", "own.trust"] {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

fn who_takes_the_id_of_another_device_is_not_believed<F: Face>() {
    let (folder, port) = (Folder::new(), own_port());
    let (events, changed) = channel();
    let own = F::start_with(known::<F>(&folder, "own.key")).unwrap();
    own.on_identity_changed(move |changed| events.send(changed).unwrap());
    own.add(PEER, local(port)).unwrap();
    let peer_itself = peer::<F>(&folder, "peer.key", port);
    own.fetch(PEER, ()).unwrap();
    peer_itself.stop();

    let impostor = peer::<F>(&folder, "impostor.key", port);
    let error = own.fetch(PEER, ()).unwrap_err();
    assert_names(&error, &[&PEER, &local(port), &"key", &"trust forget"]);
    assert_error!(Err::<(), _>(error), Error::IdentityChanged { .. });
    // Whether this goes to an address that was proved or after a PING: nobody may think
    // that it was refused.
    let error = own.push(PEER, 1).unwrap_err();
    assert_ne!(error.delivery(), Delivery::Refused);
    assert_error!(Err::<(), _>(error), Error::IdentityChanged { .. });
    impostor.stop();
    let event = next(&changed);
    assert_eq!((event.id, event.from), (id(PEER), local(port)));
    assert!(own.stats().identities_changed >= 2);

    // The device itself is believed again, and who comes then is news.
    let peer_itself = peer::<F>(&folder, "peer.key", port);
    assert_eq!(own.fetch(PEER, ()).unwrap(), 7);
    peer_itself.stop();
    let _impostor = peer::<F>(&folder, "impostor.key", port);
    own.fetch(PEER, ()).unwrap_err();
    assert_eq!(next(&changed).id, id(PEER));
    assert_eq!(changed.try_iter().count(), 0);
}

/// A device that knows the peer, which is not there any more.
fn bereaved<F: Face>(folder: &Folder, port: u16) -> F {
    let own = F::start_with(known::<F>(folder, "own.key")).unwrap();
    own.add(PEER, local(port)).unwrap();
    let peer_itself = peer::<F>(folder, "peer.key", port);
    own.push(PEER, 1).unwrap();
    peer_itself.stop();
    own
}

fn who_takes_the_id_of_another_device_refuses_nothing<F: Face>() {
    let (folder, port) = (Folder::new(), own_port());
    let own = bereaved::<F>(&folder, port);
    let impostor = || known::<F>(&folder, "impostor.key").port(port).id(PEER);
    for (impostor, refusal) in [
        (impostor(), "no_handler"),
        (impostor().on_push(|_| -> bool { panic!("on purpose") }), "handler_failed"),
        (impostor().on_push(|_| true).limits(limits(|limits| limits.handlers = 0)), "busy"),
        (impostor().limits(limits(|limits| limits.body = 1)), "too_large"),
    ] {
        let impostor = F::start_with(impostor).unwrap();
        let error = own.push(PEER, 2).unwrap_err();
        assert_eq!(error.delivery(), Delivery::Unknown, "{refusal}: {error}");
        assert_error!(Err::<(), _>(error), Error::IdentityChanged { .. });
        impostor.stop();
    }
}

#[cfg(feature = "outbox")]
#[test]
fn who_takes_the_id_of_another_device_refuses_no_item_of_an_outbox() {
    use easyhttp::{AfterCrash, EasyHttp};

    let (folder, port) = (Folder::new(), own_port());
    let (told, refused) = channel();
    let own = known::<super::Blocking>(&folder, "own.key").outbox_file(folder.join("outbox"));
    let own: EasyHttp = own.on_refused(move |item| told.send(item).unwrap()).start().unwrap();
    own.add(PEER, local(port)).unwrap();
    let peer = || {
        let peer = known::<super::Blocking>(&folder, "peer.key").port(port).id(PEER);
        peer.outbox_file(folder.join("peer")).durable(AfterCrash::Unknown)
    };
    let peer_itself: EasyHttp = peer().on_push(|_| true).start().unwrap();
    own.push(PEER, 1).unwrap();
    peer_itself.stop();

    let impostor = known::<super::Blocking>(&folder, "impostor.key").port(port).id(PEER);
    let impostor: EasyHttp = impostor.start().unwrap();
    own.outbox().push(PEER, 2).unwrap();
    assert_eq!(own.outbox().flush().unwrap(), 1);
    impostor.stop();
    let (events, pushed) = channel();
    let peer = peer().on_push(move |push| events.send(push.data.value()).is_ok());
    let _peer: EasyHttp = peer.start().unwrap();
    own.outbox().flush().unwrap();
    assert_eq!(next(&pushed), 2);
    assert_eq!(refused.try_iter().count(), 0);
}

fn who_takes_the_id_of_another_device_is_not_heard_about_its_memory<F: Face>() {
    let (folder, port) = (Folder::new(), own_port());
    let own = bereaved::<F>(&folder, port);
    let (events, pushed) = channel();
    let impostor = known::<F>(&folder, "impostor.key").port(port).id(PEER);
    let impostor = impostor.on_push(move |push| events.send(push.data.value()).is_ok());
    let impostor = F::start_with(impostor).unwrap();
    // It does not remember the key: that of another memory. It would take one of its own.
    assert_error!(own.push(PEER, 2), Error::IdentityChanged { .. });
    assert_eq!(pushed.try_iter().count(), 0);
    impostor.stop();
}

fn a_key_that_is_shown_with_a_refusal_is_not_kept<F: Face>() {
    let (folder, port) = (Folder::new(), own_port());
    let own = F::start_with(known::<F>(&folder, "own.key")).unwrap();
    own.add(PEER, local(port)).unwrap();
    let first = known::<F>(&folder, "impostor.key").port(port).id(PEER);
    let first = F::start_with(first.limits(limits(|limits| limits.body = 1))).unwrap();
    assert_error!(own.ping(PEER), Error::TooLarge { .. });
    assert_eq!(trusted(&folder), []);
    first.stop();
    let _peer = peer::<F>(&folder, "peer.key", port);
    assert_eq!(own.fetch(PEER, ()).unwrap(), 7);
    assert_eq!(trusted(&folder), [id(PEER)]);
}

fn who_takes_the_id_of_another_device_commands_nobody<F: Face>() {
    let folder = Folder::new();
    let (events, pushed) = channel();
    let own = known::<F>(&folder, "own.key").on_push(move |push| events.send(push.sender).is_ok());
    let own = F::start_with(own).unwrap();
    let asker = |name| {
        let asker = F::start_with(known::<F>(&folder, name).id(PEER)).unwrap();
        asker.meet(&own);
        asker
    };
    asker("peer.key").push(own.id(), 1).unwrap();
    let refused = asker("impostor.key").push(own.id(), 2);
    assert_error!(refused, Error::NotTaken { status: 403, .. });
    asker("peer.key").push(own.id(), 3).unwrap();
    assert_eq!(pushed.try_iter().count(), 2);
}

fn a_device_that_shows_no_key_any_more_is_not_believed<F: Face>() {
    let (folder, port) = (Folder::new(), own_port());
    let own = F::start_with(known::<F>(&folder, "own.key").allow_legacy(true)).unwrap();
    own.add(PEER, local(port)).unwrap();
    let peer_itself = peer::<F>(&folder, "peer.key", port);
    own.fetch(PEER, ()).unwrap();
    peer_itself.stop();
    for without in [member::<F>(), device::<F>()] {
        let without = F::start_with(without.port(port).id(PEER).on_fetch(|_| 7)).unwrap();
        assert_error!(own.fetch(PEER, ()), Error::IdentityChanged { .. });
        without.meet(&own);
        assert!(without.ping(own.id()).is_err());
        without.stop();
    }
}

fn an_identity_that_was_forgotten_may_change<F: Face>() {
    let (folder, port) = (Folder::new(), own_port());
    let own = F::start_with(known::<F>(&folder, "own.key")).unwrap();
    own.add(PEER, local(port)).unwrap();
    let old = peer::<F>(&folder, "peer.key", port);
    own.fetch(PEER, ()).unwrap();
    old.stop();
    let _new = peer::<F>(&folder, "new.key", port);
    assert_error!(own.fetch(PEER, ()), Error::IdentityChanged { .. });
    // As another program does it, while the device runs.
    let file = TrustFile::beside(folder.join("own.key"));
    assert!(file.forget(id(PEER)).unwrap());
    assert!(!file.forget(id(PEER)).unwrap());
    assert_eq!(own.fetch(PEER, ()).unwrap(), 7);
    assert_eq!(trusted(&folder), [id(PEER)]);
}

#[cfg(unix)]
fn a_key_that_others_can_read_is_refused<F: Face>() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    F::start_with(known::<F>(&folder, "own.key")).unwrap().stop();
    let file = folder.join("own.key");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let error = F::start_with(known::<F>(&folder, "own.key")).unwrap_err();
    assert_names(&error, &[&file.display(), &"0644", &"chmod 600"]);
    assert_error!(Err::<(), _>(error), Error::Start(StartError::Identity { .. }));
}

#[cfg(not(unix))]
fn a_key_that_others_can_read_is_refused<F: Face>() {}

fn a_key_that_is_none_is_left_as_it_is<F: Face>() {
    for (name, wrong) in [
        ("own.key", "0123"),
        ("own.key", "x"),
        ("own.trust", "{"),
        ("own.trust", "{\"PEER22\":\"x\"}"),
    ] {
        let folder = Folder::new();
        F::start_with(known::<F>(&folder, "own.key")).unwrap().stop();
        fs::write(folder.join(name), wrong).unwrap();
        let error = F::start_with(known::<F>(&folder, "own.key")).unwrap_err();
        assert_names(&error, &[&folder.join(name).display()]);
        assert_error!(Err::<(), _>(error), Error::Start(StartError::Identity { .. }));
        assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), wrong);
    }
}

fn a_key_of_its_own_needs_a_network_key<F: Face>() {
    let folder = Folder::new();
    let open = device::<F>().device_key(folder.join("own.key"));
    assert_error!(F::start_with(open), Error::NoNetworkKey);
}
