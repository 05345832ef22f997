//! DNS-SD (RFC 6763): the device as a service that others browse for, and as
//! the host `ID.local`, which browsers and other programs find.

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;

use easyhttp_proto::peers::Source;
use easyhttp_proto::{DeviceId, VERSION};
use mdns_sd::{
    IfKind, IfPredicate, ResolvedService, ScopedIp, ServiceDaemon, ServiceEvent, ServiceInfo,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Input;
use super::network::Network;
use crate::node::Node;

/// The service, as it is looked for.
const SERVICE: &str = "_easyhttp._tcp.local.";

/// What announces and browses, until it is dropped.
pub(super) struct DnsSd(ServiceDaemon);

impl Drop for DnsSd {
    fn drop(&mut self) {
        // It says goodbye on its own thread.
        let _ = self.0.shutdown();
    }
}

impl DnsSd {
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
        let dns_sd = Self(ServiceDaemon::new()?);
        let daemon = &dns_sd.0;
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
        let found = daemon.browse(SERVICE)?;
        let (node, inputs, stop) = (Arc::clone(node), inputs.clone(), stop.clone());
        Arc::clone(&node).tasks.spawn_service(async move {
            while let Some(Ok(event)) = stop.run_until_cancelled(found.recv_async()).await {
                if let ServiceEvent::ServiceResolved(service) = event {
                    for at in leads(&node, &service) {
                        let _ = inputs.send(Input::Lead(at, Source::Advertised));
                    }
                }
            }
        });
        Ok(dns_sd)
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

/// The name under which a device is found like any other host. Names of hosts
/// are written in small letters.
pub(crate) fn host_name(id: DeviceId) -> String {
    format!("{}.local", id.as_str().to_ascii_lowercase())
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
