//! The network interfaces on which others are looked for.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

use if_addrs::IfAddr;

/// An interface that has an IPv4 address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) index: u32,
    pub(crate) address: Ipv4Addr,
}

/// The interfaces that are up, loopback included; only those with one of
/// `names` if there are any.
pub(crate) fn list(names: &[String]) -> io::Result<Vec<Interface>> {
    let mut interfaces: Vec<_> = if_addrs::get_if_addrs()?
        .into_iter()
        .filter(|interface| {
            // Some systems do not know the state of loopback.
            (interface.is_oper_up() || interface.is_loopback())
                && (names.is_empty() || names.contains(&interface.name))
        })
        .filter_map(|interface| match (interface.ip(), interface.index) {
            (IpAddr::V4(address), Some(index)) => {
                Some(Interface { name: interface.name, index, address })
            }
            _ => None,
        })
        .collect();
    // One address of each is enough to send on it.
    interfaces.sort_by_key(|interface| interface.index);
    interfaces.dedup_by_key(|interface| interface.index);
    Ok(interfaces)
}

/// The address of this machine on the network of another one, if it is on it.
pub(crate) fn own_address_towards(other: IpAddr) -> Option<IpAddr> {
    let interfaces = if_addrs::get_if_addrs().ok()?;
    let on_its_network = interfaces.iter().filter(|own| match (&own.addr, other) {
        (IfAddr::V4(own), IpAddr::V4(other)) => {
            let mask = own.netmask.to_bits();
            own.ip.to_bits() & mask == other.to_bits() & mask
        }
        (IfAddr::V6(own), IpAddr::V6(other)) => {
            let mask = own.netmask.to_bits();
            own.ip.to_bits() & mask == other.to_bits() & mask
        }
        _ => false,
    });
    // Of networks within each other it is the smallest.
    on_its_network.max_by_key(|own| prefix(&own.addr)).map(|own| own.ip())
}

fn prefix(address: &IfAddr) -> u32 {
    match address {
        IfAddr::V4(own) => own.netmask.to_bits().count_ones(),
        IfAddr::V6(own) => own.netmask.to_bits().count_ones(),
    }
}
