//! Devices that have just left: what they sent before may arrive after it.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::DeviceId;

/// How long a device that said goodbye is not believed to be back. A restart has
/// another boot.
const TIME: Duration = Duration::from_secs(10);

/// How many of those are remembered.
const MOST: usize = 64;

/// The devices, each with what it drew at its start, and until when it counts.
#[derive(Debug, Default)]
pub(super) struct Departed(VecDeque<(DeviceId, Option<u32>, Duration)>);

impl Departed {
    pub(super) fn add(&mut self, now: Duration, id: DeviceId, boot: Option<u32>) {
        self.0.truncate(MOST - 1);
        self.0.push_front((id, boot, now + TIME));
    }

    pub(super) fn contains(&mut self, now: Duration, id: DeviceId, boot: Option<u32>) -> bool {
        self.0.retain(|(.., until)| now < *until);
        self.0.iter().any(|(gone, last, _)| (*gone, *last) == (id, boot))
    }
}
