//! A device that answers, and one that asks: two processes that do nothing but
//! calls.
//!
//! ```text
//! calls serve FACE IN_FLIGHT              prints its port; answers until its input ends
//! calls ask FACE IN_FLIGHT PORT CALLS     makes so many calls, so many at a time
//! ```
//!
//! `cargo xtask costs` counts the system calls of each: the difference between
//! many calls and twice as many, so that start and end do not count. They are on
//! loopback, and announce themselves to nobody.
#![allow(clippy::print_stdout, reason = "xtask reads the port")]

use std::io::{Read, stdin};
use std::net::Ipv4Addr;
use std::time::Duration;
use std::{env, thread};

use easyhttp::{EasyHttp, EasyHttpAsync, Limits, Value, json};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const SERVER: &str = "7H8G2K";
const CLIENT: &str = "AB3F9Z";

/// How long each side does something else between two messages, if there is one
/// call at a time. So each always waits for the other, as devices do on a network;
/// otherwise it would depend on the machine how often an answer is there already.
const PAUSE: Duration = Duration::from_millis(2);

/// Longer than this takes.
const KEEP: Duration = Duration::from_secs(600);

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", face, in_flight] => {
            let pause = pause(in_flight.parse()?);
            match face {
                "blocking" => serve_blocking(pause),
                _ => runtime(face)?.block_on(serve(pause)),
            }
        }
        ["ask", face, in_flight, port, calls] => {
            let (in_flight, port, calls) = (in_flight.parse()?, port.parse()?, calls.parse()?);
            match face {
                "blocking" => ask_blocking(port, calls),
                "new connections" => {
                    runtime("one thread")?.block_on(ask(in_flight, port, calls, Duration::ZERO))
                }
                _ => runtime(face)?.block_on(ask(in_flight, port, calls, KEEP)),
            }
        }
        _ => Err("it is `cargo xtask costs` that starts this".into()),
    }
}

fn runtime(face: &str) -> Result<Runtime> {
    match face {
        "one thread" => Ok(Builder::new_current_thread().enable_all().build()?),
        "tokio::main" => Ok(Runtime::new()?),
        _ => Err("there is no such face".into()),
    }
}

fn pause(in_flight: usize) -> Option<Duration> {
    (in_flight == 1).then_some(PAUSE)
}

async fn serve(pause: Option<Duration>) -> Result<()> {
    let easy = EasyHttpAsync::builder()
        .id(SERVER)
        .address(Ipv4Addr::LOCALHOST)
        .port(0)
        .discovery(false)
        .on_fetch_async(move |fetch| async move {
            pause.inspect(|pause| thread::sleep(*pause));
            reading(&fetch.data.value())
        })
        .start()
        .await?;
    println!("{}", easy.port().ok_or("the device has no port")?);
    let (end, ended) = oneshot::channel();
    thread::spawn(move || {
        wait_for_end();
        end.send(())
    });
    Ok(ended.await?)
}

/// `keep`: for how long a connection waits for the next call.
async fn ask(in_flight: usize, port: u16, calls: usize, keep: Duration) -> Result<()> {
    let mut limits = Limits::default();
    limits.client_idle = keep;
    let easy = EasyHttpAsync::builder().id(CLIENT).ask_only().discovery(false).limits(limits);
    let easy = easy.start().await?;
    easy.add(SERVER, (Ipv4Addr::LOCALHOST, port))?;
    let ask = |easy| ask_in_turn(easy, calls / in_flight, pause(in_flight));
    // A single caller needs no task of its own.
    let others: Vec<_> = (1..in_flight).map(|_| tokio::spawn(ask(easy.handle()))).collect();
    ask(easy.handle()).await?;
    for other in others {
        other.await??;
    }
    Ok(())
}

async fn ask_in_turn(easy: EasyHttpAsync, calls: usize, pause: Option<Duration>) -> Result<()> {
    for _ in 0..calls {
        pause.inspect(|pause| thread::sleep(*pause));
        assert_eq!(easy.fetch(SERVER, query()).await?["value"], 23.5);
    }
    Ok(())
}

fn serve_blocking(pause: Option<Duration>) -> Result<()> {
    let easy = EasyHttp::builder()
        .id(SERVER)
        .address(Ipv4Addr::LOCALHOST)
        .port(0)
        .discovery(false)
        .on_fetch(move |fetch| {
            pause.inspect(|pause| thread::sleep(*pause));
            reading(&fetch.data.value())
        })
        .start()?;
    println!("{}", easy.port().ok_or("the device has no port")?);
    wait_for_end();
    Ok(())
}

fn ask_blocking(port: u16, calls: usize) -> Result<()> {
    let easy = EasyHttp::builder().id(CLIENT).ask_only().discovery(false).start()?;
    easy.add(SERVER, (Ipv4Addr::LOCALHOST, port))?;
    for _ in 0..calls {
        thread::sleep(PAUSE);
        assert_eq!(easy.fetch(SERVER, query())?["value"], 23.5);
    }
    Ok(())
}

fn wait_for_end() {
    // However the input ends, it has ended.
    let _ = stdin().read_to_end(&mut Vec::new());
}

fn query() -> Value {
    json!({"sensor": "temperature"})
}

fn reading(query: &Value) -> Value {
    json!({"sensor": query["sensor"], "value": 23.5, "unit": "C"})
}
