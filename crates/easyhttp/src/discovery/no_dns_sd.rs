//! DNS-SD for those who build without the feature `dns-sd`: there is none.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Input;
use super::network::Network;
use crate::node::Node;

pub(super) enum DnsSd {}

impl DnsSd {
    pub(super) fn start(
        _: &Arc<Node>,
        _: &Network,
        _: &mpsc::UnboundedSender<Input>,
        _: &CancellationToken,
    ) -> Option<Self> {
        None
    }

    pub(super) fn looks(&self) -> Looks {
        match *self {}
    }
}

pub(super) enum Looks {}

impl Looks {
    pub(super) fn are_restless(&mut self, _: bool) {
        match *self {}
    }
}
