//! The outbox for those who build without the feature `outbox`: there is none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::exchange::Answer;

use crate::error::StartError;
use crate::node::Node;
use crate::settings::Settings;

/// Nobody is let in.
pub(crate) async fn grant(_: &Arc<Node>, _: &str) -> Answer {
    Answer::empty(403)
}

pub(crate) struct Keeper;

impl Keeper {
    pub(crate) fn open(_: &Settings, _: Duration) -> Result<Self, StartError> {
        Ok(Self)
    }

    pub(crate) fn start(&self, _: &Arc<Node>) {}

    pub(crate) fn heard(&self, _: DeviceId, _: impl FnOnce() -> Duration) {}

    pub(crate) fn close(&self) {}

    pub(crate) fn let_in(&mut self, _: &Settings, _: SocketAddr) {}

    pub(crate) fn knows(&self, _: &[u8]) -> bool {
        false
    }

    pub(crate) fn shut(&self) {}
}
