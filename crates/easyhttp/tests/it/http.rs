//! The HTTP side of a device, as those see it who speak to it without our
//! client: what they send gets an answer, and the connection goes on.

mod bad_input;
mod browsers;
mod commands;
mod counting;
mod framing;
mod introduction;
mod keys;
mod paths;
mod recording;
mod shared;
mod sizes;

use std::sync::mpsc::{Receiver, channel};

use easyhttp::{Builder, DeviceId, EasyHttp};

use crate::support::device;
use crate::support::http::{Answer, Client, Request};

/// A device all of whose handlers tell that they ran.
struct Served {
    device: EasyHttp,
    ran: Receiver<&'static str>,
}

impl Served {
    fn new() -> Self {
        Self::with(device())
    }

    fn with(builder: Builder<EasyHttp>) -> Self {
        let (events, ran) = channel();
        let tell = |name| {
            let events = events.clone();
            move || events.send(name).unwrap()
        };
        let (ping, pong, fetch) = (tell("ping"), tell("pong"), tell("fetch"));
        let (data, push) = (tell("data"), tell("push"));
        let device = builder
            .on_ping(move |_| ping())
            .on_pong(move |_| pong())
            .on_fetch(move |_| fetch())
            .on_data(move |_| data())
            .on_push(move |_| push())
            .start()
            .unwrap();
        Self { device, ran }
    }

    fn id(&self) -> DeviceId {
        self.device.id()
    }

    fn connect(&self) -> Client {
        Client::connect(self.device.port().unwrap())
    }

    /// Sends a request that must be refused: no handler runs, and the same
    /// connection still works.
    #[track_caller]
    fn refuses(&self, client: &mut Client, request: &Request) -> Answer {
        let answer = client.ask(request);
        assert!((400..500).contains(&answer.status), "{request:?}: {answer}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{request:?}");
        assert_eq!(self.ran.try_iter().next(), None, "{request:?} ran a handler");
        client.assert_works(self.id());
        assert_eq!(self.ran.recv(), Ok("ping"));
        answer
    }
}
