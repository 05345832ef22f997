//! A device that asks another one all the time.

use std::fmt::{self, Display};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use easyhttp::EasyHttp;
use serde_json::Value;

use crate::device::Device;
use crate::network::Host;

/// One on a host of its own that FETCHes again and again, until it is
/// stopped or dropped.
/// It knows the other one from before, as a program that has just started does
/// not.
pub(crate) struct Asking {
    /// The number of the host of the one that is asked, which is what it answers.
    number: u8,
    answers: Receiver<Option<Value>>,
    count: Count,
    stop: Sender<()>,
}

/// How many FETCHes were answered by the device that was asked, and how many not
/// at all.
#[derive(Default)]
pub(crate) struct Count {
    pub(crate) right: usize,
    pub(crate) missing: usize,
}

impl Asking {
    /// Waits for the first answer.
    pub(crate) fn start(host: &Host, device: &Device, pause: Duration) -> Self {
        let (host, id, number) = (host.clone(), device.id.clone(), device.host.number);
        let (sender, answers) = channel();
        let (stop, stopped) = channel::<()>();
        thread::spawn(move || {
            host.enter();
            let easy = EasyHttp::builder().random_id().port(0).start().unwrap();
            easy.find(&id, Duration::from_secs(10)).unwrap();
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                let _ = sender.send(easy.fetch(&id, ()).ok());
            }
            // Whoever waits for the last answer knows that the goodbye is out.
            easy.stop();
        });
        let mut asking = Self { number, answers, count: Count::default(), stop };
        asking.gets(1);
        asking
    }

    /// Waits for as many more answers. Panics if another device than the one
    /// that was asked has answered.
    pub(crate) fn gets(&mut self, more: usize) {
        let enough = self.count.right + more;
        while self.count.right < enough {
            let answer = self.answers.recv_timeout(Duration::from_secs(30)).expect("it asks on");
            self.count.add(answer, self.number);
        }
    }

    /// Asks no more. Panics as well.
    pub(crate) fn stop(mut self) -> Count {
        drop(self.stop);
        self.answers.iter().for_each(|answer| self.count.add(answer, self.number));
        self.count
    }
}

impl Count {
    pub(crate) fn and(self, other: Self) -> Self {
        Self { right: self.right + other.right, missing: self.missing + other.missing }
    }

    fn add(&mut self, answer: Option<Value>, right: u8) {
        match answer {
            Some(value) => {
                assert_eq!(value, right, "another device answered");
                self.right += 1;
            }
            None => self.missing += 1,
        }
    }
}

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0 of {} ({} got no answer)", self.right + self.missing, self.missing)
    }
}
