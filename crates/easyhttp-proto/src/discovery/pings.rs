//! The PINGs that are under way: few at once, whatever is heard. A flood of
//! invented devices may not take all connections that the process can have.

use alloc::vec::Vec;

use crate::DeviceId;

/// How many are under way at once for each reason, so that a flood of the one
/// does not keep the other waiting.
const AT_ONCE: usize = 16;

/// Why a device is PINGed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is an older device that learns us by that.
    Greeting,
    /// It is to be seen whether it is there.
    Check,
}

/// The PINGs that have not been reported yet. They count until then, whatever
/// has become of the device.
#[derive(Debug, Default)]
pub(super) struct Pings(Vec<(DeviceId, Reason)>);

impl Pings {
    pub(super) fn may_start(&self, reason: Reason) -> bool {
        self.0.iter().filter(|ping| ping.1 == reason).count() < AT_ONCE
    }

    /// Notes a PING to this device, unless it is being greeted: what comes of
    /// that is told to all who want to know.
    pub(super) fn start(&mut self, id: DeviceId, reason: Reason) -> bool {
        let is_needed = match reason {
            Reason::Greeting => self.0.iter().all(|ping| ping.0 != id),
            Reason::Check => !self.0.contains(&(id, Reason::Greeting)),
        };
        if is_needed {
            self.0.push((id, reason));
        }
        is_needed
    }

    /// A PING to this device has ended.
    pub(super) fn ended(&mut self, id: DeviceId) {
        if let Some(index) = self.0.iter().position(|ping| ping.0 == id) {
            self.0.swap_remove(index);
        }
    }
}
