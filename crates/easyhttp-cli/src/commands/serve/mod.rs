//! `easyhttp serve`: a device that answers others, and prints what they ask.

mod answer;
mod event;
mod exec;
mod log;

use std::convert::Infallible;
use std::future::ready;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use easyhttp::{Builder, EasyHttpAsync, Limits, OutboxItem, Peer, Request};
use tokio::time::timeout;

use self::answer::Answers;
use self::log::Log;
use crate::args::{Common, Serve};
use crate::event::Event;
use crate::failure::{Exit, Failure};
use crate::interrupt::{Interrupts, Renewals};
use crate::keys;
use crate::network::{self, own_address};
use crate::output::{Output, warn};
use crate::reader;

/// How much later than a command is stopped the library would stop waiting for
/// the handler: so the asker hears what the command did wrong.
const MARGIN: Duration = Duration::from_millis(100);

/// How long the last lines may take to be printed.
const LAST_LINES: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: Serve, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let mut renewals = Renewals::listen()?;
    let mut limits = Limits::default();
    let time = common.timeout.unwrap_or(limits.handler - MARGIN);
    limits.handler = time + MARGIN;

    let (log, writer) = Log::new(output.is_json());
    let answers = Answers::new(&args, time)?;
    let builder = network::builder(common, &args.finding)?
        .port(args.port)
        .config_file(&args.config)
        .limits(limits);
    let builder = args.host_name.iter().fold(builder, |builder, name| builder.host_name(name));
    let builder =
        args.allow_origin.iter().fold(builder, |builder, origin| builder.allow_origin(origin));
    let builder = args.durable.into_iter().fold(builder, Builder::durable);
    let builder = args.announce_interval.into_iter().fold(builder, Builder::announce_interval);
    let builder = with_events(builder.discovery(!args.no_discovery), &log);
    let device = answers.add_to(builder, &log).start().await?;
    let opening = opening(&device, common, &args.config, &answers);
    let mut printing = writer.start(opening.line(output.is_json()));

    tokio::select! {
        () = interrupts.next() => {}
        never = renew_keys(&device, common, &mut renewals, &log) => match never {},
        () = reader::gone() => {
            device.stop().await;
            return Ok(Exit::Done);
        }
        // The disk is full, or its reader went away where nothing tells it.
        printed = &mut printing => {
            device.stop().await;
            printed.unwrap_or(Ok(()))?;
            return Ok(Exit::Done);
        }
    }
    tokio::select! {
        () = device.stop() => {}
        // Asked twice: then at once.
        () = interrupts.next() => {}
    }
    log.add(event::stopped());
    log.close();
    // If nobody reads them, they are not worth waiting for.
    if let Ok(Ok(printed)) = timeout(LAST_LINES, printing).await {
        printed?;
    }
    Ok(Exit::Done)
}

/// Reads the network keys again as often as it is told to. Those that are wrong change
/// nothing.
async fn renew_keys(
    device: &EasyHttpAsync,
    common: &Common,
    renewals: &mut Renewals,
    log: &Log,
) -> Infallible {
    loop {
        renewals.next().await;
        let renewed = keys::given(common).and_then(|keys| {
            let ids: Vec<_> = keys.iter().map(|key| key.id().to_string()).collect();
            device.set_network_keys(keys)?;
            Ok(ids)
        });
        match renewed {
            Ok(ids) => log.add(event::keys(&ids)),
            Err(failure) => {
                warn(&format!("the network keys are as before: {}", failure.message()));
            }
        }
    }
}

fn opening(device: &EasyHttpAsync, common: &Common, config: &Path, answers: &Answers) -> Event {
    let port = device.port().unwrap_or_default();
    let address = SocketAddr::new(own_address(common), port);
    event::started(device.id(), address, config, answers)
}

/// Prints what needs no answer.
fn with_events(builder: Builder<EasyHttpAsync>, log: &Arc<Log>) -> Builder<EasyHttpAsync> {
    let request = |name: &'static str| {
        let log = Arc::clone(log);
        move |request: Request| {
            log.add(event::request(name, &request));
            ready(())
        }
    };
    let peer = |name: &'static str| {
        let log = Arc::clone(log);
        move |peer: Peer| {
            log.add(crate::event::peer(name, &peer));
            ready(())
        }
    };
    let outbox = |name: &'static str| {
        let log = Arc::clone(log);
        move |item: OutboxItem| {
            log.add(crate::event::outbox(name, &item));
            ready(())
        }
    };
    builder
        .on_delivered_async(outbox("delivered"))
        .on_expired_async(outbox("expired"))
        .on_refused_async({
            let log = Arc::clone(log);
            move |refused| {
                log.add(crate::event::refused(refused));
                ready(())
            }
        })
        .on_ping_async(request("ping"))
        .on_pong_async(request("pong"))
        .on_data_async(request("data"))
        .on_joined_async(peer("joined"))
        .on_left_async(peer("left"))
        .on_lost_async(peer("lost"))
        .on_moved_async({
            let log = Arc::clone(log);
            move |moved| {
                log.add(crate::event::moved(&moved));
                ready(())
            }
        })
        .on_duplicate_id_async({
            let log = Arc::clone(log);
            move |twin| {
                log.add(crate::event::duplicate_id(&twin));
                ready(())
            }
        })
        .on_identity_changed_async({
            let log = Arc::clone(log);
            move |changed| {
                log.add(crate::event::identity_changed(&changed));
                ready(())
            }
        })
}
