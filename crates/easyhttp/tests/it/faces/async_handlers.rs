//! The handlers that only the async face has: closures that give a future.

use std::sync::mpsc::channel;
use std::time::Duration;

use easyhttp::{Command, EasyHttpAsync, Error, HandlerError, PushAnswer, Request, Value, json};
use tokio::runtime::Runtime;
use tokio::time::sleep;

use crate::support::fake_peer::FakePeer;
use crate::support::{PATIENCE, assert_error, limits, local, next, own_port, quiet, udp};

/// A device that asks, and the other, which it knows.
async fn pair(answering: easyhttp::Builder<EasyHttpAsync>) -> (EasyHttpAsync, EasyHttpAsync) {
    let asking = quiet(EasyHttpAsync::builder()).start().await.unwrap();
    let answering = answering.start().await.unwrap();
    asking.add(answering.id(), local(answering.port().unwrap())).unwrap();
    (asking, answering)
}

fn run<T>(future: impl Future<Output = T>) -> T {
    Runtime::new().unwrap().block_on(future)
}

#[test]
fn every_event_reaches_its_async_handler() {
    let (events, heard) = channel();
    let tell = |name: &'static str| {
        let events = events.clone();
        move |request: Request| {
            let events = events.clone();
            async move {
                sleep(Duration::from_millis(1)).await;
                events.send((name, request.data.value())).unwrap();
            }
        }
    };
    let fetched = tell("fetch");
    let pushed = tell("push");
    run(async {
        let listening = quiet(EasyHttpAsync::builder())
            .on_ping_async(tell("ping"))
            .on_pong_async(tell("pong"))
            .on_data_async(tell("data"))
            .on_fetch_async(move |fetch| {
                let done = fetched(fetch);
                async move {
                    done.await;
                    json!({"x": 1})
                }
            })
            .on_push_async(move |push| {
                let done = pushed(push);
                async move {
                    done.await;
                    PushAnswer::refuse("not today")
                }
            });
        let (asking, answering) = pair(listening).await;
        for (command, name, data) in [
            (Command::Ping, "ping", Value::Null),
            (Command::Pong, "pong", Value::Null),
            (Command::Fetch, "fetch", json!("query")),
            (Command::Data, "data", json!([1])),
            (Command::Push, "push", json!({"a": 0})),
        ] {
            asking.send(answering.id(), command, &data).await.unwrap();
            assert_eq!(next(&heard), (name, data));
        }
        assert_eq!(asking.fetch(answering.id(), ()).await.unwrap(), json!({"x": 1}));
        let refused = asking.push(answering.id(), ()).await;
        assert_error!(refused, Error::Refused { reason: Some(_), .. });
    });
}

#[test]
fn async_handlers_can_be_set_on_a_running_device() {
    let (events, heard) = channel();
    run(async {
        let (asking, answering) = pair(quiet(EasyHttpAsync::builder())).await;
        answering.on_fetch_async(|fetch| async { Ok::<_, HandlerError>(fetch.data) });
        answering.on_push_async(|push| async move { push.data.value() == 1 });
        let tell = move |request: Request| {
            let events = events.clone();
            async move { events.send(request.sender).unwrap() }
        };
        answering.on_ping_async(tell.clone());
        answering.on_data_async(tell.clone());
        asking.on_pong_async(tell);
        let id = answering.id();
        asking.ping(id).await.unwrap();
        let mut heard_by = [next(&heard), next(&heard)];
        heard_by.sort();
        let mut expected = [Some(asking.id()), Some(id)];
        expected.sort();
        assert_eq!(heard_by, expected);
        asking.send(id, Command::Data, 1).await.unwrap();
        assert_eq!(next(&heard), Some(asking.id()));
        assert_eq!(asking.fetch(id, 7).await.unwrap(), 7);
        asking.push(id, 1).await.unwrap();
        assert_error!(asking.push(id, 2).await, Error::Refused { .. });
    });
}

#[test]
fn async_handlers_hear_who_comes_and_goes() {
    let (events, heard) = channel();
    let port = own_port();
    let seeking =
        || quiet(EasyHttpAsync::builder()).discovery(true).interfaces(["lo"]).discovery_port(port);
    let joined = events.clone();
    run(async {
        let staying = seeking()
            .on_joined_async(move |peer| {
                let joined = joined.clone();
                async move { joined.send(("joined", peer.id)).unwrap() }
            })
            .start()
            .await
            .unwrap();
        staying.on_left_async(move |peer| {
            let events = events.clone();
            async move { events.send(("left", peer.id)).unwrap() }
        });
        let other = seeking().start().await.unwrap();
        assert_eq!(next(&heard), ("joined", other.id()));
        other.stop().await;
        assert_eq!(next(&heard), ("left", other.id()));
    });
}

#[test]
fn async_handlers_hear_of_what_is_wrong() {
    let (events, heard) = channel();
    let port = own_port();
    let tell = |name: &'static str| {
        let events = events.clone();
        move || {
            let events = events.clone();
            async move { events.send(name).unwrap() }
        }
    };
    let (lost, twin, moved) = (tell("lost"), tell("twin"), tell("moved"));
    run(async {
        let device = quiet(EasyHttpAsync::builder())
            .discovery(true)
            .interfaces(["lo"])
            .discovery_port(port)
            .on_lost_async(move |_| lost())
            .on_moved_async(move |_| moved());
        let device = device.start().await.unwrap();
        device.on_duplicate_id_async(move |_| twin());
        let announce = |id: &str, at: u16| {
            let announcement = json!({"type": 8, "id": id, "port": at, "boot": 7});
            udp::multicast(port, announcement.to_string());
        };
        let twin = FakePeer::ponging(device.id());
        announce(device.id().as_str(), twin.at.port());
        assert_eq!(next(&heard), "twin");
        announce("GHST22", own_port());
        device.find("GHST22", PATIENCE).await.unwrap();
        // Nobody answers there, and so it is checked.
        assert_error!(device.ping("GHST22").await, Error::Unreachable { .. });
        assert_eq!(next(&heard), "lost");
    });
}

#[test]
fn an_async_handler_that_fails_fails_alone() {
    run(async {
        let limits = limits(|limits| limits.handler = Duration::from_millis(50));
        let broken = quiet(EasyHttpAsync::builder())
            .limits(limits)
            .on_fetch_async(|fetch| async move {
                match fetch.data.value().as_str() {
                    Some("panic") => std::panic::resume_unwind(Box::new("on purpose")),
                    Some("sleep") => sleep(Duration::from_secs(60)).await,
                    Some("error") => return Err(HandlerError::new("no sensor")),
                    _ => {}
                }
                Ok(1)
            })
            .on_data_async(|data| async move {
                if data.data.value() == "later" {
                    sleep(Duration::from_millis(1)).await;
                }
                std::panic::resume_unwind(Box::new(HandlerError::new("no disk")))
            })
            // The closure itself panics, before there is a future.
            .on_push_async(|push| {
                assert!(push.data.is_none(), "on purpose");
                async { true }
            });
        let (asking, answering) = pair(broken).await;
        for (how, message) in
            [("panic", "it panicked"), ("sleep", "within 50ms"), ("error", "no sensor")]
        {
            let error = asking.fetch(answering.id(), how).await.unwrap_err();
            assert!(error.to_string().contains(message), "{error}");
            assert_error!(Err::<(), _>(error), Error::HandlerFailed { .. });
        }
        assert_error!(asking.push(answering.id(), 1).await, Error::HandlerFailed { .. });
        for when in ["now", "later"] {
            let failed = asking.send(answering.id(), Command::Data, when).await;
            assert_error!(failed, Error::HandlerFailed { message, .. } if message == "no disk");
        }
        assert_eq!(asking.fetch(answering.id(), ()).await.unwrap(), 1);
    });
}

#[test]
fn an_async_handler_may_call_and_stop_its_own_device() {
    run(async {
        let (asking, answering) = pair(quiet(EasyHttpAsync::builder())).await;
        asking.on_fetch(|_| 42);
        let device = answering.handle();
        answering.on_fetch_async(move |fetch| {
            let device = device.handle();
            async move { device.fetch(fetch.sender.unwrap(), ()).await.ok() }
        });
        let device = answering.handle();
        answering.on_push_async(move |_| {
            let device = device.handle();
            async move { device.stop().await }
        });
        assert_eq!(asking.fetch(answering.id(), ()).await.unwrap(), 42);
        asking.push(answering.id(), ()).await.unwrap();
        assert_error!(answering.ping(asking.id()).await, Error::Stopped);
    });
}
