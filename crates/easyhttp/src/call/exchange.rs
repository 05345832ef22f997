//! One request to one address, and what it says about the address.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use easyhttp_proto::peers::{PeerTable, Remembers};
use easyhttp_proto::pushes::PushKey;
use easyhttp_proto::{Command, limits};
use tokio::time::timeout_at;

use super::{Call, Face, Purpose, Reply};
use crate::client::{Connect, SLICE};
use crate::error::{Error, Result};
use crate::node::Node;
use crate::peer::Peer;

impl Call<'_> {
    /// PINGs an address that only claims to be the device's: a command may not
    /// reach a wrong device.
    pub(super) async fn check(
        &self,
        at: SocketAddr,
        limit: Duration,
        purpose: Purpose,
    ) -> Result<()> {
        let limit = limit.min(self.node.settings.limits.connect);
        let ping = self.node.speaker().message(Command::Ping, Some(self.id)).encode();
        // Where nobody answers, time is left for the next address.
        let deadline = self.soon(limit);
        let anew = purpose == Purpose::Doubt;
        let has_left = AtomicBool::new(false);
        let connect = self.connect(Instant::now(), limit, deadline, &has_left);
        let connect = Connect { anew, is_repeatable: true, ..connect };
        let pong = self.exchange(at, &ping, None, connect, purpose);
        let pong = timeout_at(deadline.into(), pong).await;
        match pong.unwrap_or_else(|_| self.timed_out(at, false, purpose)) {
            Ok(pong) if pong.command == Some(Command::Pong) => Ok(()),
            Ok(other) => Err(other.unexpected(self.id, "PONG").before_it_was_sent()),
            // A Python device whose callback for PING raises an exception: it
            // cannot say who it is, and does the rest well.
            Err(Error::HandlerFailed { .. }) => {
                if self.remembers() == Remembers::Untold {
                    self.node.peers().hear_mark(self.id, None);
                }
                Ok(())
            }
            // What was sent is the PING, not the command.
            Err(Error::TimedOut { id, address, .. }) => {
                Err(Error::TimedOut { id, address, after: limit, sent: false })
            }
            Err(Error::Interrupted { id, address, source }) => {
                let source = source.downcast().map_or_else(io::Error::other, |source| *source);
                Err(Error::Unreachable { id, address, source })
            }
            Err(error) => Err(error.before_it_was_sent()),
        }
    }

    /// One request and its answer, however long it takes once there is a
    /// connection.
    pub(super) async fn exchange(
        &self,
        at: SocketAddr,
        message: &[u8],
        key: Option<&PushKey>,
        connect: Connect<'_>,
        purpose: Purpose,
    ) -> Result<Reply> {
        let Node { client, tasks, .. } = &**self.node;
        let reply = match client.post(tasks, at, message, key, connect).await {
            Ok(answer) => self.read(at, answer, connect.begun, purpose),
            Err(failure) => {
                let has_left = connect.has_left.load(Ordering::Relaxed);
                Err(self.failed(at, failure, has_left, purpose))
            }
        };
        self.note(at, &reply, purpose);
        reply
    }

    /// How the command may get a connection, and block on it, if it has time until
    /// this deadline.
    pub(super) fn connect<'c>(
        &self,
        begun: Instant,
        limit: Duration,
        deadline: Instant,
        has_left: &'c AtomicBool,
    ) -> Connect<'c> {
        let is_repeatable = self.is_repeatable();
        // Not beyond the first slice: then there may be more to wait for.
        let last = deadline.checked_sub(SLICE).map(|last| last.min(self.begun + SLICE));
        let blocks_until = last.filter(|_| self.face == Face::Blocking);
        let is_shared = self.is_in_crowd && self.may_share();
        Connect { begun, limit, anew: false, is_shared, is_repeatable, blocks_until, has_left }
    }

    /// Whether the command may go out on a connection that other calls have as well: to a
    /// device of this kind, as others are not asked for that.
    fn may_share(&self) -> bool {
        self.face == Face::Asynchronous
            && self.message.len() <= limits::SHARED_MESSAGE
            && self.node.secure.is_none()
            && matches!(self.remembers(), Remembers::Pushes(_))
    }

    /// No answer came in time.
    pub(super) fn timed_out(&self, at: SocketAddr, sent: bool, purpose: Purpose) -> Result<Reply> {
        let (id, after) = (self.id, self.limit);
        let reply = Err(Error::TimedOut { id, address: at, after, sent });
        self.note(at, &reply, purpose);
        reply
    }

    /// Notes in the peer table what a reply says about the address.
    fn note(&self, at: SocketAddr, reply: &Result<Reply>, purpose: Purpose) {
        if purpose == Purpose::Probe {
            return;
        }
        let is_wrong = matches!(reply, Err(Error::WrongDevice { .. }));
        let has_discovery = is_wrong && self.node.has_discovery();
        let mut peers = self.node.peers();
        match reply {
            Err(Error::WrongDevice { .. }) => {
                peers.mismatch(self.id, at);
                // Otherwise discovery has the last word on who is gone.
                let is_gone = !has_discovery && self.is_nowhere(&peers);
                if let Some(peer) = is_gone.then(|| peers.lose(self.id)).flatten() {
                    drop(peers);
                    self.node.lost(Peer::new(&peer, self.node.now()));
                }
            }
            // Nobody is there any more, or somebody who does not say who it is.
            Err(
                Error::Unreachable { .. }
                | Error::TimedOut { .. }
                | Error::Interrupted { .. }
                | Error::Protocol { .. },
            ) => peers.fail(self.id, at),
            // It does not remember the PUSH, or does it still: that is the device.
            Err(Error::NotTaken { status: 409 | 412, .. }) => {}
            Err(Error::NotTaken { .. }) => peers.fail(self.id, at),
            // It answered to its name.
            Ok(Reply { command: Some(command), mark, .. }) => {
                let has_joined = peers.confirm(self.node.now(), self.id, at);
                if mark.is_some() || *command == Command::Pong {
                    peers.hear_mark(self.id, *mark);
                }
                match has_joined {
                    true => self.node.joined_in(peers, self.id),
                    false => {
                        drop(peers);
                        self.node.heard(self.id);
                    }
                }
            }
            _ => {}
        }
    }

    fn is_nowhere(&self, peers: &PeerTable) -> bool {
        peers.get(self.id).is_some_and(|peer| peer.addresses().is_empty())
    }
}
