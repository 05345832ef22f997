//! What several themes need: ports, folders, patience.

pub(crate) mod black_hole;
pub(crate) mod fake_peer;
pub(crate) mod folder;
pub(crate) mod http;
pub(crate) mod line;
pub(crate) mod presence;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod udp;

use std::fmt::Debug;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use easyhttp::{Builder, DeviceId, EasyHttp, Limits};
use socket2::{Domain, Socket, Type};

/// How long a test waits for what must happen: far more than it takes, because
/// test machines stall.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A device for tests: on a free port of this machine only, with an id of its
/// own, and without discovery.
pub(crate) fn quiet<Face>(builder: Builder<Face>) -> Builder<Face> {
    builder.address(Ipv4Addr::LOCALHOST).port(0).random_id().discovery(false)
}

/// The same as a blocking device, for tests of what both faces share.
pub(crate) fn device() -> Builder<EasyHttp> {
    quiet(EasyHttp::builder())
}

/// The default limits with some of them changed.
pub(crate) fn limits(change: impl FnOnce(&mut Limits)) -> Limits {
    let mut limits = Limits::default();
    change(&mut limits);
    limits
}

pub(crate) fn id(text: &str) -> DeviceId {
    text.parse().unwrap()
}

/// A port on this machine.
pub(crate) fn local(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

/// A port that nothing else uses: no other test, and no socket that the system
/// gives a port (those are above 32768).
pub(crate) fn own_port() -> u16 {
    static USED: AtomicU16 = AtomicU16::new(0);
    // Test processes that run side by side start at different ports.
    let start = 10_000 + u16::try_from(std::process::id() % 100).unwrap() * 200;
    start + USED.fetch_add(1, Ordering::Relaxed)
}

/// Lets this process have as many files open as it may ask for: by default tests that run
/// side by side have 1,024 of them.
pub(crate) fn many_files() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, getrlimit, setrlimit};
        let mut limit = getrlimit(Resource::Nofile);
        limit.current = limit.maximum;
        setrlimit(Resource::Nofile, limit).unwrap();
    }
}

/// Whether a device could listen on the port now.
pub(crate) fn is_free(port: u16) -> bool {
    // Without listening, which would leave traces in processes that other
    // tests are just starting.
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    socket.bind(&local(port).into()).is_ok()
}

/// Waits until something is true.
#[track_caller]
pub(crate) fn eventually(what: &str, mut is_true: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_true() {
        assert!(Instant::now() < deadline, "it did not become true that {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Waits for the next event.
#[track_caller]
pub(crate) fn next<T>(events: &Receiver<T>) -> T {
    events.recv_timeout(PATIENCE).expect("an event")
}

/// Asserts that a call took so little that it cannot have waited for a limit.
#[track_caller]
pub(crate) fn quickly<T>(limit: Duration, call: impl FnOnce() -> T) -> T {
    let started = Instant::now();
    let result = call();
    let took = started.elapsed();
    assert!(took < limit, "it took {took:?}");
    result
}

/// Asserts that an error's text names all of these.
#[track_caller]
pub(crate) fn assert_names(error: &easyhttp::Error, parts: &[&dyn ToString]) {
    let text = error.to_string();
    for part in parts.iter().map(|part| part.to_string()) {
        assert!(text.contains(&part), "{part:?} is missing in {text:?}");
    }
}

/// Asserts the variant of an error, and shows the error if it is another one.
macro_rules! assert_error {
    ($result:expr, $pattern:pat $(if $guard:expr)?) => {
        match $result {
            Err($pattern) $(if $guard)? => {}
            other => panic!("expected Err({}), got {other:?}", stringify!($pattern)),
        }
    };
}
pub(crate) use assert_error;

/// Holds handlers until a test opens it.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    pub(crate) fn open(&self) {
        let (is_open, changed) = &*self.0;
        *is_open.lock().unwrap() = true;
        changed.notify_all();
    }

    pub(crate) fn wait(&self) {
        let (is_open, changed) = &*self.0;
        let is_open = is_open.lock().unwrap();
        let (is_open, _) =
            changed.wait_timeout_while(is_open, PATIENCE, |is_open| !*is_open).unwrap();
        assert!(*is_open, "nobody opened the gate");
    }
}

/// What a test says instead of running where it cannot. In CI that is a failure.
pub(crate) fn skip(test: &str, why: impl Debug) {
    let text = format!("SKIPPED: {test}: {why:?}");
    assert!(std::env::var_os("CI").is_none_or(|value| value.is_empty()), "{text}");
    // Not by `eprintln`, of which the test runner shows nothing.
    let _ = writeln!(std::io::stderr(), "\n{text}");
}
