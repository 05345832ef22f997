//! Pushes that are kept on disk until their device is there: what the user calls, the
//! file, and the tasks that drive the state machine of the protocol.

mod asleep;
mod deliver;
mod door;
mod driver;
mod file;
mod item;
mod keeper;
mod kept;
mod outside;
#[cfg(test)]
mod power_loss;
mod store;
mod visitor;

use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::id::IntoDeviceId;
use easyhttp_proto::{Command, limits};
use serde::Serialize;

use crate::answer::write_json;
use crate::error::{Error, Result};
use crate::node::Node;
use crate::wait::wait;

pub(crate) use file::{Failure, is_in_use, open_or_make};
pub use item::{OutboxItem, RefusedItem};
pub(crate) use keeper::Keeper;
pub use outside::OutboxFile;
pub(crate) use visitor::grant;

/// The outbox of an [`EasyHttpAsync`](crate::EasyHttpAsync): what it is given is on disk
/// when the call returns, and goes out when its device is heard, at whatever address,
/// also after this device, or the machine, was started again.
///
/// To each device the items go in the order in which they were given, one after the
/// other. What the device answers is told to
/// [`on_delivered`](crate::EasyHttpAsync::on_delivered) or
/// [`on_refused`](crate::EasyHttpAsync::on_refused), and
/// [`on_expired`](crate::EasyHttpAsync::on_expired) is told of an item that waited in
/// vain. Each is told at least once: an item leaves the disk when its handler has
/// returned, so one that was being told when the machine lost its power is told again.
///
/// An item is done once, whatever breaks, but by a device that was killed while it did it
/// and is set to [`RunAgain`](crate::AfterCrash::RunAgain): devices know a push again by its
/// key, as long as they remember it. One that was not answered is sent again, and if the
/// device has forgotten meanwhile whether it has had it (it was restarted, and is not
/// [`durable`](crate::Builder::durable)), or understands no keys (it is one of Python), it
/// is not sent again: [`on_refused`](crate::EasyHttpAsync::on_refused) is told, with an
/// error whose [`delivery`](crate::Error::delivery) is
/// [`Unknown`](crate::Delivery::Unknown).
///
/// A device that does not answer is tried again after 5 s, and then less and less often,
/// down to once a minute; at once when it is heard.
///
/// It is a file beside the device file, `.NAME.outbox`, which its owner alone may read. A
/// device without a device file has an outbox if
/// [`Builder::outbox_file`](crate::Builder::outbox_file) says where.
///
/// ```no_run
/// # async fn run(easy: easyhttp::EasyHttpAsync) -> easyhttp::Result<()> {
/// use easyhttp::json;
///
/// easy.on_delivered(|item| println!("{} has {}", item.to, item.data));
/// easy.on_refused(|refused| println!("{}", refused.error));
/// // Whether 7H8G2K is there now or tomorrow.
/// easy.outbox().push("7H8G2K", json!({"state": "off"})).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct OutboxAsync {
    node: Arc<Node>,
}

impl OutboxAsync {
    pub(crate) fn of(node: &Arc<Node>) -> Self {
        Self { node: Arc::clone(node) }
    }

    /// Keeps a push until its device is there, for a week at the most. When this returns,
    /// it is on disk. Gives its number; numbers grow, and none is given twice.
    ///
    /// A push that is cancelled, by dropping its future, may have been kept.
    ///
    /// # Errors
    ///
    /// [`Error::OutboxFull`] if there is no room, [`Error::NoOutbox`],
    /// [`Error::Outbox`] if the disk cannot be written; [`Error::InvalidId`],
    /// [`Error::OwnId`], [`Error::InvalidData`], [`Error::TooLarge`], [`Error::Stopped`].
    pub async fn push(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<u64> {
        self.push_within(id, data, limits::OUTBOX_EXPIRY).await
    }

    /// As [`push`](Self::push), for as long as this says, and a year at the most. What was
    /// not delivered by then never will be; a push that is being sent then may still be
    /// accepted. While this device does not run, the clock of its machine counts.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    pub async fn push_within(
        &self,
        id: impl IntoDeviceId,
        data: impl Serialize,
        lifetime: Duration,
    ) -> Result<u64> {
        let (node, id) = (&self.node, id.into_device_id()?);
        if node.tasks.is_stopping() {
            return Err(Error::Stopped);
        }
        if id == node.id {
            return Err(Error::OwnId { id });
        }
        let mut json = Vec::new();
        write_json(&mut json, &data).map_err(Error::InvalidData)?;
        // What could never be sent is told now.
        let message = node.speaker().message(Command::Push, Some(id)).encode_with(|message| {
            message.extend_from_slice(&json);
            Ok(())
        });
        let most = node.settings.limits.body;
        if message.map_err(Error::InvalidData)?.len() > most {
            return Err(Error::TooLarge { limit: Some(most) });
        }
        let json = String::from_utf8(json)
            .map_err(|_| Error::InvalidData(serde::ser::Error::custom("it is not UTF-8")))?;
        node.outbox.push(node, id, json, lifetime).await
    }

    /// What waits, in the order in which it came.
    ///
    /// # Errors
    ///
    /// [`Error::Outbox`] if the file cannot be read; [`Error::Stopped`].
    pub async fn list(&self) -> Result<Vec<OutboxItem>> {
        self.node.outbox.list(&self.node, 0, usize::MAX).await
    }

    /// Takes an item out, and says whether that came in time: no, if there is no such
    /// item any more, or if it is being sent at this very moment. No handler is told.
    ///
    /// One that was sent before, and was not answered, may have been done
    /// ([`OutboxItem::may_have_arrived`]).
    ///
    /// # Errors
    ///
    /// [`Error::Outbox`] if the disk cannot be written; [`Error::Stopped`].
    pub async fn cancel(&self, number: u64) -> Result<bool> {
        self.node.outbox.cancel(&self.node, number).await
    }

    /// Tries all devices for which something waits, whether they were heard or not, and
    /// returns when each has all its items or did not take one. Gives how many still wait.
    /// It does not wait for handlers that are to be told, so these may call it, too.
    ///
    /// # Errors
    ///
    /// [`Error::Stopped`].
    pub async fn flush(&self) -> Result<usize> {
        self.node.outbox.flush(&self.node).await
    }
}

impl std::fmt::Debug for OutboxAsync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutboxAsync").field("of", &self.node.id).finish_non_exhaustive()
    }
}

/// The outbox of an [`EasyHttp`](crate::EasyHttp): pushes that are kept on disk until
/// their device is there. [`OutboxAsync`] is its async twin, with the same methods; what
/// that says about order, handlers and errors holds here.
///
/// ```no_run
/// # fn run(easy: easyhttp::EasyHttp) -> easyhttp::Result<()> {
/// use easyhttp::json;
///
/// easy.on_delivered(|item| println!("{} has {}", item.to, item.data));
/// // Whether 7H8G2K is there now or tomorrow.
/// easy.outbox().push("7H8G2K", json!({"state": "off"}))?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Outbox<'a> {
    outbox: OutboxAsync,
    /// Its runtime is there as long as the device is.
    device: std::marker::PhantomData<&'a crate::EasyHttp>,
}

impl<'a> Outbox<'a> {
    pub(crate) fn of(node: &Arc<Node>) -> Self {
        Self { outbox: OutboxAsync::of(node), device: std::marker::PhantomData }
    }

    /// Keeps a push until its device is there; see [`OutboxAsync::push`].
    ///
    /// # Errors
    ///
    /// As [`OutboxAsync::push`].
    pub fn push(&self, id: impl IntoDeviceId, data: impl Serialize) -> Result<u64> {
        self.wait(self.outbox.push(id, data))
    }

    /// As [`push`](Self::push), for as long as this says; see
    /// [`OutboxAsync::push_within`].
    ///
    /// # Errors
    ///
    /// As [`OutboxAsync::push`].
    pub fn push_within(
        &self,
        id: impl IntoDeviceId,
        data: impl Serialize,
        lifetime: Duration,
    ) -> Result<u64> {
        self.wait(self.outbox.push_within(id, data, lifetime))
    }

    /// What waits, in the order in which it came; see [`OutboxAsync::list`].
    ///
    /// # Errors
    ///
    /// As [`OutboxAsync::list`].
    pub fn list(&self) -> Result<Vec<OutboxItem>> {
        self.wait(self.outbox.list())
    }

    /// Takes an item out, and says whether that came in time; see
    /// [`OutboxAsync::cancel`].
    ///
    /// # Errors
    ///
    /// As [`OutboxAsync::cancel`].
    pub fn cancel(&self, number: u64) -> Result<bool> {
        self.wait(self.outbox.cancel(number))
    }

    /// Tries all devices for which something waits; see [`OutboxAsync::flush`].
    ///
    /// # Errors
    ///
    /// As [`OutboxAsync::flush`].
    pub fn flush(&self) -> Result<usize> {
        self.wait(self.outbox.flush())
    }

    fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        wait(self.outbox.node.tasks.runtime(), future)
    }
}

impl std::fmt::Debug for Outbox<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("of", &self.outbox.node.id).finish_non_exhaustive()
    }
}
