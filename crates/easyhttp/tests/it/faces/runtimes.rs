//! Devices and async runtimes that are not theirs.

use std::time::Duration;

use easyhttp::{EasyHttp, EasyHttpAsync, Error, StartError};
use tokio::runtime::{Builder, Runtime};

use crate::support::{assert_error, device, is_free, local, own_port, quickly, quiet};

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

#[test]
fn a_blocking_device_stops_on_another_thread_than_it_was_started_on() {
    let device = device().start().unwrap();
    let port = device.port().unwrap();
    let handle = device.handle();
    std::thread::spawn(move || drop::<EasyHttp>(device)).join().unwrap();
    assert!(is_free(port));
    assert_error!(handle.ping("NEVER2"), Error::Stopped);
}
