//! How much a peer can make a connection hold, and how much work it can make of
//! little.

use easyhttp_proto::http::{Fault, Incoming, Sizes};
use easyhttp_proto::limits;

use super::{SIZES, receive, requests};

/// What a connection may have beside the limits, in bytes.
const MORE: usize = 8 * 1024;

#[test]
fn a_head_has_no_more_bytes_than_it_may_have() {
    let head = |length: usize| {
        let around = "GET / HTTP/1.1\r\nx: \r\n\r\n".len();
        format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "y".repeat(length - around))
    };
    let sizes = Sizes { head: 100, fields: 1 };
    for step in [1, 7, 200] {
        let read = |head: String| {
            let mut incoming = Incoming::new(sizes);
            for part in head.as_bytes().chunks(step) {
                receive(&mut incoming, part);
                if let Some(head) = incoming.request()? {
                    return Ok(head.fields.iter().count());
                }
            }
            panic!("it is whole");
        };
        assert_eq!(read(head(100)), Ok(1));
        assert_eq!(read(head(101)), Err(Fault::HeadTooLarge));
        assert_eq!(read("GET / HTTP/1.1\r\nx:\r\ny:\r\n\r\n".into()), Err(Fault::HeadTooLarge));
    }
}

#[test]
fn many_fields_are_read_up_to_the_limit() {
    for (most, count, is_taken) in [(64, 64, true), (64, 65, false), (200, 200, true)] {
        let head = format!("GET / HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(count));
        let mut incoming = Incoming::new(Sizes { head: 16 * 1024, fields: most });
        receive(&mut incoming, head.as_bytes());
        let read = incoming.request().map(|head| head.unwrap().fields.iter().count());
        assert_eq!(read, if is_taken { Ok(count) } else { Err(Fault::HeadTooLarge) });
    }
}

#[test]
fn a_head_without_an_end_does_not_fill_the_memory() {
    for (begin, again) in [
        ("GET /", "x"),
        ("GET / HTTP/1.1\r\n", "x: y\r\n"),
        ("GET / HTTP/1.1\r\nx: ", "y"),
        ("", "G"),
    ] {
        let mut incoming = Incoming::new(SIZES);
        let mut given = 0;
        let parts = std::iter::once(begin).chain(std::iter::repeat(again));
        let fault = parts.map(str::as_bytes).find_map(|part| {
            given += part.len();
            receive(&mut incoming, part);
            let room = given + incoming.space().len();
            assert!(room <= limits::HEADER_BLOCK + MORE, "{room} bytes: {begin:?}");
            incoming.request().err()
        });
        assert_eq!(fault, Some(Fault::HeadTooLarge), "{begin:?}");
    }
}

#[test]
fn empty_lines_fill_no_memory() {
    let mut incoming = Incoming::new(SIZES);
    let room = incoming.space().len();
    for _ in 0..10_000 {
        receive(&mut incoming, b"\r\n\r\n\r");
        assert_eq!(incoming.request().map(|head| head.is_some()), Ok(false));
        receive(&mut incoming, b"\n");
        assert_eq!(incoming.request().map(|head| head.is_some()), Ok(false));
    }
    assert_eq!((incoming.is_empty(), incoming.space().len()), (true, room));
}

#[test]
fn a_body_takes_no_more_room_than_it_has_bytes() {
    let limit = 100 * 1024;
    for (fields, part) in [
        (format!("content-length: {limit}"), "hello".to_owned()),
        ("transfer-encoding: chunked".to_owned(), "5;x=y\r\nhello\r\n".to_owned()),
        // Much ado about nothing.
        ("transfer-encoding: chunked".to_owned(), "1\r\nx\r\n".to_owned()),
        ("transfer-encoding: chunked".to_owned(), format!("2000\r\n{}\r\n", "x".repeat(0x2000))),
    ] {
        let mut incoming = Incoming::new(SIZES);
        receive(&mut incoming, format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes());
        incoming.request().unwrap().unwrap();
        loop {
            match incoming.read_body(limit) {
                Ok(false) => {}
                Ok(true) | Err(Fault::BodyTooLarge | Fault::Chunk(_)) => break,
                Err(fault) => panic!("{fault}"),
            }
            let held = incoming.body().len();
            assert!(room(&mut incoming) <= 2 * held + 64 * 1024 + MORE, "a claim is no byte");
            assert!(room(&mut incoming) <= limit + MORE, "{}", room(&mut incoming));
            receive(&mut incoming, part.as_bytes());
        }
    }
}

#[test]
fn a_body_that_is_skipped_takes_no_room() {
    for (fields, part) in [
        ("content-length: 10000000", "x".repeat(1000)),
        ("transfer-encoding: chunked", format!("3e8\r\n{}\r\n", "x".repeat(1000))),
    ] {
        let mut incoming = Incoming::new(SIZES);
        receive(&mut incoming, format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n").as_bytes());
        incoming.request().unwrap().unwrap();
        for _ in 0..1000 {
            receive(&mut incoming, part.as_bytes());
            assert_eq!(incoming.skip_body(10_000_000), Ok(false));
            assert!(room(&mut incoming) <= MORE);
        }
    }
}

#[test]
fn a_large_message_leaves_no_large_room_behind() {
    let body = vec![b'x'; 1024 * 1024];
    for takes in [false, true] {
        let mut incoming = Incoming::new(SIZES);
        let head = format!("POST / HTTP/1.1\r\ncontent-length: {}\r\n\r\n", body.len());
        receive(&mut incoming, head.as_bytes());
        incoming.request().unwrap().unwrap();
        receive(&mut incoming, &body);
        receive(&mut incoming, b"GET");
        assert_eq!(incoming.read_body(body.len()), Ok(true));
        if takes {
            assert!(incoming.take_body() == body);
        }
        incoming.finish();
        assert!(incoming.space().len() <= MORE);
        receive(&mut incoming, b" /next HTTP/1.1\r\n\r\n");
        assert_eq!(incoming.request().unwrap().unwrap().target, "/next");
    }
}

#[test]
fn chunks_say_little_besides_their_bytes() {
    let post =
        |chunks: String| format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{chunks}");
    let fields = |count: usize| post(format!("0\r\n{}\r\n", "x: y\r\n".repeat(count)));
    let extensions = |count: usize| {
        let chunk = format!("1;{}\r\nx\r\n", "y".repeat(1023));
        post(format!("{}0\r\n\r\n", chunk.repeat(count)))
    };
    let line = |length: usize| post(format!("0;{}\r\n\r\n", "y".repeat(length)));
    for (bytes, is_taken) in [
        (fields(limits::HEADERS), true),
        (fields(limits::HEADERS + 1), false),
        (extensions(16), true),
        (extensions(17), false),
        (line(limits::HEADER_BLOCK - 1), true),
        (line(limits::HEADER_BLOCK), false),
        (post("0".repeat(20_000)), false),
    ] {
        for size in [1000, bytes.len()] {
            let (messages, fault) = requests(bytes.as_bytes().chunks(size));
            assert_eq!((messages.len() == 1, fault.is_none()), (is_taken, is_taken), "{fault:?}");
        }
    }
}

/// All the room of a connection whose body is being read: from the first byte of
/// the body to the end of the space.
fn room(incoming: &mut Incoming) -> usize {
    let end = incoming.space().as_ptr_range().end as usize;
    end - incoming.body().as_ptr() as usize
}
