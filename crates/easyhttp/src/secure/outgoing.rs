//! A request of ours on its way, and what its answer is worth.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use easyhttp_proto::API_PATH;
use easyhttp_proto::http::AnswerHead;
use easyhttp_proto::pushes::MEMORY_HEADER;
use easyhttp_proto::secure::{
    AES128GCM, AnswerClaim, Digest, Epoch, Hint, KeyId, Keyring, PublicKey, Refusal, Request,
    SignedRequest,
};

use super::{Secure, TYPE, created, unique};
use crate::lock::lock;

/// A request that is signed, and perhaps sealed.
pub(crate) struct Outgoing<'a> {
    secure: &'a Secure,
    keys: Arc<Keyring>,
    at: SocketAddr,
    signed: SignedRequest,
    is_repeatable: bool,
    /// What goes out instead of the message.
    body: Cow<'a, [u8]>,
}

/// What is asked, as far as it is signed.
#[derive(Clone, Copy)]
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: &'a [u8],
    /// The key of a PUSH, as the head has it.
    pub(crate) key: Option<&'a str>,
    /// Whether it does no harm if it arrives twice.
    pub(crate) is_repeatable: bool,
}

impl<'a> Asked<'a> {
    /// To take this message.
    pub(crate) fn post(message: &'a [u8], is_repeatable: bool) -> Self {
        Self { method: "POST", path: API_PATH, body: message, key: None, is_repeatable }
    }

    /// To take this message, once. It is signed again only for a device that has proved
    /// that it did not take it.
    pub(crate) fn post_once(message: &'a [u8], key: &'a str) -> Self {
        Self { key: Some(key), ..Self::post(message, false) }
    }

    /// To give what is at this path.
    pub(crate) fn get(path: &'a str) -> Self {
        Self { method: "GET", path, body: &[], key: None, is_repeatable: true }
    }
}

/// Why an answer is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// The device has a network key. `None`: we have none.
    OtherKey { ours: Option<KeyId>, theirs: KeyId },
    /// The answer is not signed, or not by whoever knows our key.
    Unproved,
    /// The device has seen this very request before.
    Replayed,
}

/// What the head of an answer is worth.
pub(crate) enum Worth {
    /// It is of a device that has our key.
    Proved(AnswerClaim),
    /// It is of anybody, and we listen to anybody.
    Open,
    /// The request is to be signed anew, and sent again.
    Again,
    Distrusted(Distrust),
}

impl Worth {
    /// What an answer is worth for a device that has no key. It is refused by those
    /// that have one.
    pub(crate) fn open(head: &AnswerHead<'_>) -> Self {
        let theirs = (head.status == 401).then(|| Hint::read(head).key).flatten();
        match theirs {
            Some(theirs) => Self::Distrusted(Distrust::OtherKey { ours: None, theirs }),
            None => Self::Open,
        }
    }

    /// Whether the answer counts, or the request goes out once more.
    pub(crate) fn is_enough(&self, has_tried: &mut bool) -> Result<bool, Distrust> {
        match self {
            Self::Proved(_) | Self::Open => Ok(true),
            Self::Again if std::mem::replace(has_tried, true) => Err(Distrust::Unproved),
            Self::Again => Ok(false),
            Self::Distrusted(distrust) => Err(*distrust),
        }
    }
}

impl Secure {
    /// Signs a request to the device at an address.
    ///
    /// # Errors
    ///
    /// If it is to be sealed, and the system gives no randomness for that.
    pub(crate) fn sign<'a>(&'a self, at: SocketAddr, asked: Asked<'a>) -> io::Result<Outgoing<'a>> {
        let known = lock(&self.known).of(at);
        let keys = self.keys();
        let with = keys.prefer(known.map(|(_, key)| key));
        // Whoever is not known to be secure might be a device without a key.
        let is_sealed =
            self.encrypts && !asked.body.is_empty() && (known.is_some() || !self.allows_open);
        let body = match is_sealed {
            true => Cow::Owned(with.seal(unique::salt()?, asked.body)),
            false => Cow::Borrowed(asked.body),
        };
        let request = Request {
            method: asked.method,
            path: asked.path,
            content_type: TYPE,
            content_encoding: is_sealed.then_some(AES128GCM),
            idempotency_key: asked.key,
            digest: Digest::of(&body),
            epoch: known.map_or_else(|| Epoch::from_entropy([0; 12]), |(epoch, _)| epoch),
            nonce: self.nonces.next(),
            created: created(),
        };
        let signed = with.sign_request(&request, self.device_key());
        Ok(Outgoing { secure: self, keys, at, signed, is_repeatable: asked.is_repeatable, body })
    }
}

impl Outgoing<'_> {
    /// The lines that the head of the request has besides the usual ones.
    pub(crate) fn fields(&self) -> &str {
        self.signed.fields()
    }

    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// What an answer is worth, by its head.
    pub(crate) fn weigh(&self, head: &AnswerHead<'_>) -> Worth {
        match self.signed.check_answer(&self.keys, head) {
            Ok(claim) => {
                self.secure.learn(self.at, claim.epoch(), claim.key());
                let is_other =
                    (claim.epoch(), claim.key()) != (self.signed.epoch(), self.signed.key());
                match head.status {
                    401 if is_other => Worth::Again,
                    // What was never asked before, and is a PUSH, gets another 409.
                    409 if head.fields.only(MEMORY_HEADER).is_none() => {
                        Worth::Distrusted(Distrust::Replayed)
                    }
                    _ => Worth::Proved(claim),
                }
            }
            Err(Refusal::Unsigned | Refusal::UnknownKey(_)) if head.status == 401 => {
                self.take_hint(Hint::read(head))
            }
            Err(Refusal::Unsigned) if self.secure.allows_open => Worth::Open,
            Err(_) => Worth::Distrusted(Distrust::Unproved),
        }
    }

    /// Anybody can say 401, also after the request has arrived. What it says is worth one
    /// more request, if that does no harm.
    fn take_hint(&self, hint: Hint) -> Worth {
        let Some(key) = hint.key else { return Worth::Distrusted(Distrust::Unproved) };
        if self.keys.get(key).is_none() {
            let ours = Some(self.keys.signing().id());
            return Worth::Distrusted(Distrust::OtherKey { ours, theirs: key });
        }
        match hint.epoch {
            Some(epoch)
                if self.is_repeatable
                    && (epoch, key) != (self.signed.epoch(), self.signed.key()) =>
            {
                self.secure.learn(self.at, epoch, key);
                Worth::Again
            }
            _ => Worth::Distrusted(Distrust::Unproved),
        }
    }

    /// Checks that the body of an answer is the one that its head announced. Gives what
    /// was sealed in it, if it was, and the key that its device has shown.
    pub(crate) fn open(
        &self,
        claim: &AnswerClaim,
        body: &[u8],
    ) -> Result<(Option<Vec<u8>>, Option<PublicKey>), Distrust> {
        let opened = || {
            claim.check_body(body)?;
            let opened = claim.is_sealed().then(|| self.keys.open(body)).transpose()?;
            // It costs as much as all the rest.
            let shown = self.secure.identity.as_ref().map(|_| claim.check_device());
            Ok((opened, shown.transpose()?.flatten()))
        };
        opened().map_err(|_: Refusal| Distrust::Unproved)
    }
}
