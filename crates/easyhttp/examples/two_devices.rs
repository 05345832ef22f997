//! Two devices in one program: they find each other by multicast, and talk.
//!
//! ```sh
//! cargo run --example two_devices
//! ```
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use std::time::Duration;

use easyhttp::{Command, EasyHttp, json};

fn main() -> easyhttp::Result<()> {
    // Port 0 is any that is free; the others are told which.
    let kitchen = EasyHttp::builder()
        .random_id()
        .port(0)
        .on_fetch(|fetch| json!({"room": "kitchen", "asked": fetch.data}))
        .on_push(|push| push.data.value()["light"] == "on")
        .on_data(|data| println!("kitchen: {data} says {}", data.data))
        .start()?;
    let hall = EasyHttp::builder().random_id().port(0).start()?;
    println!("kitchen is {}, hall is {}", kitchen.id(), hall.id());

    let found = hall.find(kitchen.id(), Duration::from_secs(5))?;
    println!("hall: found {} at {:?}", found.id, found.addresses);
    println!("hall: PING took {:.1?}", hall.ping(kitchen.id())?);
    println!("hall: FETCH gave {}", hall.fetch(kitchen.id(), "temperature")?);
    hall.push(kitchen.id(), json!({"light": "on"}))?;
    println!("hall: PUSH was accepted");
    hall.send(kitchen.id(), Command::Data, "dinner is ready")?;

    // The kitchen has no light that blinks.
    if let Err(refused) = hall.push(kitchen.id(), json!({"light": "blink"})) {
        println!("hall: {refused}");
    }
    Ok(())
}
