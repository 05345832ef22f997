//! The network: what the user says about it, and the addresses in it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};

use easyhttp::{Builder, EasyHttpAsync};

use crate::args::{Common, Finding};
use crate::failure::{Exit, Failure};
use crate::keys;
use crate::value::At;

/// The group of discovery: who is reached there is on the same network.
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 106);

/// The UDP port of discovery, unless the user chose another one.
const DISCOVERY_PORT: u16 = 37020;

/// What stands for every interface.
const ALL: &str = "all";

/// A device on the network that the user chose, with the network key if there is
/// one.
pub(crate) fn builder(
    common: &Common,
    finding: &Finding,
) -> Result<Builder<EasyHttpAsync>, Failure> {
    let builder = EasyHttpAsync::builder()
        .network_keys(keys::given(common)?)
        .encrypt(common.encrypt)
        .allow_legacy(common.allow_legacy)
        .discovery_port(discovery_port(common))
        .dns_sd(!finding.no_dns_sd)
        .sweep(finding.sweep);
    let builder = common.device_key.iter().fold(builder, |builder, path| builder.device_key(path));
    let builder = match is_all(common) {
        true => builder.all_interfaces(),
        false => builder.interfaces(common.interfaces.iter().cloned()),
    };
    Ok(finding.peers.iter().fold(builder, |builder, at| builder.peer(at.to_string())))
}

pub(crate) fn discovery_port(common: &Common) -> u16 {
    common.discovery_port.unwrap_or(DISCOVERY_PORT)
}

/// An address of this machine that others on the network reach; loopback if
/// there is no other.
pub(crate) fn own_address(common: &Common) -> IpAddr {
    let chosen = if is_all(common) { &[] } else { &common.interfaces[..] };
    let routed = || if chosen.is_empty() { routed_address() } else { None };
    routed().or_else(|| first_address(chosen)).unwrap_or(Ipv4Addr::LOCALHOST.into())
}

/// The address that the system would send from. Connecting a UDP socket sends
/// nothing, it only asks for the route.
fn routed_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((GROUP, DISCOVERY_PORT)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
}

fn first_address(names: &[String]) -> Option<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().ok()?;
    interfaces
        .into_iter()
        .filter(|interface| names.is_empty() || names.contains(&interface.name))
        .filter(|interface| interface.ip().is_ipv4())
        .min_by_key(|interface| interface.is_loopback())
        .map(|interface| interface.ip())
}

/// Checks that the chosen interfaces exist: with a misspelt one nothing would
/// be found, and nobody would know why.
pub(crate) fn check_interfaces(common: &Common) -> Result<(), Failure> {
    if common.interfaces.is_empty() || is_all(common) {
        return Ok(());
    }
    // Where they cannot be listed, the library has to see what it can do.
    let Ok(present) = if_addrs::get_if_addrs() else { return Ok(()) };
    match common.interfaces.iter().find(|name| present.iter().all(|there| there.name != **name)) {
        None => Ok(()),
        Some(missing) => {
            let mut names: Vec<_> = present.into_iter().map(|there| there.name).collect();
            // One with several addresses is there several times.
            names.sort_unstable();
            names.dedup();
            Err(Failure::usage(format!(
                "there is no network interface {missing:?} with an address; there are {}",
                names.join(", ")
            )))
        }
    }
}

fn is_all(common: &Common) -> bool {
    common.interfaces.iter().any(|name| name == ALL)
}

/// The addresses behind a name, those of IPv4 first: that is what devices
/// listen on.
pub(crate) async fn look_up(at: &At) -> Result<Vec<SocketAddr>, Failure> {
    let found = tokio::net::lookup_host((at.host.as_str(), at.port)).await;
    let mut addresses: Vec<_> =
        found.map_err(|error| unknown_host(at, &error.to_string()))?.collect();
    if addresses.is_empty() {
        return Err(unknown_host(at, "it has no address"));
    }
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses.dedup();
    Ok(addresses)
}

pub(crate) fn unknown_host(at: &At, why: &str) -> Failure {
    let message = format!("the name {} cannot be found: {why}", at.host);
    Failure::new(Exit::NoAnswer, "unknown_host", message)
}
