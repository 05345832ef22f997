//! Zenoh: get and queryable between two peers. They do not look for each other, the address
//! is named. It has threads of its own, and wants a runtime of several for its callers.

use std::net::TcpListener;
use std::thread;
use std::time::Duration;

use easyhttp_bench::runtime::callers;
use easyhttp_bench::{Caller, Load, Result, contend, payload};
use tokio::runtime::Runtime;
use zenoh::query::Query;
use zenoh::{Config, Session, Wait};

const KEY: &str = "easyhttp/7H8G2K";

fn main() -> Result<()> {
    contend(|_, told| serve(told), |load| Runtime::new()?.block_on(call(load)))
}

fn config(endpoints: &str, address: &str) -> Result<Config> {
    let mut config = Config::default();
    for (key, value) in [
        ("mode", "\"peer\""),
        ("scouting/multicast/enabled", "false"),
        ("scouting/gossip/enabled", "false"),
        ("listen/endpoints", "[]"),
        (endpoints, &format!("[\"tcp/{address}\"]")),
    ] {
        config.insert_json5(key, value)?;
    }
    Ok(config)
}

fn serve(told: fn(&str)) -> Result<()> {
    // It does not say which port it has, so it gets one that is free.
    let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.to_string();
    let session = zenoh::open(config("listen/endpoints", &address)?).wait()?;
    let _queryable = session
        .declare_queryable(KEY)
        .callback(|query| {
            if let Err(error) = answer(&query) {
                let _ = query.reply_err(error.to_string()).wait();
            }
        })
        .wait()?;
    told(&address);
    loop {
        thread::park();
    }
}

fn answer(query: &Query) -> Result<()> {
    let request = query.payload().ok_or("nothing is asked")?.to_bytes();
    query.reply(KEY, payload::answer(&request)?).wait()
}

async fn call(load: &'static Load) -> Result<()> {
    let session = zenoh::open(config("connect/endpoints", &load.task().address)?).await?;
    // What the other one offers, it tells after it is connected.
    while fetch(&session, load).await.is_err() {
        tokio::time::sleep(Duration::from_micros(100)).await;
    }
    callers(load, |caller| call_until_over(session.clone(), caller, load)).await
}

async fn call_until_over(session: Session, mut caller: Caller, load: &'static Load) -> Result<()> {
    while caller.asks() {
        fetch(&session, load).await?;
        caller.answered();
    }
    Ok(())
}

async fn fetch(session: &Session, load: &Load) -> Result<()> {
    let bytes = load.task().bytes;
    let replies = session.get(KEY).payload(payload::request(bytes)?).await?;
    let reply = replies.recv_async().await?;
    let sample = reply.result().map_err(|error| format!("{error:?}"))?;
    payload::check_answer(&sample.payload().to_bytes(), bytes)
}
