//! A PUSH that is sent again when no answer came: to a device that remembers what it has
//! had, and so does it once.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use easyhttp_proto::Command;
use easyhttp_proto::peers::Remembers;
use easyhttp_proto::pushes::PushKey;
use easyhttp_proto::retry::Retries;
use tokio::time::timeout_at;

use super::{Call, Purpose, Reply};
use crate::counters::Count;
use crate::error::{Delivery, Error, Result};
use crate::lock::lock;

/// How many keys a PUSH gets at most, each because the device did not know whether it had
/// the last one: a second after a restart of the device, and a third if there are two with
/// its id.
const KEYS: u32 = 3;

/// How long a device that does not say it is left alone when it is busy.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What a PUSH has come to so far, at all addresses.
#[derive(Default)]
pub(super) struct Sent {
    /// None: the device remembers nothing, as far as is known.
    key: Option<PushKey>,
    /// Whether it is that of an item of the outbox, and so stays.
    is_kept: bool,
    /// How many it has had.
    keys: u32,
    /// Whether the device may have got it with this key, and done it.
    may_be_done: bool,
    retries: Retries,
    /// How long the device wants to be left alone.
    retry_after: Duration,
}

impl Sent {
    /// Of an item that is kept on disk, with its key.
    #[cfg(feature = "outbox")]
    pub(super) fn of_item(key: Option<PushKey>, may_be_done: bool) -> Self {
        Self { key, is_kept: true, keys: KEYS, may_be_done, ..Self::default() }
    }
}

impl Call<'_> {
    /// Whether a PING has to tell first what the device remembers.
    pub(super) fn is_untold(&self) -> bool {
        let is_kept = || lock(&self.sent).is_kept;
        self.command == Command::Push && self.remembers() == Remembers::Untold && !is_kept()
    }

    /// The key with which the PUSH goes to an address, if the device remembers any: the
    /// same each time, as long as it may have been done.
    ///
    /// # Errors
    ///
    /// It may have been done, and whoever is there now would not know.
    pub(super) fn key(&self, address: SocketAddr) -> Result<Option<PushKey>> {
        if self.command != Command::Push {
            return Ok(None);
        }
        let remembers = self.remembers();
        let sent = &mut *lock(&self.sent);
        if sent.is_kept {
            return Ok(sent.key.clone());
        }
        let name = match &sent.key {
            Some(PushKey::Marked { mark, .. }) => Some(mark.name),
            _ => None,
        };
        match remembers {
            Remembers::Pushes(mark) if name == Some(mark.name) => {}
            _ if sent.may_be_done => {
                let source = "the device was restarted since".into();
                return Err(Error::Interrupted { id: self.id, address, source });
            }
            Remembers::Pushes(mark) => {
                sent.key = Some(PushKey::new(mark, self.node.random.next()));
                sent.keys += 1;
            }
            Remembers::Nothing | Remembers::Untold => sent.key = None,
        }
        Ok(sent.key.clone())
    }

    pub(super) fn remembers(&self) -> Remembers {
        self.node.peers().get(self.id).map_or(Remembers::Untold, |peer| peer.remembers)
    }

    /// Takes what an answer says of when to ask again.
    pub(super) fn hear_retry_after(&self, retry_after: Option<Duration>) {
        lock(&self.sent).retry_after = retry_after.unwrap_or(RETRY_AFTER);
    }

    /// Waits on for the answer to a PUSH that takes long, and sends it again meanwhile. If
    /// it is the handler that takes long, both get what comes of it.
    pub(super) async fn insist(
        &self,
        at: SocketAddr,
        mut reply: Pin<&mut impl Future<Output = Result<Reply>>>,
        has_left: &AtomicBool,
    ) -> Result<Reply> {
        let timed_out = || self.timed_out(at, has_left.load(Ordering::Relaxed), Purpose::Command);
        let Err(late) = timed_out() else { return reply.await };
        // It may still be sent, and done.
        lock(&self.sent).may_be_done = true;
        let mut again = pin!(self.again(late));
        let (first, second) = tokio::select! {
            biased;
            first = &mut reply => {
                if is_settled(&first) {
                    return first;
                }
                (first, again.await)
            }
            second = &mut again => {
                if is_settled(&second) {
                    return second;
                }
                let first = timeout_at(self.deadline.into(), reply).await;
                (first.unwrap_or_else(|_| timed_out()), second)
            }
        };
        match (first, second) {
            (first, _) if is_settled(&first) => first,
            (_, second) if is_settled(&second) => second,
            (Err(first), Err(second)) if says_more(&first, &second) => Err(first),
            (Err(first), Err(second)) if self.hides(&second, &first) => Err(first),
            (_, second) => second,
        }
    }

    /// Goes on with a PUSH after this error, as long as that does no harm and may help.
    pub(super) async fn again(&self, mut error: Error) -> Result<Reply> {
        // Of the last attempt that the device may have got.
        let mut unknown: Option<Error> = None;
        loop {
            let pause = self.pause_after(&error);
            if let Some(pause) = pause {
                let id = self.id;
                self.node.debug(|| format!("PUSH to {id}: {error}. Sent again in {pause:?}"));
            }
            // What other attempts came to says nothing of that one.
            let known = match unknown {
                Some(unknown) if error.delivery() != Delivery::Unknown => unknown,
                Some(unknown) if says_more(&unknown, &error) => unknown,
                _ => error,
            };
            let Some(pause) = pause else { return Err(known) };
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let Ok(Some(places)) = self.known() else { return Err(known) };
            unknown = Some(known).filter(|known| known.delivery() == Delivery::Unknown);
            match self.attempt(&places).await {
                Err(later) if !is_outcome(&later) => error = later,
                settled => return settled,
            }
        }
    }

    /// After which pause the PUSH is sent again, if it is.
    fn pause_after(&self, error: &Error) -> Option<Duration> {
        let peers = self.node.peers();
        let peer = peers.get(self.id)?;
        let (breaker, last_seen) = (peer.breaker, peer.last_seen);
        drop(peers);
        let sent = &mut *lock(&self.sent);
        sent.may_be_done |= error.delivery() == Delivery::Unknown;
        let least = match error {
            // Nothing was done, so it may go out as another one.
            Error::NotTaken { status: 412, .. } if !sent.may_be_done && sent.keys < KEYS => {
                sent.key = None;
                return Some(Duration::ZERO);
            }
            Error::Busy { .. } | Error::NotTaken { status: 409, .. } => sent.retry_after,
            Error::TimedOut { .. }
            | Error::Interrupted { .. }
            | Error::Replayed { .. }
            | Error::HandlerFailed { runs_on: true, .. } => Duration::ZERO,
            Error::Unreachable { source, .. } if !is_nobody(source.kind()) => Duration::ZERO,
            // Nobody is there, unless the device has been heard meanwhile.
            Error::Unreachable { .. } if last_seen > Some(self.begun - self.node.started) => {
                Duration::ZERO
            }
            _ => return None,
        };
        if sent.key.is_none() && error.delivery() != Delivery::NotSent {
            return None;
        }
        let left = self.deadline.saturating_duration_since(Instant::now());
        let budget = &mut *lock(&self.node.retries);
        let entropy = self.node.random.next();
        let pause = sent.retries.next(self.node.now(), left, least, &breaker, budget, entropy)?;
        self.node.counters.add(Count::PushSentAgain);
        Some(pause)
    }
}

/// Whether this is what came of the PUSH, and no other attempt can come to something else.
fn is_settled(reply: &Result<Reply>) -> bool {
    reply.as_ref().err().is_none_or(is_outcome)
}

fn is_outcome(error: &Error) -> bool {
    matches!(error, Error::HandlerFailed { runs_on: false, .. })
}

/// Whether an attempt was told that the handler takes too long, and a later one was told
/// nothing, or only that it still runs: the device is there, and its handler is at fault.
fn says_more(first: &Error, later: &Error) -> bool {
    matches!(first, Error::HandlerFailed { runs_on: true, .. })
        && matches!(
            later,
            Error::TimedOut { .. }
                | Error::Interrupted { .. }
                | Error::NotTaken { status: 409, .. }
        )
}

/// Whether the system says so because nothing answers there.
fn is_nobody(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
            | ErrorKind::AddrNotAvailable
    )
}
