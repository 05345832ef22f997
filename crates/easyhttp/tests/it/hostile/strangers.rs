//! Ids that nobody has, and datagrams that mean nothing.

use easyhttp::{DeviceId, json};

use super::{limited, seeking, tell};
use crate::support::http::{Client, post};
use crate::support::{device, eventually, local, udp};

#[test]
fn peers_that_have_answered_stay_whoever_claims_to_exist() {
    let (victim, port) = limited(|limits| limits.peers = 30);
    let friends: Vec<_> = (0..20).map(|_| device().start().unwrap()).collect();
    for friend in &friends {
        // It says who it is, and then it answers: nobody names its address.
        friend.add(victim.id(), local(port)).unwrap();
        friend.ping(victim.id()).unwrap();
        victim.ping(friend.id()).unwrap();
    }
    let mut client = Client::connect(port);
    for number in 0..3_000_u32 {
        let id = DeviceId::from_entropy(
            [0, 0, 1, 2, 3, 4]
                .map(|at: u32| u8::try_from(number >> (5 * at) & 31).unwrap_or_default()),
        );
        let header = json!({"sender_id": id.as_str(), "sender_port": 1});
        client.ask(&post(json!({"type": 1, "header": header}).to_string()));
    }
    let known = victim.devices();
    assert!(known.len() <= 30);
    for friend in &friends {
        assert!(known.iter().any(|peer| peer.id == friend.id()), "{} is gone", friend.id());
    }
    assert!(victim.stats().peers_dropped > 0);
}

#[test]
fn datagrams_that_mean_nothing_are_counted() {
    let (device, port) = seeking(easyhttp::Limits::default());
    let socket = udp::speaker();
    tell(&socket, port, b"noise");
    tell(&socket, port, json!({"type": "bye", "id": "AB3F9Z"}).to_string().as_bytes());
    eventually("both kinds were counted", || {
        let stats = device.stats();
        stats.datagrams_malformed > 0 && stats.datagrams_ignored > 0
    });
}
