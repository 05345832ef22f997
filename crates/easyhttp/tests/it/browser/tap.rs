//! The way between browser and device, which notes what goes over it.

use std::sync::{Arc, Mutex};

use super::listen;
use super::server::{self, Asked};
use crate::support::eventually;
use crate::support::http::{Answer, Client};

/// What a browser sent, and what it got.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) asked: Asked,
    pub(super) answer: Answer,
}

/// A port that is as good as the device's.
///
/// For pages of one name it is also the server that they came from: as if the
/// name had pointed there before it was made to point to the device.
pub(super) struct Tap {
    pub(super) port: u16,
    exchanges: Arc<Mutex<Vec<Exchange>>>,
}

impl Tap {
    pub(super) fn new(device: u16) -> Self {
        let (listener, port) = listen();
        let exchanges = Arc::<Mutex<Vec<Exchange>>>::default();
        let noted = Arc::clone(&exchanges);
        server::serve(listener, move |asked| {
            if asked.path() == "/rebound.html" {
                let page = include_str!("rebound.html");
                return server::answer(200, "Content-Type: text/html\r\n", page);
            }
            let answer = forward(device, &asked);
            let fields = answer.headers.iter();
            let fields =
                fields.filter(|(name, _)| !["content-length", "connection"].contains(&&**name));
            let head: String = fields.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let bytes = server::answer(answer.status, &head, &answer.body);
            noted.lock().unwrap().push(Exchange { asked, answer });
            bytes
        });
        Self { port, exchanges }
    }

    /// Waits until requests with each of these queries have gone over it.
    pub(super) fn wait_for(&self, names: impl IntoIterator<Item = String>) {
        for name in names {
            eventually(&format!("{name} reaches the device"), || {
                let exchanges = self.exchanges.lock().unwrap();
                exchanges.iter().any(|exchange| exchange.asked.query() == name)
            });
        }
    }

    /// All that has gone over it.
    pub(super) fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut self.exchanges.lock().unwrap())
    }
}

fn forward(device: u16, asked: &Asked) -> Answer {
    let mut client = Client::connect(device);
    client.send(asked.without(&[]));
    client.read(asked.method() != "HEAD").expect("an answer")
}
