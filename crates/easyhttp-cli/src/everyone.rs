//! One command to all devices that are found, and a line for each.

use std::cell::Cell;
use std::time::{Duration, Instant};

use easyhttp::{Command, DeviceId, EasyHttpAsync, Error, ManyAsync};

use crate::args::{Common, Finding};
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::output::Output;
use crate::silence::nobody;
use crate::style::{BAD, DIM, ID, TITLE, duration, printable, styled};
use crate::{identity, network, progress};

/// How long devices are listened for, as `discover` does: they answer within
/// milliseconds, unless a packet is lost.
pub(crate) const LISTEN: Duration = Duration::from_secs(2);

/// The same with a sweep, which takes 5 s in a network of 254 addresses.
pub(crate) const SWEEP: Duration = Duration::from_secs(7);

/// How long one that was found last may take to answer.
const CALL: Duration = Duration::from_secs(3);

/// What came of asking one device, as it is shown.
#[derive(Debug)]
pub(crate) struct Shown {
    /// What stands behind the id.
    pub(crate) text: String,
    /// The same for programs, with the id.
    pub(crate) object: Object,
}

/// Finds all devices, asks each as soon as it is found, and shows what it says as soon as
/// it says it.
pub(crate) async fn ask<T: Send + 'static>(
    common: &Common,
    command: Command,
    finding: &Finding,
    output: &Output,
    begin: impl FnOnce(&EasyHttpAsync) -> ManyAsync<T>,
    show: impl Fn(&EasyHttpAsync, DeviceId, T) -> Shown,
) -> Result<Exit, Failure> {
    network::check_interfaces(common)?;
    let started = Instant::now();
    let usual = if finding.sweep { SWEEP } else { LISTEN };
    let listen = common.timeout.map_or(usual, |timeout| usual.min(timeout));
    let within = common.timeout.unwrap_or(usual + CALL);

    let device = network::builder(common, finding)?.ask_only().id(identity::own()?);
    let device = device.timeout(within).start().await?;
    let mut many = begin(&device).within(within).joining(listen);
    let (asked, failed) = (Cell::new(0_usize), Cell::new(0_usize));
    let text = || match device.devices().len() {
        0 => "listening".to_owned(),
        found => format!("{} of {found} have answered", asked.get()),
    };
    let showing = async {
        while let Some((id, result)) = many.next().await {
            let shown = result.map(|value| show(&device, id, value));
            failed.set(failed.get() + usize::from(shown.is_err()));
            progress::clear();
            if asked.get() == 0 && !output.is_json() {
                output.text(&styled(TITLE, format!("{:<6}  ANSWER", "ID")).to_string())?;
            }
            asked.set(asked.get() + 1);
            print(command, id, shown, output)?;
        }
        Ok::<_, Failure>(())
    };
    progress::show(text, showing).await?;
    match (asked.get(), failed.get()) {
        (0, _) => Err(nobody(&device, finding, common, started.elapsed()).await),
        (asked, failed) => finish(asked, failed, output),
    }
}

fn print(
    command: Command,
    id: DeviceId,
    shown: easyhttp::Result<Shown>,
    output: &Output,
) -> Result<(), Failure> {
    match shown {
        Ok(Shown { text, object }) => {
            output.print(|| format!("{}  {text}", styled(ID, id)), || object)
        }
        Err(error) if output.is_json() => {
            let error = Failure::of_call(command, error).error();
            output.object(&Object::new().with("id", id).with("error", error))
        }
        Err(error) => {
            output.text(&format!("{}  {}", styled(ID, id), styled(BAD, in_short(&error))))
        }
    }
}

fn finish(asked: usize, failed: usize, output: &Output) -> Result<Exit, Failure> {
    if !output.is_json() {
        let s = if asked == 1 { "" } else { "s" };
        let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        output.text(&styled(DIM, format!("{asked} device{s}{failures}")).to_string())?;
    }
    Ok(if failed == 0 { Exit::Done } else { Exit::Refused })
}

/// An error in a line that begins with the device's id.
pub(crate) fn in_short(error: &Error) -> String {
    let text = match error {
        Error::Unreachable { source, .. } => format!("cannot connect: {source}"),
        Error::TimedOut { after, sent: false, .. } => {
            format!("no answer within {}", duration(*after))
        }
        Error::TimedOut { after, .. } => {
            format!("no answer within {}; what became of it is not known", duration(*after))
        }
        Error::Refused { reason: Some(reason), .. } => format!("refused: {reason}"),
        Error::Refused { .. } => "refused".to_owned(),
        Error::NoHandler { .. } => "it has no handler for that".to_owned(),
        Error::HandlerFailed { message, .. } => format!("its handler failed: {message}"),
        other => other.to_string(),
    };
    printable(&text).replace('\n', " ")
}
