//! PING, FETCH and PUSH: a call each, and what its answer gives.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "outbox")]
use easyhttp_proto::pushes::PushKey;
use easyhttp_proto::{Command, DeviceId};
use serde::Serialize;

#[cfg(feature = "outbox")]
use super::again::Sent;
use super::{Call, Face, Purpose, Time};
use crate::error::Result;
use crate::node::Node;
use crate::request::Data;

impl Node {
    pub(crate) async fn ping(
        self: &Arc<Self>,
        id: DeviceId,
        face: Face,
        time: Time,
    ) -> Result<Duration> {
        let reply = self.call(id, Command::Ping, &(), face, time).await?;
        match reply.command {
            Some(Command::Pong) => Ok(reply.took),
            _ => Err(reply.unexpected(id, "PONG")),
        }
    }

    pub(crate) async fn fetch(
        self: &Arc<Self>,
        id: DeviceId,
        query: &impl Serialize,
        face: Face,
        time: Time,
    ) -> Result<Data> {
        let reply = self.call(id, Command::Fetch, query, face, time).await?;
        match reply.command {
            // A device that has nothing to say says that it received the FETCH.
            Some(Command::Data) | None => Ok(reply.data),
            _ => Err(reply.unexpected(id, "DATA")),
        }
    }

    pub(crate) async fn push(
        self: &Arc<Self>,
        id: DeviceId,
        data: &impl Serialize,
        face: Face,
        time: Time,
    ) -> Result<()> {
        let reply = self.call(id, Command::Push, data, face, time).await?;
        reply.of_push(id)
    }

    /// An item of the outbox, with this key, if the device understands keys. Whether it
    /// goes out with another one is for the outbox to say.
    #[cfg(feature = "outbox")]
    pub(crate) async fn push_item(
        self: &Arc<Self>,
        id: DeviceId,
        data: &impl Serialize,
        key: Option<PushKey>,
        may_have_arrived: bool,
    ) -> Result<()> {
        let (face, time) = (Face::Asynchronous, self.usual_time());
        let sent = Sent::of_item(key, may_have_arrived);
        let reply = self.call_with(id, Command::Push, data, face, time, sent).await?;
        reply.of_push(id)
    }

    /// PINGs a device at one address, for our own sake: nobody is told.
    pub(crate) async fn ping_at(
        self: &Arc<Self>,
        id: DeviceId,
        at: SocketAddr,
        limit: Duration,
        purpose: Purpose,
    ) -> Result<()> {
        let (message, time) = (Vec::new(), Time::of(limit));
        let call = Call::new(self, id, Command::Ping, message, time, Face::Asynchronous);
        call.check(at, limit, purpose).await
    }
}
