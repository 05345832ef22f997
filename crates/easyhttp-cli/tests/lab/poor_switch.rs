//! A switch that loses, delays and doubles what is sent.

use serde_json::json;

use crate::namespace::{Held, Namespace};
use crate::network::port;
use crate::support::has_python;

/// What a poor switch does to frames: the shares of those that it loses, apart
/// for multicast and for the group of discovery, and doubles, and the longest
/// delay in seconds. From and to the hosts that are cut off, it loses everything.
#[derive(Clone, Default)]
pub(crate) struct Faults {
    pub(crate) multicast_loss: f64,
    pub(crate) group_loss: f64,
    pub(crate) loss: f64,
    pub(crate) doubled: f64,
    pub(crate) delay: f64,
    pub(crate) cut: Vec<u8>,
}

impl Faults {
    fn json(&self) -> String {
        let Self { multicast_loss, group_loss, loss, doubled, delay, cut } = self;
        let cut: Vec<_> = cut.iter().map(|number| port(*number)).collect();
        json!({
            "multicast_loss": multicast_loss,
            "group_loss": group_loss,
            "loss": loss,
            "doubled": doubled,
            "delay": delay,
            "cut": cut,
        })
        .to_string()
    }
}

/// One that works until it is dropped.
pub(crate) struct PoorSwitch {
    process: Held,
    seed: u32,
}

impl Drop for PoorSwitch {
    /// Whichever test fails, its faults were those of this seed.
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("the seed of the poor switch was {}", self.seed);
        }
    }
}

impl PoorSwitch {
    /// One between these interfaces of a namespace. None if there is no Python,
    /// which has been said then.
    pub(crate) fn start(
        namespace: &Namespace,
        ports: &[&str],
        seed: u32,
        faults: &Faults,
    ) -> Option<Self> {
        if !has_python("a poor switch in the network lab") {
            return None;
        }
        let mut command = namespace.command("python3");
        command.args(["-c", include_str!("switch.py"), &seed.to_string(), &faults.json()]);
        Some(Self { process: Held::start(command.args(ports)).unwrap(), seed })
    }

    /// From now on it has other faults.
    pub(crate) fn set(&mut self, faults: &Faults) {
        self.process.tell(&faults.json());
    }
}
