//! EasyHTTP's async face at both ends, as it ships: with its checks, limits and table of
//! peers. The others find its server by the same address.

use std::future;
use std::time::Duration;

use easyhttp::{Builder, EasyHttpAsync, Limits};
use easyhttp_bench::payload::{self, CLIENT, SERVER};
use easyhttp_bench::runtime::{callers, one_thread};
use easyhttp_bench::{Caller, Load, Result, ServerTask, contend};
use futures_util::future::try_join_all;
use tokio::runtime::Runtime;

fn main() -> Result<()> {
    contend_on(one_thread)
}

/// On the runtime of one thread, or on that of `easyhttp_main.rs`.
pub(crate) fn contend_on(runtime: fn() -> Result<Runtime>) -> Result<()> {
    contend(
        move |task, told| runtime()?.block_on(serve(task, told)),
        move |load| runtime()?.block_on(call(load)),
    )
}

/// Discovery, where it is on, stays on this machine.
fn device(id: &str, discovery: bool) -> Builder<EasyHttpAsync> {
    EasyHttpAsync::builder().id(id).port(0).discovery(discovery).interfaces(["lo"])
}

/// The ids of a crowd, the first of which is the usual server's.
fn id(number: usize) -> String {
    if number == 0 { SERVER.to_owned() } else { format!("P{number:05}") }
}

async fn serve(task: &ServerTask, told: fn(&str)) -> Result<()> {
    let mut devices = Vec::new();
    // Those that are around another device leave it its id.
    let first = usize::from(task.way == "others");
    for number in first..first + task.devices.max(1) {
        let device = device(&id(number), task.discovery);
        let device = match task.way.as_str() {
            "closure" => device.on_fetch(|fetch| payload::reading(&fetch.data.value())),
            _ => {
                device.on_fetch_async(|fetch| async move { payload::reading(&fetch.data.value()) })
            }
        };
        devices.push(device.start().await?);
    }
    let address = |device: &EasyHttpAsync| format!("127.0.0.1:{}", device.port().unwrap_or(0));
    told(&devices.iter().map(address).collect::<Vec<_>>().join(","));
    future::pending().await
}

async fn call(load: &'static Load) -> Result<()> {
    let task = load.task();
    let mut limits = Limits::default();
    if task.connects {
        limits.client_idle = Duration::ZERO;
    }
    let easy = device(CLIENT, false).limits(limits).start().await?;
    for (number, address) in task.address.split(',').enumerate() {
        easy.add(id(number), address)?;
    }
    match task.way.as_str() {
        "crowd" => call_crowd(&easy, load).await,
        _ => callers(load, |caller| call_until_over(easy.handle(), caller, load)).await,
    }
}

async fn call_until_over(
    easy: EasyHttpAsync,
    mut caller: Caller,
    load: &'static Load,
) -> Result<()> {
    let bytes = load.task().bytes;
    while caller.asks() {
        payload::check(&easy.fetch(SERVER, payload::query(bytes)).await?, bytes)?;
        caller.answered();
    }
    Ok(())
}

/// Asks many at once; all of them together are one call.
async fn call_crowd(easy: &EasyHttpAsync, load: &'static Load) -> Result<()> {
    let mut caller = load.caller();
    let crowd: Vec<_> = (0..load.task().address.split(',').count()).map(id).collect();
    while caller.asks() {
        let fetches = crowd.iter().map(|id| easy.fetch(id, payload::query(0)));
        for data in try_join_all(fetches).await? {
            payload::check(&data, 0)?;
        }
        caller.answered();
    }
    Ok(())
}
