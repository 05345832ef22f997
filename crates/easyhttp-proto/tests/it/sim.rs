//! A network in memory: devices with addresses of their own, virtual time, and
//! faults that a seed decides.
//!
//! ```text
//! let mut network = Network::new(seed);
//! let (lamp, door) = (network.start("LAMP22"), network.start("DOOR22"));
//! network.run(Duration::from_secs(1));
//! assert!(network.knows(lamp, door));
//! ```
//!
//! The network knows addresses and time; what runs on a host is a [`Device`].

mod conditions;
mod devices;
mod parts;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::Action;
use easyhttp_proto::peers::{Peer, Source};
use easyhttp_proto::{DeviceId, limits};

use crate::random::Random;

use conditions::SMOOTH;
use devices::{Ours, Python};
use parts::{Arrival, Device, Found, GROUP, GROUP_V6, Host, Output, Ping, Program};

pub(crate) use conditions::{Conditions, ROUGH};

/// Hosts on one link, and all that is under way between them.
pub(crate) struct Network {
    /// How the link behaves. May be changed between two runs.
    pub(crate) conditions: Conditions,
    now: Duration,
    seed: u64,
    random: Random,
    hosts: Vec<Host>,
    /// By the time of arrival, and in the order of sending what arrives together.
    under_way: BTreeMap<(Duration, u64), Arrival>,
    arrivals: u64,
    sent: Vec<Sent>,
    pings: Vec<Ping>,
}

/// A host, as a test holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Node(usize);

/// A datagram that somebody sent, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) at: Duration,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

impl Drop for Network {
    /// Whichever test fails, it fails again with the same seed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the seed of this network was {}", self.seed);
        }
    }
}

impl Network {
    /// A network without faults, on which everything takes a millisecond.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            conditions: SMOOTH,
            now: Duration::ZERO,
            seed,
            random: Random(seed),
            hosts: Vec::new(),
            under_way: BTreeMap::new(),
            arrivals: 0,
            sent: Vec::new(),
            pings: Vec::new(),
        }
    }

    /// Starts one of our devices on a new host.
    pub(crate) fn start(&mut self, id: &str) -> Node {
        self.plug_in(id, Program::Device)
    }

    /// Starts one of ours that has no server, and so only looks around.
    pub(crate) fn start_looking(&mut self, id: &str) -> Node {
        self.plug_in(id, Program::Looker)
    }

    /// Starts a Python device whose server answers after this time only.
    pub(crate) fn start_python(&mut self, id: &str, answers_after: Duration) -> Node {
        self.plug_in(id, Program::Python { answers_after })
    }

    /// The user of a device says where another one is.
    pub(crate) fn add_peer(&mut self, node: Node, other: Node) {
        let Host { id, address, .. } = self.hosts[other.0];
        let now = self.now;
        if let Some(device) = &mut self.hosts[node.0].device {
            device.add_peer(now, id, address);
        }
    }

    /// Tells a device of an address. It keeps what is not of a sweep, and tries
    /// it every three seconds.
    pub(crate) fn give_lead(&mut self, node: Node, at: SocketAddr, source: Source) {
        let now = self.now;
        if let Some(device) = &mut self.hosts[node.0].device {
            device.take_lead(now, at, source);
        }
    }

    /// The device says goodbye and is gone.
    pub(crate) fn leave(&mut self, node: Node) {
        if let Some(goodbye) = self.device(node).goodbye() {
            self.send(node, goodbye);
        }
        self.switch_off(node);
    }

    /// The device is gone without a word.
    pub(crate) fn switch_off(&mut self, node: Node) {
        self.hosts[node.0].device = None;
    }

    /// The host is gone from the network without a word.
    pub(crate) fn unplug(&mut self, node: Node) {
        self.switch_off(node);
        self.move_to(node, [192, 0, 2, 0]);
    }

    /// Starts the device anew: the same id at the same address, and no memory.
    pub(crate) fn switch_on(&mut self, node: Node) {
        let entropy = self.random.next();
        let host = &mut self.hosts[node.0];
        let port = host.address.port();
        host.device = Some(match host.program {
            Program::Device => Box::new(Ours::new(host.id, Some(port), entropy, self.now)),
            Program::Looker => Box::new(Ours::new(host.id, None, entropy, self.now)),
            Program::Python { answers_after } => {
                Box::new(Python::new(host.id, port, self.now, answers_after))
            }
        });
    }

    /// The device is stopped: it hears and does nothing, and time passes.
    pub(crate) fn sleep(&mut self, node: Node) {
        self.hosts[node.0].is_asleep = true;
    }

    /// The host gets a second address, from which its device speaks and answers as
    /// well.
    pub(crate) fn add_address(&mut self, node: Node, ip: [u8; 4]) {
        self.hosts[node.0].second = Some(ip.into());
    }

    /// The device goes on where it was stopped.
    pub(crate) fn wake_up(&mut self, node: Node) {
        self.hosts[node.0].is_asleep = false;
    }

    /// The device notices that its address has changed.
    pub(crate) fn notice_move(&mut self, node: Node) {
        let now = self.now;
        if let Some(device) = &mut self.hosts[node.0].device {
            device.network_changed(now);
        }
        self.wake_all();
    }

    /// A host announces a device that is elsewhere as its own.
    pub(crate) fn forge(&mut self, node: Node, id: &str) {
        let id = id.parse().unwrap();
        let bytes = Datagram::new(Kind::Announce, id, Some(5000), Some(7)).encode();
        self.send(node, Output::Datagram { from_port: 40000, to: GROUP, bytes });
    }

    /// The device gets another address, and does not notice.
    pub(crate) fn move_to(&mut self, node: Node, ip: [u8; 4]) {
        self.hosts[node.0].address.set_ip(ip.into());
    }

    /// How many PINGs a device sent within any such time, and at once, at the
    /// most.
    pub(crate) fn most_pings(&self, node: Node, span: Duration) -> (usize, usize) {
        let pings: Vec<_> = self.pings.iter().filter(|ping| ping.by == node).collect();
        let count = |is_in: &dyn Fn(&Ping, &Ping) -> bool| {
            let counts =
                pings.iter().map(|one| pings.iter().filter(|ping| is_in(one, ping)).count());
            counts.max().unwrap_or(0)
        };
        let within = count(&|one, ping| one.sent <= ping.sent && ping.sent < one.sent + span);
        let at_once = count(&|one, ping| {
            ping.sent <= one.sent && ping.ended.is_none_or(|ended| one.sent < ended)
        });
        (within, at_once)
    }

    /// Where a device has sent PINGs.
    pub(crate) fn pinged_by(&self, node: Node) -> Vec<SocketAddr> {
        self.pings.iter().filter(|ping| ping.by == node).map(|ping| ping.at).collect()
    }

    /// Lets time pass.
    pub(crate) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(next) = self.next_event().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            while let Some(arrival) = self.next_arrival() {
                self.deliver(arrival);
            }
            self.wake_all();
        }
        self.now = end;
    }

    /// Whether `asker` would find `asked` where it is.
    pub(crate) fn knows(&self, asker: Node, asked: Node) -> bool {
        let asked = &self.hosts[asked.0];
        self.device(asker).address_of(asked.id) == Some(asked.address)
    }

    /// Who would not find whom, of the devices that run and answer.
    pub(crate) fn strangers(&self) -> Vec<(DeviceId, DeviceId)> {
        let running = || self.nodes().filter(|node| self.hosts[node.0].device.is_some());
        let answering = || running().filter(|node| self.hosts[node.0].program != Program::Looker);
        running()
            .flat_map(|asker| answering().map(move |asked| (asker, asked)))
            .filter(|(asker, asked)| asker != asked && !self.knows(*asker, *asked))
            .map(|(asker, asked)| (self.hosts[asker.0].id, self.hosts[asked.0].id))
            .collect()
    }

    /// Whom a device knows, at whatever address.
    pub(crate) fn known_by(&self, node: Node) -> Vec<DeviceId> {
        self.device(node).known()
    }

    /// What a device knows of another one.
    pub(crate) fn peer(&self, node: Node, id: DeviceId) -> Option<Peer> {
        self.device(node).peer(id)
    }

    /// The addresses between which a device would have to choose.
    pub(crate) fn ambiguous(&self, node: Node, id: &str) -> Option<[SocketAddr; 2]> {
        self.peer(node, id.parse().unwrap())?.ambiguous(self.now)
    }

    /// What a device told its user since it was started.
    pub(crate) fn told(&self, node: Node) -> &[Action] {
        self.device(node).told()
    }

    /// Where a device answers.
    pub(crate) fn address(&self, node: Node) -> SocketAddr {
        self.hosts[node.0].address
    }

    /// Every datagram that was sent so far.
    pub(crate) fn sent(&self) -> &[Sent] {
        &self.sent
    }

    /// The most datagrams that all devices sent within any such time.
    pub(crate) fn most_sent_within(&self, span: Duration) -> usize {
        let sent = &self.sent;
        let until = |at: Duration| sent.partition_point(|other| other.at < at + span);
        sent.iter().enumerate().map(|(index, first)| until(first.at) - index).max().unwrap_or(0)
    }

    fn plug_in(&mut self, id: &str, program: Program) -> Node {
        let node = Node(self.hosts.len());
        let number = u16::try_from(node.0 + 1).expect("a link holds 65,535 hosts");
        let [high, low] = number.to_be_bytes();
        let address = SocketAddr::from(([10, 0, high, low], 5000));
        let id = id.parse().unwrap();
        let (second, device, is_asleep) = (None, None, false);
        self.hosts.push(Host { id, program, address, second, device, is_asleep });
        self.switch_on(node);
        node
    }

    fn nodes(&self) -> impl Iterator<Item = Node> + use<> {
        (0..self.hosts.len()).map(Node)
    }

    fn device(&self, node: Node) -> &dyn Device {
        self.hosts[node.0].device.as_deref().expect("the device runs")
    }

    /// When something happens next.
    fn next_event(&self) -> Option<Duration> {
        let arrival = self.under_way.keys().next().map(|(at, _)| *at);
        let awake = self.hosts.iter().filter(|host| !host.is_asleep);
        let devices = awake.filter_map(|host| host.device.as_ref());
        devices.map(|device| device.next_wakeup()).chain(arrival).min()
    }

    fn next_arrival(&mut self) -> Option<Arrival> {
        let first = self.under_way.first_entry()?;
        (first.key().0 <= self.now).then(|| first.remove())
    }

    fn deliver(&mut self, arrival: Arrival) {
        match arrival {
            Arrival::Datagram { to, from, bytes } => {
                let host = &mut self.hosts[to.0];
                if let Some(device) = host.device.as_mut().filter(|_| !host.is_asleep) {
                    device.hear(self.now, from, &bytes);
                }
            }
            Arrival::Ping { number, from, sender, asked, at } => {
                let (found, pause) = self.ping(sender, at);
                let due = self.now + pause + self.delay();
                self.put_under_way(due, Arrival::PingEnded { number, to: from, asked, at, found });
            }
            Arrival::Introduce { from, at } => {
                let host = self.hosts.iter().find(|host| host.address == at && !host.is_asleep);
                if let Some(device) = host.and_then(|host| host.device.as_deref()) {
                    let devices = device.introduces();
                    let due = self.now + self.delay();
                    self.put_under_way(due, Arrival::Introduced { to: from, devices });
                }
            }
            Arrival::Introduced { to, devices } => {
                for at in devices {
                    self.give_lead(to, at, Source::Introduced);
                }
            }
            Arrival::PingEnded { number, to, asked, at, found } => {
                self.pings[number].ended = Some(self.now);
                if let Some(device) = &mut self.hosts[to.0].device {
                    device.ping_ended(self.now, asked, at, found);
                }
            }
        }
    }

    /// Whom a PING finds at this address, and how long that takes: a host
    /// refuses at once, and where there is none, the asker gives up.
    fn ping(&mut self, sender: (DeviceId, SocketAddr), at: SocketAddr) -> (Found, Duration) {
        let is_lost = self.conditions.loses_handshake(self.now, &mut self.random);
        let host = self.hosts.iter_mut().find(|host| host.ips().any(|ip| ip == at.ip()));
        let Some(host) = host.filter(|host| !is_lost && !host.is_asleep) else {
            return (Found::Nobody, limits::CHECK);
        };
        let device = host.device.as_mut().filter(|_| host.address.port() == at.port());
        let answer = device.and_then(|device| device.answer_ping(self.now, sender));
        (answer.map_or(Found::Refused, Found::Device), Duration::ZERO)
    }

    /// Gives each device its turn, until it has nothing more to do.
    fn wake_all(&mut self) {
        for node in self.nodes() {
            while let Some(output) = self.wake(node) {
                self.send(node, output);
            }
        }
    }

    fn wake(&mut self, node: Node) -> Option<Output> {
        let host = &mut self.hosts[node.0];
        let device = host.device.as_mut().filter(|_| !host.is_asleep)?;
        let output = device.wake(self.now);
        let is_sane = output.is_some() || device.next_wakeup() > self.now;
        assert!(is_sane, "{node:?} wants to be woken at once, and has nothing to do");
        output
    }

    fn send(&mut self, by: Node, output: Output) {
        let host = &self.hosts[by.0];
        match output {
            Output::Datagram { from_port, to, bytes } => {
                let ips: Vec<_> = host.ips().take(if to == GROUP { 2 } else { 1 }).collect();
                for ip in ips {
                    self.send_datagram(SocketAddr::new(ip, from_port), to, &bytes);
                }
            }
            Output::Ping { asked, at } => {
                let sender = (host.id, host.address);
                let due = self.now + self.delay();
                let number = self.pings.len();
                self.pings.push(Ping { by, at, sent: self.now, ended: None });
                self.put_under_way(due, Arrival::Ping { number, from: by, sender, asked, at });
            }
            Output::Introduce { at } => {
                let due = self.now + self.delay();
                self.put_under_way(due, Arrival::Introduce { from: by, at });
            }
        }
    }

    fn send_datagram(&mut self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) {
        self.sent.push(Sent { at: self.now, from, to, bytes: bytes.to_vec() });
        if to == GROUP {
            // The same goes to the other group, on a network where nobody hears it.
            self.sent.push(Sent { at: self.now, from, to: GROUP_V6, bytes: bytes.to_vec() });
        }
        let is_to_group = to == GROUP;
        for to in self.receivers(to) {
            for due in self.conditions.copies(self.now, is_to_group, &mut self.random) {
                let bytes = bytes.to_vec();
                self.put_under_way(due, Arrival::Datagram { to, from, bytes });
            }
        }
    }

    /// Who hears what is sent to this address: for the group everybody, and so
    /// the sender too.
    fn receivers(&self, to: SocketAddr) -> Vec<Node> {
        let hears = |node: &Node| {
            let host = &self.hosts[node.0];
            let listens = host.device.as_ref().is_some_and(|device| device.listens_on(to.port()));
            listens && (to == GROUP || host.ips().any(|ip| ip == to.ip()))
        };
        self.nodes().filter(hears).collect()
    }

    fn delay(&mut self) -> Duration {
        self.conditions.time_under_way(&mut self.random)
    }

    fn put_under_way(&mut self, due: Duration, arrival: Arrival) {
        self.arrivals += 1;
        self.under_way.insert((due, self.arrivals), arrival);
    }
}
