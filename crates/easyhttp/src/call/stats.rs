//! What another device of this machine has counted.

use std::sync::Arc;
use std::time::Instant;

use easyhttp_proto::introduction::STATS_PATH;
use easyhttp_proto::{Command, DeviceId};
use serde_json::Value;
use tokio::time::timeout_at;

use super::{Call, Face, Purpose};
use crate::error::{Error, Result};
use crate::node::Node;

impl Node {
    pub(crate) async fn stats_of(self: &Arc<Self>, id: DeviceId, face: Face) -> Result<Value> {
        // It is there, and it is the one that is meant.
        let pong = self.call(id, Command::Ping, &(), face, self.usual_time()).await?;
        let limits = &self.settings.limits;
        let call = Call::new(self, id, Command::Ping, Vec::new(), self.usual_time(), face);
        let asked = self.client.get(pong.from, STATS_PATH, limits.body, limits.connect);
        match timeout_at(call.deadline.into(), asked).await {
            Ok(Ok(answer)) if answer.said.status == 200 => serde_json::from_str(&answer.text)
                .map_err(|source| Error::UnexpectedData { id, source }),
            Ok(Ok(answer)) => {
                let refused = call.read(pong.from, answer, Instant::now(), Purpose::Check)?;
                Err(refused.unexpected(id, "a list of counters"))
            }
            Ok(Err(failure)) => Err(call.failed(pong.from, failure, false, Purpose::Command)),
            Err(_) => {
                Err(Error::TimedOut { id, address: pong.from, after: limits.call, sent: true })
            }
        }
    }
}
