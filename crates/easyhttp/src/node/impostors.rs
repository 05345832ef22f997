//! Somebody who shows another key than the device that had the id first.

use std::net::SocketAddr;

use easyhttp_proto::DeviceId;
use easyhttp_proto::secure::PublicKey;

use super::Node;
use crate::counters::Count;
use crate::presence::{IdentityChanged, PresenceEvent};
use crate::secure::Impostor;

impl Node {
    /// Whether somebody who has shown this key, or none, is not the device that had the
    /// id first. The user is told.
    pub(crate) fn is_impostor(
        &self,
        id: DeviceId,
        from: SocketAddr,
        shown: Option<PublicKey>,
    ) -> bool {
        let Some(secure) = &self.secure else { return false };
        self.is_found_out(id, from, secure.check_identity(id, shown))
    }

    /// The same of somebody who did not do what it was asked. A key that is shown with that
    /// does not become the device's.
    pub(crate) fn rejects_as_impostor(
        &self,
        id: DeviceId,
        from: SocketAddr,
        shown: Option<PublicKey>,
    ) -> bool {
        let Some(secure) = &self.secure else { return false };
        self.is_found_out(id, from, secure.compare_identity(id, shown))
    }

    fn is_found_out(
        &self,
        id: DeviceId,
        from: SocketAddr,
        checked: std::result::Result<(), Impostor>,
    ) -> bool {
        let Err(impostor) = checked else { return false };
        self.counters.refuse(Count::IdentityChanged, from);
        if impostor.is_news {
            tracing::warn!(%id, %from, "a device has another key than before");
            self.presence.tell(PresenceEvent::IdentityChanged(IdentityChanged { id, from }));
        }
        true
    }
}
