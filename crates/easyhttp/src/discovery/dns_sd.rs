//! DNS-SD (RFC 6763): the device as a service that others browse for, and as
//! the host `ID.local`, which browsers and other programs find.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::peers::Source;
use easyhttp_proto::{DeviceId, VERSION};
use mdns_sd::{
    IfKind, IfPredicate, Receiver, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent,
    ServiceInfo,
};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::network::Network;
use super::{Input, host_name};
use crate::node::Node;

/// The service, as it is looked for.
const SERVICE: &str = "_easyhttp._tcp.local.";

/// How often it looks at the interfaces by itself, in seconds: each time wakes its
/// thread. While they change it has to, as it cannot be told.
const LOOK: u32 = 60;
const LOOK_RESTLESS: u32 = 1;

/// How long others are browsed for, and after what time again. Who comes in between
/// browses, too, and PINGs us. Whoever browses all the time asks for each device again
/// before its records expire, every 96 s: all would wake all.
const BROWSE: Duration = Duration::from_secs(15);
const BROWSE_AGAIN: Duration = Duration::from_secs(10 * 60);

/// What announces and browses, until it is dropped.
pub(super) struct DnsSd {
    daemon: ServiceDaemon,
    has_changed: Arc<Notify>,
}

/// Lets it follow the interfaces.
pub(super) struct Looks {
    daemon: ServiceDaemon,
    has_changed: Arc<Notify>,
    is_restless: bool,
}

impl Looks {
    /// Whether the interfaces are changing.
    pub(super) fn are_restless(&mut self, is_restless: bool) {
        if is_restless != self.is_restless {
            self.is_restless = is_restless;
            let seconds = if is_restless { LOOK_RESTLESS } else { LOOK };
            let _ = self.daemon.set_ip_check_interval(seconds);
            if is_restless {
                self.has_changed.notify_one();
            }
        }
    }
}

impl Drop for DnsSd {
    fn drop(&mut self) {
        // It says goodbye on its own thread.
        let _ = self.daemon.shutdown();
    }
}

impl DnsSd {
    pub(super) fn looks(&self) -> Looks {
        let (daemon, has_changed) = (self.daemon.clone(), Arc::clone(&self.has_changed));
        Looks { daemon, has_changed, is_restless: true }
    }

    /// Announces the device if it answers, and gives the addresses of others as
    /// leads. None if that cannot be; it is one way of several.
    pub(super) fn start(
        node: &Arc<Node>,
        network: &Network,
        inputs: &mpsc::UnboundedSender<Input>,
        stop: &CancellationToken,
    ) -> Option<Self> {
        match Self::try_start(node, network, inputs, stop) {
            Ok(dns_sd) => Some(dns_sd),
            Err(error) => {
                tracing::warn!(%error, "no DNS-SD");
                None
            }
        }
    }

    fn try_start(
        node: &Arc<Node>,
        network: &Network,
        inputs: &mpsc::UnboundedSender<Input>,
        stop: &CancellationToken,
    ) -> mdns_sd::Result<Self> {
        let dns_sd = Self { daemon: ServiceDaemon::new()?, has_changed: Arc::default() };
        let daemon = &dns_sd.daemon;
        daemon.set_ip_check_interval(LOOK_RESTLESS)?;
        let choice = network.choice.clone();
        // Devices of one host meet without it.
        let is_skipped = IfPredicate::new(move |interface: &if_addrs::Interface| {
            let why = choice.why_skipped(&interface.name, interface.is_p2p());
            interface.is_loopback() || why.is_some()
        });
        daemon.disable_interface(IfKind::Predicate(is_skipped))?;
        if let Some(service) = service(node, network)? {
            daemon.register(service)?;
        }
        let browser = Browser {
            node: Arc::clone(node),
            daemon: daemon.clone(),
            has_changed: Arc::clone(&dns_sd.has_changed),
            inputs: inputs.clone(),
        };
        let stop = stop.clone();
        node.tasks.spawn_service(async move {
            stop.run_until_cancelled(browser.run()).await;
        });
        Ok(dns_sd)
    }
}

struct Browser {
    node: Arc<Node>,
    daemon: ServiceDaemon,
    has_changed: Arc<Notify>,
    inputs: mpsc::UnboundedSender<Input>,
}

impl Browser {
    async fn run(self) {
        loop {
            // Stopping ends it, too.
            let Ok(found) = self.daemon.browse(SERVICE) else { return };
            let _ = timeout(BROWSE, self.take(found)).await;
            let _ = self.daemon.stop_browse(SERVICE);
            let _ = timeout(BROWSE_AGAIN, self.has_changed.notified()).await;
        }
    }

    async fn take(&self, found: Receiver<ServiceEvent>) {
        while let Ok(event) = found.recv_async().await {
            if let ServiceEvent::ServiceResolved(service) = event {
                for at in leads(&self.node, &service) {
                    let _ = self.inputs.send(Input::Lead(at, Source::Advertised));
                }
            }
        }
    }
}

/// What is said of this device. None if others could not use it.
fn service(node: &Node, network: &Network) -> mdns_sd::Result<Option<ServiceInfo>> {
    let (Some(port), Some(address)) = (node.port, network.answers_at) else { return Ok(None) };
    if address.is_loopback() {
        return Ok(None);
    }
    let only = Some(address).filter(|address| !address.is_unspecified());
    let addresses: Vec<IpAddr> = only.into_iter().collect();
    let (id, host) = (node.id.as_str(), host_name(node.id));
    let properties = [("id", id), ("version", VERSION)];
    let service =
        ServiceInfo::new(SERVICE, id, &format!("{host}."), &addresses[..], port, &properties[..])?;
    Ok(Some(if only.is_none() { service.enable_addr_auto() } else { service }))
}

/// Where a service is, if it is a device that is not known yet.
fn leads(node: &Node, service: &ResolvedService) -> Vec<SocketAddr> {
    let name = service.fullname.split('.').next().unwrap_or_default();
    let id = name.parse::<DeviceId>().ok();
    let is_known = |id| id == node.id || node.peers().get(id).is_some_and(|peer| peer.is_present);
    if id.is_some_and(is_known) {
        return Vec::new();
    }
    let mut addresses: Vec<_> =
        service.addresses.iter().map(|address| socket_address(address, service.port)).collect();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
}

fn socket_address(address: &ScopedIp, port: u16) -> SocketAddr {
    match address {
        ScopedIp::V6(v6) if is_link_local(v6.addr()) => {
            SocketAddrV6::new(*v6.addr(), port, 0, v6.scope_id().index).into()
        }
        other => SocketAddr::new(other.to_ip_addr(), port),
    }
}

fn is_link_local(address: &Ipv6Addr) -> bool {
    address.is_unicast_link_local()
}
