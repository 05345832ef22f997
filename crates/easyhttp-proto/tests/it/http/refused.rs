//! What could be read in two ways, and so is not read at all.

use easyhttp_proto::http::Fault;

use super::{answers, requests};

#[test]
fn a_head_that_is_not_plain_http_is_refused() {
    for bytes in [
        // No lines of HTTP.
        "hello\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / HTTP/1.2\r\n\r\n",
        "GET / HTTP/2.0\r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET /  HTTP/1.1\r\n\r\n",
        "GET\t/ HTTP/1.1\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\x16\x03\x01\x02\x00\x01\x00\r\n",
        // Lines that do not end in CRLF.
        "GET / HTTP/1.1\n\n",
        "\nGET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nx: y\n\r\n",
        "GET / HTTP/1.1\r\nx: y\r\n\n",
        "GET / HTTP/1.1\r\nx: y\rtransfer-encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nx: y\r\r\n\r\n",
        // Fields that some read as others.
        "GET / HTTP/1.1\r\nx : y\r\n\r\n",
        "GET / HTTP/1.1\r\nx\t: y\r\n\r\n",
        "GET / HTTP/1.1\r\n x: y\r\n\r\n",
        "GET / HTTP/1.1\r\nx: y\r\n z\r\n\r\n",
        "GET / HTTP/1.1\r\nx: y\r\n\tz: w\r\n\r\n",
        "GET / HTTP/1.1\r\nx\r\n\r\n",
        "GET / HTTP/1.1\r\n: y\r\n\r\n",
        "GET / HTTP/1.1\r\nx\0: y\r\n\r\n",
        "GET / HTTP/1.1\r\nx: y\0\r\n\r\n",
        "GET / HTTP/1.1\r\nx: \x0by\r\n\r\n",
        "GET / HTTP/1.1\r\nü: y\r\n\r\n",
        // Targets that are no path and no URL.
        "GET easyhttp/api HTTP/1.1\r\n\r\n",
        "GET ?x HTTP/1.1\r\n\r\n",
        "GET ** HTTP/1.1\r\n\r\n",
        "GET /a#b HTTP/1.1\r\n\r\n",
        "GET /ü HTTP/1.1\r\n\r\n",
        "GET /\\easyhttp HTTP/1.1\r\n\r\n",
        "GET http:///easyhttp/api HTTP/1.1\r\n\r\n",
        "GET http://evil@10.0.0.1/ HTTP/1.1\r\n\r\n",
        "GET http://10.0.0.1:5000:80/ HTTP/1.1\r\n\r\n",
        "GET http://10.0.0.1:x/ HTTP/1.1\r\n\r\n",
        "GET http://[::1/ HTTP/1.1\r\n\r\n",
        "GET ftp://10.0.0.1/ HTTP/1.1\r\n\r\n",
        "GET ://10.0.0.1/ HTTP/1.1\r\n\r\n",
        "CONNECT 10.0.0.1:80 HTTP/1.1\r\n\r\n",
    ] {
        assert_refused(bytes, 400, "the head is not HTTP/1.1");
    }
}

#[test]
fn a_body_whose_end_is_not_certain_is_refused() {
    for fields in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
        "content-length: 5\r\ncontent-length: 5\r\n",
        "content-length: 5\r\nContent-Length: 6\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n",
        "transfer-encoding: gzip, chunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: chunked, chunked\r\n",
        "transfer-encoding: chunked;q=1\r\n",
        "transfer-encoding: \"chunked\"\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding: identity\r\n",
        "transfer-encoding:\r\n",
        "content-length:\r\n",
        "content-length: 5, 5\r\n",
        "content-length: +5\r\n",
        "content-length: -5\r\n",
        "content-length: 0x5\r\n",
        "content-length: 5 5\r\n",
        "content-length: 5.0\r\n",
        "content-length: 18446744073709551616\r\n",
        "content-length: ٥\r\n",
    ] {
        let bytes = format!("POST / HTTP/1.1\r\nhost: a\r\n{fields}\r\n0\r\n\r\nGET /hidden");
        assert_refused(&bytes, 400, "length of the body is not certain");
        let bytes = format!("HTTP/1.1 200 OK\r\n{fields}\r\n0\r\n\r\n");
        assert_refused_answer(&bytes, "length of the body is not certain");
    }
    let old = "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_refused(old, 400, "HTTP/1.0 has no chunks");
}

#[test]
fn chunks_that_are_not_plain_are_refused() {
    for chunks in [
        "\r\n",
        "x\r\n",
        " 5\r\nhello\r\n",
        "+5\r\nhello\r\n",
        "-5\r\nhello\r\n",
        "0x5\r\nhello\r\n",
        "5x\r\nhello\r\n",
        "5 5\r\nhello\r\n",
        "5,\r\nhello\r\n",
        "5\nhello\r\n",
        "5\rhello\r\n0\r\n\r\n",
        "5;x\nhello\r\n",
        "5;x\ry\r\nhello\r\n",
        "5;x=\"\n\"\r\nhello\r\n",
        "5;x\0\r\nhello\r\n",
        "10000000000000000\r\n",
        "fffffffffffffffff\r\n",
        "5\r\nhello\n0\r\n\r\n",
        "5\r\nhello\r0\r\n\r\n",
        "5\r\nhello0\r\n\r\n",
        "5\r\nhell\r\n0\r\n\r\n",
        "5\r\nhellooo\r\n0\r\n\r\n",
        "0\r\n\n",
        "0\n\r\n",
        "0\r\nx\r\n\r\n",
        "0\r\n: y\r\n\r\n",
        "0\r\nx : y\r\n\r\n",
        "0\r\n x: y\r\n\r\n",
        "0\r\nx: y\nz: w\r\n\r\n",
        "0\r\nx: y\rz: w\r\n\r\n",
        "0\r\nGET /hidden HTTP/1.1\r\n\r\n",
    ] {
        let head = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_refused(&format!("{head}{chunks}"), 400, "the body is not whole");
        let head = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        assert_refused_answer(&format!("{head}{chunks}"), "the body is not whole");
    }
}

#[test]
fn what_is_expected_beyond_100_continue_is_refused() {
    for value in ["", "200-ok", "100-continue, x", "100-continue;q=1"] {
        let bytes = format!("POST / HTTP/1.1\r\nexpect: {value}\r\ncontent-length: 1\r\n\r\n");
        assert_refused(&bytes, 417, "100-continue");
    }
}

#[test]
fn answers_that_are_none_are_refused() {
    for bytes in [
        "hello\r\n\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n",
        "HTTP/1.1 -20 OK\r\n\r\n",
        "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/1.1  200 OK\r\n\r\n",
        "HTTP/2 200 OK\r\n\r\n",
        "ICY 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\n\n",
        "HTTP/1.1 200 O\rK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n",
        // An empty line belongs to no answer.
        "\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n",
        // Nobody has asked for it.
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n",
    ] {
        assert_refused_answer(bytes, "the head is not HTTP/1.1");
    }
}

#[test]
fn an_answer_that_ends_too_early_is_cut() {
    for bytes in [
        "H",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx: y\r\n",
    ] {
        assert_eq!(answers([bytes.as_bytes()]), (vec![], Some(Fault::Cut)), "{bytes:?}");
    }
}

/// No request is read, whether the bytes arrive at once or one by one.
#[track_caller]
fn assert_refused(bytes: &str, status: u16, text: &str) {
    for size in [1, bytes.len()] {
        let (messages, fault) = requests(bytes.as_bytes().chunks(size));
        let Some(fault) = fault else { panic!("was not refused: {bytes:?} {messages:?}") };
        assert_eq!((messages, fault.status()), (vec![], status), "{bytes:?}");
        assert!(fault.to_string().contains(text), "{fault}: {bytes:?}");
    }
}

#[track_caller]
fn assert_refused_answer(bytes: &str, text: &str) {
    for size in [1, bytes.len()] {
        let (messages, fault) = answers(bytes.as_bytes().chunks(size));
        let Some(fault) = fault else { panic!("was not refused: {bytes:?} {messages:?}") };
        assert!(messages.is_empty(), "{bytes:?} {messages:?}");
        assert!(fault.to_string().contains(text), "{fault}: {bytes:?}");
    }
}
