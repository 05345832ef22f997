//! PUSHes with an `Idempotency-Key`, of whoever can set a header: each is run once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use easyhttp::{EasyHttp, HandlerError, PushAnswer, json};

use crate::support::http::{Answer, Client, Request, command, ping, post};
use crate::support::{Gate, device, limits, next};

/// A device that counts how often it was pushed what.
struct Counting {
    device: EasyHttp,
    count: Arc<AtomicU32>,
}

impl Counting {
    /// It accepts, refuses, fails or panics as it is told.
    fn new() -> Self {
        let count = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&count);
        let device = device().on_push(move |push| {
            let number = counted.fetch_add(1, Ordering::Relaxed) + 1;
            match push.data.raw() {
                "\"refuse\"" => Ok(PushAnswer::refuse(format!("no. {number}"))),
                "\"fail\"" => Err(HandlerError::new(format!("no. {number}"))),
                "\"panic\"" => panic!("as it was told"),
                _ => Ok(PushAnswer::Accepted),
            }
        });
        Self { device: device.start().unwrap(), count }
    }

    fn ask(&self, request: &Request) -> Answer {
        Client::connect(self.device.port().unwrap()).ask(request)
    }

    fn count(&self) -> u32 {
        self.count.load(Ordering::Relaxed)
    }
}

fn push(key: &str, data: &str) -> Request {
    command(5, data).header("Idempotency-Key", key)
}

/// What a device says of its memory.
fn mark(answer: &Answer) -> (String, u64) {
    let text = answer.header("easyhttp-memory").unwrap_or_else(|| panic!("no mark: {answer}"));
    let (name, count) = text.split_once('-').unwrap();
    assert_eq!(name.len(), 16);
    (name.to_owned(), count.parse().unwrap())
}

#[track_caller]
fn assert_refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!(answer.status, status, "{answer}");
    assert_eq!(
        (&answer.json()["type"], &answer.json()["error"]["code"]),
        (&json!(7), &json!(code))
    );
}

#[test]
fn what_is_sent_again_is_not_done_again() {
    let served = Counting::new();
    for (data, status, kind) in
        [("accept", 200, 6), ("refuse", 200, 7), ("fail", 500, 7), ("panic", 500, 7)]
    {
        let before = served.count();
        let request = push(&format!("\"8e03978e-{data}\""), data);
        let first = served.ask(&request);
        assert_eq!((first.status, &first.json()["type"]), (status, &json!(kind)), "{first}");
        for _ in 0..3 {
            let again = served.ask(&request);
            let mut expected = first.json();
            expected["header"]["timestamp"] = again.json()["header"]["timestamp"].clone();
            assert_eq!((again.status, again.json()), (status, expected));
        }
        assert_eq!(served.count(), before + 1, "{data}");
    }
    assert_eq!(served.device.stats().pushes_repeated, 12);
}

#[test]
fn a_key_is_one_of_its_sender_and_of_its_data() {
    let served = Counting::new();
    assert_eq!(served.ask(&push("\"a\"", "on")).status, 200);
    assert_refused(&served.ask(&push("\"a\"", "off")), 422, "key_reused");
    assert_eq!(served.ask(&push("\"b\"", "off")).status, 200);
    // People with curl forget the quotes.
    assert_eq!(served.ask(&push("b", "off")).status, 200);
    assert_eq!(served.count(), 2);
    let of_device = json!({"type": 5, "header": {"sender_id": "AB3F9Z"}, "data": "on"});
    let of_device = post(of_device.to_string()).header("Idempotency-Key", "\"a\"");
    assert_eq!(served.ask(&of_device).status, 200);
    assert_eq!(served.count(), 3);
    // Without a key each is one of its own, as ever.
    served.ask(&command(5, "on"));
    served.ask(&command(5, "on"));
    assert_eq!(served.count(), 5);
    let stats = served.device.stats();
    assert_eq!((stats.pushes_repeated, stats.keys_reused), (1, 1));
}

#[test]
fn what_is_no_key_is_refused() {
    let served = Counting::new();
    for key in ["", "\"\"", "\"a", "a b", "\"a\";x", "\"eh1-0\"", &"x".repeat(129)] {
        let refused = served.ask(&push(key, "on"));
        assert_eq!(refused.status, 400, "{key}: {refused}");
        assert!(refused.error().contains("Idempotency-Key"), "{refused}");
    }
    assert_eq!(served.ask(&push("\"a\"", "on").header("Idempotency-Key", "\"a\"")).status, 400);
    assert_eq!(served.count(), 0);
    assert_eq!(served.device.stats().keys_malformed, 8);
}

#[test]
fn a_pong_and_the_answer_to_a_push_tell_how_far_the_memory_is() {
    let served = Counting::new();
    let (name, count) = mark(&served.ask(&ping()));
    assert_eq!(count, 0);
    assert_eq!(mark(&served.ask(&push("\"a\"", "on"))), (name.clone(), 1));
    assert_eq!(mark(&served.ask(&push("\"a\"", "on"))), (name.clone(), 1));
    assert_eq!(mark(&served.ask(&push("\"b\"", "refuse"))), (name.clone(), 2));
    assert_eq!(mark(&served.ask(&command(5, "on"))), (name.clone(), 2));
    // Others do not, nor does what is for another device.
    let other = post(json!({"type": 5, "header": {"recipient_id": "ZZZZ22"}}).to_string());
    for request in [command(3, "x"), command(4, "x"), other] {
        assert_eq!(served.ask(&request).header("easyhttp-memory"), None);
    }
    // Another start, another memory.
    assert_ne!(mark(&Counting::new().ask(&ping())).0, name);
}

#[test]
fn what_may_have_been_forgotten_is_not_done() {
    let served = Counting::new();
    let (name, _) = mark(&served.ask(&ping()));
    let key = |name: &str, count, nonce| format!("\"eh1-{name}-{count}-{nonce:016x}\"");
    assert_eq!(served.ask(&push(&key(&name, 0, 1), "on")).status, 200);
    assert_eq!(served.ask(&push(&key(&name, 0, 1), "on")).status, 200);
    assert_eq!(served.count(), 1);
    // As of a device that was restarted in between.
    let forgotten = served.ask(&push(&key("0123456789abcdef", 0, 1), "on"));
    assert_refused(&forgotten, 412, "forgotten");
    assert_eq!(mark(&forgotten), (name.clone(), 1));

    let small = device().limits(limits(|limits| limits.pushes = 2)).on_push(|_| ());
    let small = Counting { device: small.start().unwrap(), count: Arc::default() };
    let (name, _) = mark(&small.ask(&ping()));
    for number in 0..3 {
        assert_eq!(small.ask(&push(&key(&name, number, number), "on")).status, 200);
    }
    assert_refused(&small.ask(&push(&key(&name, 0, 0), "on")), 412, "forgotten");
    assert_eq!(small.ask(&push(&key(&name, 1, 1), "on")).status, 200);
    assert_eq!(small.device.stats().pushes_forgotten, 1);
}

#[test]
fn whoever_asks_again_while_it_is_done_waits_for_it() {
    let gate = Gate::default();
    let (began, begins) = channel();
    let opened = gate.clone();
    let served = device().on_push(move |_| {
        began.send(()).unwrap();
        opened.wait();
        PushAnswer::refuse("it is night")
    });
    let served = served.start().unwrap();
    let port = served.port().unwrap();
    let first = thread::spawn(move || Client::connect(port).ask(&push("\"a\"", "on")));
    next(&begins);
    let others: Vec<_> = (0..10)
        .map(|_| thread::spawn(move || Client::connect(port).ask(&push("\"a\"", "on"))))
        .collect();
    // With other data it is no repetition.
    assert_refused(&Client::connect(port).ask(&push("\"a\"", "off")), 422, "key_reused");
    gate.open();
    for asked in others.into_iter().chain([first]) {
        assert_eq!(asked.join().unwrap().json()["error"]["message"], "it is night");
    }
    assert!(begins.try_recv().is_err());
}

#[test]
fn what_outlives_its_time_is_told_to_whoever_asks_again() {
    let gate = Gate::default();
    let opened = gate.clone();
    let served = device()
        .limits(limits(|limits| limits.handler = Duration::from_millis(50)))
        .on_push(move |_| opened.wait());
    let served = served.start().unwrap();
    let mut client = Client::connect(served.port().unwrap());
    assert_refused(&client.ask(&push("\"a\"", "on")), 500, "handler_timed_out");
    let busy = client.ask(&push("\"a\"", "on"));
    assert_refused(&busy, 409, "in_progress");
    assert_eq!(busy.header("retry-after"), Some("1"));
    assert_eq!(served.stats().pushes_in_progress, 1);
    gate.open();
    let accepted = loop {
        let answer = client.ask(&push("\"a\"", "on"));
        if answer.status != 409 {
            break answer;
        }
    };
    assert_eq!((accepted.status, &accepted.json()["type"]), (200, &json!(6)));
    assert_eq!(served.stats().handlers_run, 1);
}

#[test]
fn what_was_not_begun_can_be_sent_again_with_the_same_key() {
    let gate = Gate::default();
    let (began, begins) = channel();
    let opened = gate.clone();
    let served = device().limits(limits(|limits| limits.handlers = 1)).on_push(move |_| {
        began.send(()).unwrap();
        opened.wait();
    });
    let served = served.start().unwrap();
    let port = served.port().unwrap();
    let first = thread::spawn(move || Client::connect(port).ask(&push("\"a\"", "on")));
    next(&begins);
    let mut client = Client::connect(port);
    assert_refused(&client.ask(&push("\"b\"", "on")), 503, "busy");
    gate.open();
    assert_eq!(first.join().unwrap().status, 200);
    let done = loop {
        let answer = client.ask(&push("\"b\"", "on"));
        if answer.status != 503 {
            break answer;
        }
    };
    assert_eq!(done.json()["type"], 6);
    next(&begins);
}
