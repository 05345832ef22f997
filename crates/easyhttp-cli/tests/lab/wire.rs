//! What discovery sends over a switch, and who connects there.

use std::process::{Child, Stdio};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use crate::device::lines_of;
use crate::namespace::Namespace;
use crate::support::has_python;

/// Listens to a switch until it is dropped.
pub(crate) struct Wire {
    process: Child,
    lines: Receiver<String>,
}

/// Something that was sent, at this time since 1970.
pub(crate) struct Frame {
    pub(crate) at: Duration,
    pub(crate) source: String,
    /// The type of a datagram of discovery, or `PORT connect`.
    pub(crate) kind: String,
}

impl Frame {
    pub(crate) fn connects(&self) -> bool {
        self.kind.ends_with("connect")
    }
}

/// A datagram of discovery, over IPv4 or IPv6.
pub(crate) struct Datagram {
    /// When it was sent, after the first one.
    pub(crate) at: Duration,
    pub(crate) source: String,
    /// `8`, `9` or `bye`.
    pub(crate) kind: String,
}

impl Wire {
    /// None if there is no Python, which has been said then.
    pub(crate) fn listen(namespace: &Namespace, interface: &str) -> Option<Self> {
        if !has_python("counting what is sent in the network lab") {
            return None;
        }
        let mut process = namespace
            .command("python3")
            .args(["-c", include_str!("wire.py"), interface])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = lines_of(process.stdout.take().unwrap());
        let wire = Self { process, lines };
        assert_eq!(wire.next(), "ready");
        Some(wire)
    }

    /// All that is sent from the first datagram until this time after it. It
    /// takes somebody who sends something after that.
    pub(crate) fn heard(&self, time: Duration) -> Vec<Datagram> {
        let mut heard: Vec<Datagram> = Vec::new();
        let mut start = None;
        loop {
            let frame = self.frame();
            if frame.connects() {
                continue;
            }
            let Frame { at, source, kind } = frame;
            let at = at.saturating_sub(*start.get_or_insert(at));
            if at >= time {
                return heard;
            }
            heard.push(Datagram { at, source, kind });
        }
    }

    /// All that was sent until this time since 1970. It takes somebody who sends something
    /// after that.
    pub(crate) fn until(&self, time: Duration) -> Vec<Frame> {
        std::iter::from_fn(|| Some(self.frame()).filter(|frame| frame.at < time)).collect()
    }

    fn frame(&self) -> Frame {
        let line = self.next();
        let [at, source, kind] = line.splitn(3, ' ').collect::<Vec<_>>().try_into().unwrap();
        let at = Duration::from_secs_f64(at.parse().unwrap());
        Frame { at, source: source.to_owned(), kind: kind.to_owned() }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(Duration::from_secs(60)).expect("somebody sends something")
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
