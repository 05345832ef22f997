//! The device that a command speaks as: it only asks, and lives as long as the
//! command.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use easyhttp::{Command, DeviceId, EasyHttpAsync, Error, Limits};

use crate::args::{Common, Way};
use crate::failure::Failure;
use crate::silence::Silence;
use crate::{identity, network, progress};

/// How long a device is looked for. Those that are there answer within
/// milliseconds; this outlasts several lost packets.
const FIND: Duration = Duration::from_secs(3);

/// The same with a sweep, which takes 5 s in a network of 254 addresses.
const SWEEP: Duration = Duration::from_secs(8);

/// How much later than the library this gives up: it knows better whether the
/// request was on its way.
const MARGIN: Duration = Duration::from_millis(50);

/// A device that asks one other.
#[derive(Debug)]
pub(crate) struct Asker {
    pub(crate) device: EasyHttpAsync,
    /// The device that is asked.
    pub(crate) id: DeviceId,
    /// When the time that the user gave is over. None: a call has it for itself.
    deadline: Option<Instant>,
    /// How long a call may take.
    timeout: Duration,
}

impl Asker {
    /// Starts, and finds the one to ask.
    pub(crate) async fn start(common: &Common, id: DeviceId, way: &Way) -> Result<Self, Failure> {
        Self::found(common, id, way).await.map_err(Failure::before_it_was_sent)
    }

    async fn found(common: &Common, id: DeviceId, way: &Way) -> Result<Self, Failure> {
        network::check_interfaces(common)?;
        let deadline = common.timeout.map(|timeout| Instant::now() + timeout);
        let addresses = look_up(way, deadline).await?;
        let mut limits = Limits::default();
        limits.call = common.timeout.unwrap_or(limits.call);
        // What a name server took is gone.
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if let Some(left) = left.filter(|left| *left + MARGIN < limits.call) {
            limits.call = left;
        }
        // With a single address there is no other to keep time for.
        limits.connect = if addresses.len() == 1 { limits.call } else { limits.connect };
        limits.connect = limits.connect.min(limits.call);
        let timeout = limits.call;

        let builder =
            network::builder(common, &way.finding)?.ask_only().id(identity::own()?).limits(limits);
        let device = builder.discovery(way.at.is_none()).start().await;
        let device = device.map_err(|error| Failure::from(error).with_hint(ADDRESS_HINT))?;
        let asker = Self { device, id, deadline, timeout };
        // The library asks last what was added first.
        for address in addresses.iter().rev() {
            asker.device.add(asker.id, *address)?;
        }
        if way.at.is_some() {
            // The library alone knows whether a call that takes too long was sent.
            return Ok(asker.without_deadline());
        }
        let usual = if way.finding.sweep { SWEEP } else { FIND };
        asker.find(usual, common).await?;
        Ok(asker)
    }

    /// The address of the one that is asked.
    pub(crate) async fn address(&self) -> Option<SocketAddr> {
        self.device.find(self.id, Duration::ZERO).await.ok()?.address()
    }

    /// Waits for the answer to a call of this command, as long as there is time.
    pub(crate) async fn ask<T>(
        &self,
        command: Command,
        call: impl Future<Output = easyhttp::Result<T>>,
    ) -> Result<T, Failure> {
        let text = || format!("waiting for {} to answer", self.id);
        match progress::show(text, in_time(self.deadline, call)).await {
            Some(answer) => answer.map_err(|error| Failure::of_call(command, error)),
            None => Err(Failure::of_call(command, self.timed_out().await)),
        }
    }

    /// From now on each call has the whole time.
    pub(crate) fn without_deadline(mut self) -> Self {
        self.deadline = None;
        self
    }

    async fn find(&self, usual: Duration, common: &Common) -> Result<(), Failure> {
        let wait = match self.deadline {
            Some(deadline) => deadline.saturating_duration_since(Instant::now()),
            None => usual,
        };
        let text = || match self.device.devices().len() {
            0 => format!("looking for {}", self.id),
            1 => format!("looking for {} … 1 other device seen", self.id),
            n => format!("looking for {} … {n} other devices seen", self.id),
        };
        let found = progress::show(text, self.device.find(self.id, wait)).await;
        let Err(error) = found else { return Ok(()) };
        let hint = self.hint(&error, common).await;
        Err(Failure::from(error).with_hint(hint))
    }

    /// What to do about a device that was not found.
    async fn hint(&self, error: &Error, common: &Common) -> String {
        let seen = match error {
            Error::UnknownDevice { seen, .. } => &seen[..],
            _ => &[],
        };
        if let Some(near) = nearest(self.id, seen) {
            return format!("did you mean {near}?");
        }
        if !seen.is_empty() {
            return ADDRESS_HINT.to_owned();
        }
        let summary = Silence::of(&self.device, common).await.summary();
        format!("{summary}. `easyhttp discover` says more.\nOr {ADDRESS_HINT}")
    }

    async fn timed_out(&self) -> Error {
        let (id, after) = (self.id, self.timeout);
        match self.address().await {
            Some(address) => Error::TimedOut { id, address, after, sent: true },
            None => Error::UnknownDevice { id, seen: Vec::new() },
        }
    }
}

/// The addresses that the user named. None: the device is to be found.
async fn look_up(way: &Way, deadline: Option<Instant>) -> Result<Vec<SocketAddr>, Failure> {
    let Some(at) = &way.at else { return Ok(Vec::new()) };
    let text = || format!("looking up {}", at.host);
    let found = progress::show(text, in_time(deadline, network::look_up(at))).await;
    found.unwrap_or_else(|| Err(network::unknown_host(at, "no name server answered in time")))
}

/// Gives `work` what is left of the user's time. None: it is over.
async fn in_time<T>(deadline: Option<Instant>, work: impl Future<Output = T>) -> Option<T> {
    match deadline {
        Some(deadline) => tokio::time::timeout_at((deadline + MARGIN).into(), work).await.ok(),
        None => Some(work.await),
    }
}

const ADDRESS_HINT: &str = "name its address with --at HOST:PORT, and it need not be found";

/// The one that differs in a character or two: ids are random, so that was a
/// slip.
fn nearest(id: DeviceId, seen: &[DeviceId]) -> Option<DeviceId> {
    let differing = |other: &DeviceId| {
        id.as_str().bytes().zip(other.as_str().bytes()).filter(|(a, b)| a != b).count()
    };
    seen.iter().copied().filter(|other| differing(other) <= 2).min_by_key(differing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognised() {
        let id = |text: &str| text.parse::<DeviceId>().unwrap();
        let seen = [id("AB3F9Z"), id("7H8G2K")];
        assert_eq!(nearest(id("7H8GZK"), &seen), Some(id("7H8G2K")));
        assert_eq!(nearest(id("7H82GK"), &seen), Some(id("7H8G2K")));
        assert_eq!(nearest(id("X4R7T2"), &seen), None);
    }
}
