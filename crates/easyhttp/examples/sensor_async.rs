//! A sensor: answers FETCH with the load and the temperature of this machine,
//! with tokio.
//!
//! ```sh
//! cargo run --example sensor_async
//! curl -H 'Content-Type: application/json' -d '{"type": 3}' http://localhost:5001/easyhttp/api
//! ```
//!
//! Other devices find it by themselves. Ctrl-C ends it.
#![allow(clippy::print_stdout, reason = "an example speaks to a person")]

use std::fs;

use easyhttp::{EasyHttpAsync, json};

#[tokio::main]
async fn main() -> easyhttp::Result<()> {
    let sensor = EasyHttpAsync::builder()
        // Its id is made at the first start, and kept here.
        .config_file("sensor.json")
        .port(5001)
        .on_fetch(|fetch| {
            println!("FETCH from {fetch}");
            json!({"load": load(), "temperature": temperature()})
        })
        .start()
        .await?;
    println!("sensor {} answers on port 5001", sensor.id());

    // It answers by itself until Ctrl-C, and then says goodbye to the others.
    let _ = tokio::signal::ctrl_c().await;
    sensor.stop().await;
    Ok(())
}

/// How many processes wanted to run in the last minute. Linux says it.
fn load() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// Degrees Celsius. Linux says it, where there is a thermometer.
fn temperature() -> Option<f64> {
    let text = fs::read_to_string("/sys/class/thermal/thermal_zone0/temp").ok()?;
    Some(text.trim().parse::<f64>().ok()? / 1000.0)
}
