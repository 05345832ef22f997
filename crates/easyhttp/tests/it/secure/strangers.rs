//! Somebody who has no key sends what it likes.

use std::io::{Read, Write};
use std::net::TcpStream;

use easyhttp::NetworkKey;
use easyhttp_proto::secure::Epoch;

use super::{Counting, member, sign};
use crate::support::http::{Client, ping};
use crate::support::random::Random;
use crate::support::{PATIENCE, eventually, local};

#[test]
fn hardly_anything_of_what_a_stranger_sends_is_read() {
    let served = Counting::new(member());
    let body = vec![b' '; 1 << 20];
    let other = NetworkKey::from_entropy([9; 16]);
    let bytes = sign(&other, &body, Epoch::from_entropy([0; 12]), 1, 0);
    let mut stream = TcpStream::connect(local(served.port())).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // No more than so much may be read, so some of this is left.
    stream.write_all(&bytes[..16 * 1024]).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 401 "), "{}", String::from_utf8_lossy(&answer));
    // A connection that is closed before all was read is reset (RFC 1122, 4.2.2.13).
    eventually("the connection is reset", || stream.take_error().unwrap().is_some());
    assert_eq!(served.device.stats().unauthenticated, 1);
}

#[test]
fn what_looks_like_a_signature_is_refused_and_does_no_harm() {
    let served = Counting::new(member());
    let mut random = Random(3);
    let pieces = [
        "net=",
        "dev=",
        "(",
        ")",
        "\"@method\"",
        "\"@path\"",
        "\"content-digest\"",
        ";",
        ",",
        " ",
        "created=1",
        "keyid=\"F-0tbTxg\"",
        "tag=\"easyhttp-1\"",
        "nonce=",
        ":AAAA:",
        ":",
        "\"",
        "é",
        "?1",
        "1.5",
        "\\",
        "sig",
    ];
    let mut any = |most: usize| -> String {
        (0..random.below(most)).map(|_| pieces[random.below(pieces.len())]).collect()
    };
    for _ in 0..1000 {
        let mut request = ping();
        for name in ["signature-input", "signature", "content-digest", "easyhttp-epoch"] {
            for _ in 0..any(4).len() % 3 {
                request = request.header(name, any(60));
            }
        }
        let mut client = Client::connect(served.port());
        client.send(request.encode());
        let status = client.answer().status;
        assert!([400, 401].contains(&status), "{status}: {request:?}");
    }
}
