//! Many calls to one device at once share a connection, and nobody notices.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use easyhttp::{EasyHttpAsync, Error, Limits, json};
use futures_util::future::join_all;
use tokio::runtime::Runtime;

use crate::support::line::{Cut, Line, Way};
use crate::support::{Gate, PATIENCE, assert_error, limits, local, quiet};

/// How many calls are made at once.
const MANY: u32 = 40;

/// How often, at the most, until they share a connection: it is opened beside them.
const TRIES: usize = 1000;

/// A device that answers what it is asked, but to "wait" once the gate is open.
async fn answering(gate: &Gate) -> EasyHttpAsync {
    let gate = gate.clone();
    let device = quiet(EasyHttpAsync::builder()).on_fetch(move |fetch| {
        if fetch.data.raw() == "\"wait\"" {
            gate.wait();
        }
        fetch.data
    });
    device.limits(limits(|limits| limits.handler = PATIENCE)).start().await.unwrap()
}

async fn asking(at: SocketAddr, device: &EasyHttpAsync, limits: Limits) -> EasyHttpAsync {
    let asking = quiet(EasyHttpAsync::builder()).limits(limits).ask_only();
    let asking = asking.start().await.unwrap();
    asking.add(device.id(), at).unwrap();
    asking
}

fn patient() -> Limits {
    limits(|limits| limits.call = PATIENCE)
}

/// Asks so many things at once, and asserts that each gets the answer to its question.
async fn ask(asking: &EasyHttpAsync, device: &EasyHttpAsync, count: u32) {
    let calls = (0..count).map(|number| async move {
        assert_eq!(asking.fetch(device.id(), number).await.unwrap(), number);
    });
    join_all(calls).await;
}

/// Asks until calls share a connection.
async fn share(asking: &EasyHttpAsync, device: &EasyHttpAsync) {
    let before = device.stats().connections_shared;
    for _ in 0..TRIES {
        ask(asking, device, MANY).await;
        if device.stats().connections_shared > before {
            return;
        }
    }
    panic!("no connection is shared");
}

fn on_a_runtime(test: impl Future<Output = ()>) {
    Runtime::new().unwrap().block_on(test);
}

#[test]
fn many_calls_share_a_connection_and_each_gets_its_answer() {
    on_a_runtime(async {
        let device = answering(&Gate::default()).await;
        let asking = asking(local(device.port().unwrap()), &device, patient()).await;
        share(&asking, &device).await;
        let before = device.stats();
        for _ in 0..50 {
            ask(&asking, &device, 64).await;
        }
        let stats = device.stats();
        assert_eq!(stats.requests_answered - before.requests_answered, 50 * 64);
        assert_eq!(stats.connections_accepted, before.connections_accepted);
    });
}

#[test]
fn few_calls_have_connections_of_their_own() {
    on_a_runtime(async {
        let device = answering(&Gate::default()).await;
        let asking = asking(local(device.port().unwrap()), &device, patient()).await;
        for _ in 0..50 {
            ask(&asking, &device, 8).await;
        }
        assert_eq!(device.stats().connections_shared, 0);
    });
}

#[test]
fn a_slow_handler_holds_up_no_other_call() {
    on_a_runtime(async {
        let gate = Gate::default();
        let device = answering(&gate).await;
        let asking = asking(local(device.port().unwrap()), &device, patient()).await;
        share(&asking, &device).await;
        let waiting = join_all((0..20).map(|_| asking.fetch(device.id(), "wait")));
        let others = async {
            for _ in 0..50 {
                ask(&asking, &device, MANY).await;
            }
            gate.open();
        };
        let (waited, ()) = tokio::join!(waiting, others);
        assert!(waited.into_iter().all(|answer| answer.unwrap() == "wait"));
    });
}

#[test]
fn a_call_that_is_given_up_is_the_only_one() {
    on_a_runtime(async {
        let gate = Gate::default();
        let device = answering(&gate).await;
        let impatient = limits(|limits| limits.call = Duration::from_millis(300));
        let asking = asking(local(device.port().unwrap()), &device, impatient).await;
        share(&asking, &device).await;
        let late = join_all((0..20).map(|_| asking.fetch(device.id(), "wait"))).await;
        late.into_iter().for_each(|late| assert_error!(late, Error::TimedOut { .. }));
        gate.open();
        // What they would have got is nobody's answer.
        for _ in 0..50 {
            ask(&asking, &device, MANY).await;
        }
    });
}

#[test]
fn calls_of_a_device_that_stops_get_their_answers() {
    on_a_runtime(async {
        let gate = Gate::default();
        let device = answering(&gate).await;
        let asking = asking(local(device.port().unwrap()), &device, patient()).await;
        share(&asking, &device).await;
        let (id, before) = (device.id(), device.stats().handlers_run);
        let waiting: Vec<_> = (0..20)
            .map(|_| {
                let handle = asking.handle();
                tokio::spawn(async move { handle.fetch(id, "wait").await })
            })
            .collect();
        while device.stats().handlers_run < before + 20 {
            tokio::task::yield_now().await;
        }
        let stopping = tokio::spawn(async move { asking.stop().await });
        gate.open();
        for waited in waiting {
            assert_eq!(waited.await.unwrap().unwrap(), "wait");
        }
        stopping.await.unwrap();
    });
}

#[test]
fn what_a_broken_connection_has_not_answered_is_asked_once_more() {
    on_a_runtime(async {
        let device = answering(&Gate::default()).await;
        for after in (0..12_000).step_by(307) {
            for way in [Way::Request, Way::Answer] {
                let line = Line::new(local(device.port().unwrap())).await;
                let asking = asking(line.at, &device, patient()).await;
                share(&asking, &device).await;
                line.cut([Cut { way, after }]);
                let calls = (0..MANY).map(|number| asking.fetch(device.id(), number));
                let answers = (0..).zip(join_all(calls).await);
                let failed = answers.filter(|(number, answer)| match answer {
                    Ok(data) => *data != *number,
                    Err(_) => true,
                });
                // If it was not theirs, it was that of one call, in the middle of its answer.
                assert!(failed.count() <= 1, "{way:?}, {after}");
                asking.stop().await;
            }
        }
    });
}

#[test]
fn a_device_that_shares_no_connections_is_not_asked_again() {
    let asked_to_share = Arc::new(AtomicUsize::new(0));
    let at = sharing_none(Arc::clone(&asked_to_share));
    on_a_runtime(async {
        let asking = quiet(EasyHttpAsync::builder()).limits(patient()).ask_only();
        let asking = asking.start().await.unwrap();
        asking.add("PEER22", at).unwrap();
        while asked_to_share.load(Ordering::Relaxed) == 0 {
            join_all((0..MANY).map(|_| asking.fetch("PEER22", 1))).await;
        }
        for _ in 0..20 {
            for answer in join_all((0..MANY).map(|_| asking.fetch("PEER22", 1))).await {
                assert_eq!(answer.unwrap(), 7);
            }
        }
        assert_eq!(asked_to_share.load(Ordering::Relaxed), 1);
    });
}

/// A peer that remembers PUSHes, and has nothing at the path where connections are shared.
fn sharing_none(asked: Arc<AtomicUsize>) -> SocketAddr {
    let listener = TcpListener::bind(local(0)).unwrap();
    let at = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let asked = Arc::clone(&asked);
            thread::spawn(move || serve(&stream, &asked));
        }
    });
    at
}

fn serve(stream: &TcpStream, asked: &AtomicUsize) {
    let mut input = BufReader::new(stream);
    loop {
        let (mut length, mut gets) = (0, false);
        loop {
            let mut line = String::new();
            if !input.read_line(&mut line).is_ok_and(|count| count > 0) {
                return;
            }
            gets |= line.starts_with("GET");
            if let Some(text) = line.strip_prefix("content-length: ") {
                length = text.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        if input.read_exact(&mut body).is_err() {
            return;
        }
        let is_ping = String::from_utf8_lossy(&body).contains("\"type\":1");
        let (status, answer) = match (gets, is_ping) {
            (true, _) => (404, json!({"error": "nothing is here"})),
            (_, true) => (200, json!({"type": 2, "header": {"sender_id": "PEER22"}})),
            _ => (200, json!({"type": 4, "header": {"sender_id": "PEER22"}, "data": 7})),
        };
        if gets {
            asked.fetch_add(1, Ordering::Relaxed);
        }
        let answer = answer.to_string();
        let head = format!(
            "HTTP/1.1 {status} X\r\neasyhttp-memory: 0123456789abcdef-0\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        let mut output = stream;
        if output.write_all((head + &answer).as_bytes()).is_err() {
            return;
        }
    }
}
