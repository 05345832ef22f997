//! A lamp, and the remote control that switches it.
//!
//! ```sh
//! cargo run --example remote_control                   # the lamp; says its id
//! cargo run --example remote_control -- 7H8G2K on      # in a second terminal
//! cargo run --example remote_control -- 7H8G2K purple  # refused, with a reason
//! ```
//!
//! Ctrl-C ends the lamp.
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use std::{env, thread};

use easyhttp::{EasyHttp, PushAnswer, Request, json};

fn main() -> easyhttp::Result<()> {
    let words: Vec<String> = env::args().skip(1).collect();
    match words.as_slice() {
        [id, state] => switch(id, state),
        _ => lamp(),
    }
}

fn lamp() -> easyhttp::Result<()> {
    let lamp = EasyHttp::builder().config_file("lamp.json").port(5002).on_push(control).start()?;
    println!("lamp {} answers on port 5002", lamp.id());
    loop {
        thread::park();
    }
}

fn control(push: Request) -> PushAnswer {
    let data = push.data.value();
    println!("{push}: {data}");
    match (data["command"].as_str(), data["state"].as_str()) {
        // Here you can set a real pin.
        (Some("led"), Some("on" | "off")) => PushAnswer::Accepted,
        (Some("led"), _) => PushAnswer::refuse("state must be on or off"),
        _ => PushAnswer::refuse("the only command is led"),
    }
}

fn switch(id: &str, state: &str) -> easyhttp::Result<()> {
    let remote = EasyHttp::builder().random_id().ask_only().start()?;
    match remote.push(id, json!({"command": "led", "state": state})) {
        Ok(()) => println!("the lamp {id} is {state}"),
        Err(error) => println!("{error}"),
    }
    Ok(())
}
