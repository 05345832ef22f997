//! Whether a datagram is of somebody who has our network key, and how ours prove it.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::peers::with_port;
use easyhttp_proto::secure::{Challenge, KeyId};

use crate::secure::Secure;

/// How many questions are remembered, of ours and of others. Answers come within
/// moments.
const REMEMBERED: usize = 64;

/// The proofs in the datagrams of one device.
pub(super) struct Proofs {
    /// None: it has no network key, so it hears everybody.
    secure: Option<Arc<Secure>>,
    /// What we asked with. An answer repeats it, or it is an old one.
    asked: VecDeque<Challenge>,
    /// Who asked us, and with what.
    questions: VecDeque<(SocketAddr, KeyId, Challenge)>,
}

impl Proofs {
    pub(super) fn new(secure: Option<Arc<Secure>>) -> Self {
        Self { secure, asked: VecDeque::new(), questions: VecDeque::new() }
    }

    /// Whether to listen to a datagram.
    pub(super) fn admit(&mut self, from: SocketAddr, datagram: &Datagram) -> bool {
        let Some(secure) = &self.secure else { return true };
        let Some(proof) = datagram.proof else { return secure.allows_open };
        if secure.keys().check_datagram(datagram).is_err() {
            return false;
        }
        if datagram.kind == Kind::Answer && !self.asked.contains(&proof.challenge) {
            return false;
        }
        if datagram.asks {
            remember(&mut self.questions, (from, proof.key, proof.challenge));
        }
        if let Some(port) = datagram.port {
            secure.learn(with_port(from, port), proof.epoch, proof.key);
        }
        true
    }

    /// What is sent: a datagram for everybody, or for whoever asked from `to`.
    pub(super) fn prove(&mut self, mut datagram: Datagram, to: Option<SocketAddr>) -> Vec<u8> {
        if let Some(secure) = &self.secure {
            let mut questions = self.questions.iter();
            let question = questions.find(|(from, ..)| Some(*from) == to);
            let (key, challenge) = match question {
                Some((_, key, challenge)) => (Some(*key), *challenge),
                None => (None, secure.challenge()),
            };
            if datagram.asks {
                remember(&mut self.asked, challenge);
            }
            secure.prove(&mut datagram, key, challenge);
        }
        datagram.encode()
    }
}

fn remember<T>(all: &mut VecDeque<T>, one: T) {
    all.truncate(REMEMBERED - 1);
    all.push_front(one);
}
