//! Datagrams of somebody who has no key, or has only heard what members say.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use easyhttp::{Builder, DeviceId, EasyHttp, Error, NetworkKey, json};
use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::http::{Incoming, Sizes};
use easyhttp_proto::secure::{Challenge, Epoch, Keyring};

use super::{Counting, key, member};
use crate::support::fake_peer::{FakePeer, pong};
use crate::support::{PATIENCE, eventually, id, local, next, own_port, udp};

#[test]
fn what_is_not_said_as_it_was_signed_is_counted_and_not_heard() {
    let port = own_port();
    let (events, joined) = channel();
    let device = seeking(port).on_joined(move |peer| events.send(peer.id).unwrap());
    let device = device.start().unwrap();
    let named = FakePeer::ponging(id("FRGED2"));
    let question = || Datagram::new(Kind::Announce, id("FRGED2"), Some(named.at.port()), Some(7));
    let said = || proved(question(), &key());
    let after = |change: fn(&mut Datagram)| {
        let mut datagram = said();
        change(&mut datagram);
        datagram
    };
    let forged = [
        question(),
        question().asking(true),
        proved(question(), &NetworkKey::from_entropy([2; 16])),
        after(|it| it.id = id("FRGED3")),
        after(|it| it.port = it.port.map(|port| port ^ 1)),
        after(|it| it.boot = Some(8)),
        after(|it| it.every = Some(1)),
        after(|it| it.kind = Kind::Answer),
        after(|it| it.kind = Kind::Bye),
        after(|it| it.proof.as_mut().unwrap().epoch = Epoch::from_entropy([9; 12])),
        after(|it| it.proof.as_mut().unwrap().challenge = Challenge::from_entropy([9; 12])),
        after(|it| it.proof.as_mut().unwrap().key = NetworkKey::from_entropy([2; 16]).id()),
    ];
    for (before, datagram) in forged.iter().enumerate() {
        udp::multicast(port, datagram.encode());
        eventually("it is counted", || {
            device.stats().datagrams_unauthenticated == before as u64 + 1
        });
        assert_eq!(device.devices(), [], "{datagram:?}");
    }
    assert!(named.seen.try_recv().is_err());
    // Unchanged, it is heard, and nobody was before.
    udp::multicast(port, said().encode());
    assert_eq!(next(&joined), id("FRGED2"));
    assert_eq!(device.devices().len(), 1);
    assert_eq!(device.stats().datagrams_unauthenticated, forged.len() as u64);
}

#[test]
fn the_answer_to_an_earlier_question_is_not_heard() {
    let port = own_port();
    let listener = udp::listener(port);
    let question = || loop {
        let (datagram, _) = hear(&listener);
        if datagram.asks {
            return datagram.proof.unwrap().challenge;
        }
    };
    let answer = |challenge| {
        let mut answer = Datagram::new(Kind::Answer, id("MEMBR2"), Some(9), Some(7));
        let epoch = Epoch::from_entropy([0; 12]);
        Keyring::new(key(), []).signing().prove(&mut answer, epoch, challenge);
        udp::multicast(port, answer.encode());
    };
    let device = seeking(port).start().unwrap();
    let earlier = question();
    drop(device);
    while udp::is_waiting(&listener) {
        hear(&listener);
    }
    let device = seeking(port).start().unwrap();
    let now = question();
    answer(earlier);
    eventually("it is counted", || device.stats().datagrams_unauthenticated == 1);
    assert_eq!(device.devices(), []);
    answer(now);
    eventually("it is heard", || device.discovered() == [id("MEMBR2")]);
}

#[test]
fn what_a_member_said_and_another_repeats_changes_no_address() {
    let served = Announced::new();
    let port = own_port();
    let asking = seeking(port).start().unwrap();
    asking.add(served.id(), served.at()).unwrap();
    asking.ping(served.id()).unwrap();
    let elsewhere = Impostor::new(&served);
    let mut requests = Vec::new();
    // Right after the member has answered at its own address nobody else is asked.
    eventually("the other address is asked", || {
        elsewhere.repeat(&served.datagram, port);
        requests.extend(elsewhere.requests.try_iter());
        !requests.is_empty()
    });
    asking.push(served.id(), 1).unwrap();
    assert_eq!(served.counting.pushed(), 1);
    assert_eq!(asking.devices()[0].address(), Some(served.at()));
    requests.extend(elsewhere.requests.try_iter());
    requests.iter().for_each(|request| assert_signed_ping(request));
}

#[test]
fn who_repeats_what_a_member_said_gets_no_command_in_its_place() {
    let served = Announced::new();
    let port = own_port();
    let asking = seeking(port).start().unwrap();
    let elsewhere = Impostor::new(&served);
    elsewhere.repeat(&served.datagram, port);
    asking.find(served.id(), PATIENCE).unwrap();

    let pushed = asking.push(served.id(), 1);
    assert!(matches!(pushed, Err(Error::NotAuthenticated { .. })), "{pushed:?}");
    let requests: Vec<_> = elsewhere.requests.try_iter().collect();
    assert!(!requests.is_empty());
    requests.iter().for_each(|request| assert_signed_ping(request));
    assert_eq!(served.counting.pushed(), 0);
}

fn seeking(port: u16) -> Builder<EasyHttp> {
    member().discovery(true).interfaces(["lo"]).discovery_port(port)
}

fn proved(mut datagram: Datagram, key: &NetworkKey) -> Datagram {
    let (epoch, challenge) = (Epoch::from_entropy([1; 12]), Challenge::from_entropy([1; 12]));
    let key = key.text().to_string().parse().unwrap();
    Keyring::new(key, []).signing().prove(&mut datagram, epoch, challenge);
    datagram
}

/// The next datagram of the group, and its bytes.
fn hear(listener: &std::net::UdpSocket) -> (Datagram, Vec<u8>) {
    let mut bytes = vec![0; 2048];
    let length = listener.recv(&mut bytes).unwrap();
    bytes.truncate(length);
    (Datagram::decode(&bytes).unwrap(), bytes)
}

/// A member, and what it says where nobody else of a test hears it.
struct Announced {
    counting: Counting,
    datagram: Vec<u8>,
}

impl Announced {
    fn new() -> Self {
        let port = own_port();
        let listener = udp::listener(port);
        let counting = Counting::new(seeking(port));
        let (_, datagram) = hear(&listener);
        Self { counting, datagram }
    }

    fn id(&self) -> DeviceId {
        self.counting.device.id()
    }

    fn at(&self) -> SocketAddr {
        local(self.counting.port())
    }
}

/// Somebody with another address, who takes the port of a member, and answers as it would
/// without a key.
struct Impostor {
    address: Ipv4Addr,
    requests: Receiver<Vec<u8>>,
}

impl Impostor {
    fn new(member: &Announced) -> Self {
        let address = Ipv4Addr::new(127, 0, 0, 2);
        let listener = TcpListener::bind((address, member.at().port())).unwrap();
        let (sender, requests) = channel();
        let pong = pong(member.id());
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let (sender, pong) = (sender.clone(), pong.clone());
                thread::spawn(move || {
                    let mut buffer = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut buffer) {
                        let _ = sender.send(buffer[..length].to_vec());
                        let _ = stream.write_all(&pong);
                    }
                });
            }
        });
        Self { address, requests }
    }

    fn repeat(&self, datagram: &[u8], port: u16) {
        udp::speaker_at(self.address).send_to(datagram, (udp::GROUP, port)).unwrap();
    }
}

fn assert_signed_ping(request: &[u8]) {
    let mut incoming = Incoming::new(Sizes { head: 4096, fields: 64 });
    incoming.space()[..request.len()].copy_from_slice(request);
    incoming.arrived(request.len());
    let head = incoming.request().unwrap().unwrap();
    Keyring::new(key(), []).check_request(&head).unwrap();
    assert!(incoming.read_body(4096).unwrap());
    let message: easyhttp::Value = serde_json::from_slice(incoming.body()).unwrap();
    assert_eq!(message["type"], json!(1));
}
