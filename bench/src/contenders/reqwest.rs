//! A client that is reqwest, with its pool. Its server is one of the others.

use easyhttp_bench::payload::{self, PATH};
use easyhttp_bench::runtime::{callers, one_thread};
use easyhttp_bench::{Caller, Load, Result, contend};
use reqwest::Client;

fn main() -> Result<()> {
    contend(
        |_, _| Err("this is a client".into()),
        |load| {
            one_thread()?.block_on(async {
                let client = Client::builder().no_proxy().build()?;
                callers(load, |caller| call_until_over(client.clone(), caller, load)).await
            })
        },
    )
}

async fn call_until_over(client: Client, mut caller: Caller, load: &'static Load) -> Result<()> {
    let task = load.task();
    let url = format!("http://{}{PATH}", task.address);
    while caller.asks() {
        let request = client.post(&url).header("content-type", "application/json");
        let answer = request.body(payload::request(task.bytes)?).send().await?.bytes().await?;
        payload::check_answer(&answer, task.bytes)?;
        caller.answered();
    }
    Ok(())
}
