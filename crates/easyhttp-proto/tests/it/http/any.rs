//! What holds for any messages, cut and damaged in any way.

use easyhttp_proto::http::{Incoming, head};
use easyhttp_proto::limits;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::{BODY, SIZES, answers, receive, requests};

proptest! {
    #[test]
    fn requests_arrive_as_they_were_sent_however_cut(
        sent in vec(any_request(), 1..6),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let bytes: Vec<u8> = sent.iter().flat_map(Sent::bytes).collect();
        let (read, fault) = requests(cut(&bytes, &cuts));
        prop_assert_eq!(fault, None);
        prop_assert_eq!(read.len(), sent.len());
        for (read, sent) in read.iter().zip(&sent) {
            prop_assert_eq!(&read.start, &sent.start);
            prop_assert_eq!(&read.body, &sent.body);
            let fields = &read.fields[..sent.fields.len()];
            prop_assert_eq!(fields, &sent.fields[..]);
        }
    }

    #[test]
    fn what_is_damaged_is_read_in_one_way_however_cut(
        sent in vec(any_request(), 1..4),
        damage in vec((any::<Index>(), any_piece(), 0_usize..4), 1..4),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let mut bytes: Vec<u8> = sent.iter().flat_map(Sent::bytes).collect();
        for (at, piece, removed) in damage {
            let at = at.index(bytes.len() + 1);
            let end = bytes.len().min(at + removed);
            bytes.splice(at..end, piece.bytes());
        }
        // Every head comes to an end: one that has not may be looked at a little later,
        // and so may what is wrong with it.
        bytes.extend(b"\r\n\r\n");
        let (whole, fault) = requests([&bytes[..]]);
        let (read, other) = requests(cut(&bytes, &cuts));
        prop_assert_eq!(read, whole);
        prop_assert_eq!(other.is_some(), fault.is_some());
        // The same bytes as answers: they are read or not, and that is all.
        answers(cut(&bytes, &cuts));
    }

    #[test]
    fn answers_that_we_send_are_read_however_cut(
        sent in vec((select(&[200, 204, 400, 421, 500, 503][..]), ".{0,64}"), 1..6),
        cuts in vec(any::<Index>(), 0..12),
    ) {
        let mut bytes = Vec::new();
        let mut head = String::new();
        for (status, body) in &sent {
            head::answer(&mut head, *status, [("content-type", "application/json")], "", body.len());
            bytes.extend(head.bytes());
            bytes.extend(body.bytes().filter(|_| *status != 204));
        }
        let (read, fault) = answers(cut(&bytes, &cuts));
        prop_assert_eq!((read.len(), fault), (sent.len(), None));
        for (read, (status, body)) in read.iter().zip(&sent) {
            prop_assert_eq!(&read.start, &status.to_string());
            prop_assert_eq!(&read.body[..], if *status == 204 { b"" } else { body.as_bytes() });
        }
    }

    #[test]
    fn nothing_that_arrives_or_is_called_causes_a_panic_or_fills_the_memory(
        steps in vec(any_step(), 0..64),
    ) {
        let mut incoming = Incoming::new(SIZES);
        let mut given = 0;
        for step in steps {
            match step {
                Step::Receive(bytes) => {
                    receive(&mut incoming, bytes.as_bytes());
                    given += bytes.len();
                }
                Step::Arrived(count) => incoming.arrived(count),
                Step::Request => drop(incoming.request().map(|head| head.is_some())),
                Step::Answer => drop(incoming.answer().map(|head| head.is_some())),
                Step::Read(limit) => drop(incoming.read_body(limit)),
                Step::Skip(limit) => drop(incoming.skip_body(limit)),
                Step::End => drop(incoming.end()),
                Step::Take => given = given.saturating_sub(incoming.take_body().len()),
                Step::Finish => incoming.finish(),
            }
            let space = incoming.space().len();
            prop_assert!(space > 0);
            prop_assert!(space <= 2 * (given + limits::HEADER_BLOCK) + 64 * 1024, "{}", space);
        }
    }
}

/// A request, and what its bytes are.
#[derive(Debug, Clone)]
struct Sent {
    start: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
    /// Where its chunks are cut, if it has any.
    chunks: Option<Vec<Index>>,
    has_empty_line: bool,
}

impl Sent {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = if self.has_empty_line { b"\r\n".to_vec() } else { Vec::new() };
        bytes.extend(format!("{} HTTP/1.1\r\n", self.start).bytes());
        for (name, value) in &self.fields {
            bytes.extend(format!("{name}:\t{value} \r\n").bytes());
        }
        match &self.chunks {
            Some(cuts) => {
                bytes.extend(b"Transfer-Encoding: chunked\r\n\r\n");
                for chunk in cut(&self.body, cuts).filter(|chunk| !chunk.is_empty()) {
                    bytes.extend(format!("{:X};x=y\r\n", chunk.len()).bytes());
                    bytes.extend(chunk);
                    bytes.extend(b"\r\n");
                }
                bytes.extend(b"0\r\nx: y\r\n\r\n");
            }
            None => {
                bytes.extend(format!("Content-Length: {}\r\n\r\n", self.body.len()).bytes());
                bytes.extend(&self.body);
            }
        }
        bytes
    }
}

fn any_request() -> impl Strategy<Value = Sent> {
    let start = "(GET|POST|X-[a-z]{0,9}) /[a-z/?=%:]{0,20}";
    let fields = vec(("x-[A-Za-z0-9!#$'*+.^_`|~-]{0,12}", "[!-~&&[^\t]]{0,20}"), 0..6);
    let body = prop_oneof![vec(any::<u8>(), 0..64), vec(any::<u8>(), 0..8192)];
    let chunks = proptest::option::of(vec(any::<Index>(), 0..5));
    (start, fields, body, chunks, any::<bool>()).prop_map(
        |(start, fields, body, chunks, has_empty_line)| Sent {
            start,
            fields,
            body,
            chunks,
            has_empty_line,
        },
    )
}

/// What changes the meaning of the bytes around it.
fn any_piece() -> impl Strategy<Value = String> {
    let known = select(
        &[
            "\r\n",
            "\n",
            "\r",
            "\r\n\r\n",
            " ",
            "\t",
            "\0",
            ":",
            ";",
            "0",
            "5",
            "ff",
            "é",
            "content-length: 3\r\n",
            "transfer-encoding: chunked\r\n",
            "connection: close\r\n",
            "0\r\n\r\n",
            "5\r\nhello\r\n",
            "GET / HTTP/1.1\r\n\r\n",
            "HTTP/1.1 200 OK\r\n",
        ][..],
    );
    prop_oneof![known.prop_map(str::to_owned), "[ -~]{0,3}"]
}

#[derive(Debug, Clone)]
enum Step {
    Receive(String),
    Arrived(usize),
    Request,
    Answer,
    Read(usize),
    Skip(usize),
    End,
    Take,
    Finish,
}

/// Anything in any order, sensible or not.
fn any_step() -> impl Strategy<Value = Step> {
    let limit = || prop_oneof![0_usize..100, Just(BODY), Just(usize::MAX)];
    prop_oneof![
        4 => any_piece().prop_map(Step::Receive),
        4 => any_request().prop_map(|it| Step::Receive(String::from_utf8_lossy(&it.bytes()).into())),
        1 => prop_oneof![0_usize..10, Just(usize::MAX)].prop_map(Step::Arrived),
        4 => Just(Step::Request),
        2 => Just(Step::Answer),
        4 => limit().prop_map(Step::Read),
        1 => limit().prop_map(Step::Skip),
        1 => Just(Step::End),
        1 => Just(Step::Take),
        2 => Just(Step::Finish),
    ]
}

fn cut<'a>(bytes: &'a [u8], cuts: &[Index]) -> impl Iterator<Item = &'a [u8]> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    places.extend([0, bytes.len()]);
    places.sort_unstable();
    (1..places.len()).map(move |at| &bytes[places[at - 1]..places[at]])
}
