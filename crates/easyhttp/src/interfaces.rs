//! The network interfaces of this machine: which are used to find others, and
//! what is on their links.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Which interfaces are used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Those behind which other devices are usually found.
    #[default]
    Usual,
    /// Every one.
    All,
    /// Those of these names.
    Named(Vec<String>),
}

/// An interface that is up and has an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) name: String,
    pub(crate) index: u32,
    pub(crate) is_loopback: bool,
    is_tunnel: bool,
    subnets: Vec<Subnet>,
}

/// An address of an interface, and how many of its bits name the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Subnet {
    pub(crate) address: IpAddr,
    pub(crate) prefix: u8,
}

/// All interfaces that are up, loopback included.
pub(crate) fn list() -> io::Result<Vec<Interface>> {
    let mut interfaces: Vec<Interface> = Vec::new();
    for found in if_addrs::get_if_addrs()? {
        // Some systems do not know the state of loopback.
        let is_up = found.is_oper_up() || found.is_loopback();
        let (Some(index), true) = (found.index, is_up) else { continue };
        let prefix = match &found.addr {
            if_addrs::IfAddr::V4(v4) => v4.prefixlen,
            if_addrs::IfAddr::V6(v6) => v6.prefixlen,
        };
        let subnet = Subnet { address: found.ip(), prefix };
        match interfaces.iter_mut().find(|interface| interface.index == index) {
            Some(interface) => {
                interface.is_loopback |= found.is_loopback();
                interface.subnets.push(subnet);
            }
            None => interfaces.push(Interface {
                index,
                is_loopback: found.is_loopback(),
                is_tunnel: found.is_p2p(),
                name: found.name,
                subnets: vec![subnet],
            }),
        }
    }
    interfaces.sort_by_key(|interface| interface.index);
    Ok(interfaces)
}

impl Interface {
    pub(crate) fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        self.subnets.iter().map(|subnet| subnet.address)
    }

    pub(crate) fn subnets(&self) -> &[Subnet] {
        &self.subnets
    }

    /// The address to speak IPv4 from.
    pub(crate) fn v4(&self) -> Option<Ipv4Addr> {
        self.addresses().find_map(|address| match address {
            IpAddr::V4(address) => Some(address),
            IpAddr::V6(_) => None,
        })
    }

    /// The link-local address to speak IPv6 from.
    pub(crate) fn v6(&self) -> Option<Ipv6Addr> {
        self.addresses().find_map(|address| match address {
            IpAddr::V6(address) if address.is_unicast_link_local() => Some(address),
            _ => None,
        })
    }

    /// Whether `address` belongs to the network behind this interface.
    pub(crate) fn is_on_link(&self, address: IpAddr) -> bool {
        let is_link_local = match address {
            IpAddr::V4(v4) => v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_unicast_link_local(),
        };
        is_link_local || self.subnets.iter().any(|subnet| subnet.contains(address))
    }

    /// The address by which `other` knows this machine. None if it is not behind this
    /// interface.
    pub(crate) fn address_beside(&self, other: SocketAddr) -> Option<IpAddr> {
        // Link-local addresses are those of every interface. If there is a zone, it says of
        // which one.
        let zone = match other {
            SocketAddr::V6(v6) => v6.scope_id(),
            SocketAddr::V4(_) => 0,
        };
        let other = other.ip();
        let is_here = [0, self.index].contains(&zone)
            && self.is_loopback == other.is_loopback()
            && self.is_on_link(other);
        self.addresses().find(|own| is_here && own.is_ipv4() == other.is_ipv4())
    }

    /// Why this interface is not used. None if it is.
    pub(crate) fn why_skipped(&self, choice: &Choice) -> Option<&'static str> {
        choice.why_skipped(&self.name, self.is_tunnel)
    }
}

impl Choice {
    /// Why an interface of this name is not used. None if it is.
    pub(crate) fn why_skipped(&self, name: &str, is_tunnel: bool) -> Option<&'static str> {
        let is_of = |(start, _): &&(&str, &str)| name.starts_with(start);
        match self {
            Self::All => None,
            Self::Named(names) if names.iter().any(|chosen| chosen == name) => None,
            Self::Named(_) => Some("not chosen"),
            Self::Usual if is_tunnel => Some("a tunnel"),
            Self::Usual => VIRTUAL.iter().find(is_of).map(|(_, what)| *what),
        }
    }
}

impl Subnet {
    fn contains(&self, other: IpAddr) -> bool {
        let differing = match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                (own.to_bits() ^ other.to_bits()).leading_zeros()
            }
            _ => return false,
        };
        differing >= self.prefix.into()
    }
}

/// Whether an address belongs to a network that is closed to the internet: RFC 1918,
/// RFC 6598 (that of carriers, and of some tunnels) and RFC 4193.
pub(crate) fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.is_private() || (v4.octets()[0] == 100 && v4.octets()[1] >> 6 == 1),
        IpAddr::V6(v6) => v6.is_unique_local(),
    }
}

/// How the names of interfaces begin that programs make for themselves. Devices
/// behind them are on another network, or are this one again. A plain bridge
/// (`br0`) is not among them: on many a server it is the way to the network.
const VIRTUAL: [(&str, &str); 21] = [
    ("docker", "containers"),
    ("br-", "containers"),
    ("podman", "containers"),
    ("cni", "containers"),
    ("cali", "containers"),
    ("flannel", "containers"),
    ("lxcbr", "containers"),
    ("lxdbr", "containers"),
    ("veth", "containers"),
    ("vEthernet", "virtual machines"),
    ("virbr", "virtual machines"),
    ("vnet", "virtual machines"),
    ("vmnet", "virtual machines"),
    ("vboxnet", "virtual machines"),
    ("tun", "a tunnel"),
    ("tap", "a tunnel"),
    ("utun", "a tunnel"),
    ("wg", "a tunnel"),
    ("tailscale", "a tunnel"),
    ("zt", "a tunnel"),
    ("awdl", "a link between Apple devices"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str, subnets: &[(&str, u8)]) -> Interface {
        let subnet =
            |&(address, prefix): &(&str, u8)| Subnet { address: address.parse().unwrap(), prefix };
        Interface {
            name: name.to_owned(),
            index: 2,
            is_loopback: false,
            is_tunnel: false,
            subnets: subnets.iter().map(subnet).collect(),
        }
    }

    #[test]
    fn only_what_the_link_brings_is_on_it() {
        let lan = interface("eth0", &[("192.168.1.5", 24), ("fe80::5", 64), ("2001:db8::5", 64)]);
        for on_link in ["192.168.1.1", "192.168.1.254", "169.254.7.7", "fe80::77", "2001:db8::9"] {
            assert!(lan.is_on_link(on_link.parse().unwrap()), "{on_link}");
        }
        for elsewhere in ["192.168.2.1", "8.8.8.8", "127.0.0.1", "2001:db8:0:1::9", "::1"] {
            assert!(!lan.is_on_link(elsewhere.parse().unwrap()), "{elsewhere}");
        }
        assert!(interface("lo", &[("127.0.0.1", 8)]).is_on_link([127, 0, 0, 9].into()));
        assert!(!interface("one", &[("10.0.0.1", 32)]).is_on_link([10, 0, 0, 2].into()));
    }

    #[test]
    fn an_address_beside_another_one_is_on_its_network() {
        let lan = interface("eth0", &[("192.168.1.5", 24), ("fe80::5", 64)]);
        let addresses = [("127.0.0.1", 8), ("::1", 128)];
        let lo = Interface { index: 1, is_loopback: true, ..interface("lo", &addresses) };
        for (other, own) in [
            ("192.168.1.9:5000", [None, Some("192.168.1.5")]),
            ("169.254.7.7:5000", [None, Some("192.168.1.5")]),
            ("[fe80::9%2]:5000", [None, Some("fe80::5")]),
            ("[fe80::9%3]:5000", [None, None]),
            ("127.0.0.1:5000", [Some("127.0.0.1"), None]),
            ("10.0.0.9:5000", [None, None]),
        ] {
            let beside = |one: &Interface| one.address_beside(other.parse().unwrap());
            let own = own.map(|own| own.map(|own| own.parse().unwrap()));
            assert_eq!([&lo, &lan].map(beside), own, "{other}");
        }
    }

    #[test]
    fn what_is_open_to_the_internet_or_is_this_machine_is_not_private() {
        let is_private = |address: &str| is_private(address.parse().unwrap());
        for private in ["10.1.2.3", "172.31.0.1", "192.168.1.9", "100.64.0.1", "fd00::1"] {
            assert!(is_private(private), "{private}");
        }
        for other in ["8.8.8.8", "100.128.0.1", "127.0.0.1", "::ffff:8.8.8.8", "2001:db8::1", "::1"]
        {
            assert!(!is_private(other), "{other}");
        }
    }

    #[test]
    fn what_programs_make_for_themselves_is_used_only_when_it_is_chosen() {
        let skipped = |name: &str, choice: &Choice| {
            interface(name, &[("10.0.0.1", 24)]).why_skipped(choice).is_some()
        };
        for name in ["docker0", "br-0123456789ab", "veth12ab", "tun0", "wg0", "virbr0"] {
            assert!(skipped(name, &Choice::Usual), "{name}");
            assert!(!skipped(name, &Choice::All), "{name}");
            assert!(!skipped(name, &Choice::Named(vec![name.to_owned()])), "{name}");
        }
        for name in ["lo", "eth0", "enp3s0", "wlan0", "en0", "br0", "bond0", "usb0", "Wi-Fi"] {
            assert!(!skipped(name, &Choice::Usual), "{name}");
        }
        assert!(skipped("eth0", &Choice::Named(vec!["eth1".to_owned()])));
        let tunnel = Interface { is_tunnel: true, ..interface("ppp0", &[("10.0.0.1", 32)]) };
        assert!(tunnel.why_skipped(&Choice::Usual).is_some());
    }
}
