//! Asks all devices that are found for their data, and shows who answers first. It ends with
//! 1 if one of them failed.
//!
//! ```sh
//! cargo run --example everyone                  # everything that they have
//! cargo run --example everyone -- temperature   # this alone
//! ```
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use std::env;
use std::process::ExitCode;
use std::time::Duration;

use easyhttp::EasyHttp;

fn main() -> easyhttp::Result<ExitCode> {
    let easy = EasyHttp::builder().random_id().ask_only().start()?;
    let query = env::args().nth(1);
    // Right after the start this waits for those who are there.
    let answers = easy.fetch_all(query).within(Duration::from_secs(2));
    let mut exit = ExitCode::SUCCESS;
    for (id, answer) in answers {
        match answer {
            Ok(data) => println!("{id}: {data}"),
            Err(error) => {
                println!("{id}: {error}");
                exit = ExitCode::FAILURE;
            }
        }
    }
    Ok(exit)
}
