//! The events as the async face gives them: a stream.

use std::collections::HashSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::mpsc::channel;

use easyhttp::{DeviceId, EasyHttpAsync, PresenceAsync, PresenceEvent, json};
use futures_core::Stream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

use crate::support::http::{Client, post};
use crate::support::presence::{comes, goes};
use crate::support::{PATIENCE, eventually, id, next, own_port, quiet};

fn run<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

/// A device that hears its group on this machine.
async fn observer(discovery_port: u16) -> EasyHttpAsync {
    let builder = quiet(EasyHttpAsync::builder()).discovery(true).interfaces(["lo"]);
    builder.discovery_port(discovery_port).start().await.unwrap()
}

async fn event(presence: &mut PresenceAsync) -> Option<PresenceEvent> {
    timeout(PATIENCE, presence.next()).await.expect("an event, or the end")
}

/// The name of the next event, and whom it is about.
async fn told(presence: &mut PresenceAsync) -> (&'static str, DeviceId) {
    match event(presence).await {
        Some(PresenceEvent::Joined(peer)) => ("joined", peer.id),
        Some(PresenceEvent::Left(peer)) => ("left", peer.id),
        other => panic!("not {other:?}"),
    }
}

#[test]
fn it_begins_with_those_that_are_here() {
    let (port, guests) = (own_port(), ["GST222", "GST333"].map(id));
    run(async {
        let observer = observer(port).await;
        // One that was only named is not here yet.
        observer.add("ADDED2", "127.0.0.1:9").unwrap();
        for guest in guests {
            comes(port, guest, 1);
            observer.find(guest, PATIENCE).await.unwrap();
        }
        let mut presence = observer.presence();
        goes(port, guests[0], 1);
        assert_eq!(told(&mut presence).await, ("joined", guests[0]));
        assert_eq!(told(&mut presence).await, ("joined", guests[1]));
        assert_eq!(told(&mut presence).await, ("left", guests[0]));
        comes(port, guests[0], 2);
        assert_eq!(told(&mut presence).await, ("joined", guests[0]));
    });
}

#[test]
fn who_joins_while_it_begins_is_not_missed() {
    let port = own_port();
    run(async {
        let observer = observer(port).await;
        for n in 0..100 {
            let guest = DeviceId::from_entropy([n; 6]);
            let coming = tokio::task::spawn_blocking(move || comes(port, guest, 1));
            let mut presence = observer.presence();
            while told(&mut presence).await != ("joined", guest) {}
            coming.await.unwrap();
        }
    });
}

#[test]
fn it_ends_when_the_device_stops() {
    let (port, guest) = (own_port(), id("GST222"));
    run(async {
        let observer = observer(port).await;
        let handle = observer.handle();
        let (mut waits, mut reads_later) = (observer.presence(), observer.presence());
        let waiting = tokio::spawn(async move { event(&mut waits).await });
        comes(port, guest, 1);
        assert!(matches!(waiting.await.unwrap(), Some(PresenceEvent::Joined(_))));
        observer.stop().await;
        // What has happened before is still told.
        assert_eq!(told(&mut reads_later).await, ("joined", guest));
        assert_eq!(event(&mut reads_later).await, None);
        assert_eq!(event(&mut reads_later).await, None);
        assert_eq!(event(&mut handle.presence()).await, None);
    });
}

#[test]
fn a_slow_reader_is_told_how_much_it_missed() {
    const BUFFER: usize = 1024;
    const MISSED: usize = 20;
    run(async {
        let observer = quiet(EasyHttpAsync::builder()).start().await.unwrap();
        let mut presence = observer.presence();
        let port = observer.port().unwrap();
        let strangers: Vec<_> = (0..BUFFER + MISSED).map(|n| id(&format!("S{n:05}"))).collect();
        let claimed = strangers.clone();
        let claim = move || {
            let mut client = Client::connect(port);
            for stranger in claimed {
                let header = json!({"sender_id": stranger.as_str(), "sender_port": 9});
                let ping = post(json!({"type": 1, "header": header}).to_string());
                assert_eq!(client.ask(&ping).status, 200);
            }
        };
        tokio::task::spawn_blocking(claim).await.unwrap();
        let missed = u64::try_from(MISSED).unwrap();
        assert_eq!(event(&mut presence).await, Some(PresenceEvent::Missed(missed)));
        for stranger in &strangers[MISSED..] {
            assert_eq!(told(&mut presence).await, ("joined", *stranger));
        }
        let here: HashSet<_> = observer.devices().into_iter().map(|peer| peer.id).collect();
        assert!(strangers[MISSED..].iter().all(|stranger| here.contains(stranger)));
    });
}

#[test]
fn it_is_a_stream_that_may_be_polled_and_dropped_at_any_time() {
    let (port, guest) = (own_port(), id("GST222"));
    run(async {
        let observer = observer(port).await;
        let mut presence = observer.presence();
        for _ in 0..1000 {
            let mut dropped = observer.presence();
            tokio::select! {
                biased;
                told = dropped.next() => panic!("not {told:?}"),
                // This read is given up, which loses nothing.
                told = presence.next() => panic!("not {told:?}"),
                () = std::future::ready(()) => {}
            }
        }
        comes(port, guest, 1);
        let joined = poll_fn(|cx| Pin::new(&mut presence).poll_next(cx));
        let joined = timeout(PATIENCE, joined).await.unwrap();
        assert!(matches!(joined, Some(PresenceEvent::Joined(peer)) if peer.id == guest));
    });
}

#[test]
fn async_handlers_wait_for_each_other() {
    let (port, guests) = (own_port(), ["GST222", "GST333", "GST444"].map(id));
    let (tells, events) = channel();
    run(async {
        let builder = quiet(EasyHttpAsync::builder()).discovery(true).interfaces(["lo"]);
        let (joined, left) = (tells.clone(), tells);
        let builder = builder
            .discovery_port(port)
            .on_joined_async(move |peer| {
                let joined = joined.clone();
                async move {
                    // It lets all others run, more than once.
                    for _ in 0..10 {
                        tokio::task::yield_now().await;
                    }
                    joined.send(("joined", peer.id)).unwrap();
                }
            })
            .on_left_async(move |peer| {
                left.send(("left", peer.id)).unwrap();
                std::future::ready(())
            });
        let observer = builder.start().await.unwrap();
        for guest in guests {
            comes(port, guest, 1);
            observer.find(guest, PATIENCE).await.unwrap();
            goes(port, guest, 1);
            tokio::task::block_in_place(|| {
                eventually("it is gone", || observer.devices().is_empty());
            });
        }
        tokio::task::block_in_place(|| {
            for guest in guests {
                assert_eq!(next(&events), ("joined", guest));
                assert_eq!(next(&events), ("left", guest));
            }
        });
    });
}
