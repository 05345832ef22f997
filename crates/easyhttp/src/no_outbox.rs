//! The outbox for those who build without the feature `outbox`: there is none.

use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::DeviceId;

use crate::error::StartError;
use crate::node::Node;
use crate::settings::Settings;

pub(crate) struct Keeper;

impl Keeper {
    pub(crate) fn open(_: &Settings, _: Duration) -> Result<Self, StartError> {
        Ok(Self)
    }

    pub(crate) fn start(&self, _: &Arc<Node>) {}

    pub(crate) fn heard(&self, _: DeviceId, _: impl FnOnce() -> Duration) {}

    pub(crate) fn close(&self) {}
}
