//! `easyhttp outbox`: what a device of this machine has to deliver.

use std::path::Path;
use std::time::{Duration, Instant};

use easyhttp::{OutboxFile, OutboxItem, RefusedItem};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{timeout, timeout_at};

use super::id;
use crate::args::{Common, Finding, Outbox, OutboxCommand};
use crate::failure::{Exit, Failure};
use crate::json::{Object, compact};
use crate::output::Output;
use crate::style::{BAD, DIM, ID, age, printable, shortened, styled};
use crate::{event, network, progress};

/// How long devices are looked for when no device runs that knows them already. Those
/// that are there answer within milliseconds.
const FIND: Duration = Duration::from_secs(3);

/// How long it may take to be told of what was delivered.
const TELL: Duration = Duration::from_secs(1);

/// How much of an item's data people get to see.
const SHOWN: usize = 60;

pub(crate) async fn run(args: Outbox, common: &Common, output: &Output) -> Result<Exit, Failure> {
    // It says that there is none, and what to do.
    id::read(&args.config)?;
    let outbox = OutboxFile::beside(&args.config);
    match args.command.unwrap_or(OutboxCommand::List) {
        OutboxCommand::List => list(&outbox, output),
        OutboxCommand::Cancel { number } => cancel(&outbox, number, output),
        OutboxCommand::Flush => {
            let left = flush(&args.config, &outbox, common, output).await?;
            output.print(|| summary(left), || Object::new().with("waiting", left))?;
            Ok(if left == 0 { Exit::Done } else { Exit::NoAnswer })
        }
    }
}

fn list(outbox: &OutboxFile, output: &Output) -> Result<Exit, Failure> {
    let items = outbox.list()?;
    if items.is_empty() && !output.is_json() {
        output.text("nothing waits")?;
    }
    for item in &items {
        output.print(|| line(item), || event::about_item(item))?;
    }
    Ok(Exit::Done)
}

fn line(item: &OutboxItem) -> String {
    let data = shortened(&printable(&compact(item.data.raw())), SHOWN);
    let expiry = match item.expires_in.is_zero() {
        true => styled(BAD, "has expired".to_owned()),
        false => styled(DIM, format!("expires in {}", age(item.expires_in))),
    };
    let perhaps = if item.may_have_arrived { ", may have arrived" } else { "" };
    format!("{:>6}  {}  {data}  {expiry}{}", item.number, styled(ID, item.to), styled(DIM, perhaps))
}

fn cancel(outbox: &OutboxFile, number: u64, output: &Output) -> Result<Exit, Failure> {
    if !outbox.cancel(number)? {
        let text = format!("no item {number} waits, or it is being sent just now");
        return Err(Failure::new(Exit::NotFound, "no_such_item", text)
            .with_hint("`easyhttp outbox` lists what waits")
            .with_detail("number", number));
    }
    output.print(
        || format!("item {number} is cancelled"),
        || Object::new().with("number", number).with("cancelled", true),
    )?;
    Ok(Exit::Done)
}

fn summary(left: usize) -> String {
    match left {
        0 => "nothing waits any more".to_owned(),
        1 => "1 item still waits".to_owned(),
        left => format!("{left} items still wait"),
    }
}

/// Has all devices tried for which something waits, until the time is over, and gives how
/// many items are left.
async fn flush(
    config: &Path,
    outbox: &OutboxFile,
    common: &Common,
    output: &Output,
) -> Result<usize, Failure> {
    let until = common.timeout.map(|limit| Instant::now() + limit);
    let asked = outbox.clone();
    match by(until, on_a_thread(move || asked.flush())).await {
        Some(Ok(Some(left))) => Ok(left),
        Some(Ok(None)) => deliver(config, outbox, common, until, output).await,
        Some(Err(error)) => Err(error.into()),
        None => {
            let asked = outbox.clone();
            match timeout(TELL, on_a_thread(move || asked.list())).await {
                Ok(items) => Ok(items?.len()),
                Err(_) => {
                    let text = "the device that runs does not answer. What waits is kept";
                    Err(Failure::new(Exit::NoAnswer, "timed_out", text))
                }
            }
        }
    }
}

/// What comes of something, if it does until then.
async fn by<T>(until: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match until {
        Some(until) => timeout_at(until.into(), work).await.ok(),
        None => Some(work.await),
    }
}

/// Does what blocks on a thread that nobody waits for when the program ends.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, done) = oneshot::channel();
    std::thread::spawn(move || told.send(work()));
    done.await.expect("it says what it did, unless it has panicked")
}

/// Delivers what can be, as the device that does not run, and gives how many items are
/// left.
async fn deliver(
    config: &Path,
    outbox: &OutboxFile,
    common: &Common,
    until: Option<Instant>,
    output: &Output,
) -> Result<usize, Failure> {
    let items = outbox.list()?;
    if items.is_empty() {
        return Ok(0);
    }
    network::check_interfaces(common)?;
    let (told, mut events) = mpsc::unbounded_channel();
    let refusals = told.clone();
    let tell = |name: &'static str| {
        let told = told.clone();
        move |item: OutboxItem| {
            let _ = told.send(event::outbox(name, &item));
            std::future::ready(())
        }
    };
    let builder = network::builder(common, &Finding::default())?
        .config_file(config)
        .ask_only()
        .on_delivered_async(tell("delivered"))
        .on_expired_async(tell("expired"))
        .on_refused_async(move |refused: RefusedItem| {
            let _ = refusals.send(event::refused(refused));
            std::future::ready(())
        });
    let device = builder.start().await?;
    let found_until = until.unwrap_or_else(|| Instant::now() + FIND);
    let text = || match items.len() {
        1 => "looking for the device that 1 item is for".to_owned(),
        count => format!("looking for the devices that {count} items are for"),
    };
    let looking = async {
        for item in &items {
            // One that is not there by then is not waited for once more.
            let _ =
                device.find(item.to, found_until.saturating_duration_since(Instant::now())).await;
        }
    };
    progress::show(text, looking).await;
    // Those that were found have been tried meanwhile.
    let is_over = until.is_some_and(|until| until <= Instant::now());
    let flushed = match is_over {
        true => None,
        false => by(until, device.outbox().flush()).await,
    };
    let is_over = flushed.is_none();
    let left = match flushed {
        Some(left) => left,
        None => device.outbox().list().await.map(|items| items.len()),
    };
    let untold = left.as_ref().map_or(0, |left| items.len().saturating_sub(*left));
    for _ in 0..untold {
        // An item is out when it was told.
        match timeout(TELL, events.recv()).await {
            Ok(Some(event)) => output.event(event)?,
            _ => break,
        }
    }
    match is_over {
        // What is being sent is known again by its key.
        true => _ = timeout(TELL, device.stop()).await,
        false => device.stop().await,
    }
    Ok(left?)
}
