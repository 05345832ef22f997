//! A request of somebody, and what its sender has proved.

use std::io;
use std::sync::Arc;

use easyhttp_proto::exchange;
use easyhttp_proto::http::RequestHead;
use easyhttp_proto::secure::{AES128GCM, Answer, Claim, Digest, Hint, Keyring, PublicKey, Refusal};

use super::{Secure, TYPE, created, unique};
use crate::counters::Count;
use crate::lock::lock;

/// What the sender of a request has proved.
pub(crate) enum Sender {
    /// Nothing, and it need not.
    Anybody,
    /// That it has one of our keys.
    Member { claim: Claim, keys: Arc<Keyring> },
    /// Nothing, and it gets nothing but these lines in the head of its refusal.
    Stranger(String),
}

/// What an answer has that is signed. The default: nothing.
#[derive(Default)]
pub(crate) struct Signed {
    /// The lines that its head has besides the usual ones.
    pub(crate) fields: String,
    /// What its body is instead, if it is sealed.
    pub(crate) body: Option<Vec<u8>>,
}

impl Secure {
    /// Who asks, by the head of a request; and why it is refused, if it is.
    pub(crate) fn who_asks(&self, head: &RequestHead<'_>) -> (Sender, Option<Refusal>) {
        let keys = self.keys();
        match keys.check_request(head) {
            Ok(claim) => {
                let admitted = lock(&self.epochs).admit(self.now(), &claim, || self.draw());
                (Sender::Member { claim, keys }, admitted.err())
            }
            Err(Refusal::Unsigned) if self.allows_open => (Sender::Anybody, None),
            Err(refusal) => (Sender::Stranger(self.refuse(&keys, head, refusal)), Some(refusal)),
        }
    }

    /// What the head of a refusal says besides the usual.
    fn refuse(&self, keys: &Keyring, head: &RequestHead<'_>, refusal: Refusal) -> String {
        let epoch = self.epoch();
        let signed = matches!(refusal, Refusal::UnknownKey(_)).then(|| {
            let answer = answer_of(refusal);
            let what = Answer {
                status: answer.status,
                content_type: TYPE,
                content_encoding: None,
                note: None,
                memory: None,
                digest: Digest::of_parts(answer.body.parts()),
                epoch,
                created: created(),
            };
            keys.sign_refusal(head, &what)
        });
        signed.flatten().unwrap_or_else(|| Hint::fields(epoch, keys.signing().id()))
    }

    /// The key of its own that the sender of a request has shown. None if it has not, or
    /// if that does not matter here: it costs as much as all the rest.
    pub(crate) fn key_of(&self, sender: &Sender) -> Result<Option<PublicKey>, Refusal> {
        match (sender, &self.identity) {
            (Sender::Member { claim, .. }, Some(_)) => claim.check_device(),
            _ => Ok(None),
        }
    }

    /// What the head of an answer says besides the usual, and its body if that is
    /// another one.
    ///
    /// # Errors
    ///
    /// If it is to be sealed, and the system gives no randomness for that.
    pub(crate) fn sign_answer(
        &self,
        sender: &Sender,
        answer: &exchange::Answer,
        memory: Option<&str>,
    ) -> io::Result<Signed> {
        match sender {
            Sender::Anybody => Ok(Signed::default()),
            Sender::Stranger(fields) => Ok(Signed { fields: fields.clone(), body: None }),
            Sender::Member { claim, keys } => {
                let is_sealed = claim.is_sealed() || self.encrypts;
                let with = keys.prefer(Some(claim.key()));
                let parts = answer.body.parts();
                let body = match is_sealed {
                    true => Some(with.seal(unique::salt()?, &parts.concat())),
                    false => None,
                };
                let digest = match &body {
                    Some(sealed) => Digest::of(sealed),
                    None => Digest::of_parts(parts),
                };
                let what = Answer {
                    status: answer.status,
                    content_type: TYPE,
                    content_encoding: is_sealed.then_some(AES128GCM),
                    note: answer.note,
                    memory,
                    digest,
                    epoch: self.epoch(),
                    created: created(),
                };
                Ok(Signed { fields: keys.sign_answer(claim, &what, self.device_key()), body })
            }
        }
    }
}

impl Sender {
    /// Checks that the body of a request is the one that its head announced, and
    /// gives what was sealed in it. None: it was not sealed.
    pub(crate) fn open(&self, body: &[u8]) -> Result<Option<Vec<u8>>, Refusal> {
        let Self::Member { claim, keys } = self else { return Ok(None) };
        claim.check_body(body)?;
        claim.is_sealed().then(|| keys.open(body)).transpose()
    }

    pub(crate) fn is_member(&self) -> bool {
        matches!(self, Self::Member { .. })
    }

    pub(crate) fn is_stranger(&self) -> bool {
        matches!(self, Self::Stranger(_))
    }
}

/// What a refused request gets: no detail, because a stranger would learn from it.
pub(crate) fn answer_of(refusal: Refusal) -> exchange::Answer {
    let text = match refusal.status() {
        401 => "not authenticated: this device has a network key",
        409 => "asked already",
        // Only members come so far, and nobody else sees what a member did wrong.
        _ if refusal == Refusal::Device => {
            "not accepted: this device knows you by another device key, or you showed none"
        }
        _ => "not accepted",
    };
    exchange::Answer::error(refusal.status(), text)
}

/// Under which name it is counted.
pub(crate) fn count_of(refusal: Refusal) -> Count {
    match refusal {
        Refusal::Epoch => Count::StaleEpoch,
        Refusal::Replayed => Count::Replayed,
        Refusal::Digest | Refusal::Sealed => Count::BadDigest,
        Refusal::Device => Count::IdentityChanged,
        _ => Count::Unauthenticated,
    }
}
