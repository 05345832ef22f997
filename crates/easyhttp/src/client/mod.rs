//! HTTP connections to peers, kept open from one call to the next.
//!
//! Whoever makes a call reads and writes its connection, so that a call wakes no
//! other task, and no other thread.

mod answers;
mod connection;
mod driver;
mod said;
mod shared;
mod socket;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use easyhttp_proto::http::Fault;
use easyhttp_proto::limits;
use easyhttp_proto::pushes::PushKey;
use easyhttp_proto::secure::PublicKey;

use crate::deadline::Deadlines;
use crate::descriptors;
use crate::lock::lock;
use crate::secure::{Asked, Distrust, Outgoing, Secure};
use crate::settings::Limits;
use crate::tasks::Tasks;
use crate::text::{Spare, Text};

use answers::{Room, Whole};
use connection::{Connection, KeyLine, Request};
use driver::{Terms, drive};
use shared::Shared;

pub(crate) use said::Said;
pub(crate) use socket::SLICE;

/// For so long after its last answer a connection counts as open without a look.
/// If it is not, the exchange says so, and costs one more.
const FRESH: Duration = Duration::from_secs(1);

/// What a peer answered.
pub(crate) struct Answer {
    pub(crate) said: Said,
    /// The body; empty if it is no text.
    pub(crate) text: Text,
    /// The key of its own that the device has shown, if it was asked for one.
    pub(crate) shown: Option<PublicKey>,
    /// When all of it was there.
    pub(crate) arrived: Instant,
}

/// Why there is no answer.
pub(crate) enum Failure {
    /// No connection, or none that took a byte, so nothing was sent.
    Unsent(io::Error),
    /// No connection in time, so nothing was sent.
    ConnectTimeout(Duration),
    /// The connection broke before the answer was whole.
    Broken(io::Error),
    /// What came is not an answer, not a whole one, or too large.
    Fault(Fault),
    /// What came is not an answer of whoever was asked.
    Distrusted(Distrust),
}

/// How a connection may be had, and used.
#[derive(Clone, Copy)]
pub(crate) struct Connect<'a> {
    /// When the exchange begins.
    pub(crate) begun: Instant,
    /// How long a new one may take.
    pub(crate) limit: Duration,
    /// Whether it must be a new one.
    pub(crate) anew: bool,
    /// Whether it may be one that other calls have as well.
    pub(crate) is_shared: bool,
    /// Whether the request does no harm if it arrives twice.
    pub(crate) is_repeatable: bool,
    /// Until when this thread may wait in system calls, if it may at all.
    pub(crate) blocks_until: Option<Instant>,
    /// Set as soon as a byte of the request has left us.
    pub(crate) has_left: &'a AtomicBool,
}

/// The connections that wait for the next call.
pub(crate) struct Client {
    idle: Arc<Mutex<Idle>>,
    keep: Duration,
    body: usize,
    /// None: nothing is signed.
    secure: Option<Arc<Secure>>,
    /// Until when those that are opened are waited for.
    deadlines: Deadlines,
}

/// What waits for the next call.
#[derive(Default)]
struct Idle {
    /// Boxed: each call takes one out, and puts it back.
    #[expect(clippy::vec_box, reason = "what is moved is the connection, not the list")]
    connections: BTreeMap<SocketAddr, Vec<Box<Connection>>>,
    /// How many there are in all.
    count: usize,
    /// How many there may be.
    most: usize,
    /// Where a large answer may go.
    spare: Spare,
    /// Connections that many calls have at once.
    shared: BTreeMap<SocketAddr, Arc<Shared>>,
    has_reaper: bool,
    is_closed: bool,
}

impl Client {
    pub(crate) fn new(limits: &Limits, secure: Option<Arc<Secure>>) -> Self {
        let most = limits::CLIENT_IDLE_IN_ALL.min(descriptors::one_in(5));
        let idle = Arc::new(Mutex::new(Idle { most, ..Idle::default() }));
        let (keep, body) = (limits.client_idle, limits.body);
        Self { idle, keep, body, secure, deadlines: Deadlines::default() }
    }

    /// Posts a message and waits for the answer.
    pub(crate) async fn post(
        &self,
        tasks: &Tasks,
        at: SocketAddr,
        message: &[u8],
        key: Option<&PushKey>,
        connect: Connect<'_>,
    ) -> Result<Answer, Failure> {
        let mut has_tried = false;
        let key = key.map(KeyLine::new);
        let key = key.as_ref();
        if connect.is_shared
            && let Some(done) = self.post_shared(tasks, at, message, key, connect).await
        {
            return done;
        }
        loop {
            let kept = if connect.anew { None } else { self.take(at, connect) };
            let (mut connection, is_new) = match kept {
                Some(connection) => (connection, false),
                None => (Connection::open(at, connect.limit, &self.deadlines).await?, true),
            };
            let request = Request::Post(message, key);
            // Anew each time: no request counts twice.
            let asked = match key {
                Some(key) => Asked::post_once(message, key.value()),
                None => Asked::post(message, connect.is_repeatable),
            };
            let proof = self.sign(at, asked)?;
            let (proof, until) = (proof.as_ref(), connect.blocks_until);
            let room = Room { most: self.body, idle: &self.idle };
            match connection.exchange(request, proof, room, until, connect.has_left).await {
                Ok((answer, worth)) => {
                    connection.used = answer.arrived;
                    // A Python device whose callback raised an exception closes
                    // right after this answer, without having said so.
                    if answer.said.status != 500 {
                        self.keep(tasks, at, connection);
                    }
                    if worth.is_enough(&mut has_tried).map_err(Failure::Distrusted)? {
                        return Ok(answer);
                    }
                }
                // The peer had closed a connection that was kept.
                Err(broken) if !is_new && broken.may_go_again(connect.is_repeatable) => {}
                Err(broken) => return Err(broken.failure),
            }
        }
    }

    /// The same on a connection that other calls have as well. None: it is to be sent on
    /// another one.
    async fn post_shared(
        &self,
        tasks: &Tasks,
        at: SocketAddr,
        message: &[u8],
        key: Option<&KeyLine>,
        connect: Connect<'_>,
    ) -> Option<Result<Answer, Failure>> {
        let shared = self.shared(tasks, at, connect.limit)?;
        match shared.exchange(message, key, connect.has_left).await? {
            Ok(Whole { answer, worth, .. }) => {
                let is_enough = worth.is_enough(&mut false).map_err(Failure::Distrusted);
                Some(is_enough.map(|_| answer))
            }
            Err(broken) if broken.may_go_again(connect.is_repeatable) => None,
            Err(broken) => Some(Err(broken.failure)),
        }
    }

    /// The connection that calls to an address share. If there is none, one is opened, and
    /// this call does not wait for that; but not if none is to be kept.
    fn shared(&self, tasks: &Tasks, at: SocketAddr, connect: Duration) -> Option<Arc<Shared>> {
        let mut idle = lock(&self.idle);
        if idle.is_closed || self.keep.is_zero() {
            return None;
        }
        if let Some(shared) = idle.shared.get(&at)
            && shared.is_fit()
        {
            return Some(Arc::clone(shared));
        }
        idle.shared.retain(|_, shared| shared.is_fit());
        let shared = Arc::new(Shared::new(at));
        idle.shared.insert(at, Arc::clone(&shared));
        let idle = Arc::clone(&self.idle);
        tasks.spawn(drive(shared, at, Terms { connect, keep: self.keep, body: self.body, idle }));
        None
    }

    /// GETs what is at a path, of `most` bytes, on a connection of its own.
    pub(crate) async fn get(
        &self,
        at: SocketAddr,
        path: &str,
        most: usize,
        limit: Duration,
    ) -> Result<Answer, Failure> {
        let mut connection = Connection::open(at, limit, &self.deadlines).await?;
        let mut has_tried = false;
        loop {
            let proof = self.sign(at, Asked::get(path))?;
            let (room, has_left) = (Room { most, idle: &self.idle }, AtomicBool::new(false));
            let answer = connection
                .exchange(Request::Get(path), proof.as_ref(), room, None, &has_left)
                .await;
            let (answer, worth) = answer.map_err(|broken| broken.failure)?;
            if worth.is_enough(&mut has_tried).map_err(Failure::Distrusted)? {
                return Ok(answer);
            }
        }
    }

    fn sign<'a>(
        &'a self,
        at: SocketAddr,
        asked: Asked<'a>,
    ) -> Result<Option<Outgoing<'a>>, Failure> {
        let Some(secure) = &self.secure else { return Ok(None) };
        secure.sign(at, asked).map(Some).map_err(Failure::Unsent)
    }

    /// Closes all connections that wait, and keeps none any more.
    pub(crate) fn close(&self) {
        let mut idle = lock(&self.idle);
        idle.is_closed = true;
        idle.clear();
    }

    /// A kept connection that is still open, as far as that has to be known.
    fn take(&self, at: SocketAddr, connect: Connect<'_>) -> Option<Box<Connection>> {
        loop {
            let mut connection = lock(&self.idle).take(at)?;
            let unused = connect.begun.saturating_duration_since(connection.used);
            let looks = !connect.is_repeatable || unused >= FRESH;
            if unused < self.keep && connection.is_open(looks) {
                return Some(connection);
            }
        }
    }

    fn keep(&self, tasks: &Tasks, at: SocketAddr, connection: Box<Connection>) {
        if !connection.is_fit() || self.keep.is_zero() {
            return;
        }
        let mut idle = lock(&self.idle);
        if idle.is_closed {
            return;
        }
        idle.keep(at, connection);
        if !idle.has_reaper {
            idle.has_reaper = true;
            tasks.spawn_until_stop(reap(Arc::downgrade(&self.idle), self.keep));
        }
    }
}

impl Idle {
    fn take(&mut self, at: SocketAddr) -> Option<Box<Connection>> {
        let connection = self.connections.get_mut(&at)?.pop()?;
        self.count -= 1;
        Some(connection)
    }

    fn keep(&mut self, at: SocketAddr, connection: Box<Connection>) {
        let kept = self.connections.entry(at).or_default();
        if kept.len() < limits::CLIENT_IDLE_CONNECTIONS && self.count < self.most {
            kept.push(connection);
            self.count += 1;
        }
    }

    fn clear(&mut self) {
        self.spare = Spare::default();
        self.connections.clear();
        self.count = 0;
        for shared in std::mem::take(&mut self.shared).into_values() {
            shared.close();
        }
    }

    /// Drops those that nobody has used for so long.
    fn reap(&mut self, keep: Duration) {
        self.connections.retain(|_, kept| {
            kept.retain(|connection| connection.used.elapsed() < keep);
            !kept.is_empty()
        });
        self.count = self.connections.values().map(Vec::len).sum();
    }
}

/// Closes connections that nobody has used for `keep`, until none is left.
async fn reap(idle: Weak<Mutex<Idle>>, keep: Duration) {
    loop {
        tokio::time::sleep(keep).await;
        let Some(idle) = idle.upgrade() else { return };
        let mut idle = lock(&idle);
        idle.reap(keep);
        if idle.count == 0 {
            idle.spare = Spare::default();
            idle.has_reaper = false;
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use tokio::runtime::Runtime;

    use super::*;
    use crate::wait::wait;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";

    /// A server of one connection, which says at its end what was asked.
    fn serve_one() -> (SocketAddr, thread::JoinHandle<usize>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let (mut asked, mut buffer) = (0, [0; 4096]);
            while stream.read(&mut buffer).is_ok_and(|count| count > 0) {
                asked += 1;
                stream.write_all(ANSWER).unwrap();
            }
            asked
        });
        (at, serving)
    }

    #[test]
    fn calls_that_block_and_calls_that_do_not_share_a_connection() {
        let runtime = Runtime::new().unwrap();
        let (at, serving) = serve_one();
        let client = Client::new(&Limits::default(), None);
        let tasks = Tasks::new(runtime.handle().clone());
        let (limit, soon) = (Duration::from_secs(9), Instant::now() + Duration::from_secs(9));
        let ways = [None, Some(soon), Some(soon), None, Some(soon), None, None];
        for (n, blocks_until) in ways.into_iter().enumerate() {
            // Every other one is looked at before.
            let (begun, is_repeatable) = (Instant::now(), n % 2 == 0);
            let has_left = &AtomicBool::new(false);
            let (anew, is_shared) = (false, false);
            let connect =
                Connect { begun, limit, anew, is_shared, is_repeatable, blocks_until, has_left };
            let answer = wait(runtime.handle(), client.post(&tasks, at, b"{}", None, connect));
            assert!(answer.is_ok_and(|answer| &*answer.text == "{}"));
        }
        client.close();
        assert_eq!(serving.join().unwrap(), ways.len());
    }
}
