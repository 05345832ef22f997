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
use easyhttp_proto::message::Body;
use easyhttp_proto::peers::{PeerTable, Source};
use easyhttp_proto::{Command, DeviceId, limits};
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

/// What a device does between the bytes that come and those that go, with data that
/// its handler gives away.
fn answer_a_request() -> Round {
    let (bytes, data) = (request(&query()), reading());
    Box::new(move || {
        black_box(answer(black_box(&bytes), data.clone()));
    })
}

fn read_an_answer() -> Round {
    let bytes = answer(&request(&query()), reading()).to_vec();
    Box::new(move || read(&bytes))
}

fn answer_with_16_kb() -> Round {
    let (bytes, data) = (request(&query()), large());
    Box::new(move || {
        black_box(answer(black_box(&bytes), data.clone()));
    })
}

fn read_an_answer_of_16_kb() -> Round {
    let bytes = answer(&request(&query()), large()).to_vec();
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

fn answer(request: &[u8], data: Box<RawValue>) -> Body {
    let request = Request::read(request).expect("a request");
    assert!(request.is_for(own()), "it is for us");
    let speaker = Speaker::new(own(), Some(5000), 1_767_225_600);
    request.answer(&speaker, Outcome::Value(data)).body
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
