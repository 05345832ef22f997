//! Who takes part. What each of them is made of stands in a file of its own in
//! `src/contenders`.

use crate::loads::Load::{self, *};

/// A pair of a server and a client, and what the report says about it.
pub(crate) struct Contender {
    /// What `--only` takes.
    pub(crate) name: &'static str,
    /// What tables call it.
    pub(crate) title: &'static str,
    pub(crate) kind: Kind,
    pub(crate) server: Role,
    pub(crate) client: Role,
    pub(crate) broker: Option<Broker>,
    pub(crate) loads: &'static [Load],
    /// What has to be known to judge its figures fairly.
    pub(crate) note: &'static str,
    /// What its figures pay for and ours do not.
    pub(crate) does_more: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// EasyHTTP at one end at least, and nothing else between the user and the wire.
    Ours,
    /// What bounds it from below, and what it is compared with.
    Yardstick,
    /// Another client that asks a device of ours.
    Client,
    /// What a user could choose instead.
    Rival,
}

/// A program, and which of its ways.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(crate) struct Role {
    pub(crate) program: Program,
    pub(crate) way: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(crate) enum Program {
    /// The binary `bench-NAME`, built with the features.
    Binary { name: &'static str, feature: &'static str },
    /// `python.py`.
    Python,
}

/// What a contender needs running beside it, from the system's packages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, PartialOrd, Ord)]
pub(crate) enum Broker {
    Mosquitto,
    Nats,
}

/// What the others are compared with.
pub(crate) const BASELINE: &str = "hyper";

const fn rust(name: &'static str) -> Role {
    way(name, name, "")
}

const fn way(name: &'static str, feature: &'static str, way: &'static str) -> Role {
    Role { program: Program::Binary { name, feature }, way }
}

const fn python(package: &'static str) -> Role {
    Role { program: Program::Python, way: package }
}

const OURS: Role = rust("easyhttp");
const BLOCKING: Role = way("easyhttp-blocking", "easyhttp", "");

const ALWAYS: &[Load] = &[OneCore, TwoCores, At8, At64];
const FROM_START: &[Load] = &[OneCore, TwoCores, At8, At64, Start];
const ALSO_LARGE: &[Load] =
    &[OneCore, TwoCores, At8, At64, Start, Connects, Kilobyte, Kilobytes64, Megabyte];
const ALL: &[Load] =
    &[OneCore, TwoCores, At8, At64, Start, Connects, Kilobyte, Kilobytes64, Megabyte, Crowd];
/// Those whose start takes seconds are asked for what matters.
const FEW: &[Load] = &[OneCore, At64];

const PLAIN: Contender = Contender {
    name: "",
    title: "",
    kind: Kind::Rival,
    server: OURS,
    client: OURS,
    broker: None,
    loads: ALWAYS,
    note: "",
    does_more: "",
};

pub(crate) const CONTENDERS: &[Contender] = &[
    Contender {
        name: "hyper",
        title: "bare hyper",
        kind: Kind::Yardstick,
        server: rust("hyper"),
        client: rust("hyper"),
        loads: ALL,
        note: "server and client each on a runtime of one thread, with connections of their \
               own: no pool, no router, no checks, no limits, no deadlines",
        ..PLAIN
    },
    Contender {
        name: "tcp",
        title: "TCP alone",
        kind: Kind::Yardstick,
        server: rust("tcp"),
        client: rust("tcp"),
        loads: ALSO_LARGE,
        note: "the same JSON with four bytes of length before it; epoll and one thread at each \
               end, no HTTP and no runtime",
        ..PLAIN
    },
    Contender {
        name: "async",
        title: "EasyHTTP, async face",
        kind: Kind::Ours,
        loads: ALL,
        note: "as it ships, with checks, limits, deadlines and the table of peers; a runtime of \
               one thread at each end, an async handler. From 16 at once on its calls share a \
               connection",
        ..PLAIN
    },
    Contender {
        name: "closure",
        title: "EasyHTTP, plain closure as handler",
        kind: Kind::Ours,
        server: way("easyhttp", "easyhttp", "closure"),
        loads: FROM_START,
        note: "a handler that may block, and so must not run where connections are served",
        ..PLAIN
    },
    Contender {
        name: "main",
        title: "EasyHTTP, `#[tokio::main]`",
        kind: Kind::Ours,
        server: way("easyhttp-main", "easyhttp,main", ""),
        client: way("easyhttp-main", "easyhttp,main", ""),
        note: "tokio's runtime of several threads at both ends, which most programs have; one \
               caller is the body of `main`",
        ..PLAIN
    },
    Contender {
        name: "hyper-main",
        title: "bare hyper, `#[tokio::main]`",
        kind: Kind::Yardstick,
        server: way("hyper-main", "hyper,main", ""),
        client: way("hyper-main", "hyper,main", ""),
        note: "bare hyper on that runtime",
        ..PLAIN
    },
    Contender {
        name: "blocking",
        title: "EasyHTTP, blocking client",
        kind: Kind::Ours,
        client: BLOCKING,
        note: "every caller is a thread; the server is that of the async face",
        ..PLAIN
    },
    Contender {
        name: "blocking-both",
        title: "EasyHTTP, blocking face at both ends",
        kind: Kind::Ours,
        server: BLOCKING,
        client: BLOCKING,
        loads: FROM_START,
        note: "the server's handler is a plain closure",
        ..PLAIN
    },
    Contender {
        name: "std",
        title: "`std::net` and httparse",
        kind: Kind::Client,
        client: rust("std"),
        note: "a client by hand that asks our async face; every caller is a thread",
        ..PLAIN
    },
    Contender {
        name: "ureq",
        title: "ureq",
        kind: Kind::Client,
        client: rust("ureq"),
        note: "an agent with a pool that asks our async face; every caller is a thread",
        ..PLAIN
    },
    Contender {
        name: "reqwest",
        title: "reqwest",
        kind: Kind::Client,
        client: rust("reqwest"),
        note: "a client with a pool that asks our async face",
        ..PLAIN
    },
    Contender {
        name: "http.client",
        title: "Python's `http.client`",
        kind: Kind::Client,
        client: python("http"),
        note: "asks our async face; every caller is a thread",
        ..PLAIN
    },
    Contender {
        name: "axum",
        title: "axum and reqwest",
        server: rust("axum"),
        client: rust("reqwest"),
        loads: FROM_START,
        note: "one route, no layers; reqwest with its pool",
        ..PLAIN
    },
    Contender {
        name: "coap",
        title: "CoAP",
        server: rust("coap"),
        client: rust("coap"),
        loads: FROM_START,
        note: "the crate `coap`: confirmable messages over UDP, a client for each caller",
        ..PLAIN
    },
    Contender {
        name: "iroh",
        title: "iroh",
        server: rust("iroh"),
        client: rust("iroh"),
        loads: FROM_START,
        note: "QUIC to an address that is named, relays and look-ups off; every call is a stream \
               of one connection",
        does_more: "encrypts, and knows peers by their keys",
        ..PLAIN
    },
    Contender {
        name: "mqtt",
        title: "MQTT 5, mosquitto",
        server: rust("mqtt"),
        client: rust("mqtt"),
        broker: Some(Broker::Mosquitto),
        loads: FROM_START,
        note: "request and response with QoS 0, rumqttc at both ends, TCP_NODELAY everywhere; \
               the broker runs already when the first answer is timed",
        does_more: "decouples both ends by a broker, which has to be run by somebody",
        ..PLAIN
    },
    Contender {
        name: "nats",
        title: "NATS",
        server: rust("nats"),
        client: rust("nats"),
        broker: Some(Broker::Nats),
        loads: FROM_START,
        note: "request and reply, async-nats at both ends; the broker runs already when the first \
               answer is timed",
        does_more: "decouples both ends by a broker, which has to be run by somebody",
        ..PLAIN
    },
    Contender {
        name: "zenoh",
        title: "Zenoh",
        server: rust("zenoh"),
        client: rust("zenoh"),
        loads: FROM_START,
        note: "get and queryable between two peers over TCP, scouting off, the address named; \
               threads of its own, and a runtime of several for its callers",
        does_more: "routes by key expressions",
        ..PLAIN
    },
    Contender {
        name: "libp2p",
        title: "libp2p",
        server: rust("libp2p"),
        client: rust("libp2p"),
        loads: FROM_START,
        note: "request-response over TCP, Noise and Yamux; all calls share a connection and the \
               task that drives it",
        does_more: "encrypts, and knows peers by their keys",
        ..PLAIN
    },
    Contender {
        name: "python",
        title: "EasyHTTP in Python",
        kind: Kind::Ours,
        server: python("easyhttp_rs"),
        client: python("easyhttp_rs"),
        loads: FEW,
        note: "Python at both ends: one caller blocks, 64 are tasks of asyncio; the handler is a \
               plain function",
        ..PLAIN
    },
    Contender {
        name: "python-served",
        title: "EasyHTTP in Python, asked from Rust",
        kind: Kind::Ours,
        server: python("easyhttp_rs"),
        loads: &[OneCore, At64, Start],
        note: "a Python callback that our async face asks",
        ..PLAIN
    },
    Contender {
        name: "easyhttp-python",
        title: "easyhttp-python",
        server: python("easyhttp_python"),
        client: python("easyhttp_python"),
        loads: FEW,
        note: "0.4.0a6, Python at both ends, uvicorn, FastAPI and aiohttp: one caller blocks, 64 \
               are tasks of asyncio; it opens a connection for every call",
        ..PLAIN
    },
    Contender {
        name: "easyhttp-python-served",
        title: "easyhttp-python, asked from Rust",
        server: python("easyhttp_python"),
        loads: &[OneCore, At64, Start],
        note: "its callback, asked by our async face on kept connections; its start sleeps 2 s",
        ..PLAIN
    },
];

pub(crate) fn contender(name: &str) -> Option<&'static Contender> {
    CONTENDERS.iter().find(|contender| contender.name == name)
}
