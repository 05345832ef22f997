//! One command to all devices that are known, or to those that a filter picks: all at
//! once, with one deadline, and a result for each.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::iter::FusedIterator;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use easyhttp_proto::DeviceId;
use futures_core::Stream;
use serde::Serialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::value::{RawValue, to_raw_value};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep_until, timeout_at};

use crate::blocking::OwnRuntime;
use crate::call::{Face, Time};
use crate::error::{Error, Result};
use crate::instant::instant_after;
use crate::node::Node;
use crate::peer::Peer;
use crate::presence::{PresenceAsync, PresenceEvent};
use crate::wait::wait;

/// One command to many devices, on its way: the async twin of [`Many`](crate::Many).
///
/// It begins when it is first waited for, by [`next`](Self::next), [`all`](Self::all) or
/// as a [`Stream`]. All devices that are known then are asked at the same time, and each
/// gives one result. In the first second after the start, it waits for devices that have
/// not been heard yet, as all calls do, and asks those that it hears. From then on the
/// calls go on by themselves, however long one takes with a result.
///
/// When its time is over ([`within`](Self::within)), whoever has not answered is
/// [`Error::TimedOut`], which says whether anything was sent. A device that is slow or gone
/// delays no other. At most 256 are asked at once, as each takes a file of this process, and
/// no more than a quarter of those that it may have open; those that were heard last are
/// asked first.
///
/// Dropping it cancels the calls that are under way, of which some may have been run.
///
/// ```no_run
/// # async fn run(easy: easyhttp::EasyHttpAsync) {
/// let mut readings = easy.fetch_all("temperature");
/// while let Some((id, reading)) = readings.next().await {
///     match reading {
///         Ok(reading) => println!("{id}: {reading}"),
///         Err(error) => println!("{id}: {error}"),
///     }
/// }
/// # }
/// ```
#[must_use = "nothing is sent before somebody waits for the results"]
pub struct ManyAsync<T> {
    node: Arc<Node>,
    ask: Ask<T>,
    only: Box<dyn FnMut(&Peer) -> bool + Send>,
    within: Duration,
    listening: Option<Duration>,
    /// None: it has not begun.
    running: Option<Running<T>>,
}

/// Asks one device.
type Ask<T> = Arc<dyn Fn(Arc<Node>, DeviceId, Time) -> Asking<T> + Send + Sync>;
type Asking<T> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;

/// The calls, since they began.
struct Running<T> {
    calls: JoinSet<(DeviceId, Result<T>)>,
    /// Those that were looked at, whether they were asked or not.
    seen: BTreeSet<DeviceId>,
    deadline: Instant,
    /// Who joins, and how long those are asked as well.
    joining: Option<(PresenceAsync, Pin<Box<Sleep>>)>,
}

impl ManyAsync<Duration> {
    pub(crate) fn ping(node: &Arc<Node>) -> Self {
        Self::new(node, |node, id, time| {
            Box::pin(async move { node.ping(id, Face::Asynchronous, time).await })
        })
    }
}

impl ManyAsync<()> {
    pub(crate) fn push(node: &Arc<Node>, data: impl Serialize) -> Self {
        let data = Written::new(&data);
        Self::new(node, move |node, id, time| {
            let data = Arc::clone(&data);
            Box::pin(async move { node.push(id, &data.get()?, Face::Asynchronous, time).await })
        })
    }
}

impl<T: DeserializeOwned + Send + 'static> ManyAsync<T> {
    pub(crate) fn fetch(node: &Arc<Node>, query: impl Serialize) -> Self {
        let query = Written::new(&query);
        Self::new(node, move |node, id, time| {
            let query = Arc::clone(&query);
            Box::pin(async move {
                let data = node.fetch(id, &query.get()?, Face::Asynchronous, time).await?;
                data.parse().map_err(|source| Error::UnexpectedData { id, source })
            })
        })
    }
}

impl<T: Send + 'static> ManyAsync<T> {
    fn new(
        node: &Arc<Node>,
        ask: impl Fn(Arc<Node>, DeviceId, Time) -> Asking<T> + Send + Sync + 'static,
    ) -> Self {
        Self {
            node: Arc::clone(node),
            ask: Arc::new(ask),
            only: Box::new(|_| true),
            within: node.settings.limits.call,
            listening: None,
            running: None,
        }
    }

    /// Asks those devices alone of which this is true. It is called once for each, by
    /// whoever waits for the results.
    pub fn only(mut self, picks: impl FnMut(&Peer) -> bool + Send + 'static) -> Self {
        self.only = Box::new(picks);
        self
    }

    /// How long all of it may take, from its beginning to the last result: one deadline
    /// for all devices. Default: [`Limits::call`](crate::Limits::call), 3 s. It changes
    /// nothing once the calls have begun.
    pub fn within(mut self, time: Duration) -> Self {
        self.within = time;
        self
    }

    /// For how long, from its beginning, devices that join are asked as well. It does not
    /// end before. Default: until discovery has run for a second. More than
    /// [`within`](Self::within) counts as that.
    pub fn joining(mut self, time: Duration) -> Self {
        self.listening = Some(time);
        self
    }

    /// Waits for the next result, quick devices first. None when each device has given
    /// one. Nothing is lost when this is cancelled.
    pub async fn next(&mut self) -> Option<(DeviceId, Result<T>)> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for all results that are still to come: a table in the order of the ids.
    /// Empty if no device is known.
    pub async fn all(mut self) -> BTreeMap<DeviceId, Result<T>> {
        let mut table = BTreeMap::new();
        while let Some((id, result)) = self.next().await {
            table.insert(id, result);
        }
        table
    }

    /// Asks all that are known.
    fn begin(&mut self) {
        let deadline = instant_after(self.within);
        let listening = self.listening.unwrap_or_else(|| self.node.first_wait());
        let until = deadline.min(instant_after(listening));
        // Before the list is read, so that nobody is missed in between.
        let joining = (!listening.is_zero())
            .then(|| (PresenceAsync::new(&self.node), Box::pin(sleep_until(until.into()))));
        let (calls, seen) = (JoinSet::new(), BTreeSet::new());
        self.running = Some(Running { calls, seen, deadline, joining });
        self.ask_known(self.within);
    }

    fn ask_known(&mut self, limit: Duration) {
        let mut peers = self.node.devices();
        // Should there be more than may be asked at once, nobody waits for those that
        // are probably gone.
        peers.sort_by_key(|peer| peer.last_seen.unwrap_or(Duration::MAX));
        for peer in peers {
            self.ask(&peer, limit);
        }
    }

    fn ask(&mut self, peer: &Peer, limit: Duration) {
        let Some(running) = &mut self.running else { return };
        if !running.seen.insert(peer.id) || !(self.only)(peer) {
            return;
        }
        let (node, ask, id) = (Arc::clone(&self.node), Arc::clone(&self.ask), peer.id);
        let time = Time { limit, deadline: running.deadline };
        let call = async move {
            let turn = timeout_at(time.deadline.into(), node.turns.take_of_many());
            let _turn = match turn.await {
                Ok(turn) if Instant::now() < time.deadline => turn,
                _ => return (id, Err(node.not_asked(id, limit))),
            };
            let result = ask(Arc::clone(&node), id, time).await;
            (id, result)
        };
        self.node.tasks.spawn_in(&mut running.calls, call);
    }

    /// Asks those that have joined since.
    fn ask_joined(&mut self, cx: &mut Context<'_>) {
        loop {
            let Some(Running { joining: Some((presence, end)), deadline, .. }) = &mut self.running
            else {
                return;
            };
            // In whole milliseconds: errors name it.
            let left = deadline.saturating_duration_since(Instant::now()).as_millis();
            let left = Duration::from_millis(left.try_into().unwrap_or(u64::MAX));
            match Pin::new(presence).poll_next(cx) {
                Poll::Ready(Some(PresenceEvent::Joined(peer))) => self.ask(&peer, left),
                Poll::Ready(Some(PresenceEvent::Missed(_))) => self.ask_known(left),
                Poll::Ready(Some(_)) => {}
                Poll::Pending if end.as_mut().poll(cx).is_pending() => return,
                Poll::Pending | Poll::Ready(None) => {
                    if let Some(running) = &mut self.running {
                        running.joining = None;
                    }
                }
            }
        }
    }
}

impl<T: Send + 'static> Stream for ManyAsync<T> {
    type Item = (DeviceId, Result<T>);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.running.is_none() {
            self.begin();
        }
        self.ask_joined(cx);
        let Some(running) = &mut self.running else { return Poll::Ready(None) };
        loop {
            return match running.calls.poll_join_next(cx) {
                Poll::Ready(Some(Ok(done))) => Poll::Ready(Some(done)),
                Poll::Ready(Some(Err(ended))) => match ended.try_into_panic() {
                    // It was in a type of the caller's, which was reading the data.
                    Ok(panic) => resume_unwind(panic),
                    // The runtime ends.
                    Err(_) => continue,
                },
                Poll::Ready(None) if running.joining.is_some() => Poll::Pending,
                Poll::Ready(None) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            };
        }
    }
}

impl<T> Unpin for ManyAsync<T> {}

impl<T> fmt::Debug for ManyAsync<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManyAsync").field("within", &self.within).finish_non_exhaustive()
    }
}

/// One command to many devices, on its way: an iterator over their results, quick devices
/// first, each with its id. [`ManyAsync`] is its async twin, with the same methods, and
/// says how long it takes and what is asked when.
///
/// Dropping it cancels the calls that are under way, of which some may have been run.
///
/// ```no_run
/// # fn main() -> easyhttp::Result<()> {
/// let easy = easyhttp::EasyHttp::start()?;
/// for (id, reading) in easy.fetch_all("temperature") {
///     match reading {
///         Ok(reading) => println!("{id}: {reading}"),
///         Err(error) => println!("{id}: {error}"),
///     }
/// }
/// # Ok(()) }
/// ```
#[must_use = "nothing is sent before somebody waits for the results"]
pub struct Many<T> {
    many: ManyAsync<T>,
    /// Kept as long as the calls are under way.
    _runtime: Arc<OwnRuntime>,
}

impl<T: Send + 'static> Many<T> {
    pub(crate) fn new(many: ManyAsync<T>, runtime: &Arc<OwnRuntime>) -> Self {
        Self { many, _runtime: Arc::clone(runtime) }
    }

    /// Asks those devices alone of which this is true; see [`ManyAsync::only`].
    pub fn only(self, picks: impl FnMut(&Peer) -> bool + Send + 'static) -> Self {
        Self { many: self.many.only(picks), ..self }
    }

    /// How long all of it may take; see [`ManyAsync::within`].
    pub fn within(self, time: Duration) -> Self {
        Self { many: self.many.within(time), ..self }
    }

    /// For how long devices that join are asked as well; see [`ManyAsync::joining`].
    pub fn joining(self, time: Duration) -> Self {
        Self { many: self.many.joining(time), ..self }
    }

    /// Waits for all results that are still to come: a table in the order of the ids.
    /// Empty if no device is known.
    pub fn all(self) -> BTreeMap<DeviceId, Result<T>> {
        self.collect()
    }
}

impl<T: Send + 'static> Iterator for Many<T> {
    type Item = (DeviceId, Result<T>);

    fn next(&mut self) -> Option<Self::Item> {
        let runtime = self.many.node.tasks.runtime().clone();
        wait(&runtime, self.many.next())
    }
}

impl<T: Send + 'static> FusedIterator for Many<T> {}

impl<T> fmt::Debug for Many<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Many").field("within", &self.many.within).finish_non_exhaustive()
    }
}

/// What is said to all, written once. If JSON cannot say it, each call fails for that.
struct Written(std::result::Result<Box<RawValue>, String>);

impl Written {
    fn new(data: &impl Serialize) -> Arc<Self> {
        Arc::new(Self(to_raw_value(data).map_err(|error| error.to_string())))
    }

    fn get(&self) -> Result<&RawValue> {
        let written = self.0.as_deref();
        written.map_err(|why| Error::InvalidData(serde_json::Error::custom(why)))
    }
}
