//! Nobody was found: what was tried on which network interface, and what the
//! cause usually is.

use std::net::IpAddr;
use std::time::Duration;

use easyhttp::{EasyHttpAsync, Interface, InterfaceState};

use crate::args::{Common, Finding};
use crate::failure::{Exit, Failure};
use crate::json::Object;
use crate::network::discovery_port;
use crate::style::duration;

/// What to say when nobody was found.
pub(crate) async fn nobody(
    device: &EasyHttpAsync,
    finding: &Finding,
    common: &Common,
    waited: Duration,
) -> Failure {
    let silence = Silence::of(device, common).await;
    let peers: Vec<_> = finding.peers.iter().map(ToString::to_string).collect();
    let peers = match &peers[..] {
        [] => String::new(),
        peers => format!(", and none answered at {}", peers.join(", ")),
    };
    let message = format!("no device was found within {}{peers}", duration(waited));
    Failure::new(Exit::NotFound, "no_devices", message)
        .with_detail("discovery_port", discovery_port(common))
        .with_detail("interfaces", silence.to_objects())
        .with_hint(silence.explain())
}

/// What discovery did while nobody was found.
pub(crate) struct Silence {
    interfaces: Vec<Interface>,
    /// The UDP port of discovery.
    port: u16,
    /// Whether the user chose the interfaces: loopback may be all they want.
    is_chosen: bool,
    /// Whether there are devices that do not have our network key.
    has_strangers: bool,
}

/// How far what was sent got. What is sent to a multicast group comes back to
/// whoever listens to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// There is no interface but loopback.
    NoNetwork,
    /// The interfaces that there are took nothing.
    Nowhere,
    /// Much of it did not come back.
    NotBack,
    /// It came back, and nothing else.
    Alone,
    /// Something else was heard as well.
    NotAlone,
    /// So was a device, but one with another network key, or none.
    Strangers,
}

impl Silence {
    /// Asks the device what it did.
    pub(crate) async fn of(device: &EasyHttpAsync, common: &Common) -> Self {
        Self {
            interfaces: device.interfaces().await,
            port: discovery_port(common),
            is_chosen: !common.interfaces.is_empty(),
            has_strangers: device.stats().datagrams_unauthenticated > 0,
        }
    }

    /// For people: all of it.
    pub(crate) fn explain(&self) -> String {
        let listed = |lines: &[String], mark: &str| -> String {
            lines.iter().map(|line| format!("\n  {mark}{line}")).collect()
        };
        let tried = match &self.rows()[..] {
            [] => String::new(),
            rows => {
                let rows = listed(rows, "");
                format!("multicast to UDP port {} was tried on{rows}\n", self.port)
            }
        };
        format!(
            "{tried}{}. Usual causes:{}\n\
             If you know where a device is, name it: easyhttp discover --peer HOST:PORT",
            self.summary(),
            listed(&self.causes(), "- ")
        )
    }

    /// For people: in one sentence.
    pub(crate) fn summary(&self) -> &'static str {
        match self.reach() {
            Reach::NoNetwork => "This machine is on no network that could be used",
            Reach::Nowhere => "Nothing could be sent",
            Reach::NotBack => "Not all that was sent here was heard here, as multicast should be",
            Reach::Alone => "Nobody was heard but this program itself",
            Reach::NotAlone => "More was heard than this program sent, but of no device",
            Reach::Strangers => "Only devices without our network key were heard",
        }
    }

    /// For programs.
    pub(crate) fn to_objects(&self) -> Vec<Object> {
        self.interfaces.iter().map(object).collect()
    }

    fn reach(&self) -> Reach {
        if self.has_strangers {
            return Reach::Strangers;
        }
        let is_network = |one: &&Interface| is_tried(one) && (self.is_chosen || !is_loopback(one));
        let networks = || self.interfaces.iter().filter(is_network);
        let sent = networks().map(|one| one.sent).sum();
        let heard = networks().map(|one| one.heard).sum();
        if networks().count() == 0 { Reach::NoNetwork } else { Reach::of(sent, heard) }
    }

    fn causes(&self) -> Vec<String> {
        let port = self.port;
        let mut causes = match self.reach() {
            Reach::NoNetwork => vec!["it is not connected: no cable, no Wi-Fi".to_owned()],
            Reach::Nowhere => {
                vec!["a firewall here, or the interface itself, takes no multicast".to_owned()]
            }
            Reach::NotBack => {
                vec![format!("a firewall here does not let UDP port {port} through")]
            }
            Reach::Strangers => vec![
                "the device has another network key, or none: give all the same one".to_owned(),
                "no device that has our key is running".to_owned(),
            ],
            Reach::Alone | Reach::NotAlone => vec![
                "no device is running: try `easyhttp serve` there, `easyhttp demo` here".to_owned(),
                "the device is on another network: another Wi-Fi, a guest network, a VPN"
                    .to_owned(),
                format!("a firewall there does not let UDP port {port} through"),
                "the Wi-Fi keeps its clients apart (client isolation), or drops multicast"
                    .to_owned(),
            ],
        };
        let is_failing = |one: &Interface| matches!(one.state, InterfaceState::Failing(_));
        if self.interfaces.iter().any(is_failing) {
            causes.push("an interface does not send, or not all: see above".to_owned());
        }
        if self.interfaces.iter().any(|one| !is_tried(one)) {
            causes.push("it is behind an interface that was skipped: --interface NAME".to_owned());
        }
        causes
    }

    /// Name, addresses, and what was done, one below the other.
    fn rows(&self) -> Vec<String> {
        let cells: Vec<_> = self.interfaces.iter().map(|one| (one, addresses(one))).collect();
        let name = cells.iter().map(|(one, _)| one.name.chars().count()).max().unwrap_or_default();
        let at = cells.iter().map(|(_, at)| at.chars().count()).max().unwrap_or_default();
        let row = |(one, addresses): &(&Interface, String)| {
            format!("{:<name$}  {addresses:<at$}  {}", one.name, done(one))
        };
        cells.iter().map(row).collect()
    }
}

impl Reach {
    /// Where so many datagrams were sent to the group and heard.
    fn of(sent: u64, heard: u64) -> Self {
        match sent {
            0 => Self::Nowhere,
            // The last ones may still be on their way. Half of them are missing
            // where a firewall knows only one of IPv4 and IPv6.
            _ if heard <= sent * 3 / 4 => Self::NotBack,
            _ if heard <= sent => Self::Alone,
            _ => Self::NotAlone,
        }
    }
}

fn is_tried(interface: &Interface) -> bool {
    !matches!(interface.state, InterfaceState::Skipped(_))
}

fn is_loopback(interface: &Interface) -> bool {
    interface.addresses.iter().all(IpAddr::is_loopback)
}

/// Those that people know by heart: of IPv6 only if there is no other.
fn addresses(interface: &Interface) -> String {
    let v4 = interface.addresses.iter().filter(|address| address.is_ipv4());
    let v4: Vec<_> = v4.map(ToString::to_string).collect();
    let first = interface.addresses.first().map(ToString::to_string);
    if v4.is_empty() { first.unwrap_or_default() } else { v4.join(", ") }
}

fn done(interface: &Interface) -> String {
    let Interface { sent, heard, .. } = interface;
    match &interface.state {
        InterfaceState::Used => format!("{sent} sent, {heard} heard"),
        InterfaceState::Skipped(why) => format!("skipped: {why}"),
        InterfaceState::Failing(why) => format!("{sent} sent, {heard} heard; fails: {why}"),
        _ => String::new(),
    }
}

fn object(interface: &Interface) -> Object {
    let (state, reason) = match &interface.state {
        InterfaceState::Used => ("used", None),
        InterfaceState::Skipped(why) => ("skipped", Some(*why)),
        InterfaceState::Failing(why) => ("failing", Some(why.as_str())),
        _ => ("other", None),
    };
    Object::new()
        .with("name", &interface.name)
        .with("addresses", &interface.addresses)
        .with("state", state)
        .with_some("reason", reason)
        .with("sent", interface.sent)
        .with("heard", interface.heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_and_heard_tells_how_far_it_got() {
        assert_eq!(Reach::of(0, 0), Reach::Nowhere);
        // Nothing of it, and nothing of its IPv4.
        assert_eq!(Reach::of(10, 0), Reach::NotBack);
        assert_eq!(Reach::of(10, 5), Reach::NotBack);
        assert_eq!(Reach::of(10, 10), Reach::Alone);
        assert_eq!(Reach::of(8, 7), Reach::Alone);
        assert_eq!(Reach::of(10, 11), Reach::NotAlone);
    }

    #[test]
    fn without_an_interface_nothing_is_said_to_have_been_tried() {
        let nowhere =
            Silence { interfaces: Vec::new(), port: 37020, is_chosen: false, has_strangers: false };
        let said = nowhere.explain();
        assert!(said.starts_with("This machine is on no network that could be used. "), "{said}");
    }
}
