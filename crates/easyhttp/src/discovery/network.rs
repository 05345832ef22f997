//! The group of discovery on the network: on which interfaces, and the sockets
//! for it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use easyhttp_proto::datagram::{GROUP, GROUP_V6};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use tokio::net::UdpSocket;

use crate::interfaces::{self, Choice, Interface};
use crate::settings::Settings;

/// Where the group is heard and spoken to.
#[derive(Debug, Clone)]
pub(super) struct Network {
    /// The UDP port.
    pub(super) port: u16,
    pub(super) choice: Choice,
    /// The address at which the device answers: others are told of no way that
    /// does not lead there. None if it only asks.
    pub(super) answers_at: Option<IpAddr>,
}

/// How an interface is spoken on, and from which of its addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
}

impl Family {
    fn is_v6(&self) -> bool {
        matches!(self, Self::V6(_))
    }
}

impl Network {
    pub(super) fn of(settings: &Settings, answers_at: Option<IpAddr>) -> Self {
        let (port, choice) = (settings.discovery_port, settings.interfaces.clone());
        Self { port, choice, answers_at }
    }

    /// All interfaces of this machine.
    pub(super) fn interfaces(&self) -> io::Result<Vec<Interface>> {
        interfaces::list()
    }

    /// Whether only loopback was chosen, so that nobody but this machine is spoken to.
    pub(super) fn is_loopback(&self) -> bool {
        let Choice::Named(names) = &self.choice else { return false };
        let interfaces = self.interfaces().unwrap_or_default();
        let is_loopback =
            |name: &String| interfaces.iter().any(|there| there.is_loopback && there.name == *name);
        names.iter().all(is_loopback)
    }

    /// Warns of those that were chosen and are not there, or have no address. One may come up
    /// later, so it stops nobody. Or its name is misspelt, and nobody would know why no device
    /// is found.
    pub(super) fn tell_of_missing(&self) {
        let Choice::Named(names) = &self.choice else { return };
        let interfaces = self.interfaces().unwrap_or_default();
        let there: Vec<_> = interfaces.iter().map(|interface| &*interface.name).collect();
        for name in names.iter().filter(|name| !there.contains(&name.as_str())) {
            tracing::warn!(
                name,
                there = there.join(", "),
                "there is no such network interface with an address; if it comes, it is used"
            );
        }
    }

    /// Why an interface is not used. None if it is.
    pub(super) fn why_skipped(&self, interface: &Interface) -> Option<&'static str> {
        match self.families(interface).next() {
            Some(_) => interface.why_skipped(&self.choice),
            None => Some("the device does not answer there"),
        }
    }

    /// The interfaces that are used, and how.
    pub(super) fn links(&self) -> io::Result<Vec<(Interface, Family)>> {
        let mut links = Vec::new();
        for interface in self.interfaces()? {
            if self.why_skipped(&interface).is_none() {
                links.extend(self.families(&interface).map(|family| (interface.clone(), family)));
            }
        }
        Ok(links)
    }

    fn families(&self, interface: &Interface) -> impl Iterator<Item = Family> {
        let is_answered = |family: &Family| match (self.answers_at, family) {
            (None, _) => true,
            // It takes IPv4 as well.
            (Some(IpAddr::V6(Ipv6Addr::UNSPECIFIED)), _) => true,
            (Some(IpAddr::V4(Ipv4Addr::UNSPECIFIED)), family) => !family.is_v6(),
            (Some(only), family) => {
                only.is_ipv6() == family.is_v6()
                    && interface.addresses().any(|address| address == only)
            }
        };
        let v4 = interface.v4().map(Family::V4);
        let v6 = interface.v6().map(Family::V6);
        v4.into_iter().chain(v6).filter(is_answered)
    }

    /// Where to send what is for everybody on an interface.
    pub(super) fn group(&self, interface: &Interface, family: Family) -> SocketAddr {
        match family {
            Family::V4(_) => (GROUP, self.port).into(),
            Family::V6(_) => SocketAddrV6::new(GROUP_V6, self.port, 0, interface.index).into(),
        }
    }

    /// A socket that hears the group on one interface.
    pub(super) fn open_listener(
        &self,
        interface: &Interface,
        family: Family,
    ) -> io::Result<Socket> {
        // Where the system allows it, the socket takes only what is sent to the
        // group: of the devices that share the port, a unicast datagram reaches
        // one, and it may be meant for another.
        let at = match (self.group(interface, family), family) {
            (group, _) if cfg!(unix) => group,
            (_, Family::V4(_)) => (Ipv4Addr::UNSPECIFIED, self.port).into(),
            (_, Family::V6(_)) => (Ipv6Addr::UNSPECIFIED, self.port).into(),
        };
        let socket = open_shared(at)?;
        match family {
            Family::V4(_) => {
                let on = InterfaceIndexOrAddress::Index(interface.index);
                socket.join_multicast_v4_n(&GROUP, &on)?;
            }
            Family::V6(_) => socket.join_multicast_v6(&GROUP_V6, interface.index)?,
        }
        Ok(socket)
    }

    /// A socket that speaks to the group on one interface, and no further than
    /// its link.
    pub(super) fn open_speaker(&self, interface: &Interface, family: Family) -> io::Result<Socket> {
        match family {
            Family::V4(address) => {
                let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
                speak_on(&socket, interface.index, address)?;
                socket.set_multicast_ttl_v4(1)?;
                socket.set_multicast_loop_v4(true)?;
                socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)).into())?;
                Ok(socket)
            }
            Family::V6(address) => {
                let socket = Socket::new(Domain::IPV6, Type::DGRAM, Some(Protocol::UDP))?;
                socket.set_only_v6(true)?;
                socket.set_multicast_if_v6(interface.index)?;
                socket.set_multicast_hops_v6(1)?;
                socket.set_multicast_loop_v6(true)?;
                // It fails while the address is tentative, which takes a second or two
                // (RFC 4862, 5.4): until then nobody can be asked from it either.
                socket.bind(&SocketAddrV6::new(address, 0, 0, interface.index).into())?;
                Ok(socket)
            }
        }
    }

    /// A socket that hears what is sent to the port of the group by unicast.
    pub(super) fn open_answers(&self) -> io::Result<Socket> {
        open_shared((Ipv4Addr::UNSPECIFIED, self.port).into())
    }

    /// Sends a goodbye on every interface, without a runtime. What is not taken
    /// at once is lost.
    pub(super) fn say_goodbye(&self, datagram: &[u8]) {
        for (interface, family) in self.links().unwrap_or_default() {
            let said = self.open_speaker(&interface, family).and_then(|socket| {
                socket.set_nonblocking(true)?;
                socket.send_to(datagram, &self.group(&interface, family).into())
            });
            if let Err(error) = said {
                tracing::debug!(name = interface.name, %error, "cannot say goodbye");
            }
        }
    }
}

/// A socket at a port that others may use as well: several devices of one host
/// listen there, those of other languages too.
fn open_shared(at: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(at), Type::DGRAM, Some(Protocol::UDP))?;
    socket.set_reuse_address(true)?;
    #[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
    socket.set_reuse_port(true)?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Only what the interface that it joins on brings.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    match at {
        SocketAddr::V4(_) => socket.set_multicast_all_v4(false)?,
        SocketAddr::V6(_) => socket.set_multicast_all_v6(false)?,
    }
    socket.bind(&at.into())?;
    Ok(socket)
}

/// By its index where the system can: two interfaces may have one address.
#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn speak_on(socket: &Socket, index: u32, address: Ipv4Addr) -> io::Result<()> {
    use rustix::net::sockopt::set_ip_multicast_if_with_ifindex;
    Ok(set_ip_multicast_if_with_ifindex(socket, &GROUP, &address, index)?)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn speak_on(socket: &Socket, _: u32, address: Ipv4Addr) -> io::Result<()> {
    socket.set_multicast_if_v4(&address)
}

pub(super) fn into_tokio(socket: Socket) -> io::Result<UdpSocket> {
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket.into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn loopback_alone_is_this_machine_and_what_may_come_is_not() {
        let interfaces = interfaces::list().unwrap();
        let loopback = interfaces.into_iter().find(|interface| interface.is_loopback);
        let loopback = loopback.unwrap().name;
        let network = |choice| Network { port: 0, choice, answers_at: None };
        let chosen = |names: &[&str]| Choice::Named(names.iter().map(|&n| n.to_owned()).collect());
        assert!(network(chosen(&[&loopback])).is_loopback());
        assert!(!network(chosen(&[&loopback, "wlan9"])).is_loopback());
        assert!(!network(Choice::Usual).is_loopback());
    }
}
