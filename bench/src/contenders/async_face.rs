//! Two devices with the async face.

use std::future;

use easyhttp::EasyHttpAsync;
use tokio::runtime::Runtime;

use super::{Contender, one_thread};
use crate::load::Load;
use crate::payload::{CLIENT, SERVER};
use crate::{Result, payload};

/// On a runtime of one thread, as bare hyper.
pub(super) const ASYNC_HANDLER: Contender = Contender {
    name: "async face",
    serve: |told| one_thread()?.block_on(serve(with_async_handler(), told)),
    call: |port, load| one_thread()?.block_on(call(port, load)),
};

/// On the runtime that most programs have.
pub(super) const TOKIO_MAIN: Contender = Contender {
    name: "async face, `#[tokio::main]`",
    serve: |told| Runtime::new()?.block_on(serve(with_async_handler(), told)),
    call: |port, load| Runtime::new()?.block_on(call(port, load)),
};

/// With a handler that may block, and so runs on another thread.
pub(super) const PLAIN_CLOSURE: Contender = Contender {
    name: "async face, plain closure",
    serve: |told| one_thread()?.block_on(serve(with_plain_closure(), told)),
    call: |port, load| one_thread()?.block_on(call(port, load)),
};

fn device(id: &str) -> easyhttp::Builder<EasyHttpAsync> {
    EasyHttpAsync::builder().id(id).port(0).discovery(false)
}

fn with_async_handler() -> easyhttp::Builder<EasyHttpAsync> {
    device(SERVER).on_fetch_async(|fetch| async move { payload::reading(&fetch.data.value()) })
}

fn with_plain_closure() -> easyhttp::Builder<EasyHttpAsync> {
    device(SERVER).on_fetch(|fetch| payload::reading(&fetch.data.value()))
}

async fn serve(device: easyhttp::Builder<EasyHttpAsync>, told: fn(u16)) -> Result<()> {
    let easy = device.start().await?;
    told(easy.port().ok_or("the device has no port")?);
    future::pending().await
}

async fn call(port: u16, load: &'static Load) -> Result<()> {
    let easy = device(CLIENT).start().await?;
    easy.add(SERVER, ([127, 0, 0, 1], port))?;
    // A single caller needs no task of its own.
    let others: Vec<_> =
        (1..load.in_flight).map(|_| tokio::spawn(call_until_over(easy.handle(), load))).collect();
    call_until_over(easy.handle(), load).await?;
    for other in others {
        other.await??;
    }
    Ok(())
}

async fn call_until_over(easy: EasyHttpAsync, load: &Load) -> Result<()> {
    let mut caller = load.caller();
    while caller.asks() {
        let data = easy.fetch(SERVER, payload::query()).await?;
        assert_eq!(data["value"], 23.5);
        caller.answered();
    }
    Ok(())
}
