//! Devices and async runtimes that are not theirs.

use std::pin::pin;
use std::sync::{Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use easyhttp::{EasyHttp, EasyHttpAsync, Error, StartError};
use tokio::runtime::{Builder, Runtime};

use crate::support::{
    assert_error, device, eventually, is_free, local, next, own_port, quickly, quiet,
};

fn runtimes() -> [Runtime; 2] {
    [Builder::new_multi_thread(), Builder::new_current_thread()]
        .map(|mut builder| builder.enable_all().build().unwrap())
}

#[test]
fn a_blocking_device_works_inside_any_runtime() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let answering = device().on_fetch(|_| 1).start().unwrap();
            let asking = device().start().unwrap();
            asking.add(answering.id(), local(answering.port().unwrap())).unwrap();
            asking.ping(answering.id()).unwrap();
            assert_eq!(asking.fetch(answering.id(), ()).unwrap(), 1);
            answering.stop();
            assert!(is_free(answering.port().unwrap()));
            let error = asking.find("NEVER2", Duration::from_millis(1));
            assert_error!(error, Error::UnknownDevice { .. });
        });
    }
}

/// More than tokio lets a task do before it must wait for its next turn.
#[test]
fn a_task_may_make_any_number_of_blocking_calls() {
    for runtime in runtimes() {
        runtime.block_on(async {
            let answering = device().on_fetch(|fetch| fetch.data).start().unwrap();
            let asking = device().start().unwrap();
            asking.add(answering.id(), local(answering.port().unwrap())).unwrap();
            for n in 0..300 {
                assert_eq!(asking.fetch(answering.id(), n).unwrap(), n);
                let error = asking.find("NEVER2", Duration::from_millis(1));
                assert_error!(error, Error::UnknownDevice { .. });
            }
        });
    }
}

#[test]
fn a_blocking_device_that_cannot_start_is_an_error_inside_any_runtime() {
    let first = device().start().unwrap();
    for runtime in runtimes() {
        let port = first.port().unwrap();
        let second = runtime.block_on(async { device().port(port).start() });
        assert_error!(second, Error::Start(StartError::PortInUse { .. }));
    }
}

#[test]
fn a_blocking_device_may_be_called_in_the_handler_of_an_async_one() {
    Runtime::new().unwrap().block_on(async {
        let sensor = device().on_fetch(|_| 1).start().unwrap();
        let asking = device().start().unwrap();
        asking.add(sensor.id(), local(sensor.port().unwrap())).unwrap();
        let id = sensor.id();
        let gateway = quiet(EasyHttpAsync::builder())
            .on_fetch_async(move |_| {
                let value = asking.fetch(id, ());
                async move { value.ok() }
            })
            .start()
            .await
            .unwrap();
        let client = quiet(EasyHttpAsync::builder()).start().await.unwrap();
        client.add(gateway.id(), local(gateway.port().unwrap())).unwrap();
        assert_eq!(client.fetch(gateway.id(), ()).await.unwrap(), 1);
    });
}

#[test]
fn async_devices_share_a_runtime_of_one_thread() {
    let [_, runtime] = runtimes();
    runtime.block_on(async {
        let answering = quiet(EasyHttpAsync::builder())
            .on_fetch(|_| std::thread::current().name().map(str::to_owned))
            .start()
            .await
            .unwrap();
        let asking = quiet(EasyHttpAsync::builder()).start().await.unwrap();
        asking.add(answering.id(), local(answering.port().unwrap())).unwrap();
        asking.fetch(answering.id(), ()).await.unwrap();
        asking.stop().await;
        answering.stop().await;
        assert!(is_free(answering.port().unwrap()));
    });
}

#[test]
fn a_connection_that_ended_while_the_runtime_slept_is_not_used_again() {
    let [_, runtime] = runtimes();
    let port = own_port();
    runtime.block_on(async {
        let asking = quiet(EasyHttpAsync::builder()).start().await.unwrap();
        asking.add("PEER22", local(port)).unwrap();
        for _ in 0..10 {
            // Blocks the only thread of the runtime.
            let peer = device().port(port).id("PEER22").start().unwrap();
            asking.ping("PEER22").await.unwrap();
            drop(peer);
        }
    });
}

#[test]
fn an_async_device_may_outlive_its_runtime() {
    for runtime in runtimes() {
        let device = runtime.block_on(quiet(EasyHttpAsync::builder()).start()).unwrap();
        let handle = device.handle();
        drop(runtime);
        drop(device);
        assert!(is_free(handle.port().unwrap()));
    }
}

#[test]
fn an_async_call_may_be_given_up() {
    let [runtime, _] = runtimes();
    runtime.block_on(async {
        let device = quiet(EasyHttpAsync::builder()).start().await.unwrap();
        let find = device.find("NEVER2", Duration::from_secs(60));
        tokio::time::timeout(Duration::from_millis(10), find).await.unwrap_err();
        quickly(Duration::from_secs(2), || drop(device));
    });
}

/// Nobody else runs that runtime meanwhile.
#[test]
fn a_blocking_handle_reads_the_answer_where_the_call_is_polled() {
    let [_, runtime] = runtimes();
    let answering = device().on_fetch(|_| 1).start().unwrap();
    let id = answering.id();
    let asking = runtime.block_on(quiet(EasyHttpAsync::builder()).start()).unwrap();
    asking.add(id, local(answering.port().unwrap())).unwrap();
    let asking_here = asking.blocking_handle();
    eventually("the first poll brings the answer", || {
        // Connecting needs the runtime.
        runtime.block_on(asking.ping(id)).unwrap();
        let _runtime = runtime.enter();
        let call = pin!(asking_here.fetch(id, ()));
        let polled = call.poll(&mut Context::from_waker(Waker::noop()));
        matches!(polled, Poll::Ready(Ok(value)) if value == 1)
    });
}

#[test]
fn a_call_on_a_blocking_handle_may_be_slow_or_given_up() {
    let [runtime, _] = runtimes();
    let (answer, answers) = mpsc::channel();
    let answers = Mutex::new(answers);
    let answering = device().on_fetch(move |_| next(&answers.lock().unwrap())).start().unwrap();
    let id = answering.id();
    let asking = runtime.block_on(quiet(EasyHttpAsync::builder()).start()).unwrap();
    asking.add(id, local(answering.port().unwrap())).unwrap();
    let asking_here = asking.blocking_handle();
    runtime.block_on(async {
        let call = asking_here.fetch(id, ());
        tokio::time::timeout(Duration::from_millis(1), call).await.unwrap_err();
        answer.send(1).unwrap();
        let late = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            answer.send(2).unwrap();
        };
        let (fetched, ()) = tokio::join!(asking_here.fetch(id, ()), late);
        assert_eq!(fetched.unwrap(), 2);
    });
}

#[test]
fn a_blocking_device_stops_on_another_thread_than_it_was_started_on() {
    let device = device().start().unwrap();
    let port = device.port().unwrap();
    let handle = device.handle();
    std::thread::spawn(move || drop::<EasyHttp>(device)).join().unwrap();
    assert!(is_free(port));
    assert_error!(handle.ping("NEVER2"), Error::Stopped);
}
