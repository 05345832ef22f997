//! One FETCH to two hundred devices at once, of which five are dead, three refuse and one
//! is slow; and to those that answer, one after the other.
//!
//! ```sh
//! cargo bench -p easyhttp --bench many              # two seconds for all, ten rounds
//! cargo bench -p easyhttp --bench many -- 0.5 100   # half a second, a hundred
//! ```
//!
//! The devices are in a process of their own, on loopback, and announce themselves to
//! nobody. Each round is that of a device that has just started: it has no connections.
#![allow(clippy::print_stdout, reason = "a person reads what is measured")]

use std::collections::BTreeMap;
use std::error::Error;
use std::future::pending;
use std::io::{BufRead, BufReader, Read, stdin};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs};

use easyhttp::{DeviceId, EasyHttpAsync, HandlerError, Limits, json};
use socket2::{Domain, Socket, Type};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const ANSWERING: usize = 191;
const REFUSING: usize = 3;
const SLOW: usize = 1;
const DEAD: usize = 5;

#[tokio::main]
async fn main() -> Result<()> {
    // Cargo adds an argument of its own.
    let arguments: Vec<_> = env::args().skip(1).filter(|word| word != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve"] => serve().await,
        [] => ask(Duration::from_secs(2), 10).await,
        [seconds, rounds] => {
            ask(Duration::try_from_secs_f64(seconds.parse()?)?, rounds.parse()?).await
        }
        _ => Err("it takes the seconds for all, and how many rounds".into()),
    }
}

/// Prints an id and a port for each device, and answers until its input ends.
async fn serve() -> Result<()> {
    // Five hundred, which is more than some systems let a process have by itself.
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
        let most = getrlimit(Resource::Nofile).maximum;
        setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most })?;
    }
    let builder = || {
        let builder = EasyHttpAsync::builder().random_id().discovery(false);
        builder.address(Ipv4Addr::LOCALHOST).port(0)
    };
    let mut devices = Vec::new();
    for _ in 0..ANSWERING {
        devices.push(builder().on_fetch(|_| json!({"temperature": 23.5})).start().await?);
    }
    for _ in 0..REFUSING {
        let refuse = |_| Err::<u8, _>(HandlerError::new("the sensor is broken"));
        devices.push(builder().on_fetch(refuse).start().await?);
    }
    for _ in 0..SLOW {
        let mut limits = Limits::default();
        limits.handler = Duration::from_secs(3600);
        let slow = builder().limits(limits).on_fetch_async(|_| pending::<u8>());
        devices.push(slow.start().await?);
    }
    for device in &devices {
        println!("{} {}", device.id(), device.port().ok_or("it answers")?);
    }
    println!("all");
    tokio::task::spawn_blocking(|| stdin().read_to_end(&mut Vec::new())).await??;
    std::process::exit(0)
}

async fn ask(within: Duration, rounds: usize) -> Result<()> {
    let mut server = Command::new(env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let lines = BufReader::new(server.stdout.take().ok_or("it was piped")?).lines();
    let mut known = Vec::new();
    for line in lines.take_while(|line| !matches!(line.as_deref(), Ok("all"))) {
        let line = line?;
        let (id, port) = line.split_once(' ').ok_or("an id and a port")?;
        known.push((id.parse()?, (Ipv4Addr::LOCALHOST, port.parse()?).into()));
    }
    let holes = (0..DEAD).map(|_| black_hole()).collect::<Result<Vec<_>>>()?;
    for (n, (_, at, _)) in holes.iter().enumerate() {
        known.push((format!("DEAD{n:02}").parse()?, *at));
    }

    let mut files = 0;
    let (mut quick, mut all, mut single) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let easy = asker(&known).await?;
        let begun = Instant::now();
        let mut outcomes = BTreeMap::new();
        let mut many = easy.fetch_all(()).within(within);
        while let Some((_, result)) = many.next().await {
            *outcomes.entry(outcome(&result)).or_insert(0) += 1;
            if outcomes.values().sum::<usize>() == ANSWERING + REFUSING {
                quick.push(begun.elapsed());
                files = files.max(fs::read_dir("/proc/self/fd").map_or(0, Iterator::count));
            }
        }
        all.push(begun.elapsed());
        let expected =
            [("answered", ANSWERING), ("not sent", DEAD), ("refused", REFUSING), ("unknown", SLOW)];
        if outcomes != expected.into() {
            return Err(format!("{outcomes:?} is not {expected:?}").into());
        }

        let easy = asker(&known[..ANSWERING]).await?;
        let begun = Instant::now();
        for (id, _) in &known[..ANSWERING] {
            easy.fetch(*id, ()).await?;
        }
        single.push(begun.elapsed());
    }
    println!("{rounds} rounds, {within:?} for all: median (least to most)");
    print("the 194 that say something have said it", &mut quick);
    print("all 200 have a result", &mut all);
    print("the 191 that answer, one after the other", &mut single);
    println!("files open at the most: {files}");
    drop(server.stdin.take());
    server.wait()?;
    Ok(())
}

fn outcome<T>(result: &easyhttp::Result<T>) -> &'static str {
    match result {
        Ok(_) => "answered",
        Err(easyhttp::Error::HandlerFailed { .. }) => "refused",
        Err(easyhttp::Error::TimedOut { sent: true, .. }) => "unknown",
        Err(easyhttp::Error::TimedOut { sent: false, .. }) => "not sent",
        Err(_) => "anything else",
    }
}

/// A device that knows these.
async fn asker(known: &[(DeviceId, SocketAddr)]) -> Result<EasyHttpAsync> {
    let easy = EasyHttpAsync::builder().random_id().ask_only().discovery(false).start().await?;
    for (id, at) in known {
        easy.add(*id, *at)?;
    }
    Ok(easy)
}

/// A port whose queue of connections is full: the system drops what comes.
fn black_hole() -> Result<(Socket, SocketAddr, Vec<TcpStream>)> {
    let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    listener.listen(0)?;
    let at = listener.local_addr()?.as_socket().ok_or("it is bound")?;
    let fill = || TcpStream::connect_timeout(&at, Duration::from_millis(200)).ok();
    let waiting = std::iter::from_fn(fill).collect();
    Ok((listener, at, waiting))
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort();
    if let (Some(median), [least, .., most]) = (times.get(times.len() / 2), &*times) {
        println!("{what}: {median:.3?} ({least:.3?} to {most:.3?})");
    }
}
