//! NATS request and reply, through its server.

use async_nats::Client;
use easyhttp_bench::runtime::{callers, one_thread};
use easyhttp_bench::{Caller, Load, Result, ServerTask, contend, payload};
use futures_util::StreamExt;

const SUBJECT: &str = "easyhttp.7H8G2K";

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
    let mut requests = client.subscribe(SUBJECT).await?;
    // Only then does the broker know of it.
    client.flush().await?;
    told(SUBJECT);
    while let Some(request) = requests.next().await {
        let reply = request.reply.ok_or("nobody waits for a reply")?;
        client.publish(reply, payload::answer(&request.payload)?.into()).await?;
    }
    Ok(())
}

async fn call_until_over(client: Client, mut caller: Caller, load: &'static Load) -> Result<()> {
    let bytes = load.task().bytes;
    while caller.asks() {
        let reply = client.request(SUBJECT, payload::request(bytes)?.into()).await?;
        payload::check_answer(&reply.payload, bytes)?;
        caller.answered();
    }
    Ok(())
}
