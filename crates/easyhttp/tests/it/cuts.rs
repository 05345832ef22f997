//! PUSHes over a line that breaks after every possible byte: what is called accepted is
//! done, nothing is done twice, and what is called not sent was not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use easyhttp::{Builder, Delivery, EasyHttpAsync, Error, HandlerError, NetworkKey, PushAnswer};
use futures_util::future::join_all;
use tokio::runtime::Runtime;

use crate::support::line::{Cut, Line, Way};
use crate::support::random::Random;
use crate::support::{PATIENCE, limits, local, quiet};

/// How many PUSHes are under way at once, each of a device and over a line of its own.
const AT_ONCE: usize = 16;

/// How many of those over lines that break more than once.
const BROKEN_AGAIN: usize = 1500;

/// How many PUSHes go out together, and how often.
const CROWD: usize = 40;
const CROWDS: usize = 200;

#[derive(Clone)]
struct Scenario {
    number: usize,
    /// Whether the sender has had an answer on the connection before.
    is_kept: bool,
    cuts: Vec<Cut>,
}

/// What the devices of a test are.
type Kind = fn() -> Builder<EasyHttpAsync>;

fn open() -> Builder<EasyHttpAsync> {
    quiet(EasyHttpAsync::builder())
}

fn secure() -> Builder<EasyHttpAsync> {
    open().network_key(NetworkKey::from_entropy([1; 16]))
}

#[test]
fn a_push_is_done_once_wherever_its_line_breaks() {
    let cuts = cut_everywhere(open);
    assert!(cuts >= 5000, "{cuts}");
}

#[test]
fn a_signed_push_is_done_once_wherever_its_line_breaks() {
    let cuts = cut_everywhere(secure);
    assert!(cuts >= 7000, "{cuts}");
}

/// PUSHes that go out together, on a connection that all of them share.
#[test]
fn pushes_that_share_a_connection_are_done_once_wherever_it_breaks() {
    Runtime::new().unwrap().block_on(async {
        let receiver = &Receiver::start(open).await;
        let mut random = Random(2);
        for crowd in 0..CROWDS {
            let (sender, line) = receiver.sender(open, false).await;
            let before = receiver.device.stats().connections_shared;
            while receiver.device.stats().connections_shared == before {
                join_all((0..CROWD).map(|_| sender.ping(receiver.device.id()))).await;
            }
            let way = if random.below(2) == 0 { Way::Request } else { Way::Answer };
            line.cut([Cut { way, after: random.below(25_000) }]);
            let numbers = crowd * CROWD..(crowd + 1) * CROWD;
            let pushed = numbers.clone().map(|number| {
                let sender = &sender;
                async move { sender.push(receiver.device.id(), format!("{number:06}")).await }
            });
            for (number, pushed) in numbers.zip(join_all(pushed).await) {
                let done = receiver.done[number].load(Ordering::Relaxed);
                let told = format!("{number}: {pushed:?}, done {done} times");
                assert!(done <= 1, "{told}");
                match pushed {
                    Ok(()) => assert!(done == 1 && number % 3 == 0, "{told}"),
                    Err(Error::Refused { .. }) => assert!(done == 1 && number % 3 == 1, "{told}"),
                    Err(Error::HandlerFailed { .. }) => {
                        assert!(done == 1 && number % 3 == 2, "{told}");
                    }
                    // There are more of them than may be sent again at once.
                    Err(error) => match error.delivery() {
                        Delivery::NotSent => assert_eq!(done, 0, "{told}"),
                        Delivery::Unknown => {}
                        _ => panic!("it was not refused: {told}"),
                    },
                }
            }
            sender.stop().await;
        }
        receiver.device.stop().await;
        let twice = receiver.done.iter().position(|done| done.load(Ordering::Relaxed) > 1);
        assert_eq!(twice, None, "this one was done twice");
    });
}

/// Gives how many cuts there were.
fn cut_everywhere(kind: Kind) -> usize {
    Runtime::new().unwrap().block_on(async {
        let receiver = Receiver::start(kind).await;
        let mut scenarios = VecDeque::new();
        for is_kept in [false, true] {
            let lengths = receiver.lengths(kind, is_kept).await;
            for (way, length) in [(Way::Request, lengths[0]), (Way::Answer, lengths[1])] {
                for after in 0..=length {
                    scenarios.push_back((is_kept, vec![Cut { way, after }]));
                }
            }
        }
        let mut random = Random(1);
        for number in 0..BROKEN_AGAIN {
            let cuts = (0..2 + number % 3).map(|_| Cut {
                way: if random.below(2) == 0 { Way::Request } else { Way::Answer },
                after: random.below(1500),
            });
            scenarios.push_back((number % 2 == 0, cuts.collect()));
        }
        let count = scenarios.iter().map(|(_, cuts)| cuts.len()).sum();
        let numbered = scenarios.into_iter().enumerate();
        let scenarios = numbered.map(|(n, (is_kept, cuts))| Scenario { number: n, is_kept, cuts });
        let scenarios: Arc<Mutex<VecDeque<_>>> = Arc::new(Mutex::new(scenarios.collect()));
        let receiver = Arc::new(receiver);
        let workers: Vec<_> = (0..AT_ONCE)
            .map(|_| {
                let (receiver, scenarios) = (Arc::clone(&receiver), Arc::clone(&scenarios));
                tokio::spawn(async move {
                    loop {
                        let next = scenarios.lock().unwrap().pop_front();
                        let Some(scenario) = next else { return };
                        receiver.try_push(kind, &scenario).await;
                    }
                })
            })
            .collect();
        for worker in workers {
            worker.await.unwrap();
        }
        // What was on its way has arrived.
        receiver.device.stop().await;
        let twice = receiver.done.iter().position(|done| done.load(Ordering::Relaxed) > 1);
        assert_eq!(twice, None, "this one was done twice");
        count
    })
}

/// A device that accepts, refuses or fails, and counts how often it did what.
struct Receiver {
    device: EasyHttpAsync,
    done: Arc<Vec<AtomicU32>>,
}

impl Receiver {
    async fn start(kind: Kind) -> Self {
        let done: Arc<Vec<AtomicU32>> = Arc::new((0..20_000).map(|_| AtomicU32::new(0)).collect());
        let count = Arc::clone(&done);
        let device = kind().on_push(move |push| {
            let number: usize = push.data.parse::<String>()?.parse()?;
            count[number].fetch_add(1, Ordering::Relaxed);
            match number % 3 {
                0 => Ok(PushAnswer::Accepted),
                1 => Ok(PushAnswer::refuse(number)),
                _ => Err(HandlerError::new(number)),
            }
        });
        Self { device: device.start().await.unwrap(), done }
    }

    /// A device that asks this one over a line.
    async fn sender(&self, kind: Kind, is_kept: bool) -> (EasyHttpAsync, Line) {
        let line = Line::new(local(self.device.port().unwrap())).await;
        // So that a machine that has much to do does not make an answer late.
        let limits = limits(|limits| limits.call = PATIENCE);
        let sender = kind().ask_only().limits(limits).start().await.unwrap();
        sender.add(self.device.id(), line.at).unwrap();
        if is_kept {
            sender.ping(self.device.id()).await.unwrap();
        }
        (sender, line)
    }

    /// How many bytes a PUSH and its answer have, with those of the PING before it.
    async fn lengths(&self, kind: Kind, is_kept: bool) -> [usize; 2] {
        let (sender, line) = self.sender(kind, is_kept).await;
        line.cut([]);
        let last = self.done.len() - 1;
        let refused = sender.push(self.device.id(), format!("{last:06}")).await;
        assert!(matches!(refused, Err(Error::Refused { .. })), "{refused:?}");
        self.done[last].store(0, Ordering::Relaxed);
        line.passed()
    }

    async fn try_push(&self, kind: Kind, scenario: &Scenario) {
        let Scenario { number, is_kept, cuts } = scenario;
        let (sender, line) = self.sender(kind, *is_kept).await;
        line.cut(cuts.iter().copied());
        let pushed = sender.push(self.device.id(), format!("{number:06}")).await;
        let done = self.done[*number].load(Ordering::Relaxed);
        let told = format!("{number}, {is_kept}, {cuts:?}: {pushed:?}, done {done} times");
        assert!(done <= 1, "{told}");
        match &pushed {
            Ok(()) => assert!(done == 1 && number % 3 == 0, "{told}"),
            Err(Error::Refused { reason, .. }) => {
                assert!(done == 1 && number % 3 == 1, "{told}");
                assert_eq!(reason.as_deref(), Some(&*number.to_string()));
            }
            Err(Error::HandlerFailed { message, .. }) => {
                assert!(done == 1 && number % 3 == 2, "{told}");
                assert_eq!(*message, number.to_string());
            }
            Err(error) => {
                assert!(cuts.len() > 1, "it breaks once, and could be sent again: {told}");
                match error.delivery() {
                    Delivery::NotSent => {
                        assert!(done == 0 && !has_left(&line.asked(), *is_kept), "{told}");
                    }
                    Delivery::Unknown => {}
                    _ => panic!("it was not refused: {told}"),
                }
            }
        }
        sender.stop().await;
    }
}

/// Whether a byte of a PUSH went into the line.
fn has_left(asked: &[Vec<u8>], is_kept: bool) -> bool {
    let is_push = |bytes: &Vec<u8>| bytes.windows(15).any(|name| name == b"idempotency-key");
    (is_kept && !asked[0].is_empty()) || asked.iter().any(is_push)
}
