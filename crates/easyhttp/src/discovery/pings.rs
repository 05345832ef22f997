//! What the state machine wants asked over HTTP: each question runs beside it,
//! and reports what came of it.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use easyhttp_proto::discovery::{Pinged, Probed};
use easyhttp_proto::exchange::Speaker;
use easyhttp_proto::peers::Source;
use easyhttp_proto::secure::PublicKey;
use easyhttp_proto::{Command, DeviceId, Message, limits};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::Input;
use crate::call::Purpose;
use crate::client::{Client, Connect};
use crate::error::Error;
use crate::node::Node;
use crate::tasks::Tasks;

/// How long a device that may have moved has to answer at its old address. One
/// that is there answers in milliseconds.
const RECHECK: Duration = Duration::from_millis(300);

/// The same of an address at which there may be a device or not.
const SWEEP: Duration = Duration::from_millis(300);

/// Asks other devices for discovery.
pub(super) struct Pings {
    node: Arc<Node>,
    reports: mpsc::UnboundedSender<Input>,
}

impl Pings {
    pub(super) fn new(node: Arc<Node>, reports: mpsc::UnboundedSender<Input>) -> Self {
        Self { node, reports }
    }

    /// PINGs a device wherever it may be.
    pub(super) fn ping(&self, id: DeviceId) {
        self.spawn(async move |node| {
            let mut outcome = Pinged::Refused;
            for at in node.addresses(id) {
                match node.ping_at(id, at, limits::CHECK, Purpose::Doubt).await {
                    Ok(()) => {
                        outcome = Pinged::Answered;
                        break;
                    }
                    Err(Error::WrongDevice { .. } | Error::Protocol { .. }) => {}
                    Err(Error::Unreachable { source, .. })
                        if source.kind() == io::ErrorKind::ConnectionRefused => {}
                    // Where nobody answers somebody may be.
                    Err(_) => outcome = Pinged::Silent,
                }
            }
            vec![Input::Pinged(id, outcome)]
        });
    }

    /// PINGs a device at an address from which it was heard, and at the one in
    /// use.
    pub(super) fn probe(&self, id: DeviceId, at: SocketAddr) {
        self.spawn(async move |node| {
            let old = node.addresses(id).into_iter().next().filter(|old| *old != at);
            let recheck = async {
                match old {
                    Some(old) => node.ping_at(id, old, RECHECK, Purpose::Probe).await.is_ok(),
                    None => false,
                }
            };
            let check = node.ping_at(id, at, limits::CHECK, Purpose::Probe);
            let (is_new, is_old) = tokio::join!(check, recheck);
            let probed = match (is_new.is_ok(), is_old) {
                (true, false) => Probed::There,
                (true, true) => Probed::Both,
                (false, _) => Probed::Nowhere,
            };
            vec![Input::Probed(id, at, probed)]
        });
    }

    /// PINGs whoever is at an address.
    pub(super) fn ask(&self, at: SocketAddr, source: Source) {
        let limit = if source == Source::Swept { SWEEP } else { limits::CHECK };
        self.spawn(async move |node| {
            let Node { client, tasks, .. } = &*node;
            let here = who_is_at(client, tasks, &node.speaker(), at, limit).await;
            let here = here.filter(|here| !node.is_impostor(here.id, at, here.shown));
            vec![Input::Asked(at, here.map(|here| (here.id, here.version)))]
        });
    }

    /// Asks a device for those that it knows.
    pub(super) fn introduce(&self, by: SocketAddr) {
        self.spawn(async move |node| {
            let introduced = node.introduced_by(by).await;
            introduced.into_iter().map(|(_, at)| Input::Lead(at, Source::Introduced)).collect()
        });
    }

    fn spawn<F>(&self, ask: impl FnOnce(Arc<Node>) -> F)
    where
        F: Future<Output = Vec<Input>> + Send + 'static,
    {
        let asking = ask(Arc::clone(&self.node));
        let reports = self.reports.clone();
        self.node.tasks.spawn_until_stop(async move {
            for report in asking.await {
                let _ = reports.send(report);
            }
        });
    }
}

/// Who answers a PING.
pub(super) struct Here {
    pub(super) id: DeviceId,
    /// Which version of the protocol it says that it speaks.
    version: Option<String>,
    /// The key of its own that it has shown.
    shown: Option<PublicKey>,
}

/// Who answers a PING at an address.
pub(super) async fn who_is_at(
    client: &Client,
    tasks: &Tasks,
    speaker: &Speaker,
    at: SocketAddr,
    limit: Duration,
) -> Option<Here> {
    let ping = speaker.message(Command::Ping, None).encode();
    let begun = Instant::now();
    let (anew, is_repeatable, has_left) = (false, true, &AtomicBool::new(false));
    let (is_shared, blocks_until) = (false, None);
    let connect = Connect { begun, limit, anew, is_shared, is_repeatable, blocks_until, has_left };
    let asked = timeout(limit, client.post(tasks, at, &ping, None, connect)).await;
    let answer = asked.ok()?.ok().filter(|answer| answer.said.status == 200)?;
    let pong =
        Message::decode_text(&answer.text).ok().filter(|pong| pong.command == Command::Pong)?;
    let version = pong.version.map(Cow::into_owned);
    Some(Here { id: pong.header.sender_id?, version, shown: answer.shown })
}
