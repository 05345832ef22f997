//! Who comes and goes, until somebody has seen enough.

use std::future::pending;

use easyhttp::{EasyHttpAsync, PresenceEvent};
use tokio::time::sleep;

use super::live;
use crate::args::Common;
use crate::event;
use crate::failure::{Exit, Failure};
use crate::interrupt::Interrupts;
use crate::output::Output;
use crate::reader;
use crate::screen::Screen;

pub(super) async fn run(
    device: &EasyHttpAsync,
    common: &Common,
    output: &Output,
) -> Result<Exit, Failure> {
    let mut interrupts = Interrupts::listen()?;
    let is_live = !output.is_json() && Screen::is_possible();
    let watching = async {
        match is_live {
            true => live::show(device, common).await,
            false => print(device, output).await,
        }
    };
    let end = async {
        match common.timeout {
            Some(timeout) => sleep(timeout).await,
            None => pending().await,
        }
    };
    tokio::select! {
        watched = watching => watched?,
        () = interrupts.next() => {}
        () = reader::gone() => {}
        () = end => {}
    }
    Ok(Exit::Done)
}

/// One line for each event, beginning with who is here.
async fn print(device: &EasyHttpAsync, output: &Output) -> Result<(), Failure> {
    let mut presence = device.presence();
    while let Some(event) = presence.next().await {
        output.event(match &event {
            PresenceEvent::Joined(peer) => event::peer("joined", peer),
            PresenceEvent::Left(peer) => event::peer("left", peer),
            PresenceEvent::Lost(peer) => event::peer("lost", peer),
            PresenceEvent::Moved(moved) => event::moved(moved),
            PresenceEvent::DuplicateId(twin) => event::duplicate_id(twin),
            PresenceEvent::IdentityChanged(changed) => event::identity_changed(changed),
            PresenceEvent::Missed(count) => event::skipped(*count),
            _ => continue,
        })?;
    }
    Ok(())
}
