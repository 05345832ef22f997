//! Connections that many requests share: a line with a number before each message.

use easyhttp_proto::http::shared::{ASKS_TO_SHARE, SHARED_PATH, number_line};
use easyhttp_proto::http::{Fault, Incoming, head};

use super::{SIZES, receive};

const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\
    upgrade: EasyHTTP-Shared\r\n\r\n";

#[test]
fn a_number_is_a_line_of_eight_digits() {
    assert_eq!(&number_line(0), b"00000000\r\n");
    assert_eq!(&number_line(0x00ab_cdef), b"00abcdef\r\n");
    assert_eq!(&number_line(u32::MAX), b"ffffffff\r\n");
}

#[test]
fn messages_and_their_numbers_are_read_however_they_were_cut_up() {
    let numbers = [0, 1, 0xdead_beef, u32::MAX];
    let sent: Vec<u8> = numbers
        .iter()
        .flat_map(|number| {
            let length = number % 10;
            let mut message = number_line(*number).to_vec();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
            message.extend(head.bytes().chain((0..length).map(|_| b'0')));
            message
        })
        .collect();
    for step in [1, 7, 10, sent.len()] {
        let mut incoming = Incoming::new(SIZES);
        for part in ANSWER.chunks(step) {
            assert_ne!(incoming.shares(), Ok(Some(true)), "it is not whole");
            receive(&mut incoming, part);
        }
        assert_eq!(incoming.shares(), Ok(Some(true)));
        let (mut number, mut has_head, mut read) = (None, false, Vec::new());
        for part in sent.chunks(step) {
            receive(&mut incoming, part);
            loop {
                if number.is_none() {
                    number = incoming.number().unwrap();
                }
                has_head = has_head || number.is_some() && incoming.answer().unwrap().is_some();
                if !has_head || !incoming.read_body(10).unwrap() {
                    break;
                }
                has_head = false;
                let number = number.take().unwrap();
                assert_eq!(incoming.body().len(), (number % 10) as usize);
                incoming.finish();
                read.push(number);
            }
        }
        assert_eq!(read, numbers);
    }
}

#[test]
fn a_line_of_another_kind_is_no_number() {
    for line in ["0000000A\r\n", "0x000001\r\n", "+0000001\r\n", "00000001 \n", "HTTP/1.1 2"] {
        let mut incoming = Incoming::new(SIZES);
        receive(&mut incoming, line.as_bytes());
        assert_eq!(incoming.number(), Err(Fault::Number), "{line:?}");
    }
}

#[test]
fn only_the_change_that_was_asked_for_is_one() {
    for answer in [
        "HTTP/1.1 200 OK\r\nupgrade: easyhttp-shared\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
    ] {
        let mut incoming = Incoming::new(SIZES);
        receive(&mut incoming, answer.as_bytes());
        assert_eq!(incoming.shares(), Ok(Some(false)), "{answer:?}");
    }
    let mut incoming = Incoming::new(SIZES);
    receive(&mut incoming, b"hello\r\n\r\n");
    assert!(matches!(incoming.shares(), Err(Fault::Head(_))));
}

#[test]
fn the_request_for_it_says_what_it_changes_to() {
    let request = head::get(SHARED_PATH, "10.0.0.2:5000", ASKS_TO_SHARE);
    let mut incoming = Incoming::new(SIZES);
    receive(&mut incoming, request.as_bytes());
    let head = incoming.request().unwrap().unwrap();
    assert_eq!((head.method, head.path()), ("GET", SHARED_PATH));
    assert_eq!(head.fields.only("upgrade"), Some(&b"easyhttp-shared"[..]));
    assert_eq!(head.fields.only("connection"), Some(&b"upgrade"[..]));
}
