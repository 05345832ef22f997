//! What the signatures of requests and of answers have in common when they are
//! checked.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::vec::Vec;

use hmac::Mac;

use super::base::{self, field_name};
use super::device::Shown;
use super::digest::Digest;
use super::epoch::Epoch;
use super::fields::{self, Cursor, Input};
use super::keyring::{KeyId, Keys};
use super::refusal::Refusal;
use super::{AES128GCM, base64};
use crate::http::Fields;
use crate::limits;

/// The label of the signature with the network key.
pub(super) const NET: &str = "net";

/// The label of the signature with the key of the device.
pub(super) const DEV: &str = "dev";

/// What the tag of both says: that it is one of these, of this version.
pub(super) const TAG: &str = "easyhttp-1";

/// Fields that change what a message means, and so are covered when they are there.
const IF_PRESENT: [(&str, &str); 5] = [
    ("content-encoding", "\"content-encoding\""),
    ("idempotency-key", "\"idempotency-key\""),
    ("easyhttp-error", "\"easyhttp-error\""),
    ("easyhttp-key", "\"easyhttp-key\""),
    ("easyhttp-memory", "\"easyhttp-memory\""),
];

/// A message whose head bears a good signature.
pub(super) struct Signed<'a> {
    pub(super) key: KeyId,
    pub(super) signature: [u8; 32],
    pub(super) nonce: Option<&'a str>,
    pub(super) content: Content,
}

/// What was said of the body and of the device.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) epoch: Epoch,
    pub(super) digest: Digest,
    pub(super) is_sealed: bool,
    pub(super) device: Option<Box<Shown>>,
}

/// Checks the head of a message, cheapest first, without its body.
///
/// `required` is what must be covered, and `value` gives that which is no field.
pub(super) fn check<'a, 'k>(
    fields: Fields<'a>,
    required: &[&str],
    value: impl Fn(&str) -> Option<Cow<'a, [u8]>>,
    keys: impl FnOnce(KeyId) -> Option<&'k Keys>,
) -> Result<Signed<'a>, Refusal> {
    let members = Members::read(fields)?;
    let (input, signature) = members.net.ok_or(Refusal::Unsigned)?;
    if input.parameters.tag != Some(TAG) {
        return Err(Refusal::Unsigned);
    }
    let key = input.parameters.keyid.and_then(|id| KeyId::read(id.as_bytes()));
    let key = key.ok_or(Refusal::Malformed)?;
    if input.parameters.alg.is_some_and(|alg| alg != "hmac-sha256") {
        return Err(Refusal::Malformed);
    }
    let signature = base64::read(signature).ok_or(Refusal::Malformed)?;
    let keys = keys(key).ok_or(Refusal::UnknownKey(key))?;

    let covered = Covered { fields, required, value };
    let text = covered.text(&input)?;
    let is_true = keys.mac().chain_update(&text).verify(&signature.into()).is_ok();
    is_true.then_some(()).ok_or(Refusal::Signature)?;

    // From here on a member has said it.
    let nonce = input.parameters.nonce;
    let device = match (members.dev, fields.only("easyhttp-key")) {
        (None, None) => None,
        (Some((input, signature)), Some(key)) => {
            // Or a member could use the signature of a device again, with a nonce of
            // its own beside it.
            let is_ours = input.parameters.tag == Some(TAG) && input.parameters.nonce == nonce;
            let text = covered.text(&input).map_err(|_| Refusal::Device)?;
            let shown = Shown::read(key, signature, text).filter(|_| is_ours);
            Some(Box::new(shown.ok_or(Refusal::Device)?))
        }
        _ => return Err(Refusal::Device),
    };
    let content = Content {
        epoch: only(fields, "easyhttp-epoch", |it| Epoch::read(fields::string(it)?.as_bytes()))?,
        digest: only(fields, "content-digest", Digest::read)?,
        is_sealed: match fields.only("content-encoding") {
            None => false,
            Some(encoding) if encoding == AES128GCM.as_bytes() => true,
            Some(_) => return Err(Refusal::Components),
        },
        device,
    };
    Ok(Signed { key, signature, nonce, content })
}

/// The signature of a head with some network key, good or not.
pub(super) fn of(fields: Fields<'_>) -> Option<[u8; 32]> {
    let (_, signature) = Members::read(fields).ok()?.net?;
    base64::read(signature)
}

impl Content {
    pub(super) fn check_digest(&self, digest: Digest) -> Result<(), Refusal> {
        if self.digest == digest { Ok(()) } else { Err(Refusal::Digest) }
    }
}

fn only<T>(
    fields: Fields<'_>,
    name: &str,
    read: impl FnOnce(&[u8]) -> Option<T>,
) -> Result<T, Refusal> {
    fields.only(name).and_then(read).ok_or(Refusal::Malformed)
}

/// What is said of a signature, and the text of the signature itself.
type Member<'a> = (Input<'a>, &'a [u8]);

/// The two signatures that mean something here; others may be there.
struct Members<'a> {
    net: Option<Member<'a>>,
    dev: Option<Member<'a>>,
}

impl<'a> Members<'a> {
    fn read(fields: Fields<'a>) -> Result<Self, Refusal> {
        let one = |name| match base::at_most_one(fields, name) {
            Ok(Some(field)) if field.len() <= limits::SIGNATURE_FIELD => Ok(field),
            Ok(None) => Err(Refusal::Unsigned),
            _ => Err(Refusal::Malformed),
        };
        let (inputs, signatures) = (one("signature-input")?, one("signature")?);
        let [net, dev] = labelled(inputs, Cursor::input).ok_or(Refusal::Malformed)?;
        let [net_signature, dev_signature] =
            labelled(signatures, Cursor::bytes).ok_or(Refusal::Malformed)?;
        let pair = |input: Option<_>, signature: Option<_>| match (input, signature) {
            (None, None) => Ok(None),
            (Some(input), Some(signature)) => Ok(Some((input, signature))),
            _ => Err(Refusal::Malformed),
        };
        Ok(Self { net: pair(net, net_signature)?, dev: pair(dev, dev_signature)? })
    }
}

/// The members with our labels, each at most once.
fn labelled<'a, T>(
    field: &'a [u8],
    read: impl Fn(&mut Cursor<'a>) -> Option<T>,
) -> Option<[Option<T>; 2]> {
    let (mut net, mut dev) = (None, None);
    fields::dictionary(field, read, |label, member| {
        let place = match label {
            NET => &mut net,
            DEV => &mut dev,
            _ => return Some(()),
        };
        place.replace(member).is_none().then_some(())
    })?;
    Some([net, dev])
}

/// What a message has that can be covered.
struct Covered<'a, 'r, F> {
    fields: Fields<'a>,
    required: &'r [&'r str],
    value: F,
}

impl<'a, F: Fn(&str) -> Option<Cow<'a, [u8]>>> Covered<'a, '_, F> {
    /// The text that was signed, if it covers all that it must.
    fn text(&self, input: &Input<'_>) -> Result<Vec<u8>, Refusal> {
        let mut text = Vec::with_capacity(768);
        for (place, component) in input.components().enumerate() {
            let is_twice = input.components().take(place).any(|earlier| earlier == component);
            if is_twice || place >= limits::COMPONENTS {
                return Err(Refusal::Components);
            }
            let value = match (self.value)(component) {
                Some(value) => value,
                None => field_name(component)
                    .and_then(|name| self.fields.only(name))
                    .map(Cow::Borrowed)
                    .ok_or(Refusal::Components)?,
            };
            base::cover(&mut text, component, &value);
        }
        let covers = |wanted: &str| input.components().any(|component| component == wanted);
        let is_whole = self.required.iter().all(|wanted| covers(wanted))
            && IF_PRESENT.iter().all(|(name, component)| {
                self.fields.all(name).next().is_none() || covers(component)
            });
        if !is_whole {
            return Err(Refusal::Components);
        }
        base::close(&mut text, input.text);
        Ok(text)
    }
}
