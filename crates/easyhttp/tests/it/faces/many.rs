//! One command to many devices at once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

use easyhttp::{DeviceId, Error, HandlerError, PushAnswer, Result, Value, json};

use super::{Asynchronous, Blocking, Face, ToMany, device, on_both_faces};
use crate::support::black_hole::BlackHole;
use crate::support::fake_peer::{FakePeer, Seen, Then, answer, pong};
use crate::support::{
    Gate, PATIENCE, assert_error, assert_names, id, limits, local, many_files, next, own_port,
};

on_both_faces!(
    two_hundred_devices_are_one_table,
    quick_ones_come_first,
    the_calls_go_on_while_nobody_waits,
    a_filter_picks_who_is_asked,
    dropping_it_cancels_the_calls,
    each_gives_what_a_single_call_would,
    nobody_knows_is_an_empty_table,
    what_json_cannot_say_is_told_by_each,
    a_stopped_device_asks_nobody,
    right_after_the_start_it_waits_for_those_who_are_there,
    those_who_join_in_time_are_asked_too,
);

/// Five of them are dead, three refuse, and one is slow.
fn two_hundred_devices_are_one_table<F: Face>() {
    many_files();
    let within = Duration::from_secs(5);
    let limits = limits(|limits| limits.connect = within);
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    let mut expected = BTreeMap::new();
    let mut meet = |outcome: &'static str, at| {
        let device = id(&format!("D{:05}", expected.len()));
        asking.add(device, at).unwrap();
        expected.insert(device, outcome);
    };

    let silent = FakePeer::new(|request| match request["type"] == 1 {
        true => Then::Write(pong(recipient(request))),
        false => Then::Wait,
    });
    meet("timed out, perhaps done", silent.at);
    let holes = [BlackHole::new(), BlackHole::new()];
    holes.iter().for_each(|hole| meet("timed out, not sent", hole.at));
    (1..=3).for_each(|port| meet("unreachable", local(port)));
    let refusing = FakePeer::new(|request| match request["type"] == 1 {
        true => Then::Write(pong(recipient(request))),
        false => Then::Write(answer(500, json!({"error": "the sensor is broken"}))),
    });
    (0..3).for_each(|_| meet("failed", refusing.at));
    // A host's queue of new connections is not endless.
    let answering: Vec<_> = (0..8).map(|_| FakePeer::new(give)).collect();
    (0..191).for_each(|n| meet("answered", answering[n % answering.len()].at));

    let table = asking.fetch_all("who").within(within).all();
    let outcomes = table.iter().map(|(id, result)| (*id, outcome(*id, result)));
    assert_eq!(outcomes.collect::<BTreeMap<_, _>>(), expected);
    assert_eq!(table.len(), 200);
    let after = |result: &Result<Value>| match result {
        Err(Error::TimedOut { after, .. }) => Some(*after),
        _ => None,
    };
    // Whoever was not connected to, was given up no later.
    assert_eq!(table.values().filter_map(after).max(), Some(within));
}

fn outcome(id: DeviceId, result: &Result<Value>) -> &'static str {
    match result {
        Ok(data) if *data == json!({"I am": id.as_str()}) => "answered",
        Err(Error::HandlerFailed { id: of, message, runs_on: false }) if *of == id => {
            assert_eq!(message, "the sensor is broken");
            "failed"
        }
        Err(Error::Unreachable { id: of, .. }) if *of == id => "unreachable",
        Err(Error::TimedOut { id: of, sent: true, .. }) if *of == id => "timed out, perhaps done",
        Err(Error::TimedOut { id: of, sent: false, .. }) if *of == id => "timed out, not sent",
        other => panic!("{id}: {other:?}"),
    }
}

/// Answers as the device that is meant, and gives its id.
fn give(request: &Value) -> Then {
    let id = recipient(request);
    Then::Write(match request["type"] == 1 {
        true => pong(id),
        false => {
            let header = json!({"sender_id": id.as_str()});
            answer(200, json!({"type": 4, "header": header, "data": {"I am": id.as_str()}}))
        }
    })
}

fn recipient(request: &Value) -> DeviceId {
    id(request["header"]["recipient_id"].as_str().unwrap())
}

/// A device that asks, which has time, and those that it knows.
fn crowd<F: Face, const N: usize>(
    crowd: [easyhttp::Builder<F::Device>; N],
) -> (F, [F; N], [DeviceId; N]) {
    let limits = limits(|limits| (limits.call, limits.connect) = (PATIENCE, PATIENCE));
    let asking = F::start_with(device::<F>().limits(limits)).unwrap();
    let crowd = crowd.map(|builder| F::start_with(builder).unwrap());
    crowd.iter().for_each(|device| asking.meet(device));
    let ids = crowd.each_ref().map(F::id);
    (asking, crowd, ids)
}

fn quick_ones_come_first<F: Face>() {
    let gate = Gate::default();
    let wait = gate.clone();
    let patient = limits(|limits| limits.handler = PATIENCE);
    let slow = device::<F>().limits(patient).on_fetch(move |_| wait.wait());
    let quick = || device::<F>().on_fetch(|_| "quick");
    let (asking, _crowd, [slow, one, other]) = crowd::<F, _>([slow, quick(), quick()]);

    let mut many = asking.fetch_all(());
    let mut quick = [many.next_one().unwrap(), many.next_one().unwrap()].map(|(id, data)| {
        assert_eq!(data.unwrap(), "quick");
        id
    });
    quick.sort();
    let mut expected = [one, other];
    expected.sort();
    assert_eq!(quick, expected);
    gate.open();
    let (last, data) = many.next_one().unwrap();
    assert_eq!((last, data.unwrap()), (slow, Value::Null));
    assert!(many.next_one().is_none());
    assert!(many.next_one().is_none());
}

fn the_calls_go_on_while_nobody_waits<F: Face>() {
    let gate = Gate::default();
    let wait = gate.clone();
    let behind = FakePeer::new(move |request| {
        wait.wait();
        give(request)
    });
    let (asking, _crowd, [quick]) = crowd::<F, _>([device::<F>().on_fetch(|_| 1)]);
    asking.add("D00000", behind.at).unwrap();
    let mut many = asking.fetch_all(());
    assert_eq!(many.next_one().unwrap().0, quick);
    gate.open();
    // The PING that goes before, and what follows when it is answered.
    assert_eq!(next(&behind.seen), Seen::Request(0, json!(1)));
    assert_eq!(next(&behind.seen), Seen::Request(0, json!(3)));
    assert_eq!(many.next_one().unwrap().1.unwrap(), json!({"I am": "D00000"}));
}

fn a_filter_picks_who_is_asked<F: Face>() {
    let (pushed, pushes) = channel();
    let device = || {
        let pushed = pushed.clone();
        device::<F>().on_push(move |_| pushed.send(()).is_ok())
    };
    let (asking, _crowd, [one, two, _]) = crowd::<F, _>([device(), device(), device()]);
    let looks = Arc::new(AtomicUsize::new(0));
    let looked = Arc::clone(&looks);
    let some = asking.push_all("on").only(move |peer| {
        looked.fetch_add(1, Ordering::Relaxed);
        [one, two].contains(&peer.id)
    });
    let table = some.all();
    assert!(table.values().all(Result::is_ok), "{table:?}");
    let mut expected = [one, two];
    expected.sort();
    assert_eq!(table.into_keys().collect::<Vec<_>>(), expected);
    assert_eq!(looks.load(Ordering::Relaxed), 3);
    assert_eq!(pushes.try_iter().count(), 2);
}

fn dropping_it_cancels_the_calls<F: Face>() {
    let silent = FakePeer::new(|request| match request["type"] == 1 {
        true => Then::Write(pong(recipient(request))),
        false => Then::Wait,
    });
    let (asking, _crowd, [quick]) = crowd::<F, _>([device::<F>().on_push(|_| true)]);
    asking.add("D00000", silent.at).unwrap();
    // It does not end by itself while the test waits.
    let mut many = asking.push_all("on").within(10 * PATIENCE);
    assert_eq!(many.next_one().unwrap().0, quick);
    assert_eq!(next(&silent.seen), Seen::Request(0, json!(1)));
    assert_eq!(next(&silent.seen), Seen::Request(0, json!(5)));
    drop(many);
    assert_eq!(next(&silent.seen), Seen::Closed(0));
}

fn each_gives_what_a_single_call_would<F: Face>() {
    let refuses = |push: easyhttp::Request| PushAnswer::refuse(format!("no {}", push.data.raw()));
    let accepts = device::<F>().on_push(|push| push.data.value() == json!({"led": "on"}));
    let (asking, _crowd, [yes, no, fails, cannot]) = crowd::<F, _>([
        accepts.on_fetch(|fetch| fetch.data),
        device::<F>().on_push(refuses).on_fetch(|_| "many"),
        device::<F>().on_fetch(|_| Err::<u8, _>(HandlerError::new("it is broken"))),
        device::<F>(),
    ]);

    let mut table = asking.push_all(json!({"led": "on"})).all();
    let mut take = |id| table.remove(&id).unwrap();
    take(yes).unwrap();
    let refused = take(no);
    assert_error!(refused, Error::Refused { id, reason: Some(why) }
        if id == no && why == "no {\"led\":\"on\"}");
    assert_error!(take(fails), Error::NoHandler { id } if id == fails);
    assert_error!(take(cannot), Error::NoHandler { id } if id == cannot);

    let mut table = asking.fetch_all_as::<u8>(5).all();
    let mut take = |id| table.remove(&id).unwrap();
    assert_eq!(take(yes).unwrap(), 5);
    assert_error!(take(no), Error::UnexpectedData { id, .. } if id == no);
    assert_error!(take(fails), Error::HandlerFailed { id, message, runs_on: false }
        if id == fails && message == "it is broken");
    assert_error!(take(cannot), Error::NoHandler { id } if id == cannot);

    let table = asking.ping_all().all();
    assert!(table.values().all(|took| took.as_ref().is_ok_and(|took| !took.is_zero())));
    assert_eq!(table.len(), 4);
}

fn nobody_knows_is_an_empty_table<F: Face>() {
    let (asking, [], []) = crowd::<F, 0>([]);
    assert!(asking.ping_all().all().is_empty());
    assert!(asking.fetch_all(()).next_one().is_none());
}

fn what_json_cannot_say_is_told_by_each<F: Face>() {
    let (asking, _crowd, [one]) = crowd::<F, _>([device::<F>()]);
    let unsayable = BTreeMap::from([(vec![1], 2)]);
    let single = asking.push(one, &unsayable).unwrap_err();
    let (of, told) = asking.push_all(&unsayable).next_one().unwrap();
    let told = told.unwrap_err();
    assert_eq!((of, told.to_string()), (one, single.to_string()));
    assert_error!(Err::<(), _>(told), Error::InvalidData(_));
}

fn a_stopped_device_asks_nobody<F: Face>() {
    let (asking, _crowd, [one]) = crowd::<F, _>([device::<F>()]);
    let many = asking.ping_all();
    asking.stop();
    let table = many.all();
    assert_error!(&table[&one], Error::Stopped);
}

/// Two devices on a discovery port of their own, of which the second one asks.
fn neighbours<F: Face>() -> (F, impl FnOnce() -> F) {
    let port = own_port();
    let there = move || {
        let there = device::<F>().discovery(true).discovery_port(port);
        F::start_with(there.interfaces(["lo"])).unwrap()
    };
    (there(), there)
}

fn right_after_the_start_it_waits_for_those_who_are_there<F: Face>() {
    let (there, start) = neighbours::<F>();
    let asking = start();
    let (id, took) = asking.ping_all().within(PATIENCE).next_one().unwrap();
    assert_eq!(id, there.id());
    took.unwrap();
}

fn those_who_join_in_time_are_asked_too<F: Face>() {
    let (asking, start) = neighbours::<F>();
    let first = F::start_with(device::<F>()).unwrap();
    asking.meet(&first);
    let mut many = asking.ping_all().within(PATIENCE).joining(PATIENCE);
    assert_eq!(many.next_one().unwrap().0, first.id());
    let joins = start();
    let (id, took) = many.next_one().unwrap();
    assert_eq!(id, joins.id());
    took.unwrap();
}

/// Of three hundred, which would take more files than a process may have.
#[test]
fn no_more_are_asked_at_once_than_there_are_files_for() {
    many_files();
    let (asking, [], []) = crowd::<Blocking, 0>([]);
    let silent: Vec<_> = (0..10).map(|_| FakePeer::new(|_| Then::Wait)).collect();
    for n in 0..300 {
        asking.add(id(&format!("D{n:05}")), silent[n % silent.len()].at).unwrap();
    }
    let table = asking.ping_all().within(Duration::from_secs(5)).all();
    let mut sent = [0, 0];
    for (id, result) in table {
        match result {
            Err(error @ Error::TimedOut { sent: was_sent, .. }) => {
                assert_names(&error, &[&id, &"did not answer within 5s"]);
                sent[usize::from(was_sent)] += 1;
            }
            other => panic!("{id}: {other:?}"),
        }
    }
    assert_eq!(sent, [44, 256]);
}

const FEW_FILES: &str = "EASYHTTP_TEST_FEW_FILES";

/// No test, but the child of the one below: it asks the devices behind this port.
#[cfg(unix)]
#[test]
fn child_with_few_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let Ok(port) = std::env::var(FEW_FILES) else { return };
    let few = rustix::process::Rlimit { current: Some(48), ..getrlimit(Resource::Nofile) };
    setrlimit(Resource::Nofile, few).unwrap();
    let (asking, [], []) = crowd::<Blocking, 0>([]);
    for n in 0..100 {
        asking.add(id(&format!("D{n:05}")), local(port.parse().unwrap())).unwrap();
    }
    let table = asking.fetch_all(()).all();
    table.iter().for_each(|(id, result)| assert_eq!(outcome(*id, result), "answered"));
    println!("\nanswered: {}", table.len());
}

#[cfg(unix)]
#[test]
fn a_process_that_may_have_few_files_open_asks_all_the_same() {
    let answering = FakePeer::new(give);
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "faces::many::child_with_few_files", "--nocapture"])
        .env(FEW_FILES, answering.at.port().to_string())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(said.contains("\nanswered: 100"), "{said} {}", String::from_utf8_lossy(&child.stderr));
}

#[test]
fn it_is_a_stream_too() {
    fn is_stream<T>(_: &(impl futures_core::Stream<Item = T> + Send + Unpin)) {}
    let (asking, [], []) = crowd::<Asynchronous, 0>([]);
    is_stream::<(DeviceId, Result<Duration>)>(&asking.ping_all());
}
