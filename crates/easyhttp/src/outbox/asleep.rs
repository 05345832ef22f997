//! What can be done with the outbox of a device that does not run: what is in the file
//! can be read and changed, and nothing delivered.

use std::path::Path;
use std::time::Duration;

use easyhttp_proto::outbox::{self, Failed, Granted, Push, Wish};
use easyhttp_proto::{DeviceId, limits};

use super::file::Failure;
use super::kept::{restore, seconds, shown, unix_time};
use super::store::{Change, Store};
use super::visitor::waiting;
use crate::settings::LONGEST;

/// No device of ours has started, so all times count from here.
const NOW: Duration = Duration::ZERO;

/// Grants a wish of the device with this id. Nobody else uses the file meanwhile.
///
/// # Errors
///
/// If the file cannot be used.
pub(super) fn grant(path: &Path, own: DeviceId, wish: &Wish<'_>) -> Result<Granted, Failure> {
    let mut machine = outbox::Outbox::new(limits::OUTBOX_ITEMS, limits::OUTBOX_BYTES);
    let store = match wish {
        Wish::Push(Push { to, .. }) if *to == own => {
            return Ok(Granted::Failed(Failed::OwnId(own)));
        }
        Wish::Push(Push { data, .. }) if data.get().len() + limits::ENVELOPE > limits::BODY => {
            return Ok(Granted::Failed(Failed::TooLarge(limits::BODY)));
        }
        Wish::Push(_) => Store::open_or_make(path)?,
        _ if !path.try_exists()? => return Ok(nothing(wish)),
        _ => Store::open(path)?,
    };
    restore(&store, &mut machine, NOW)?;
    Ok(match wish {
        Wish::Push(Push { to, data, seconds: lifetime }) => {
            let lifetime = seconds(Duration::from_secs(*lifetime).min(LONGEST));
            let (to, json) = (*to, data.get().to_owned());
            match machine.reserve(json.len()) {
                Ok(number) => {
                    let came = unix_time();
                    store.apply(&[Change::Add { number, to, came, lifetime, json }])?;
                    Granted::Kept(number)
                }
                Err(outbox::Full::Items(most)) => Granted::Failed(Failed::FullItems(most)),
                Err(outbox::Full::Bytes(most)) => Granted::Failed(Failed::FullBytes(most)),
                Err(full) => Granted::Failed(Failed::Other(full.to_string())),
            }
        }
        Wish::List(behind) => {
            let mut items = Vec::new();
            for (number, item) in machine.iter().filter(|(number, _)| number > behind) {
                let kept = store.read(&[number])?;
                let json = kept.into_iter().map(|(_, kept)| kept.json);
                items.extend(json.filter_map(|json| waiting(shown(NOW, number, item, json))));
            }
            Granted::Items(items)
        }
        Wish::Cancel(number) => {
            let is_there = machine.cancel(*number).is_some();
            if is_there {
                store.apply(&[Change::Remove(*number)])?;
            }
            Granted::Cancelled(is_there)
        }
        _ => Granted::Left(machine.len()),
    })
}

/// What is said of an outbox in which nothing was ever put.
fn nothing(wish: &Wish<'_>) -> Granted {
    match wish {
        Wish::List(_) => Granted::Items(Vec::new()),
        Wish::Cancel(_) => Granted::Cancelled(false),
        _ => Granted::Left(0),
    }
}
