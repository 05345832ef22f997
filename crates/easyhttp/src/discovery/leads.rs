//! Where devices may be, by other ways than multicast: at the addresses that
//! the user named, those of the last run, and any of this network.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::peers::Source;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Input;
use super::network::Network;
use super::remembered::Remembered;
use crate::node::Node;
use crate::settings::PORT;

/// How often the addresses that the user named are given again. Nothing is sent
/// to those where a known device is.
const AGAIN: Duration = Duration::from_secs(5);

/// How long the look-up of a name may take: without a name server it must not
/// keep the others waiting.
const LOOK_UP: Duration = Duration::from_secs(3);

/// When peers are kept for the next run: soon after the start, as a device may
/// lose its power at any time, and then seldom, as flash wears out.
const REMEMBER_FIRST: Duration = Duration::from_secs(30);
const REMEMBER: Duration = Duration::from_secs(10 * 60);

/// How many addresses of a network are swept: those of a /24.
const SWEPT_PREFIX: u8 = 24;

/// Gives leads to the state machine.
pub(super) struct Leads {
    has_changed: Arc<Notify>,
}

impl Leads {
    /// Gives all leads now, and again when there is a reason.
    pub(super) fn start(
        node: &Arc<Node>,
        network: &Network,
        inputs: &mpsc::UnboundedSender<Input>,
        stop: &CancellationToken,
    ) -> Self {
        let has_changed = Arc::<Notify>::default();
        let giver = Giver {
            node: Arc::clone(node),
            network: network.clone(),
            inputs: inputs.clone(),
            has_changed: Arc::clone(&has_changed),
        };
        let stop = stop.clone();
        node.tasks.spawn_service(async move {
            stop.run_until_cancelled(giver.run()).await;
        });
        Self { has_changed }
    }

    /// What led nowhere before may lead somewhere now.
    pub(super) fn network_changed(&self) {
        self.has_changed.notify_one();
    }
}

struct Giver {
    node: Arc<Node>,
    network: Network,
    inputs: mpsc::UnboundedSender<Input>,
    has_changed: Arc<Notify>,
}

impl Giver {
    async fn run(self) {
        loop {
            let remembered = self.node.remembered.as_ref();
            self.give(
                Source::Remembered,
                remembered.map(Remembered::addresses).unwrap_or_default(),
            );
            if self.node.settings.sweep {
                self.give(Source::Swept, self.network_addresses());
            }
            let steadily = async {
                tokio::join!(self.give_named_again(), self.remember_again());
            };
            tokio::select! {
                () = steadily => {}
                () = self.has_changed.notified() => {}
            }
        }
    }

    fn give(&self, source: Source, addresses: impl IntoIterator<Item = SocketAddr>) {
        for at in addresses {
            let _ = self.inputs.send(Input::Lead(at, source));
        }
    }

    async fn give_named_again(&self) {
        while !self.node.settings.peers.is_empty() {
            self.give_named().await;
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Keeps the peers for the next run, which may begin without a goodbye.
    async fn remember_again(&self) {
        if self.node.remembered.is_none() {
            // Nothing is kept, so no thread is started for it.
            return std::future::pending().await;
        }
        let mut ticks = tokio::time::interval_at(Instant::now() + REMEMBER_FIRST, REMEMBER);
        loop {
            ticks.tick().await;
            let node = Arc::clone(&self.node);
            self.node.tasks.spawn_blocking(move || node.remember());
        }
    }

    /// Gives what the user named. Names are looked up each time: what is behind
    /// one may change.
    async fn give_named(&self) {
        for name in &self.node.settings.peers {
            if let Ok(at) = name.parse() {
                self.give(Source::Added, [at]);
                continue;
            }
            match tokio::time::timeout(LOOK_UP, tokio::net::lookup_host(name)).await {
                Ok(Ok(found)) => self.give(Source::Added, found),
                Ok(Err(error)) => tracing::warn!(name, %error, "a peer's name cannot be looked up"),
                Err(_) => tracing::warn!(name, "a peer's name was not looked up in time"),
            }
        }
    }

    /// Every address of the networks of this machine, at the ports at which
    /// devices usually answer.
    fn network_addresses(&self) -> BTreeSet<SocketAddr> {
        let interfaces = self.network.links().unwrap_or_default().into_iter();
        let subnets: Vec<_> = interfaces
            .filter(|(interface, _)| !interface.is_loopback)
            .flat_map(|(interface, _)| interface.subnets().to_vec())
            .collect();
        let ports = [PORT, self.node.port.unwrap_or(PORT)];
        let addresses = subnets.iter().flat_map(|subnet| hosts(subnet.address, subnet.prefix));
        let is_own = |ip: &Ipv4Addr| subnets.iter().any(|subnet| subnet.address == IpAddr::V4(*ip));
        addresses
            .filter(|ip| !is_own(ip))
            .flat_map(|ip| ports.map(|port| SocketAddr::new(ip.into(), port)))
            .collect()
    }
}

/// The other addresses that a host at this one may see around it.
fn hosts(address: IpAddr, prefix: u8) -> impl Iterator<Item = Ipv4Addr> {
    let prefix = u32::from(prefix.max(SWEPT_PREFIX)).min(32);
    let size = 1_u32 << (32 - prefix);
    let first = match address {
        IpAddr::V4(v4) => Some(v4.to_bits() & !(size - 1)),
        IpAddr::V6(_) => None,
    };
    // Neither the name of the network nor its broadcast address, which a link of two
    // has not (RFC 3021).
    let inner = if size == 2 { 0..2 } else { 1..size.saturating_sub(1) };
    first.into_iter().flat_map(move |first| inner.clone().map(move |n| (first + n).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sweep_stays_in_a_small_network() {
        let hosts = |address: &str, prefix| {
            hosts(address.parse().unwrap(), prefix).map(|host| host.to_string()).collect::<Vec<_>>()
        };
        let home = hosts("192.168.1.23", 24);
        assert_eq!((home.len(), &*home[0], &*home[253]), (254, "192.168.1.1", "192.168.1.254"));
        let company = hosts("10.20.30.40", 8);
        assert_eq!((company.len(), &*company[0]), (254, "10.20.30.1"));
        assert_eq!(hosts("10.0.0.6", 30), ["10.0.0.5", "10.0.0.6"]);
        assert_eq!(hosts("10.0.0.6", 31), ["10.0.0.6", "10.0.0.7"]);
        assert!(hosts("10.0.0.6", 32).is_empty());
        assert!(hosts("fe80::1", 64).is_empty());
    }
}
