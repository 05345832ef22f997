//! Bodies: however they are framed, and what is done with them.

use easyhttp_proto::http::{Fault, Incoming};

use super::{BODY, SIZES, however_cut, only, receive, requests};

const NEXT: &[u8] = b"GET /next HTTP/1.1\r\n\r\n";

#[test]
fn chunks_say_the_same_as_a_length() {
    let with_length = b"POST / HTTP/1.1\r\ncontent-length: 10\r\n\r\n{\"type\":1}";
    let expected = only(requests([&with_length[..]])).body;
    for chunks in [
        "a\r\n{\"type\":1}\r\n0\r\n\r\n",
        "A\r\n{\"type\":1}\r\n0\r\n\r\n",
        "0000000000000000000a\r\n{\"type\":1}\r\n000\r\n\r\n",
        "1\r\n{\r\n8\r\n\"type\":1\r\n1\r\n}\r\n0\r\n\r\n",
        "a;x;y=z;w=\"\\\"\"\r\n{\"type\":1}\r\n0;x\r\n\r\n",
        "a \t;x\r\n{\"type\":1}\r\n0 \r\n\r\n",
        "a\r\n{\"type\":1}\r\n0\r\nx: y\r\ncontent-length: 3\r\nz:\r\n\r\n",
    ] {
        let bytes = format!("POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n{chunks}");
        let read = only(however_cut(bytes.as_bytes(), |parts| requests(parts.iter().copied())));
        assert_eq!(read.body, expected, "{bytes:?}");
    }
}

#[test]
fn a_request_without_a_length_has_no_body() {
    for version in ["1.0", "1.1"] {
        let head = format!("POST / HTTP/{version}\r\nconnection: keep-alive\r\n\r\n");
        let (messages, fault) = requests([head.as_bytes(), NEXT]);
        assert_eq!((messages.len(), fault), (2, None));
        assert_eq!(messages[0].body, b"");
    }
}

#[test]
fn a_large_body_is_taken_whole_and_what_follows_stays() {
    let body: Vec<u8> = (0..BODY).map(|at| (at % 251) as u8).collect();
    let length = format!("POST / HTTP/1.1\r\ncontent-length: {BODY}\r\n\r\n").into_bytes();
    let mut chunked = b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for chunk in body.chunks(1000) {
        chunked.extend(format!("{:x};x=y\r\n", chunk.len()).bytes());
        chunked.extend(chunk);
        chunked.extend(b"\r\n");
    }
    chunked.extend(b"0\r\n\r\n");
    for message in [[&length, &body[..]].concat(), chunked] {
        let bytes = [&message, NEXT, &message, NEXT].concat();
        for size in [1000, 4096, bytes.len()] {
            let (messages, fault) = requests(bytes.chunks(size));
            assert_eq!((messages.len(), fault), (4, None));
            assert!(messages[0].body == body && messages[2].body == body, "by {size} bytes");
            assert_eq!((&messages[1].body[..], &messages[3].start[..]), (&b""[..], "GET /next"));
        }
    }
}

#[test]
fn a_body_that_is_too_large_is_refused_before_it_comes() {
    for body in [
        "content-length: 11\r\n\r\n",
        "content-length: 18446744073709551615\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\nb\r\n",
        "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n",
        "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nffffffffffffffff\r\n",
    ] {
        let mut incoming = request(&format!("POST / HTTP/1.1\r\n{body}"));
        assert_eq!(incoming.read_body(10), Err(Fault::BodyTooLarge), "{body:?}");
        assert_eq!(incoming.read_body(10), Err(Fault::BodyTooLarge), "it stays so: {body:?}");
    }
    let mut incoming = Incoming::new(SIZES);
    receive(&mut incoming, b"HTTP/1.1 200 OK\r\n\r\n0123456789");
    incoming.answer().unwrap().unwrap();
    assert_eq!(incoming.read_body(10), Ok(false));
    receive(&mut incoming, b"x");
    assert_eq!(incoming.read_body(10), Err(Fault::BodyTooLarge));
}

#[test]
fn a_body_that_is_too_large_can_be_skipped_up_to_the_next_request() {
    for body in [
        "content-length: 12\r\n\r\nhello, world",
        "transfer-encoding: chunked\r\n\r\nc\r\nhello, world\r\n0\r\nx: y\r\n\r\n",
        "transfer-encoding: chunked\r\n\r\n7\r\nhello, \r\n5\r\nworld\r\n0\r\n\r\n",
    ] {
        let bytes = [b"POST / HTTP/1.1\r\n", body.as_bytes(), NEXT].concat();
        for at in 0..bytes.len() {
            let (one, other) = bytes.split_at(at);
            let mut incoming = Incoming::new(SIZES);
            receive(&mut incoming, one);
            let mut is_known = incoming.request().unwrap().is_some();
            let mut is_whole = is_known && skip(&mut incoming);
            receive(&mut incoming, other);
            if !is_known {
                is_known = incoming.request().unwrap().is_some();
            }
            is_whole = is_whole || skip(&mut incoming);
            assert!(is_known && is_whole, "cut at {at}: {body:?}");
            assert_eq!(incoming.body(), b"");
            incoming.finish();
            assert_eq!(incoming.request().unwrap().unwrap().target, "/next", "cut at {at}");
        }
        let mut incoming = request(&format!("POST / HTTP/1.1\r\n{body}"));
        assert_eq!(incoming.skip_body(11), Err(Fault::BodyTooLarge), "there is a limit to it");
    }

    /// As a device does that takes 10 bytes and throws away 20.
    fn skip(incoming: &mut Incoming) -> bool {
        match incoming.read_body(10) {
            Err(Fault::BodyTooLarge) => incoming.skip_body(20).unwrap(),
            result => result.unwrap(),
        }
    }
}

#[test]
fn nothing_is_read_after_a_body_that_was_left_before_its_end() {
    let hidden = "GET /hidden HTTP/1.1\r\n\r\n";
    for (body, looks) in [
        (format!("content-length: {}\r\n\r\n{hidden}", hidden.len()), false),
        ("transfer-encoding: chunked\r\n\r\n".to_owned(), false),
        (format!("content-length: {}\r\n\r\n{hidden}", hidden.len() + 1), true),
        (format!("transfer-encoding: chunked\r\n\r\n18\r\n{hidden}"), true),
    ] {
        let mut incoming = request(&format!("POST / HTTP/1.1\r\n{body}"));
        if looks {
            assert_eq!(incoming.read_body(BODY), Ok(false));
            incoming.take_body();
        }
        incoming.finish();
        receive(&mut incoming, hidden.as_bytes());
        assert!(incoming.request().is_err(), "{body:?}");
    }
}

#[test]
fn a_body_can_end_with_its_connection() {
    let mut incoming = Incoming::new(SIZES);
    receive(&mut incoming, b"HTTP/1.1 200 OK\r\n\r\nhello");
    incoming.answer().unwrap().unwrap();
    // What had arrived before belongs to it, whether it was read or not.
    assert_eq!(incoming.end(), Ok(()));
    assert_eq!(incoming.read_body(BODY), Ok(true));
    assert_eq!(incoming.body(), b"hello");
    incoming.finish();
    assert!(incoming.is_empty());
}

fn request(bytes: &str) -> Incoming {
    let mut incoming = Incoming::new(SIZES);
    receive(&mut incoming, bytes.as_bytes());
    incoming.request().unwrap().unwrap();
    incoming
}
