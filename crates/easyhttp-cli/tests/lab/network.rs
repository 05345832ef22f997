//! Hosts and switches, each a network namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::device::{Device, PROGRAM};
use crate::namespace::{Namespace, is_possible, run};
use crate::poor_switch::{Faults, PoorSwitch};
use crate::wire::Wire;

/// A switch, and the network that it makes: `10.0.NUMBER.0/24`.
pub(crate) struct Lan {
    number: u8,
    namespace: Namespace,
}

impl Lan {
    /// None if this machine lets us have no networks, which has been said then.
    pub(crate) fn new(number: u8) -> Option<Self> {
        is_possible().then(|| Self::build(number))
    }

    fn build(number: u8) -> Self {
        let namespace = Namespace::new().unwrap();
        // Ports forward at once, and without being asked who listens.
        namespace.ip("link add lan type bridge stp_state 0 forward_delay 0 mcast_snooping 0");
        namespace.ip("link set lan up");
        Self { number, namespace }
    }

    /// A host on this network.
    pub(crate) fn host(&self, number: u8) -> Host {
        let host = Host::without_network(number);
        host.plug("eth0", self);
        host
    }

    /// A device on a host of its own.
    pub(crate) fn device(&self, number: u8) -> Device {
        Device::start(&self.host(number))
    }

    /// The address that a host has here.
    fn address(&self, host: &Host) -> String {
        format!("10.0.{}.{}", self.number, host.number)
    }

    /// The last two bytes of the hardware address that a host has here; the
    /// others are 02, 00, 00, 00.
    fn hardware(&self, host: &Host) -> [u8; 2] {
        [self.number, host.number]
    }

    /// Tells each of these hosts the hardware addresses of the others. Where
    /// there are more than about thirty it takes that: each host has a machine
    /// of its own in life, but here they all share a table of 1,024 addresses,
    /// and when that is full the system sends nothing any more.
    pub(crate) fn acquaint<'a>(&self, hosts: impl Iterator<Item = &'a Host> + Clone) {
        let neighbours = hosts.clone().map(|host| {
            let [lan, number] = self.hardware(host);
            let hardware = format!("lladdr 02:00:00:00:{lan:02x}:{number:02x} dev eth0");
            let addresses = [self.address(host), format!("fe80::ff:fe00:{lan:x}{number:02x}")];
            addresses.map(|address| format!("neigh replace {address} {hardware}\n")).concat()
        });
        let neighbours: String = neighbours.collect();
        hosts.for_each(|host| host.ip_batch(&neighbours));
    }

    /// Takes every cable out of the switch.
    pub(crate) fn fail(&self) {
        self.namespace.ip("link set group 1 down");
    }

    /// Delivers no multicast to this host any more, as some access points do.
    pub(crate) fn block_multicast(&self, host: &Host) {
        let mut bridge = self.namespace.command("bridge");
        bridge.args(["link", "set", "dev", &port(host.number), "mcast_flood", "off"]);
        run(&mut bridge).unwrap();
    }

    /// Delivers nothing between this host and others that are kept apart, as
    /// some access points do.
    pub(crate) fn keep_apart(&self, host: &Host) {
        let mut bridge = self.namespace.command("bridge");
        run(bridge.args(["link", "set", "dev", &port(host.number), "isolated", "on"])).unwrap();
    }

    /// Replaces the switch by a poor one, for the hosts that are here by now
    /// and until it is dropped. None if there is no Python, which has been said
    /// then.
    pub(crate) fn poor_switch(&self, seed: u32, faults: &Faults) -> Option<PoorSwitch> {
        let mut links = self.namespace.command("ip");
        let links = run(links.args(["-o", "link", "show", "master", "lan"])).unwrap();
        // 2: port1@if2: <BROADCAST,…
        let ports: Vec<_> =
            links.lines().filter_map(|line| line.split([' ', '@']).nth(1)).collect();
        for port in &ports {
            self.namespace.ip(&format!("link set {port} nomaster"));
        }
        PoorSwitch::start(&self.namespace, &ports, seed, faults)
    }

    /// Listens to all that goes over the switch. None if there is no Python,
    /// which has been said then.
    pub(crate) fn listen(&self) -> Option<Wire> {
        Wire::listen(&self.namespace, "lan")
    }
}

/// The port of the switch at which a host is.
pub(crate) fn port(number: u8) -> String {
    format!("port{number}")
}

/// A host, which has its loopback interface and those that are plugged in.
#[derive(Clone)]
pub(crate) struct Host {
    pub(crate) number: u8,
    namespace: Arc<Namespace>,
    folder: Arc<Folder>,
}

impl Host {
    pub(crate) fn without_network(number: u8) -> Self {
        let namespace = Namespace::new().unwrap();
        Self { number, namespace: Arc::new(namespace), folder: Arc::new(Folder::new()) }
    }

    /// Gives the host an interface on this network, with its usual address
    /// there and no more routes than to the network itself.
    pub(crate) fn plug(&self, interface: &str, lan: &Lan) {
        let (port, holder) = (port(self.number), self.namespace.holder());
        let switch = &lan.namespace;
        let [one, two] = lan.hardware(self);
        let hardware = format!("address 02:00:00:00:{one:02x}:{two:02x}");
        let peer = format!("peer name {interface} {hardware} netns {holder}");
        switch.ip(&format!("link add {port} type veth {peer}"));
        switch.ip(&format!("link set {port} master lan group 1 up"));
        self.ip(&format!("addr add {}/24 dev {interface}", lan.address(self)));
        self.ip(&format!("link set {interface} up"));
    }

    /// Configures the host's network, as root does there by `ip`.
    pub(crate) fn ip(&self, arguments: &str) {
        self.namespace.ip(arguments);
    }

    /// The same by many lines at once.
    fn ip_batch(&self, lines: &str) {
        let file = self.folder.0.join("batch");
        fs::write(&file, lines).unwrap();
        run(self.namespace.command("ip").arg("-batch").arg(file)).unwrap();
    }

    /// Brings this thread, and those that it starts, to this host.
    pub(crate) fn enter(&self) {
        self.namespace.enter();
    }

    /// A program on this host, in a folder of its own.
    pub(crate) fn command(&self, program: &str) -> Command {
        // It ends with the thread that starts it, even if that is killed.
        let mut command = self.namespace.command("setpriv");
        command
            .args(["--pdeathsig", "KILL", program])
            .current_dir(&self.folder.0)
            .env("HOME", &self.folder.0)
            .env("XDG_STATE_HOME", self.folder.0.join("state"))
            .env_remove("EASYHTTP_DISCOVERY_PORT")
            .env_remove("EASYHTTP_LOG");
        command
    }

    /// Waits until the group of discovery is heard on an interface.
    pub(crate) fn waits_for_group(&self, interface: &str) {
        let deadline = Instant::now() + Duration::from_secs(10);
        let mut show = self.namespace.command("ip");
        show.args(["maddress", "show", "dev", interface]);
        while !run(&mut show).unwrap().contains("224.0.0.106") {
            assert!(Instant::now() < deadline, "nobody joined the group on {interface}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// What the program prints when somebody on this host asks a device, and
    /// it answers.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Value {
        let answer = self.try_to_ask(arguments);
        assert!(answer["error"].is_null(), "{answer:#}");
        answer
    }

    /// The same, or what is said about why it does not.
    pub(crate) fn try_to_ask(&self, arguments: &[&str]) -> Value {
        let printed = self.command(PROGRAM).args(arguments).arg("--json").output().unwrap();
        serde_json::from_slice(&printed.stdout).unwrap_or_else(|_| panic!("{printed:?}"))
    }

    /// Where a file of the host's folder is.
    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.0.join(file)
    }

    /// Copies a file of another host's folder.
    pub(crate) fn copy(&self, file: &str, from: &Self) {
        fs::copy(from.folder.0.join(file), self.folder.0.join(file)).unwrap();
    }
}

/// What is on the host's disk.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let count = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("lab-{}-{count}", std::process::id());
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
