//! What a device has done and refused since it started.
//!
//! One row of the table below is one kind of event: a field of [`Stats`], and the
//! [`Count`] by which the rest of the library names it. Nothing waits here: counting
//! is one addition, and what is refused or fails is told to the log once in a while.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use easyhttp_proto::http::Fault;
use serde::Serialize;

use crate::error::Words;

/// How often the log tells of one kind of event. Somebody who is refused a
/// thousand times a second must not fill the disk.
const TELL_AGAIN: Duration = Duration::from_secs(60);

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $field:ident: $Count:ident,)+) => {
        /// How often what has happened to a device since it started.
        ///
        /// The first ones are its work; the others are what it refused, dropped or
        /// gave up, each with its reason. What one stranger sends counts once, by
        /// the first reason that was found.
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
        #[non_exhaustive]
        pub struct Stats {
            $($(#[doc = $doc])+ pub $field: u64,)+
        }

        /// One kind of event.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Count {
            $($Count,)+
        }

        const NAMES: &[&str] = &[$(stringify!($field),)+];

        impl Counters {
            pub(crate) fn read(&self) -> Stats {
                Stats { $($field: self.counter(Count::$Count).total.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counters! {
    /// Requests that were answered, whatever the answer was.
    requests_answered: RequestAnswered,
    /// Connections that were accepted.
    connections_accepted: ConnectionAccepted,
    /// Connections that the calls of another device share, as it makes many at once.
    connections_shared: ConnectionShared,
    /// Handlers of requests that were started.
    handlers_run: HandlerRun,
    /// Handlers that returned an error, or more data than an answer may have.
    handlers_failed: HandlerFailed,
    /// Handlers that panicked, those of presence events included.
    handlers_panicked: HandlerPanicked,
    /// Answers that did not wait for their handler any longer
    /// ([`Limits::handler`](crate::Limits::handler)).
    handlers_timed_out: HandlerTimedOut,
    /// Requests for which as many handlers ran as may
    /// ([`Limits::handlers`](crate::Limits::handlers)). A PING is answered all the
    /// same, and its handler is not told.
    handlers_busy: HandlersBusy,
    /// PUSHes that were sent again by whoever had no answer, and were answered with what
    /// had come of them.
    pushes_repeated: PushRepeated,
    /// PUSHes of ours that were sent again, as no answer came.
    pushes_sent_again: PushSentAgain,

    /// Connections that made way for another one, as there were too many in all
    /// ([`Limits::connections`](crate::Limits::connections)).
    connections_evicted: ConnectionEvicted,
    /// Connections that were not taken, as there were too many in all, and all of
    /// them were being answered.
    connections_refused: ConnectionRefused,
    /// Connections that made way for another one of the same address, which had too
    /// many ([`Limits::connections_per_address`](crate::Limits::connections_per_address)).
    address_connections_evicted: AddressConnectionEvicted,
    /// Connections that were not taken, as their address had too many, and all of
    /// them were being answered.
    address_connections_refused: AddressConnectionRefused,
    /// How often a connection could not be accepted because the process, or the
    /// system, had no file descriptor or memory left.
    accepting_failed: AcceptingFailed,
    /// Connections that were closed because nothing, or nothing more, was asked
    /// ([`Limits::idle`](crate::Limits::idle)). Most are honest.
    connections_idle: ConnectionIdle,
    /// Connections that were closed because the head of a request did not come in time
    /// ([`Limits::header_read`](crate::Limits::header_read)).
    headers_too_slow: HeaderTooSlow,
    /// Requests whose body did not come in time
    /// ([`Limits::body_read`](crate::Limits::body_read)).
    bodies_too_slow: BodyTooSlow,
    /// Connections that were closed because an answer was not read in time.
    answers_unread: AnswerUnread,

    /// Requests whose head is not HTTP, or that can be read in two ways.
    heads_malformed: HeadMalformed,
    /// Requests whose head has too many bytes or fields
    /// ([`Limits::header_block`](crate::Limits::header_block)).
    heads_too_large: HeadTooLarge,
    /// Requests whose body is larger than it may be
    /// ([`Limits::body`](crate::Limits::body)).
    bodies_too_large: BodyTooLarge,
    /// Requests for whose body there was no memory left
    /// ([`Limits::bodies`](crate::Limits::bodies)).
    bodies_busy: BodiesBusy,
    /// Requests whose body is no message, or none that can be asked.
    messages_malformed: MessageMalformed,
    /// PUSHes that may have been run, which this device does not remember any more. Most
    /// are sent once more, as new ones.
    pushes_forgotten: PushForgotten,
    /// How often the disk did not take what a device that is `durable` is to know of PUSHes
    /// after a restart.
    pushes_not_noted: PushesNotNoted,
    /// PUSHes that were sent again while their handler still ran.
    pushes_in_progress: PushInProgress,
    /// PUSHes with the key of another PUSH.
    keys_reused: KeyReused,
    /// Requests with an `Idempotency-Key` that is none.
    keys_malformed: KeyMalformed,
    /// Commands that were meant for another device.
    wrong_recipients: WrongRecipient,
    /// Requests to a host that this device is not: of web pages, by DNS rebinding.
    wrong_hosts: WrongHost,
    /// Requests of web pages whose origin is not allowed.
    wrong_origins: WrongOrigin,
    /// Requests without the content type of JSON, as web pages send them.
    wrong_types: WrongType,
    /// Requests for a path that there is not.
    wrong_paths: WrongPath,
    /// Requests with a method that the path does not take.
    wrong_methods: WrongMethod,
    /// Requests for these counters from another machine.
    stats_refused: StatsRefused,
    /// Requests for the outbox from another machine, or without the token of this run.
    outbox_refused: OutboxRefused,

    /// Datagrams that are not of this protocol.
    datagrams_malformed: DatagramMalformed,
    /// Datagrams whose source is not on the network on which they came.
    datagrams_off_link: DatagramOffLink,
    /// Datagrams that were understood and not believed: their address cannot be one,
    /// their device has just left, or the table is full; goodbyes that mean nothing.
    datagrams_ignored: DatagramIgnored,
    /// Devices that only claimed to exist, and made way for others
    /// ([`Limits::peers`](crate::Limits::peers)).
    peers_dropped: PeerDropped,
    /// Devices that were not taken, as the table was full of others that count more.
    peers_refused: PeerRefused,

    /// Requests of strangers, where there is a network key: without a signature, or
    /// with a wrong one.
    unauthenticated: Unauthenticated,
    /// Requests that had been taken before.
    replayed: Replayed,
    /// Requests of an epoch that is over.
    stale_epochs: StaleEpoch,
    /// Requests whose body is not the one that was signed.
    bad_digests: BadDigest,
    /// Devices that answered with another identity than before.
    identities_changed: IdentityChanged,
    /// Datagrams of strangers, where there is a network key.
    datagrams_unauthenticated: DatagramUnauthenticated,
}

/// The counters of one device.
#[derive(Debug)]
pub(crate) struct Counters {
    started: Instant,
    all: [Counter; NAMES.len()],
}

#[derive(Debug, Default)]
struct Counter {
    total: AtomicU64,
    /// The second, since the start, from which on the log is told again.
    tell_from: AtomicU64,
    /// How many the log was told of.
    told: AtomicU64,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), all: std::array::from_fn(|_| Counter::default()) }
    }

    /// Counts what is nobody's fault.
    pub(crate) fn add(&self, count: Count) {
        self.counter(count).total.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts what was refused, and whom, or what failed; the log is told now and then.
    pub(crate) fn refuse(&self, count: Count, whom: impl Display) {
        let total = self.counter(count).total.fetch_add(1, Ordering::Relaxed) + 1;
        // Each member asks in a wrong epoch once after a start, its own or ours.
        if count != Count::StaleEpoch {
            self.tell(count, total, whom);
        }
    }

    /// The same of what somebody else counts, and has counted so far.
    pub(crate) fn refused_so_far(&self, count: Count, total: u64, whom: impl Display) {
        let counted = &self.counter(count).total;
        // Mostly there is nothing new, which is cheaper to see than to write.
        if counted.load(Ordering::Relaxed) < total
            && counted.fetch_max(total, Ordering::Relaxed) < total
        {
            self.tell(count, total, whom);
        }
    }

    fn tell(&self, count: Count, total: u64, whom: impl Display) {
        let counter = self.counter(count);
        let now = self.started.elapsed().as_secs();
        let due = counter.tell_from.load(Ordering::Relaxed);
        if now < due {
            return;
        }
        // Of those that come at once, one tells.
        let next = now + TELL_AGAIN.as_secs();
        let relaxed = Ordering::Relaxed;
        if counter.tell_from.compare_exchange(due, next, relaxed, relaxed).is_ok() {
            let more = total - counter.told.swap(total, Ordering::Relaxed).min(total);
            let what = NAMES[count as usize];
            let last = whom.to_string();
            tracing::warn!(
                what,
                more,
                total,
                last = %Words(&last),
                "refused or failed; the next line of this kind comes in a minute at the earliest"
            );
        }
    }

    fn counter(&self, count: Count) -> &Counter {
        &self.all[count as usize]
    }
}

/// What a request is refused for that is not HTTP as we take it.
impl From<Fault> for Count {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::HeadTooLarge => Self::HeadTooLarge,
            Fault::BodyTooLarge => Self::BodyTooLarge,
            _ => Self::HeadMalformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_is_counted_by_itself() {
        let counters = Counters::new();
        counters.add(Count::RequestAnswered);
        counters.refuse(Count::DatagramUnauthenticated, "10.0.0.1");
        counters.refuse(Count::DatagramUnauthenticated, "10.0.0.1");
        counters.refused_so_far(Count::PeerDropped, 7, "10.0.0.1");
        counters.refused_so_far(Count::PeerDropped, 5, "10.0.0.1");
        let expected = Stats {
            requests_answered: 1,
            datagrams_unauthenticated: 2,
            peers_dropped: 7,
            ..Stats::default()
        };
        assert_eq!(counters.read(), expected);
    }
}
