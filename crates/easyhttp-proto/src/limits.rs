//! Every size, count and time limit of the protocol and of its defaults.
//!
//! Those that belong to a running device and not to the wire are settings of
//! the library's builder; what stands here is where they start.

use core::time::Duration;

// ---- messages ----

/// The largest body of a request or an answer, in bytes. Commands and readings
/// are some hundred bytes; files are not what messages are for.
pub const BODY: usize = 1024 * 1024;

/// What a message has around its data at the most, in bytes: about 170.
pub const ENVELOPE: usize = 256;

/// How deep arrays and objects of a message may nest. Python's own parser and
/// ours use the stack, and 128 is what serde_json accepts.
pub const DEPTH: usize = 128;

/// How much a JSON value may hold that somebody wants as a tree of any values: each
/// value counts one, each name of a field as well, and an object eight more, as a map
/// takes some hundred bytes however little is in it. Otherwise 1 MiB of text becomes
/// 126 MiB of tree; so it becomes about 1 MiB.
pub const TREE: usize = 8192;

/// The longest version that is read, in bytes. Ours has five, `0.4.0-alpha.6` has
/// 13.
pub const VERSION: usize = 32;

// ---- datagrams ----

/// The largest datagram we send, in bytes: it fits any link in one piece, and
/// leaves the Python devices' 1,024-byte buffer half empty.
pub const DATAGRAM_SENT: usize = 512;

/// The largest datagram we read, in bytes: as much as a Python device does.
pub const DATAGRAM_READ: usize = 1024;

// ---- peers ----

/// How many peers the table holds. Beyond that, those that only claimed to
/// exist make room first. A home or a workshop has some dozen.
pub const PEERS: usize = 1024;

/// How many addresses are kept for one peer: IPv4 and IPv6 on two interfaces and on
/// loopback, and two that somebody added or only claimed.
pub const ADDRESSES: usize = 8;

/// Within this time a device announces itself from all of its addresses.
pub const SAME_ROUND: Duration = Duration::from_millis(50);

/// How often a device announces itself while there are few. Others suspect that
/// it is gone after less than twice this time.
pub const ANNOUNCE: Duration = Duration::from_secs(5);

/// How many presence events may wait for a slow handler: a whole table of peers
/// that come at once.
pub const PRESENCE_EVENTS: usize = PEERS;

/// The time between two announcements of a device that does not say it: that of the
/// Python devices.
pub const UNTOLD_INTERVAL: Duration = Duration::from_secs(30);

/// How long a PING may take that finds out whether a device is there. On one
/// network it takes milliseconds; a small device that is busy needs some hundred.
pub const CHECK: Duration = Duration::from_millis(600);

// ---- secure mode ----

/// How long a server keeps one epoch. What was signed for it is accepted in the next
/// one as well, so that nobody has to know the very moment: whoever holds a request
/// back can do so for twice this time.
pub const EPOCH: Duration = Duration::from_secs(300);

/// How many requests are accepted in one epoch, each with a nonce that is remembered
/// until the next one ends. That is 100 a second for [`EPOCH`], and about 30 bytes
/// each: 2 MB at the most, for the two epochs that are remembered.
pub const NONCES: usize = 32_768;

/// The least that can be set: what the peers of a device ask within one call's time.
pub const NONCES_LEAST: usize = 1024;

/// The longest `Signature-Input` and the longest `Signature`, in bytes. Ours have 380
/// and 146 with the key of a device.
pub const SIGNATURE_FIELD: usize = 1024;

/// How many things a signature may cover. Ours cover eight.
pub const COMPONENTS: usize = 16;

/// How many devices have their key pinned: as many as the table of peers holds.
pub const PINS: usize = PEERS;

// ---- pushes that may be sent again ----

/// The longest key of a PUSH, in bytes. Ours have at most 58, a UUID has 36.
pub const PUSH_KEY: usize = 128;

/// How many PUSHes a device remembers, each in about 200 bytes: of one device that sends
/// one every ten seconds, those of a day.
pub const PUSHES: usize = 8192;

/// For how long it does: whoever asks what became of a PUSH asks within some seconds, or,
/// if it kept it while it was switched off, on the next day.
pub const PUSHES_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// The longest reason of a refusal, and the longest message of a failure, that a device tells
/// and remembers, in bytes: they are for people. A handler that repeats what it was sent would
/// otherwise say what no body holds, and drive out all else that is remembered.
pub const REASON: usize = 16 * 1024;

/// How many bytes the reasons and the keys of others may have together that are remembered:
/// of each push some hundred, or 64 of the longest [`REASON`].
pub const PUSHES_TEXT: usize = BODY;

/// How many requests wait at once for what came of a PUSH that runs: few, as each keeps
/// its connection from making way. The others are to ask again.
pub const PUSHES_AWAITED: usize = 16;

/// The most that the first pause before a PUSH is sent again lasts; the next ones double.
/// A device that has just closed a connection is ready for another one in milliseconds.
pub const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// The most that any of these pauses lasts: a third of a call.
pub const RETRY_PAUSE_MOST: Duration = Duration::from_secs(1);

/// How long an attempt waits for its answer at least, if the call has so much time left: a
/// handler of some hundred milliseconds is not asked twice.
pub const ATTEMPT: Duration = Duration::from_secs(1);

/// How many of a hundred PUSHes may be sent again. If all are lost, a device sends so much
/// more than it would, and no more.
pub const RETRIES_PERCENT: u32 = 10;

/// How many may be sent again besides, at once: one that sends rarely has no share.
pub const RETRIES_RESERVE: u32 = 10;

/// How often one of those comes back.
pub const RETRY_COMES: Duration = Duration::from_secs(10);

/// After how many failures in a row to reach a device nothing is sent to it again: the
/// first attempt of a call, and its first repetition.
pub const BREAKER: u8 = 2;

// ---- asking ----

/// How long connecting may take. On one network a connection takes
/// milliseconds; this covers one lost SYN, which is sent again after 1 s
/// (RFC 6298).
pub const CONNECT: Duration = Duration::from_millis(1500);

/// How long a whole call may take, from the first connection to the last byte
/// of the answer. Python devices give up after 3 s as well.
pub const CALL: Duration = Duration::from_secs(3);

/// How long a FETCH waits for its answer before a PING looks whether anybody is
/// there, if the device has another address; and how long that PING may take.
/// So a third of a call is left for the other address.
pub const DOUBT: Duration = Duration::from_secs(1);

/// How many calls to one device are under way at once; more wait for their turn.
/// As many as it runs handlers, and as many as find a connection that is kept.
pub const CALLS: usize = 64;

/// How many calls of those that are made to many devices at once are under way, to all of
/// them together. Each takes a file, of which a process may have 1,024 by default: with
/// [`CONNECTIONS`] and [`CLIENT_IDLE_IN_ALL`] that leaves a quarter. Where it may have fewer,
/// this is a quarter of them. A network with more devices is asked in turn; one that does not
/// answer holds up its place alone.
pub const CALLS_TO_MANY: usize = 256;

/// From how many calls to one device at once on they share a connection. Fewer are faster on
/// connections of their own: with eight, both ends would mostly wait for each other. And
/// where a packet is lost, all that share the connection wait for it.
pub const SHARED_FROM: usize = 16;

/// The largest message that goes out on a connection that is shared, in bytes: what is
/// larger holds up the others.
pub const SHARED_MESSAGE: usize = 16 * 1024;

/// After how long a device that shares no connections is asked again whether it does.
pub const SHARED_AGAIN: Duration = Duration::from_secs(60);

/// How long a connection is kept open for the next call. The Python devices'
/// server closes after 5 s of silence; asking at that very moment would fail.
pub const CLIENT_IDLE: Duration = Duration::from_secs(4);

/// How many idle connections to one address are kept.
pub const CLIENT_IDLE_CONNECTIONS: usize = 64;

/// How many idle connections are kept in all. A process may have 1,024 files
/// open by default, and each takes one.
pub const CLIENT_IDLE_IN_ALL: usize = 200;

/// How long a call to an unknown device waits for it to be heard, counted from
/// the start of discovery: a program that has just started may ask at once.
pub const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How many peers a device tells, and reads, when it is asked whom it knows. Who
/// knows one knows all others from there on.
pub const INTRODUCED: usize = 64;

/// The largest answer to that, in bytes: ours has 5,000. Whoever is asked may be
/// anybody.
pub const INTRODUCTION_BODY: usize = 64 * 1024;

/// How long asking a device whom it knows may take.
pub const INTRODUCTION: Duration = Duration::from_secs(1);

// ---- the outbox ----

/// How many items wait in an outbox, or for the handler that is told what became of them:
/// what a device that reports once a minute has to say in a week.
pub const OUTBOX_ITEMS: usize = 10_000;

/// How many bytes their data may have together. A small device has some gigabytes of
/// flash.
pub const OUTBOX_BYTES: usize = 64 * 1024 * 1024;

/// How long an item waits for its device before it is given up: over a weekend and the
/// holiday after it.
pub const OUTBOX_EXPIRY: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// How long after a vain attempt an item is tried again, unless its device is heard
/// before. Devices announce themselves as often.
pub const OUTBOX_TRY: Duration = Duration::from_secs(5);

/// The longest such time; it doubles up to here. Only a device that no datagram and no
/// request of it has told us about waits so long.
pub const OUTBOX_TRY_LONGEST: Duration = Duration::from_secs(60);

/// How many items of one device get their keys at once: a key has to be on disk before
/// its item goes out, and each time costs a wait for the disk.
pub const OUTBOX_BATCH: usize = 64;

/// How many bytes of data a list of items has that another program of the machine asks
/// for at once, if it has more than one item: as much as other answers may have.
pub const OUTBOX_LISTED: usize = BODY / 2;

/// How long such a program waits for an answer; and for a device that just starts or
/// stops, so that neither it nor its file can be asked. It may take 5 s to stop.
pub const OUTBOX_PATIENCE: Duration = Duration::from_secs(6);

// ---- answering ----

/// The largest block of HTTP headers, in bytes. Ours have about 200; the
/// largest that browsers send stay below 16 KiB.
pub const HEADER_BLOCK: usize = 16 * 1024;

/// How many HTTP headers a message may have. We send five, browsers about 20.
pub const HEADERS: usize = 64;

/// How long a request's headers may take, from its first byte or, of the first
/// request, from the connection on. On a network that loses packets they take some
/// seconds, and somebody who tries by hand takes longer.
pub const HEADER_READ: Duration = Duration::from_secs(20);

/// How long a connection may be silent between two requests: longer than the 4 s and
/// 5 s after which devices close those that they opened.
pub const IDLE: Duration = Duration::from_secs(20);

/// How long the body of a request may take.
pub const BODY_READ: Duration = Duration::from_secs(20);

/// How much of a body that is too large is read and thrown away, in bytes, so
/// that its sender can finish, and read why it was refused.
pub const DISCARD: usize = 16 * BODY;

/// How much of what a stranger sends to a device with a network key is read after
/// its refusal, in bytes: so that one who has the wrong key gets to see why. With a
/// head as ours, and what came with it, that is less than 16 KiB.
pub const STRANGER: usize = 8 * 1024;

/// How many connections are open at once. Devices keep one or two to each peer
/// that they talk to.
pub const CONNECTIONS: usize = 256;

/// How many of these one address may have: twice as many as a device makes calls to
/// one other, as there may be several devices on a host. So no host alone has all.
pub const CONNECTIONS_PER_ADDRESS: usize = 2 * CALLS;

/// How many bytes the bodies of all requests that are being read and answered, and
/// of their answers, may have together: as many large ones as a small machine can
/// hold.
pub const BODIES: usize = 16 * BODY;

/// Up to how many bytes a body does not count there, as the connections are limited
/// in number: commands get through, whatever others send.
pub const SMALL_BODY: usize = 64 * 1024;

/// How many handlers run at once; a request beyond that gets 503. Plain
/// closures take a thread each.
pub const HANDLERS: usize = 64;

/// How long an answer waits for its handler. Half a second less than the 3 s
/// after which askers are gone, so that they still hear what happened.
pub const HANDLER: Duration = Duration::from_millis(2500);

/// What `Retry-After` says when all handlers are busy, in seconds: the least
/// that the header can say (RFC 9110, 10.2.3).
pub const RETRY_AFTER: &str = "1";

/// How long stopping waits for the handlers and connections that still run.
pub const STOP: Duration = Duration::from_secs(5);

/// The largest file of network keys, in bytes: a hundred keys with a line of comment
/// each. Two are in use while a key is changed, else one.
pub const KEY_FILE: usize = 16 * 1024;
