//! A lamp, and the remote control that switches it, with tokio.
//!
//! ```sh
//! cargo run --example remote_control_async                   # the lamp; says its id
//! cargo run --example remote_control_async -- 7H8G2K on      # in a second terminal
//! cargo run --example remote_control_async -- 7H8G2K purple  # refused, with a reason
//! ```
//!
//! Ctrl-C ends the lamp.
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use std::env;

use easyhttp::{EasyHttpAsync, PushAnswer, Request, json};

#[tokio::main]
async fn main() -> easyhttp::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.as_slice() {
        [id, state] => switch(id, state).await,
        _ => lamp().await,
    }
}

async fn lamp() -> easyhttp::Result<()> {
    let builder = EasyHttpAsync::builder().config_file("lamp.json").port(5002);
    let lamp = builder.on_push_async(control).start().await?;
    println!("lamp {} answers on port 5002", lamp.id());
    let _ = tokio::signal::ctrl_c().await;
    lamp.stop().await;
    Ok(())
}

async fn control(push: Request) -> PushAnswer {
    let data = push.data.value();
    println!("{push}: {data}");
    match (data["command"].as_str(), data["state"].as_str()) {
        // Here you can set a real pin.
        (Some("led"), Some("on" | "off")) => PushAnswer::Accepted,
        (Some("led"), _) => PushAnswer::refuse("state must be on or off"),
        _ => PushAnswer::refuse("the only command is led"),
    }
}

async fn switch(id: &str, state: &str) -> easyhttp::Result<()> {
    let remote = EasyHttpAsync::builder().random_id().ask_only().start().await?;
    match remote.push(id, json!({"command": "led", "state": state})).await {
        Ok(()) => println!("the lamp {id} is {state}"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
