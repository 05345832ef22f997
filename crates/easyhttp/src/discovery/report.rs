//! What discovery does on each network interface, for those who ask why two
//! devices do not see each other.

use std::net::IpAddr;

/// A network interface of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interface {
    /// Its name, such as `eth0`.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether others are looked for on it.
    pub state: InterfaceState,
    /// How many datagrams of discovery were sent to the group on it, since it
    /// is used.
    pub sent: u64,
    /// How many came in on it, from others or from this device itself.
    pub heard: u64,
}

/// Whether others are looked for on a network interface.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InterfaceState {
    /// They are.
    Used,
    /// They are not, for this reason.
    Skipped(&'static str),
    /// They should be, but the system does not let us, for this reason.
    Failing(String),
}
