//! A device that has a handler for everything, and prints what happens, with
//! tokio.
//!
//! ```sh
//! cargo run --example callbacks_async
//! ```
//!
//! Start another example or a Python device beside it: both find each other,
//! and this one asks it every five seconds. Ctrl-C ends it.
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use std::time::{Duration, Instant};

use easyhttp::{EasyHttpAsync, PushAnswer, json};

#[tokio::main]
async fn main() -> easyhttp::Result<()> {
    let started = Instant::now();
    let easy = EasyHttpAsync::builder()
        .on_ping(|ping| println!("PING from {ping}"))
        .on_pong(|pong| println!("PONG from {pong}"))
        .on_data(|data| println!("DATA from {data}: {}", data.data))
        // A handler that has to wait for something is an async one.
        .on_fetch_async(move |fetch| async move {
            println!("FETCH from {fetch}: {}", fetch.data);
            tokio::time::sleep(Duration::from_millis(50)).await;
            json!({"seconds": started.elapsed().as_secs(), "query": fetch.data})
        })
        .on_push(|push| {
            println!("PUSH from {push}: {}", push.data);
            if push.data.is_none() { PushAnswer::refuse("no data") } else { PushAnswer::Accepted }
        })
        .on_joined(|peer| println!("{} is here", peer.id))
        .on_left(|peer| println!("{} said goodbye", peer.id))
        .start()
        .await?;
    println!("device {} answers on port 5000", easy.id());

    loop {
        for peer in easy.devices() {
            // What they answer reaches `on_pong` and `on_data`, too.
            let ping = easy.ping(peer.id).await;
            let fetch = easy.fetch(peer.id, "all").await;
            if let Err(error) = ping.and(fetch) {
                println!("{error}");
            }
        }
        tokio::time::sleep(Duration::from_secs(5)).await;
    }
}
