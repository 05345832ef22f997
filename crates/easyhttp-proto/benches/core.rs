//! What the core does for one call and for one datagram, again and again.
//!
//! ```text
//! core NAME ROUNDS        the rounds of one benchmark
//! core                    the names of all of them
//! ```
//!
//! `cargo xtask costs` counts the instructions of a round: the difference
//! between many rounds and twice as many, so that the start does not count. So
//! a round must do the same whenever and wherever it runs: time and entropy are
//! arguments here as well.
//!
//! To add one: a function that prepares it and returns its round, and a line in
//! [`BENCHMARKS`].
#![allow(clippy::print_stdout, reason = "xtask reads the names")]

use std::env;
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::Discovery;
use easyhttp_proto::exchange::{Outcome, Reply, Request, Speaker};
use easyhttp_proto::http::{Incoming, Sizes};
use easyhttp_proto::message::{Body, Data};
use easyhttp_proto::peers::{PeerTable, Source};
use easyhttp_proto::secure::{self, Challenge, DeviceKey, Digest, Epoch, Keyring, NetworkKey};
use easyhttp_proto::{API_PATH, Command, DeviceId, limits};
use serde_json::value::RawValue;

/// What is counted, in the order of the table.
const BENCHMARKS: &[Benchmark] = &[
    ("write a request", write_a_request),
    ("read a request", read_a_request),
    ("answer a request", answer_a_request),
    ("read an answer", read_an_answer),
    ("answer with 16 KB", answer_with_16_kb),
    ("read an answer of 16 KB", read_an_answer_of_16_kb),
    ("note who asked, of 1,000 peers", note_who_asked),
    ("note who answered, of 1,000 peers", note_who_answered),
    ("hear one of 10 peers", || hear_one_of(10)),
    ("hear one of 1,000 peers", || hear_one_of(1000)),
    ("sign a request", || sign_a_request(None)),
    ("verify a request", || verify_a_request(None)),
    ("refuse a stranger's request", refuse_a_request),
    ("sign an answer", sign_an_answer),
    ("verify an answer", verify_an_answer),
    ("sign a request as a device", || sign_a_request(Some(device()))),
    ("verify a request of a device", || verify_a_request(Some(device()))),
    ("seal a request", seal_a_request),
    ("open a sealed request", open_a_request),
    ("prove a datagram", prove_a_datagram),
    ("check a datagram", check_a_datagram),
];

/// Its name, and what prepares it.
type Benchmark = (&'static str, fn() -> Round);
type Round = Box<dyn FnMut()>;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [name, rounds] => {
            let (_, prepare) =
                BENCHMARKS.iter().find(|(known, _)| *known == name).expect("a name of the list");
            let mut round = prepare();
            for _ in 0..rounds.parse().expect("a number of rounds") {
                round();
            }
        }
        _ => BENCHMARKS.iter().for_each(|(name, _)| println!("{name}")),
    }
}

fn write_a_request() -> Round {
    Box::new(|| {
        black_box(request(&black_box(query())));
    })
}

fn read_a_request() -> Round {
    let bytes = request(&query());
    Box::new(move || {
        black_box(Request::read(black_box(&bytes))).expect("a request");
    })
}

/// What a device does between the bytes that come and those that go, with what its
/// handler returns, which is written as JSON.
fn answer_a_request() -> Round {
    let (bytes, data) = (request(&query()), reading());
    Box::new(move || {
        black_box(answer(black_box(&bytes), &data));
    })
}

fn read_an_answer() -> Round {
    let bytes = answer(&request(&query()), &reading()).to_vec();
    Box::new(move || read(&bytes))
}

fn answer_with_16_kb() -> Round {
    let (bytes, data) = (request(&query()), large());
    Box::new(move || {
        black_box(answer(black_box(&bytes), &data));
    })
}

fn read_an_answer_of_16_kb() -> Round {
    let bytes = answer(&request(&query()), &large()).to_vec();
    Box::new(move || read(&bytes))
}

/// What the server's side of a call does in the peer table.
fn note_who_asked() -> Round {
    let (mut peers, mut now) = (table_of(1000), Duration::ZERO);
    Box::new(move || {
        now += Duration::from_millis(1);
        black_box(peers.hear(now, id(500), address(500), Source::Learned));
    })
}

/// What the client's side of a call does in the peer table.
fn note_who_answered() -> Round {
    let (mut peers, mut now) = (table_of(1000), Duration::ZERO);
    Box::new(move || {
        now += Duration::from_millis(1);
        let at = peers.get(black_box(id(500))).expect("a peer").addresses()[0].at;
        black_box(peers.confirm(now, id(500), at));
    })
}

/// The announcements of so many devices that are here, one after the other,
/// each every five seconds; and whatever discovery does meanwhile.
fn hear_one_of(count: usize) -> Round {
    let mut now = Duration::ZERO;
    let mut peers = PeerTable::new(own(), limits::PEERS);
    let mut discovery = Discovery::new(own(), Some(5000), 1, now);
    let announce = |peer| Datagram::new(Kind::Announce, id(peer), Some(5000), Some(1)).every(5);
    let datagrams: Vec<_> =
        (0..count).map(|peer| (address(peer), announce(peer).encode())).collect();
    let mut next = 0;
    let mut hear = move || {
        let (from, bytes) = &datagrams[next];
        next = (next + 1) % count;
        now += Duration::from_secs(5) / count as u32;
        let datagram = Datagram::decode(black_box(bytes)).expect("a datagram");
        discovery.receive(now, *from, &datagram, &mut peers);
        while let Some(action) = discovery.poll(now, &mut peers) {
            black_box(action);
        }
        black_box(discovery.next_wakeup());
    };
    // Until all are here, and greeted.
    (0..4 * count).for_each(|_| hear());
    Box::new(hear)
}

/// As an asker does, with the digest of its body.
fn sign_a_request(device: Option<DeviceKey>) -> Round {
    let (ring, body) = (ring(7), request(&query()));
    Box::new(move || {
        black_box(sign(&ring, black_box(&body), device.as_ref()));
    })
}

/// As a device does, from the head to the body.
fn verify_a_request(device: Option<DeviceKey>) -> Round {
    let (ring, body) = (ring(7), request(&query()));
    let head = signed_head(&sign(&ring, &body, device.as_ref()));
    Box::new(move || {
        let claim = claim(&ring, &head).expect("a member has signed it");
        assert_eq!(claim.check_body(black_box(&body)), Ok(()));
        black_box(claim.check_device()).expect("the key is its own");
    })
}

fn refuse_a_request() -> Round {
    let (ring, body) = (ring(7), request(&query()));
    let mut head = signed_head(&sign(&ring, &body, None));
    // A letter of the epoch: all else is as it should be.
    let place = head.windows(6).position(|it| it == b"epoch:").expect("it is there") + 10;
    head[place] ^= 1;
    Box::new(move || {
        claim(&ring, black_box(&head)).expect_err("something was changed");
    })
}

fn sign_an_answer() -> Round {
    let (ring, body) = (ring(7), request(&query()));
    let claim = claim(&ring, &signed_head(&sign(&ring, &body, None))).expect("it is signed");
    Box::new(move || {
        black_box(ring.sign_answer(&claim, &secure_answer(black_box(&body)), None));
    })
}

fn verify_an_answer() -> Round {
    let (ring, body) = (ring(7), request(&query()));
    let asked = sign(&ring, &body, None);
    let claim = claim(&ring, &signed_head(&asked)).expect("it is signed");
    let fields = ring.sign_answer(&claim, &secure_answer(&body), None);
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{fields}\r\n").into_bytes();
    Box::new(move || {
        let mut incoming = arrived(black_box(&head));
        let head = incoming.answer().expect("an answer").expect("all of it");
        let claim = asked.check_answer(&ring, &head).expect("it is signed");
        assert_eq!(claim.check_body(black_box(&body)), Ok(()));
    })
}

fn seal_a_request() -> Round {
    let (ring, body) = (ring(7), request(&query()));
    Box::new(move || {
        black_box(ring.signing().seal([1; 16], black_box(&body)));
    })
}

fn open_a_request() -> Round {
    let (ring, body) = (ring(7), request(&query()));
    let sealed = ring.signing().seal([1; 16], &body);
    Box::new(move || {
        black_box(ring.open(black_box(&sealed))).expect("it is ours");
    })
}

fn prove_a_datagram() -> Round {
    let ring = ring(7);
    let mut datagram = Datagram::new(Kind::Announce, own(), Some(5000), Some(1)).every(5);
    Box::new(move || {
        let challenge = Challenge::from_entropy([1; Challenge::LEN]);
        ring.signing().prove(black_box(&mut datagram), epoch(), challenge);
    })
}

fn check_a_datagram() -> Round {
    let ring = ring(7);
    let mut datagram = Datagram::new(Kind::Announce, own(), Some(5000), Some(1)).every(5);
    ring.signing().prove(&mut datagram, epoch(), Challenge::from_entropy([1; Challenge::LEN]));
    Box::new(move || {
        black_box(ring.check_datagram(black_box(&datagram))).expect("it is ours");
    })
}

fn ring(key: u8) -> Keyring {
    Keyring::new(NetworkKey::from_entropy([key; NetworkKey::LEN]), [])
}

fn device() -> DeviceKey {
    DeviceKey::from_seed(&[1; DeviceKey::LEN])
}

fn epoch() -> Epoch {
    Epoch::from_entropy([1; Epoch::LEN])
}

fn sign(ring: &Keyring, body: &[u8], device: Option<&DeviceKey>) -> secure::SignedRequest {
    let request = secure::Request {
        method: "POST",
        path: API_PATH,
        content_type: "application/json",
        content_encoding: None,
        idempotency_key: None,
        digest: Digest::of(body),
        epoch: epoch(),
        nonce: [2; secure::NONCE],
        created: 1_767_225_600,
    };
    ring.signing().sign_request(&request, device)
}

fn secure_answer(body: &[u8]) -> secure::Answer<'static> {
    secure::Answer {
        status: 200,
        content_type: "application/json",
        content_encoding: None,
        note: None,
        memory: None,
        digest: Digest::of(body),
        epoch: epoch(),
        created: 1_767_225_600,
    }
}

fn signed_head(signed: &secure::SignedRequest) -> Vec<u8> {
    let fields = signed.fields();
    let content = "content-type: application/json\r\ncontent-length: 156";
    format!("POST {API_PATH} HTTP/1.1\r\nhost: 10.0.0.1\r\n{content}\r\n{fields}\r\n").into_bytes()
}

fn claim(ring: &Keyring, head: &[u8]) -> Result<secure::Claim, secure::Refusal> {
    let mut incoming = arrived(head);
    ring.check_request(&incoming.request().expect("a request").expect("all of it"))
}

fn arrived(head: &[u8]) -> Incoming {
    let mut incoming = Incoming::new(Sizes { head: limits::HEADER_BLOCK, fields: limits::HEADERS });
    incoming.space()[..head.len()].copy_from_slice(head);
    incoming.arrived(head.len());
    incoming
}

fn own() -> DeviceId {
    "7H8G2K".parse().expect("an id")
}

/// The peer of this number.
fn id(peer: usize) -> DeviceId {
    format!("AB{peer:04}").parse().expect("an id")
}

fn address(peer: usize) -> SocketAddr {
    ([10, 0, (peer / 250) as u8, (peer % 250) as u8 + 1], 5000).into()
}

fn table_of(count: usize) -> PeerTable {
    let mut peers = PeerTable::new(own(), limits::PEERS);
    for peer in 0..count {
        peers.hear(Duration::ZERO, id(peer), address(peer), Source::Found);
        peers.confirm(Duration::ZERO, id(peer), address(peer));
    }
    assert_eq!(peers.len(), count, "no two have one id");
    peers
}

/// A FETCH of 156 bytes.
fn request(query: &RawValue) -> Vec<u8> {
    let asker = Speaker::new(id(500), Some(50000), 1_767_225_600);
    asker.message(Command::Fetch, Some(own())).with_data(Some(query.into())).encode()
}

fn answer(request: &[u8], data: &RawValue) -> Body {
    let request = Request::read(request).expect("a request");
    assert!(request.is_for(own()), "it is for us");
    let speaker = Speaker::new(own(), Some(5000), 1_767_225_600);
    request.answer(&speaker, Outcome::Value(Data::of(data).expect("data"))).body
}

fn read(answer: &[u8]) {
    black_box(Reply::read(own(), 200, None, black_box(answer))).expect("an answer");
}

fn query() -> Box<RawValue> {
    raw(r#"{"sensor":"temperature"}"#.to_owned())
}

fn reading() -> Box<RawValue> {
    raw(r#"{"sensor":"temperature","value":23.5,"unit":"C"}"#.to_owned())
}

/// A long list of readings.
fn large() -> Box<RawValue> {
    let readings = vec![reading().get().to_owned(); 16 * 1024 / (reading().get().len() + 1)];
    raw(format!("[{}]", readings.join(",")))
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("JSON")
}
