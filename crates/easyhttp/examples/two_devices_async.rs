//! Two devices in one program: they find each other by multicast, and talk,
//! with tokio.
//!
//! ```sh
//! cargo run --example two_devices_async
//! ```
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use std::time::Duration;

use easyhttp::{Command, EasyHttpAsync, json};

#[tokio::main]
async fn main() -> easyhttp::Result<()> {
    // Port 0 is any that is free; the others are told which.
    let kitchen = EasyHttpAsync::builder()
        .random_id()
        .port(0)
        .on_fetch(|fetch| json!({"room": "kitchen", "asked": fetch.data}))
        .on_push(|push| push.data.value()["light"] == "on")
        .on_data(|data| println!("kitchen: {data} says {}", data.data))
        .start()
        .await?;
    let hall = EasyHttpAsync::builder().random_id().port(0).start().await?;
    println!("kitchen is {}, hall is {}", kitchen.id(), hall.id());

    let found = hall.find(kitchen.id(), Duration::from_secs(5)).await?;
    println!("hall: found {} at {:?}", found.id, found.addresses);
    println!("hall: PING took {:.1?}", hall.ping(kitchen.id()).await?);
    println!("hall: FETCH gave {}", hall.fetch(kitchen.id(), "temperature").await?);
    hall.push(kitchen.id(), json!({"light": "on"})).await?;
    println!("hall: PUSH was accepted");
    hall.send(kitchen.id(), Command::Data, "dinner is ready").await?;

    // The kitchen has no light that blinks.
    if let Err(refused) = hall.push(kitchen.id(), json!({"light": "blink"})).await {
        println!("hall: {refused}");
    }
    // They say goodbye. (Dropping them would say it, but not wait.)
    tokio::join!(kitchen.stop(), hall.stop());
    Ok(())
}
