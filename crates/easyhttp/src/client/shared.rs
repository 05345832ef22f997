//! A connection to a device that many calls share.
//!
//! Calls put their requests into one buffer, and wait. A task, the [driver](super::driver),
//! writes what is in it, reads, and gives each call its answer: so one system call is made
//! for as many messages as have come together.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use easyhttp_proto::http::shared::number_line;
use easyhttp_proto::http::{Fault, head};
use easyhttp_proto::limits;

use super::Failure;
use super::answers::Whole;
use super::connection::{Broken, KeyLine, Stage, host_of};
use crate::lock::lock;

/// A connection to one address, for calls that come together.
pub(super) struct Shared(Mutex<State>);

struct State {
    phase: Phase,
    /// What all requests begin with.
    head: head::Alike,
    /// Requests that the driver has not taken yet.
    outgoing: Vec<u8>,
    /// How many bytes of requests there were in all.
    asked: u64,
    /// How many answers there were.
    answered: u64,
    /// The number of the next request.
    next: u32,
    calls: BTreeMap<u32, Waiting>,
    /// Wakes the driver, if it sleeps.
    driver: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq)]
enum Phase {
    /// Calls go elsewhere until it is open.
    Opening,
    Open,
    /// It takes no more calls, and ends with the last of those that wait.
    Closing,
    /// The device does not share connections; until then it is not asked again.
    Refused(Instant),
}

/// A call that waits for its answer.
struct Waiting {
    waker: Waker,
    answer: Option<Result<Whole, Broken>>,
    /// How many bytes of requests there were before its own.
    begin: u64,
    /// How many answers there were when it was put in.
    answered: u64,
}

impl Shared {
    pub(super) fn new(at: SocketAddr) -> Self {
        Self(Mutex::new(State {
            phase: Phase::Opening,
            head: head::Alike::posts(&host_of(at)),
            outgoing: Vec::new(),
            asked: 0,
            answered: 0,
            next: 0,
            calls: BTreeMap::new(),
            driver: None,
        }))
    }

    /// Whether it is of use, or would be if the device shared connections.
    pub(super) fn is_fit(&self) -> bool {
        match lock(&self.0).phase {
            Phase::Opening | Phase::Open => true,
            Phase::Closing => false,
            Phase::Refused(until) => Instant::now() < until,
        }
    }

    /// Posts a message, and waits for the answer. None: not here, nothing was sent.
    /// `has_left` is set when something of it may have left us.
    pub(super) async fn exchange(
        &self,
        message: &[u8],
        key: Option<&KeyLine>,
        has_left: &AtomicBool,
    ) -> Option<Result<Whole, Broken>> {
        let had_left = has_left.load(Ordering::Relaxed);
        let mut asking = None;
        let answer = poll_fn(|cx| match &mut asking {
            None => {
                asking = self.ask(message, key, cx.waker());
                match &asking {
                    // It wakes this task as soon as there is an answer.
                    Some(_) => Poll::Pending,
                    None => Poll::Ready(None),
                }
            }
            Some(asking) => asking.poll(cx).map(Some),
        });
        has_left.store(true, Ordering::Relaxed);
        let answer = answer.await;
        if answer.as_ref().is_none_or(|answer| answer.as_ref().is_err_and(Broken::is_unsent)) {
            has_left.store(had_left, Ordering::Relaxed);
        }
        answer
    }

    fn ask(&self, message: &[u8], key: Option<&KeyLine>, waker: &Waker) -> Option<Asking<'_>> {
        let mut state = lock(&self.0);
        if state.phase != Phase::Open {
            return None;
        }
        let State { head, outgoing, asked, answered, next, calls, driver, .. } = &mut *state;
        let (number, begin) = (*next, outgoing.len());
        *next = next.wrapping_add(1);
        outgoing.extend_from_slice(&number_line(number));
        outgoing.extend_from_slice(head.of_length(message.len(), key.map_or("", KeyLine::line)));
        outgoing.extend_from_slice(message);
        let waker = waker.clone();
        let call = Waiting { waker, answer: None, begin: *asked, answered: *answered };
        *asked += (outgoing.len() - begin) as u64;
        calls.insert(number, call);
        let driver = driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
        Some(Asking { shared: self, number: Some(number) })
    }

    /// Takes no more calls.
    pub(super) fn close(&self) {
        let mut state = lock(&self.0);
        state.phase = Phase::Closing;
        if let Some(driver) = state.driver.take() {
            driver.wake();
        }
    }

    /// Takes calls from now on, if the device shares connections. Says whether it does take
    /// them: not if it was closed meanwhile.
    pub(super) fn open(&self, is_shared: bool) -> bool {
        let mut state = lock(&self.0);
        if state.phase == Phase::Opening {
            state.phase = match is_shared {
                true => Phase::Open,
                false => Phase::Refused(Instant::now() + limits::SHARED_AGAIN),
            };
        }
        state.phase == Phase::Open
    }

    /// Requests that were put in and not taken yet, in exchange for room for the next ones.
    pub(super) fn take_requests(&self, room: &mut Vec<u8>) {
        std::mem::swap(room, &mut lock(&self.0).outgoing);
    }

    /// Takes no more calls, if none has come since there were so many bytes of requests,
    /// and says whether that is so. If not, `asked` is how many there are now.
    pub(super) fn close_unused(&self, asked: &mut u64) -> bool {
        let mut state = lock(&self.0);
        let was_asked = std::mem::replace(asked, state.asked) != state.asked;
        if was_asked || !state.calls.is_empty() {
            return false;
        }
        state.phase = Phase::Closing;
        true
    }

    /// Whether no call needs it any more. Otherwise its driver is woken when there is
    /// something to do.
    pub(super) fn is_over(&self, cx: &mut Context<'_>) -> bool {
        let mut state = lock(&self.0);
        state.driver = Some(cx.waker().clone());
        state.phase == Phase::Closing && state.calls.is_empty()
    }

    pub(super) fn give(&self, number: u32, whole: Whole) {
        let mut state = lock(&self.0);
        state.answered += 1;
        if !whole.keeps_alive {
            state.phase = Phase::Closing;
        }
        // Some do not wait so long.
        let Some(call) = state.calls.get_mut(&number) else { return };
        call.answer = Some(Ok(whole));
        let waker = call.waker.clone();
        drop(state);
        waker.wake();
    }

    /// It has ended, after so many bytes of requests were written. `number` is that of the
    /// answer that was being read.
    pub(super) fn end(&self, failure: Failure, written: u64, number: Option<u32>) {
        let mut state = lock(&self.0);
        state.phase = Phase::Closing;
        let of_others = || match &failure {
            Failure::Broken(error) => {
                Failure::Broken(io::Error::new(error.kind(), error.to_string()))
            }
            _ => Failure::Fault(Fault::Cut),
        };
        for call in state.calls.values_mut().filter(|call| call.answer.is_none()) {
            let stage = if call.begin < written { Stage::Unanswered } else { Stage::Unsent };
            call.answer = Some(Err(Broken { failure: of_others(), stage }));
            call.waker.wake_by_ref();
        }
        // What is wrong with an answer is wrong with that one alone.
        if !matches!(failure, Failure::Broken(_) | Failure::Fault(Fault::Cut))
            && let Some(call) = number.and_then(|number| state.calls.get_mut(&number))
        {
            call.answer = Some(Err(Broken { failure, stage: Stage::Answered }));
        }
    }
}

/// A call on its way, until it is dropped.
struct Asking<'a> {
    shared: &'a Shared,
    /// None: it has its answer.
    number: Option<u32>,
}

impl Asking<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Whole, Broken>> {
        let Some(number) = self.number else { return Poll::Pending };
        let mut state = lock(&self.shared.0);
        let Some(call) = state.calls.get_mut(&number) else { return Poll::Pending };
        match call.answer.take() {
            Some(answer) => {
                state.calls.remove(&number);
                self.number = None;
                Poll::Ready(answer)
            }
            None => {
                call.waker.clone_from(cx.waker());
                Poll::Pending
            }
        }
    }
}

impl Drop for Asking<'_> {
    /// Nobody waits any more. If nothing has come meanwhile, the connection may be dead.
    fn drop(&mut self) {
        let Some(number) = self.number else { return };
        let mut state = lock(&self.shared.0);
        let call = state.calls.remove(&number);
        if call.is_some_and(|call| call.answered == state.answered) {
            state.phase = Phase::Closing;
        }
        if state.phase == Phase::Closing
            && let Some(driver) = state.driver.take()
        {
            driver.wake();
        }
    }
}
