//! The network interfaces on which others are looked for.

use std::io;
use std::net::{IpAddr, Ipv4Addr};

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
