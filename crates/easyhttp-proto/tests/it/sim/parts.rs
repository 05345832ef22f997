//! What a simulated network is made of.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use easyhttp_proto::discovery::Action;
use easyhttp_proto::peers::{Peer, Source};
use easyhttp_proto::{DeviceId, datagram};

use super::Node;

/// What runs on a host. Like the state machines of the protocol, it is told
/// what happened and asked what to do.
pub(super) trait Device {
    /// Whether it hears what is sent to this UDP port.
    fn listens_on(&self, port: u16) -> bool;
    /// Its address has changed.
    fn network_changed(&mut self, now: Duration);
    /// A datagram arrived.
    fn hear(&mut self, now: Duration, from: SocketAddr, bytes: &[u8]);
    /// A PING arrived by HTTP. Gives the id in the PONG; none if nobody answers.
    fn answer_ping(&mut self, now: Duration, sender: (DeviceId, SocketAddr)) -> Option<DeviceId>;
    /// Its own PING ended.
    fn ping_ended(&mut self, now: Duration, asked: Option<DeviceId>, at: SocketAddr, found: Found);
    /// Its user says where another device is.
    fn add_peer(&mut self, now: Duration, id: DeviceId, at: SocketAddr);
    /// Some device may be at this address.
    fn take_lead(&mut self, now: Duration, at: SocketAddr, source: Source);
    /// The addresses of those that it knows, as it tells others.
    fn introduces(&self) -> Vec<SocketAddr>;
    /// What it does now. Called until it does nothing.
    fn wake(&mut self, now: Duration) -> Option<Output>;
    /// When it has something to do by itself.
    fn next_wakeup(&self) -> Duration;
    /// What it sends when it leaves.
    fn goodbye(&self) -> Option<Output>;
    /// Where it would send a command for this device.
    fn address_of(&self, id: DeviceId) -> Option<SocketAddr>;
    /// What it knows of this device, if it keeps a table as ours does.
    fn peer(&self, id: DeviceId) -> Option<Peer>;
    /// Whom it knows.
    fn known(&self) -> Vec<DeviceId>;
    /// What it told its user.
    fn told(&self) -> &[Action];
}

/// What a device sends.
pub(super) enum Output {
    Datagram {
        from_port: u16,
        to: SocketAddr,
        bytes: Vec<u8>,
    },
    /// To this device, or to whoever is there.
    Ping {
        asked: Option<DeviceId>,
        at: SocketAddr,
    },
    /// The question for those whom the device there knows.
    Introduce {
        at: SocketAddr,
    },
}

/// Whom a PING found.
#[derive(Clone, Copy)]
pub(super) enum Found {
    /// This device answered.
    Device(DeviceId),
    /// The host is there, and nobody listens.
    Refused,
    /// Nobody answered in time.
    Nobody,
}

/// What is under way.
pub(super) enum Arrival {
    Datagram {
        to: Node,
        from: SocketAddr,
        bytes: Vec<u8>,
    },
    Ping {
        number: usize,
        from: Node,
        sender: (DeviceId, SocketAddr),
        asked: Option<DeviceId>,
        at: SocketAddr,
    },
    PingEnded {
        number: usize,
        to: Node,
        asked: Option<DeviceId>,
        at: SocketAddr,
        found: Found,
    },
    Introduce {
        from: Node,
        at: SocketAddr,
    },
    Introduced {
        to: Node,
        devices: Vec<SocketAddr>,
    },
}

/// A PING that somebody sent.
pub(super) struct Ping {
    pub(super) by: Node,
    pub(super) at: SocketAddr,
    pub(super) sent: Duration,
    pub(super) ended: Option<Duration>,
}

pub(super) struct Host {
    pub(super) id: DeviceId,
    pub(super) program: Program,
    pub(super) address: SocketAddr,
    pub(super) second: Option<IpAddr>,
    /// None while it is switched off.
    pub(super) device: Option<Box<dyn Device>>,
    pub(super) is_asleep: bool,
}

impl Host {
    pub(super) fn ips(&self) -> impl Iterator<Item = IpAddr> {
        [self.address.ip()].into_iter().chain(self.second)
    }
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Program {
    Device,
    Looker,
    Python { answers_after: Duration },
}

pub(super) const GROUP_V6: SocketAddr =
    SocketAddr::new(IpAddr::V6(datagram::GROUP_V6), datagram::PORT);
pub(super) const GROUP: SocketAddr = SocketAddr::new(IpAddr::V4(datagram::GROUP), datagram::PORT);
