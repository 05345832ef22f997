//! Every error that a call can give, from a peer that causes it, and what its
//! text says. Those of starting are tested where starting is.

use std::collections::HashMap;
use std::error::Error as _;
use std::net::TcpStream;
use std::time::Duration;

use easyhttp::{Command, Error, HandlerError, PushAnswer, json};
use socket2::{Domain, Socket, Type};

use super::{Face, device, on_both_faces, pair};
use crate::support::fake_peer::{FakePeer, Then, answer, pong};
use crate::support::{PATIENCE, assert_error, assert_names, id, limits, local, own_port, quickly};

on_both_faces!(
    nobody_at_the_address_is_unreachable,
    a_device_that_never_answers_times_out,
    a_host_that_never_connects_times_out_before_anything_is_sent,
    an_answer_that_never_ends_times_out,
    a_connection_that_breaks_is_interrupted,
    what_is_no_answer_of_this_protocol_is_told,
    an_answer_to_something_else_is_told,
    a_refusal_of_the_server_is_told_with_its_words,
    the_answers_of_python_devices_are_understood,
    a_message_that_is_too_large_is_told_by_either_side,
    an_answer_that_is_too_large_is_told_by_either_side,
    of_a_reason_that_is_too_long_the_beginning_is_told,
    data_that_json_cannot_say_is_told,
    a_command_that_only_answers_cannot_be_sent,
);

const PEER: &str = "PEER22";

/// A device that asks, with this much time for it.
fn asking<F: Face>(timeout: Duration) -> F {
    F::start_with(device::<F>().timeout(timeout)).unwrap()
}

/// What a PING of the peer gives.
fn ping_error<F: Face>(peer: &FakePeer) -> Error {
    let asking = asking::<F>(PATIENCE);
    asking.add(PEER, peer.at).unwrap();
    let error = asking.ping(PEER).unwrap_err();
    assert_names(&error, &[&PEER]);
    error
}

fn nobody_at_the_address_is_unreachable<F: Face>() {
    let asking = asking::<F>(PATIENCE);
    let port = own_port();
    asking.add(PEER, local(port)).unwrap();
    let error = asking.ping(PEER).unwrap_err();
    assert_names(&error, &[&PEER, &local(port), &"refused", &format!("port {port}")]);
    assert!(error.source().is_some());
    assert_error!(Err::<(), _>(error), Error::Unreachable { .. });
}

fn a_device_that_never_answers_times_out<F: Face>() {
    let peer = FakePeer::new(|_| Then::Wait);
    let asking = asking::<F>(Duration::from_millis(100));
    asking.add(PEER, peer.at).unwrap();
    let error = quickly(PATIENCE / 2, || asking.ping(PEER).unwrap_err());
    assert_names(&error, &[&PEER, &peer.at, &"100ms", &"what became of the request is not known"]);
    assert_error!(Err::<(), _>(error), Error::TimedOut { sent: true, .. });
}

fn a_host_that_never_connects_times_out_before_anything_is_sent<F: Face>() {
    // A listener whose queue is full drops what comes.
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    listener.bind(&local(0).into()).unwrap();
    listener.listen(0).unwrap();
    let at = listener.local_addr().unwrap().as_socket().unwrap();
    let connect = || TcpStream::connect_timeout(&at, Duration::from_millis(200));
    let _queue: Vec<_> = std::iter::from_fn(|| connect().ok()).collect();

    let limits = limits(|limits| limits.connect = Duration::from_millis(100));
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    asking.add(PEER, at).unwrap();
    let error = quickly(PATIENCE / 2, || asking.ping(PEER).unwrap_err());
    assert_names(&error, &[&PEER, &at, &"100ms", &format!("port {}", at.port())]);
    assert!(!error.to_string().contains("not known"), "{error}");
    assert_error!(Err::<(), _>(error), Error::TimedOut { sent: false, .. });
}

fn an_answer_that_never_ends_times_out<F: Face>() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{";
    let peer = FakePeer::answering(half);
    let asking = asking::<F>(Duration::from_millis(100));
    asking.add(PEER, peer.at).unwrap();
    assert_error!(asking.ping(PEER), Error::TimedOut { sent: true, .. });
}

fn a_connection_that_breaks_is_interrupted<F: Face>() {
    for said in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"] {
        let peer = FakePeer::new(move |_| Then::Close(said.into()));
        let error = ping_error::<F>(&peer);
        assert_names(&error, &[&peer.at, &"What became of the request is not known"]);
        assert!(error.source().is_some());
        assert_error!(Err::<(), _>(error), Error::Interrupted { .. });
    }
}

fn what_is_no_answer_of_this_protocol_is_told<F: Face>() {
    for strange in [
        answer(200, "<html><h1>It works!</h1></html>"),
        answer(200, ""),
        answer(200, "null"),
        answer(200, "[]"),
        answer(200, json!({"hello": "world"})),
        answer(200, json!({"type": 42, "header": {"sender_id": PEER}})),
        answer(200, json!({"type": 2, "header": {"sender_id": 7}})),
        b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n".to_vec(),
        b"\x15\x03\x03\x00\x02\x02\x46".to_vec(),
    ] {
        let shown = String::from_utf8_lossy(&strange).into_owned();
        let peer = FakePeer::answering(strange);
        let error = ping_error::<F>(&peer);
        assert_names(&error, &[&peer.at, &"did not answer as an EasyHTTP device"]);
        assert!(matches!(error, Error::Protocol { .. }), "{shown}: {error:?}");
    }
}

fn an_answer_to_something_else_is_told<F: Face>() {
    let ack = json!({"type": 6, "header": {"sender_id": PEER}});
    let peer = FakePeer::answering(answer(200, ack));
    let error = ping_error::<F>(&peer);
    assert_names(&error, &[&peer.at, &"PONG was expected, not ACK"]);
    assert_error!(Err::<(), _>(error), Error::Protocol { .. });

    let peer = FakePeer::answering(pong(id(PEER)));
    let asking = asking::<F>(PATIENCE);
    asking.add(PEER, peer.at).unwrap();
    let error = asking.fetch(PEER, ()).unwrap_err();
    assert_names(&error, &[&PEER, &peer.at, &"DATA was expected, not PONG"]);
    let error = asking.push(PEER, ()).unwrap_err();
    assert_names(&error, &[&PEER, &peer.at, &"ACK or NACK was expected, not PONG"]);
}

fn a_refusal_of_the_server_is_told_with_its_words<F: Face>() {
    let peer = FakePeer::answering(answer(404, "<html>Not Found</html>"));
    let error = ping_error::<F>(&peer);
    assert_names(&error, &[&peer.at, &"HTTP 404"]);
    assert_error!(Err::<(), _>(error), Error::NotTaken { status: 404, .. });

    let peer = FakePeer::answering(answer(403, json!({"error": "only from the house"})));
    let error = ping_error::<F>(&peer);
    assert_names(&error, &[&peer.at, &"HTTP 403", &"only from the house"]);
    assert_error!(Err::<(), _>(error), Error::NotTaken { status: 403, .. });

    let peer = FakePeer::answering(answer(421, "who?"));
    let error = ping_error::<F>(&peer);
    assert_names(&error, &[&peer.at, &"another device"]);
    assert_error!(Err::<(), _>(error), Error::WrongDevice { found: None, .. });

    let peer = FakePeer::answering(answer(503, "later"));
    assert_error!(Err::<(), _>(ping_error::<F>(&peer)), Error::Busy { .. });
}

fn the_answers_of_python_devices_are_understood<F: Face>() {
    // A PING is answered, and the rest by what is said here.
    let peer = |status, said: serde_json::Value| {
        FakePeer::new(move |request| {
            Then::Write(match request["type"].as_u64() {
                Some(1) => pong(id(PEER)),
                _ => answer(status, &said),
            })
        })
    };
    let nack = json!({"version": "0.4.0-alpha.6", "type": 7, "header": {"sender_id": PEER}});
    let asking = asking::<F>(PATIENCE);
    for (status, said, expected) in [
        (200, nack.clone(), "PEER22 refused, and gave no reason"),
        (400, nack, "PEER22 has no handler for this command"),
        (
            500,
            json!("Internal Server Error"),
            "the handler of PEER22 failed: Internal Server Error",
        ),
    ] {
        asking.add(PEER, peer(status, said).at).unwrap();
        assert_eq!(asking.push(PEER, 1).unwrap_err().to_string(), expected);
        assert!(asking.remove(PEER).unwrap());
    }
    // It has no callback, or its callback returned what Python calls false.
    asking.add(PEER, peer(200, json!({"status": "fetch_handled"})).at).unwrap();
    assert_eq!(asking.fetch(PEER, ()).unwrap(), json!(null));
}

fn a_message_that_is_too_large_is_told_by_either_side<F: Face>() {
    let small = limits(|limits| limits.body = 1000);
    let (asking, answering) = pair::<F>(device::<F>().limits(small).on_push(|_| true));
    let text = "x".repeat(1024 * 1024);
    let error = asking.push(answering.id(), &text).unwrap_err();
    assert_names(&error, &[&"the message is larger than 1048576 bytes"]);
    assert_error!(Err::<(), _>(error), Error::TooLarge { limit: Some(_), .. });

    let error = asking.push(answering.id(), &text[..5000]).unwrap_err();
    assert_names(&error, &[&"the message is larger than the other device allows"]);
    assert_error!(Err::<(), _>(error), Error::TooLarge { limit: None, .. });
    asking.push(answering.id(), &text[..500]).unwrap();
}

fn an_answer_that_is_too_large_is_told_by_either_side<F: Face>() {
    let (asking, answering) = pair::<F>(
        device::<F>().on_fetch(|fetch| "x".repeat(fetch.data.parse().unwrap_or_default())),
    );
    let error = asking.fetch(answering.id(), 2_000_000).unwrap_err();
    assert_names(&error, &[&answering.id(), &"an answer of more than 1048576 bytes"]);
    assert_error!(Err::<(), _>(error), Error::HandlerFailed { .. });
    let data = asking.fetch_as::<String>(answering.id(), 1_000_000).unwrap();
    assert_eq!(data.len(), 1_000_000);

    let small = limits(|limits| limits.body = 1000);
    let asking = F::start_with(device::<F>().limits(small)).unwrap();
    asking.meet(&answering);
    let error = asking.fetch(answering.id(), 5000).unwrap_err();
    assert_names(&error, &[&answering.id(), &"larger than 1000 bytes"]);
    assert_error!(Err::<(), _>(error), Error::AnswerTooLarge { limit: 1000, .. });
    asking.fetch(answering.id(), 500).unwrap();
}

fn of_a_reason_that_is_too_long_the_beginning_is_told<F: Face>() {
    // JSON writes each of these as six bytes. The last character does not fit.
    let long = format!("no: {}ü{}", "\u{1}".repeat(16 * 1024 - 5), "x".repeat(2_000_000));
    let (reason, message) = (long.clone(), long.clone());
    let (asking, answering) = pair::<F>(
        device::<F>()
            .on_push(move |_| PushAnswer::refuse(&reason))
            .on_fetch(move |_| Err::<(), _>(HandlerError::new(&message))),
    );
    let beginning = format!("{}…", &long[..16 * 1024 - 1]);
    let Err(Error::Refused { reason: Some(told), .. }) = asking.push(answering.id(), 1) else {
        panic!("it was not told that the push was refused");
    };
    assert!(told == beginning, "{} bytes: {:.20}", told.len(), told);
    let Err(Error::HandlerFailed { message: told, .. }) = asking.fetch(answering.id(), ()) else {
        panic!("it was not told that the handler failed");
    };
    assert!(told == beginning, "{} bytes: {:.20}", told.len(), told);
    // A reason is told whole as long as it fits.
    answering.on_push(|_| PushAnswer::refuse("x".repeat(16 * 1024)));
    assert_error!(asking.push(answering.id(), 1), Error::Refused { reason: Some(told), .. }
        if told == "x".repeat(16 * 1024));
}

fn data_that_json_cannot_say_is_told<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>().on_fetch(|_| HashMap::from([((1, 2), 3)])));
    let wrong = HashMap::from([((1, 2), 3)]);
    for error in [
        asking.fetch(answering.id(), &wrong).unwrap_err(),
        asking.push(answering.id(), &wrong).unwrap_err(),
        asking.send(answering.id(), Command::Data, &wrong).unwrap_err(),
    ] {
        assert_names(&error, &[&"cannot be written as JSON", &"key must be a string"]);
        assert!(error.source().is_some());
        assert_error!(Err::<(), _>(error), Error::InvalidData(_));
    }
    // The handler returns the same.
    let error = asking.fetch(answering.id(), ()).unwrap_err();
    assert_names(&error, &[&answering.id(), &"key must be a string"]);
    assert_error!(Err::<(), _>(error), Error::HandlerFailed { .. });
}

fn a_command_that_only_answers_cannot_be_sent<F: Face>() {
    let (asking, answering) = pair::<F>(device::<F>());
    for command in [Command::Ack, Command::Nack, Command::Discovery, Command::DiscoveryAck] {
        let error = asking.send(answering.id(), command, ()).unwrap_err();
        assert_names(&error, &[&command, &"PING, PONG, FETCH, DATA and PUSH can"]);
        assert_error!(Err::<(), _>(error), Error::NotARequest(_));
    }
}
