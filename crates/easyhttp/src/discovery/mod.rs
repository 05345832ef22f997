//! Finding others and being found: the task that drives the state machine of
//! the protocol, and what it is given.

mod alarm;
#[cfg_attr(not(feature = "dns-sd"), path = "no_dns_sd.rs")]
mod dns_sd;
mod driver;
mod fresh;
mod leads;
mod network;
mod pings;
mod proofs;
mod remembered;
mod report;
mod sockets;
#[cfg_attr(any(target_os = "linux", target_os = "android"), path = "linux.rs")]
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), path = "elsewhere.rs")]
mod system;
mod watch;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::datagram::{Datagram, PORT};
use easyhttp_proto::discovery::{Discovery, Pinged, Probed};
use easyhttp_proto::peers::Source;
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::error::{Result, StartError};
use crate::node::Node;
use crate::secure::Secure;

use dns_sd::DnsSd;
use driver::Driver;
use leads::Leads;
use network::Network;
use proofs::Proofs;
use sockets::Sockets;

pub(crate) use fresh::is_taken;
pub(crate) use remembered::Remembered;
pub use report::{Interface, InterfaceState};

/// Discovery that runs, until this is dropped. Dropping it says goodbye at once:
/// the runtime may be about to end.
pub(crate) struct Running {
    inputs: mpsc::UnboundedSender<Input>,
    started: tokio::time::Instant,
    network: Network,
    goodbye: Option<Datagram>,
    secure: Option<Arc<Secure>>,
    _dns_sd: Option<DnsSd>,
    _stop: DropGuard,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(goodbye) = self.goodbye.take() {
            let goodbye = Proofs::new(self.secure.take()).prove(goodbye, None);
            self.network.say_goodbye(&goodbye);
        }
    }
}

/// What reaches the task from elsewhere in the device.
enum Input {
    Search,
    Suspect(DeviceId),
    Lead(SocketAddr, Source),
    Pinged(DeviceId, Pinged),
    Probed(DeviceId, SocketAddr, Probed),
    Asked(SocketAddr, Option<(DeviceId, Option<String>)>),
    Report(oneshot::Sender<Vec<Interface>>),
}

impl Running {
    /// Asks at once who is there.
    pub(crate) fn search(&self) {
        let _ = self.inputs.send(Input::Search);
    }

    /// Checks a device that did not answer.
    pub(crate) fn suspect(&self, id: DeviceId) {
        let _ = self.inputs.send(Input::Suspect(id));
    }

    pub(crate) fn running_for(&self) -> Duration {
        self.started.elapsed()
    }

    /// Asks what is done on each interface.
    pub(crate) fn report(&self) -> oneshot::Receiver<Vec<Interface>> {
        let (report, reported) = oneshot::channel();
        let _ = self.inputs.send(Input::Report(report));
        reported
    }
}

/// Opens the sockets and starts to look for others.
pub(crate) fn start(node: &Arc<Node>) -> Result<Running> {
    let settings = &node.settings;
    let port = settings.discovery_port;
    let failed = |source| StartError::Discovery { port, source };
    let _runtime = node.tasks.runtime().enter();
    let network = Network::of(settings, node.answers_at());
    let sockets = Sockets::open(network.clone(), Arc::clone(&node.counters)).map_err(failed)?;
    network.tell_of_missing();
    let entropy = getrandom::u64().map_err(StartError::Randomness)?;
    let (inputs, received) = mpsc::unbounded_channel();
    let stop = CancellationToken::new();
    let machine = Discovery::new(node.id, node.port, entropy, node.now())
        .with_interval(settings.announce_interval);
    let goodbye = machine.goodbye();
    // Devices that chose a port of their own are not to be found by others; those of one
    // machine find each other without it.
    let uses_dns_sd = settings.dns_sd && port == PORT && !network.is_loopback();
    let dns_sd = if uses_dns_sd { DnsSd::start(node, &network, &inputs, &stop) } else { None };
    let leads = Leads::start(node, &network, &inputs, &stop);
    let looks = dns_sd.as_ref().map(DnsSd::looks);
    let driver =
        Driver::new(machine, Arc::clone(node), sockets, received, inputs.clone(), leads, looks);
    node.tasks.spawn_service(driver.run(stop.clone()));
    Ok(Running {
        inputs,
        started: tokio::time::Instant::now(),
        network,
        goodbye,
        secure: node.secure.clone(),
        _dns_sd: dns_sd,
        _stop: stop.drop_guard(),
    })
}

/// The name under which a device is found like any other host. Names of hosts
/// are written in small letters.
pub(crate) fn host_name(id: DeviceId) -> String {
    format!("{}.local", id.as_str().to_ascii_lowercase())
}
