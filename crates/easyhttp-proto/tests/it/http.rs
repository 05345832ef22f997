//! HTTP as it arrives on a connection: what is read, however it was cut up, and
//! what is refused.

mod any;
mod bodies;
mod heads;
mod refused;
mod shared;
mod sizes;

use easyhttp_proto::http::{Fault, Incoming, Sizes};
use easyhttp_proto::limits;

const SIZES: Sizes = Sizes { head: limits::HEADER_BLOCK, fields: limits::HEADERS };

/// The largest body of these tests.
const BODY: usize = 100 * 1024;

/// A message as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Heard {
    /// Method and target, or status.
    start: String,
    fields: Vec<(String, String)>,
    keeps_alive: bool,
    body: Vec<u8>,
}

/// What was read of a connection: all that is whole, and why there is no more.
type Connection = (Vec<Heard>, Option<Fault>);

/// Reads requests as a server does: a part arrives, and all that can be read is.
fn requests<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Connection {
    let mut messages = Vec::new();
    let mut incoming = Incoming::new(SIZES);
    let mut head = None;
    for part in parts {
        receive(&mut incoming, part);
        loop {
            match next_request(&mut incoming, &mut head) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(fault) => return (messages, Some(fault)),
            }
        }
    }
    (messages, None)
}

fn next_request(
    incoming: &mut Incoming,
    begun: &mut Option<Heard>,
) -> Result<Option<Heard>, Fault> {
    if begun.is_none() {
        *begun = incoming.request()?.map(|head| Heard {
            start: format!("{} {}", head.method, head.target),
            fields: texts(head.fields.iter()),
            keeps_alive: head.keeps_alive,
            body: Vec::new(),
        });
    }
    finish(incoming, begun)
}

/// Reads answers as a client does; after these parts the connection ends.
fn answers<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Connection {
    let mut messages = Vec::new();
    let mut incoming = Incoming::new(SIZES);
    let mut begun = None;
    let mut parts = parts.into_iter();
    loop {
        match next_answer(&mut incoming, &mut begun) {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => match parts.next() {
                Some(part) => receive(&mut incoming, part),
                None if incoming.is_empty() && begun.is_none() => return (messages, None),
                None => {
                    if let Err(fault) = incoming.end() {
                        return (messages, Some(fault));
                    }
                }
            },
            Err(fault) => return (messages, Some(fault)),
        }
    }
}

fn next_answer(incoming: &mut Incoming, begun: &mut Option<Heard>) -> Result<Option<Heard>, Fault> {
    if begun.is_none() {
        *begun = incoming.answer()?.map(|head| Heard {
            start: head.status.to_string(),
            fields: texts(head.fields.iter()),
            keeps_alive: head.keeps_alive,
            body: Vec::new(),
        });
    }
    finish(incoming, begun)
}

/// Gives the message once its body is whole.
fn finish(incoming: &mut Incoming, begun: &mut Option<Heard>) -> Result<Option<Heard>, Fault> {
    if begun.is_none() || !incoming.read_body(BODY)? {
        return Ok(None);
    }
    let body = incoming.take_body();
    incoming.finish();
    Ok(begun.take().map(|head| Heard { body, ..head }))
}

fn texts<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    fields.map(|(name, value)| (text(name), text(value))).collect()
}

/// Puts bytes in, as often as there is room for them.
fn receive(incoming: &mut Incoming, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let space = incoming.space();
        let count = space.len().min(bytes.len());
        space[..count].copy_from_slice(&bytes[..count]);
        incoming.arrived(count);
        bytes = &bytes[count..];
    }
}

/// Reads the same bytes whole, byte by byte, and cut once at each place: it
/// makes no difference.
#[track_caller]
fn however_cut(bytes: &[u8], read: impl Fn(&[&[u8]]) -> Connection) -> Connection {
    let whole = read(&[bytes]);
    let shown = bytes.escape_ascii();
    assert_eq!(read(&bytes.chunks(1).collect::<Vec<_>>()), whole, "byte by byte: {shown}");
    for at in 0..bytes.len() {
        let (one, other) = bytes.split_at(at);
        assert_eq!(read(&[one, other]), whole, "cut at {at}: {shown}");
    }
    whole
}

/// The only message in these bytes, and nothing is wrong.
#[track_caller]
fn only((messages, fault): Connection) -> Heard {
    assert_eq!(fault, None);
    let [message] = &messages[..] else { panic!("not one message: {messages:?}") };
    message.clone()
}
