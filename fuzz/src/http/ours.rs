//! What our own HTTP makes of bytes.

use easyhttp_proto::http::{Fault, Incoming, Known, Sizes};
use easyhttp_proto::limits;

use super::{End, Heard, Message};

/// The largest body: no input has as much.
const BODY: usize = 1024 * 1024;

const SIZES: Sizes = Sizes { head: limits::HEADER_BLOCK, fields: limits::HEADERS };

/// The requests of a connection whose bytes arrive so many at a time, and after
/// how many of them each was whole.
pub fn requests(bytes: &[u8], step: usize) -> (Heard, Vec<usize>) {
    listen(bytes, step, |incoming| {
        let Some(head) = incoming.request()? else { return Ok(None) };
        let start = format!("{} {} {}", head.method, head.path(), head.is_old);
        Ok(Some((Message::of_ours(start, head.fields), head.keeps_alive)))
    })
}

/// The same for answers, those included that only come before others. The
/// connection ends after these bytes.
pub fn answers(bytes: &[u8], step: usize) -> (Heard, Vec<usize>) {
    listen(bytes, step, |incoming| {
        let Some(head) = incoming.answer()? else { return Ok(None) };
        let keeps_alive = head.keeps_alive || head.status < 200;
        Ok(Some((Message::of_ours(head.status.to_string(), head.fields), keeps_alive)))
    })
}

type Head = Option<(Message, bool)>;

/// The next head, which need not be read if it is the last one again.
fn next_head(
    incoming: &mut Incoming,
    known: &mut Known<(Message, bool)>,
    read: impl Fn(&mut Incoming) -> Result<Head, Fault>,
) -> Result<Head, Fault> {
    if let Some(head) = incoming.again(known) {
        return Ok(Some(head.clone()));
    }
    let head = read(incoming)?;
    if let Some(head) = &head {
        incoming.know(known, head.clone());
    }
    Ok(head)
}

fn listen(
    bytes: &[u8],
    step: usize,
    head: impl Fn(&mut Incoming) -> Result<Head, Fault>,
) -> (Heard, Vec<usize>) {
    let mut incoming = Incoming::new(SIZES);
    let mut known = Known::default();
    let mut messages: Vec<Message> = Vec::new();
    let mut keeps_alive = true;
    let mut ends = Vec::new();
    let mut given = 0;
    let end = loop {
        let result = match messages.last_mut() {
            Some(message) if message.body.is_none() => match incoming.read_body(BODY) {
                Ok(true) => {
                    ends.push(given);
                    message.body = Some(incoming.take_body());
                    incoming.finish();
                    if !keeps_alive {
                        break End::Closed;
                    }
                    Ok(true)
                }
                other => other,
            },
            _ => next_head(&mut incoming, &mut known, &head).map(|head| match head {
                Some((message, is_kept)) => {
                    messages.push(message);
                    keeps_alive = is_kept;
                    true
                }
                None => false,
            }),
        };
        match result {
            Ok(true) => {}
            Ok(false) if given < bytes.len() => {
                let more = &bytes[given..bytes.len().min(given + step)];
                receive(&mut incoming, more);
                given += more.len();
            }
            Ok(false) if incoming.end().is_ok() => {}
            Ok(false) => break End::Waits,
            Err(fault) => break End::Refused(Some(fault)),
        }
    };
    (Heard { messages, end }, ends)
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
