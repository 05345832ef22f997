//! `easyhttp ping`: asks whether a device is there, or all of them, and how fast it answers.

use std::time::Duration;

use easyhttp::{Command, DeviceId, EasyHttpAsync};
use tokio::time::{MissedTickBehavior, interval};

use crate::args::{Common, Ping};
use crate::asker::Asker;
use crate::everyone::{self, Shown};
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::json::Object;
use crate::output::Output;
use crate::reader;
use crate::style::{BAD, GOOD, ID, TITLE, duration, milliseconds, printable, styled};

/// Between two pings, as ping(8) has it.
const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn run(args: &Ping, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let Some(id) = args.id else {
        return everyone::ask(
            common,
            Command::Ping,
            &args.way.finding,
            output,
            EasyHttpAsync::ping_all,
            show,
        )
        .await;
    };
    let asker = Asker::start(common, id, &args.way).await?;
    if args.count == 1 {
        let took = asker.ask(Command::Ping, asker.device.ping(asker.id)).await?;
        print_answer(&asker, 1, took, output).await?;
        return Ok(Exit::Done);
    }
    let asker = asker.without_deadline();
    let mut tally = Tally::default();
    let mut ticks = interval(args.interval.unwrap_or(INTERVAL));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut interrupts = Interrupts::listen()?;
    let pings = async {
        for number in 1..=args.count {
            ticks.tick().await;
            tally.sent = number;
            match asker.ask(Command::Ping, asker.device.ping(asker.id)).await {
                Ok(took) => {
                    tally.answered.push(took);
                    print_answer(&asker, number, took, output).await?;
                }
                Err(failure) => {
                    print_failure(asker.id, number, &failure, output)?;
                    tally.exit = failure.exit;
                }
            }
        }
        Ok::<_, Failure>(())
    };
    // Like ping(8), it sums up when it is interrupted, too.
    tokio::select! {
        done = pings => done?,
        () = interrupts.next() => {}
        () = reader::gone() => return Ok(Exit::Done),
    }
    tally.print(asker.id, output)
}

/// One of all.
fn show(device: &EasyHttpAsync, id: DeviceId, took: Duration) -> Shown {
    let peer = device.devices().into_iter().find(|peer| peer.id == id);
    let address = peer.and_then(|peer| peer.address());
    let at = address.map(|address| format!(" at {address}")).unwrap_or_default();
    Shown {
        text: format!("{}{at}", styled(GOOD, duration(took))),
        object: Object::new()
            .with("id", id)
            .with("address", address)
            .with("ms", milliseconds(took)),
    }
}

async fn print_answer(
    asker: &Asker,
    number: u32,
    took: Duration,
    output: &Output,
) -> Result<(), Failure> {
    let id = asker.id;
    let address = asker.address().await;
    output.print(
        || {
            let at = address.map(|address| format!(" at {address}")).unwrap_or_default();
            format!("{}{at}: seq={number} time={}", styled(ID, id), duration(took))
        },
        || {
            let object = Object::new().with("id", id).with("seq", number);
            object.with("address", address).with("ms", milliseconds(took))
        },
    )
}

fn print_failure(
    id: DeviceId,
    number: u32,
    failure: &Failure,
    output: &Output,
) -> Result<(), Failure> {
    output.print(
        || format!("{} seq={number} {}", styled(BAD, "lost:"), printable(failure.message())),
        || Object::new().with("id", id).with("seq", number).with("error", failure.error()),
    )
}

/// What came of all pings.
#[derive(Debug)]
struct Tally {
    sent: u32,
    answered: Vec<Duration>,
    /// The exit code if none was answered.
    exit: Exit,
}

impl Default for Tally {
    fn default() -> Self {
        Self { sent: 0, answered: Vec::new(), exit: Exit::NoAnswer }
    }
}

impl Tally {
    fn print(&self, id: DeviceId, output: &Output) -> Result<Exit, Failure> {
        let Self { sent, answered, exit } = self;
        let sent = *sent;
        let answers = u32::try_from(answered.len()).unwrap_or(u32::MAX);
        let loss = f64::from(sent - answers) / f64::from(sent.max(1)) * 100.0;
        let times = Times::of(answered);
        output.print(
            || {
                let title = styled(TITLE, format!("--- {id} ---"));
                let times = times.as_ref().map(Times::to_string).unwrap_or_default();
                format!("{title}\n{sent} sent, {answers} answered, {loss:.0}% lost{times}")
            },
            || {
                let object = Object::new().with("id", id).with("sent", sent);
                let object = object.with("answered", answers).with("loss_percent", loss);
                let ms = |pick: fn(&Times) -> Duration| times.as_ref().map(pick).map(milliseconds);
                object
                    .with("min_ms", ms(|times| times.min))
                    .with("avg_ms", ms(|times| times.average))
                    .with("max_ms", ms(|times| times.max))
            },
        )?;
        Ok(if answered.is_empty() { *exit } else { Exit::Done })
    }
}

/// How long the answers took.
#[derive(Debug)]
struct Times {
    min: Duration,
    average: Duration,
    max: Duration,
}

impl Times {
    /// None if there were no answers.
    fn of(answered: &[Duration]) -> Option<Self> {
        let count = u32::try_from(answered.len()).ok()?;
        Some(Self {
            min: *answered.iter().min()?,
            average: answered.iter().sum::<Duration>() / count,
            max: *answered.iter().max()?,
        })
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { min, average, max } = self;
        let [min, average, max] = [min, average, max].map(|time| time.as_secs_f64() * 1e3);
        write!(f, ", min/avg/max = {min:.3}/{average:.3}/{max:.3} ms")
    }
}
