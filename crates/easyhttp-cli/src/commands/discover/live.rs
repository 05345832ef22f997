//! The live view of who is here.

use std::collections::VecDeque;
use std::time::Duration;

use easyhttp::{DeviceId, EasyHttpAsync, PresenceEvent};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

use super::table::Table;
use crate::args::Common;
use crate::failure::Failure;
use crate::screen::Screen;
use crate::silence::Silence;

/// Between two looks at the clock and the size of the terminal.
const REFRESH: Duration = Duration::from_millis(250);

/// Between two round trips to a device.
const ROUND: Duration = Duration::from_secs(3);

/// How many devices are asked at once.
const AT_ONCE: usize = 16;

/// How long nobody may be there before it is said what usually is the cause.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shows it for ever.
pub(super) async fn show(device: &EasyHttpAsync, common: &Common) -> Result<(), Failure> {
    let screen = Screen::open()?;
    let started = Instant::now();
    let mut table = Table::default();
    let mut presence = device.presence();
    let mut waiting: VecDeque<DeviceId> = VecDeque::new();
    let mut pings = JoinSet::new();
    let mut rounds = interval(ROUND);
    let mut refresh = interval(REFRESH);
    loop {
        tokio::select! {
            Some(event) = presence.next() => {
                match event {
                    PresenceEvent::Joined(peer) => {
                        waiting.push_back(peer.id);
                        table.joined(peer);
                    }
                    PresenceEvent::Left(peer) => table.gone(peer.id, "left"),
                    PresenceEvent::Lost(peer) => table.gone(peer.id, "lost"),
                    // Asked anew, it tells who is here.
                    PresenceEvent::Missed(_) => {
                        table = Table::default();
                        presence = device.presence();
                    }
                    _ => {}
                }
            }
            Some(Ok((id, answer))) = pings.join_next() => table.answered(id, answer),
            // Unless the last round is not over.
            _ = rounds.tick() => if waiting.is_empty() { waiting.extend(table.present()) },
            _ = refresh.tick() => {}
        }
        while pings.len() < AT_ONCE
            && let Some(id) = waiting.pop_front()
        {
            pings.spawn(ping(device.handle(), id));
        }
        table.refresh(device.devices());
        table.silence = match table.is_empty() && started.elapsed() > PATIENCE {
            true => Some(Silence::of(device, common).await),
            false => None,
        };
        screen.draw(|width, height| table.draw(width, height))?;
    }
}

async fn ping(device: EasyHttpAsync, id: DeviceId) -> (DeviceId, easyhttp::Result<Duration>) {
    (id, device.ping(id).await)
}
