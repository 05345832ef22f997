//! Asks another device once a second whether it is there.
//!
//! ```sh
//! cargo run --example ping -- 7H8G2K
//! ```
//!
//! The device may be any that runs on this network: another example, one on
//! another machine, one in Python. Ctrl-C ends it.
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use std::time::Duration;
use std::{env, thread};

use easyhttp::EasyHttp;

fn main() -> easyhttp::Result<()> {
    let Some(id) = env::args().nth(1) else {
        println!("say which device: cargo run --example ping -- 7H8G2K");
        return Ok(());
    };
    // This one only asks: it needs no port and no device file.
    let easy = EasyHttp::builder().random_id().ask_only().start()?;
    loop {
        match easy.ping(&id) {
            Ok(took) => println!("{id} is online, and answered in {took:.1?}"),
            Err(error) => println!("{error}"),
        }
        thread::sleep(Duration::from_secs(1));
    }
}
