//! NATS request and reply, through its server.

use async_nats::Client;
use easyhttp_bench::payload::{self, SERVER};
use easyhttp_bench::runtime::{callers, one_thread};
use easyhttp_bench::{Caller, Load, Result, ServerTask, contend};
use futures_util::StreamExt;

fn main() -> Result<()> {
    contend(
        |task, told| one_thread()?.block_on(serve(task, told)),
        |load| {
            one_thread()?.block_on(async {
                let client = async_nats::connect(&load.task().broker).await?;
                callers(load, |caller| call_until_over(client.clone(), caller, load)).await
            })
        },
    )
}

async fn serve(task: &ServerTask, told: fn(&str)) -> Result<()> {
    let client = async_nats::connect(&task.broker).await?;
    let subject = format!("easyhttp.{SERVER}.{}", std::process::id());
    let mut requests = client.subscribe(subject.clone()).await?;
    // Only then does the broker know of it.
    client.flush().await?;
    told(&subject);
    while let Some(request) = requests.next().await {
        let reply = request.reply.ok_or("nobody waits for a reply")?;
        client.publish(reply, payload::answer(&request.payload)?.into()).await?;
    }
    Ok(())
}

async fn call_until_over(client: Client, mut caller: Caller, load: &'static Load) -> Result<()> {
    let task = load.task();
    while caller.asks() {
        let reply =
            client.request(task.address.as_str(), payload::request(task.bytes)?.into()).await?;
        payload::check_answer(&reply.payload, task.bytes)?;
        caller.answered();
    }
    Ok(())
}
