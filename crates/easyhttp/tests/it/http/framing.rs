//! Requests that come in pieces, in heaps, in an old dialect or in two
//! readings.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use serde_json::json;

use super::Served;
use crate::support::http::{Client, command, ping, post};
use crate::support::{PATIENCE, local};

#[test]
fn one_connection_takes_many_requests() {
    let served = Served::new();
    let mut client = served.connect();
    for _ in 0..200 {
        client.assert_works(served.id());
    }
}

#[test]
fn requests_may_be_sent_before_the_answers_are_read() {
    let served = Served::new();
    let mut client = served.connect();
    let from = |sender: &str| {
        post(json!({"type": 1, "header": {"sender_id": sender}}).to_string()).encode()
    };
    let senders: Vec<_> = (10..60).map(|n| format!("SNDR{n}")).collect();
    client.send(senders.iter().flat_map(|sender| from(sender)).collect::<Vec<_>>());
    for sender in senders {
        assert_eq!(client.answer().json()["header"]["recipient_id"], sender);
    }
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let served = Served::new();
    let mut client = served.connect();
    for byte in ping().encode() {
        client.send([byte]);
    }
    assert_eq!(client.answer().status, 200);
    for byte in ping().chunked().encode() {
        client.send([byte]);
    }
    assert_eq!(client.answer().status, 200);
}

#[test]
fn chunks_may_have_extensions_and_trailers() {
    let served = Served::new();
    let mut client = served.connect();
    let body = "5;x=y\r\n{\"typ\r\n5\r\ne\":1}\r\n0\r\nX-Trailer: 1\r\n\r\n";
    let request = post(body).header("Transfer-Encoding", "chunked");
    assert_eq!(client.ask(&request).status, 200);
    client.assert_works(served.id());
}

#[test]
fn head_and_body_of_an_answer_come_in_one_piece() {
    let served = Served::new();
    let mut stream = TcpStream::connect(local(served.device.port().unwrap())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    for _ in 0..100 {
        stream.write_all(&ping().encode()).unwrap();
        let mut buffer = [0; 4096];
        let length = stream.read(&mut buffer).unwrap();
        assert!(buffer[..length].ends_with(b"}"), "{:?}", &buffer[..length]);
    }
}

#[test]
fn small_exchanges_do_not_wait_to_fill_a_packet() {
    let served = Served::new();
    let mut client = served.connect();
    let fastest = (0..20).map(|_| {
        let started = std::time::Instant::now();
        client.assert_works(served.id());
        started.elapsed()
    });
    let fastest = fastest.min().unwrap();
    assert!(fastest < Duration::from_millis(30), "{fastest:?}");
}

#[test]
fn http_1_0_is_answered_and_closed() {
    let served = Served::new();
    let mut client = served.connect();
    let answer = client.ask(&ping().version("HTTP/1.0"));
    assert_eq!(answer.status, 200);
    client.assert_closes();

    let mut client = served.connect();
    let answer = client.ask(&ping().version("HTTP/1.0").header("Connection", "keep-alive"));
    assert_eq!(answer.status, 200);
    client.assert_works(served.id());
}

#[test]
fn a_connection_is_closed_when_the_asker_wants_it() {
    let served = Served::new();
    let mut client = served.connect();
    assert_eq!(client.ask(&ping().header("Connection", "close")).status, 200);
    client.assert_closes();
}

#[test]
fn what_is_no_http_is_told_so() {
    let served = Served::new();
    let post = "POST /easyhttp/api HTTP/1.1\r\nHost: 127.0.0.1\r\n\
                Content-Type: application/json\r\n";
    for malformed in [
        "hello\r\n\r\n".to_owned(),
        "\0\0\0\0\r\n\r\n".to_owned(),
        "POST\r\n\r\n".to_owned(),
        "POST /easyhttp/api\r\n\r\n".to_owned(),
        "POST /easyhttp/api HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n".to_owned(),
        "POST /easyhttp/api FTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_owned(),
        "POST /easy http/api HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_owned(),
        format!("{post}no colon\r\n\r\n"),
        format!("{post}X : 1\r\n\r\n"),
        format!("{post}X\0: 1\r\n\r\n"),
        format!("{post}Content-Length: -1\r\n\r\n"),
        format!("{post}Content-Length: ten\r\n\r\n"),
        format!("{post}Content-Length: 99999999999999999999999\r\n\r\n"),
        // Two readings of where the request ends.
        format!("{post}Content-Length: 10\r\nContent-Length: 11\r\n\r\n{{\"type\":1}}"),
        format!("{post}Transfer-Encoding: gzip\r\n\r\n"),
        "\x16\x03\x01\x02\x00\x01\x00\x01\x0c\x03\x03 a TLS greeting".to_owned(),
    ] {
        let mut client = served.connect();
        client.send(&malformed);
        let answer = client.try_answer().unwrap_or_else(|| panic!("closed: {malformed:?}"));
        assert_eq!(answer.status, 400, "{malformed:?}: {answer}");
        assert!(!answer.error().is_empty(), "{malformed:?}: {answer}");
        client.assert_closes();
        assert_eq!(served.ran.try_iter().next(), None, "{malformed:?}");
    }
    served.connect().assert_works(served.id());
}

#[test]
fn chunks_that_are_none_are_told_so() {
    let served = Served::new();
    for body in ["x\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "5\r\n{\"typ no end"] {
        let mut client = served.connect();
        client.send(post(body).header("Transfer-Encoding", "chunked").encode());
        let answer = client.try_answer().unwrap_or_else(|| panic!("closed: {body:?}"));
        assert_eq!(answer.status, 400, "{body:?}: {answer}");
    }
    assert_eq!(served.ran.try_iter().next(), None);
}

#[test]
fn a_second_request_cannot_hide_in_the_body_of_the_first() {
    let served = Served::new();
    let hidden = ping().path("/hidden").encode();
    let mut client = served.connect();
    // With both framings the chunks count, and what follows is not trusted.
    let both = post([&b"0\r\n\r\n"[..], &hidden].concat());
    client.send(
        both.header("Content-Length", 5 + hidden.len())
            .header("Transfer-Encoding", "chunked")
            .encode(),
    );
    let first = client.answer();
    assert_eq!(first.status, 400, "{first}");
    if let Some(second) = client.try_answer() {
        panic!("the hidden request was answered: {second}");
    }
}

#[test]
fn an_asker_that_leaves_in_the_middle_hurts_nobody() {
    let served = Served::new();
    let request = ping().encode();
    for length in (0..request.len()).step_by(7) {
        let mut client = served.connect();
        client.send(&request[..length]);
        drop(client);
    }
    served.connect().assert_works(served.id());
}

#[test]
fn an_asker_may_close_its_side_after_the_request() {
    let served = Served::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(local(served.device.port().unwrap())).unwrap();
        // Its handler takes long enough for the device to see the end.
        stream.write_all(&command(5, 1).encode()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer:?}");
    }
}

#[test]
fn a_connection_per_request_works_as_well() {
    let served = Served::new();
    let port = served.device.port().unwrap();
    for _ in 0..100 {
        Client::connect(port).assert_works(served.id());
    }
}
