//! What arrives on one connection, in one buffer that is kept from message to
//! message.

use alloc::vec;
use alloc::vec::Vec;

use super::body::{Body, Part};
use super::fault::Fault;
use super::fields::Framing;
use super::start::{AnswerHead, RequestHead};

/// The room of a connection that has little to say, in bytes: some messages
/// with their heads.
const ROOM: usize = 2 * 1024;

/// What is kept of a larger room for the next message, in bytes.
const KEPT: usize = 64 * 1024;

/// How large the head of a message may be.
#[derive(Debug, Clone, Copy)]
pub struct Sizes {
    /// Its bytes.
    pub head: usize,
    /// How many fields it has.
    pub fields: usize,
}

/// The bytes that arrive on one connection, and how far they are understood.
///
/// Whoever has the connection puts bytes into [`space`](Self::space) and says
/// how many [`arrived`](Self::arrived), until there is a
/// [`request`](Self::request) or an [`answer`](Self::answer), then until
/// [`read_body`](Self::read_body) says that all of the [`body`](Self::body) is
/// there. [`finish`](Self::finish) makes way for the next message.
#[derive(Debug)]
pub struct Incoming {
    /// All of the room. What has not arrived yet is zero, or left over.
    bytes: Vec<u8>,
    /// How much has arrived of what was not finished.
    arrived: usize,
    sizes: Sizes,
    reading: Reading,
}

#[derive(Debug)]
enum Reading {
    /// A head: where its last line begins that is not whole, and how much there
    /// was when it was last parsed.
    Head { line: usize, parsed: usize },
    /// A body, after a head of so many bytes.
    Start { head: usize, framing: Framing },
    /// A body, of which so many bytes stand at the beginning.
    Body { body: Body, kept: usize },
}

const NEXT: Reading = Reading::Head { line: 0, parsed: 0 };

impl Incoming {
    /// Of a new connection.
    pub fn new(sizes: Sizes) -> Self {
        Self { bytes: vec![0; ROOM], arrived: 0, sizes, reading: NEXT }
    }

    /// Where the next bytes go; never empty.
    pub fn space(&mut self) -> &mut [u8] {
        let length = self.bytes.len();
        if self.arrived == length {
            let expected = match &self.reading {
                Reading::Body { body, .. } => usize::try_from(body.expected()).unwrap_or(length),
                _ => 0,
            };
            // Not at once what somebody only says that it will send.
            self.bytes.resize(length + expected.clamp(ROOM, length.max(KEPT)), 0);
        }
        &mut self.bytes[self.arrived..]
    }

    /// So many bytes have arrived, at the beginning of [`space`](Self::space).
    pub fn arrived(&mut self, count: usize) {
        self.arrived = (self.arrived + count).min(self.bytes.len());
    }

    /// Whether nothing has arrived of the next message.
    pub fn is_empty(&self) -> bool {
        self.arrived == 0
    }

    /// The head of a request, once it is whole.
    ///
    /// # Errors
    ///
    /// What arrived cannot be or become one.
    pub fn request(&mut self) -> Result<Option<RequestHead<'_>>, Fault> {
        self.skip_empty_lines();
        let Some(length) = self.head()? else { return Ok(None) };
        let read = RequestHead::read(&self.bytes[..length], self.sizes.fields)?;
        Ok(read.map(|(head, framing)| {
            self.reading = Reading::Start { head: length, framing };
            head
        }))
    }

    /// The head of an answer, once it is whole.
    ///
    /// # Errors
    ///
    /// What arrived cannot be or become one.
    pub fn answer(&mut self) -> Result<Option<AnswerHead<'_>>, Fault> {
        let Some(length) = self.head()? else { return Ok(None) };
        let read = AnswerHead::read(&self.bytes[..length], self.sizes.fields)?;
        Ok(read.map(|(head, framing)| {
            self.reading = Reading::Start { head: length, framing };
            head
        }))
    }

    /// Reads on in a body of `limit` bytes at most, and says whether it is whole.
    ///
    /// # Errors
    ///
    /// Its framing is wrong, or it is larger. In the second case
    /// [`skip_body`](Self::skip_body) can still read to its end.
    pub fn read_body(&mut self, limit: usize) -> Result<bool, Fault> {
        self.advance(limit, true)
    }

    /// Reads on as [`read_body`](Self::read_body) does, and keeps nothing of it.
    ///
    /// # Errors
    ///
    /// Its framing is wrong, or it is larger.
    pub fn skip_body(&mut self, limit: usize) -> Result<bool, Fault> {
        self.advance(limit, false)
    }

    /// The connection has ended: a body that says nothing else ends here.
    ///
    /// # Errors
    ///
    /// The message is not whole.
    pub fn end(&mut self) -> Result<(), Fault> {
        match &mut self.reading {
            Reading::Head { .. } => Err(Fault::Cut),
            Reading::Start { framing: Framing::UntilEnd | Framing::Length(0), .. } => Ok(()),
            Reading::Start { .. } => Err(Fault::Cut),
            Reading::Body { body, .. } => body.end(),
        }
    }

    /// What has been read of the body.
    pub fn body(&self) -> &[u8] {
        match self.reading {
            Reading::Body { kept, .. } => &self.bytes[..kept],
            _ => &[],
        }
    }

    /// Takes the body out. A large one is not copied.
    pub fn take_body(&mut self) -> Vec<u8> {
        let kept = self.body().len();
        if kept <= KEPT {
            return self.body().to_vec();
        }
        let mut room = vec![0; ROOM.max(self.arrived - kept)];
        room[..self.arrived - kept].copy_from_slice(&self.bytes[kept..self.arrived]);
        let mut body = core::mem::replace(&mut self.bytes, room);
        body.truncate(kept);
        self.arrived -= kept;
        self.reading = Reading::Body { body: Body::new(Framing::Length(0)), kept: 0 };
        body
    }

    /// Forgets the message that was read. What came after it is the beginning of
    /// the next one.
    pub fn finish(&mut self) {
        let (Reading::Start { head: end, .. } | Reading::Body { kept: end, .. }) = self.reading
        else {
            return;
        };
        self.bytes.copy_within(end..self.arrived, 0);
        self.arrived -= end;
        if self.bytes.len() > KEPT && self.arrived <= ROOM {
            self.bytes.truncate(ROOM);
            self.bytes.shrink_to_fit();
        }
        self.reading = NEXT;
    }

    /// Some send an empty line after a body (RFC 9112, 2.2).
    fn skip_empty_lines(&mut self) {
        let lines = self.bytes[..self.arrived].chunks_exact(2);
        let empty = 2 * lines.take_while(|line| line == b"\r\n").count();
        if empty > 0 {
            self.bytes.copy_within(empty..self.arrived, 0);
            self.arrived -= empty;
            self.reading = NEXT;
        }
    }

    /// The length of the head, or of its beginning if that is worth a look: what
    /// is no HTTP is told so at once, but not for each byte of a slow one.
    fn head(&mut self) -> Result<Option<usize>, Fault> {
        let Reading::Head { line, parsed } = &mut self.reading else { return Ok(None) };
        let bytes = &self.bytes[..self.arrived];
        let from = *line;
        for end in memchr::memchr_iter(b'\n', &bytes[from..]).map(|end| from + end) {
            if !bytes[..end].ends_with(b"\r") {
                return Err(Fault::Head("a line does not end in CRLF"));
            }
            if end == *line + 1 {
                let is_fit = end < self.sizes.head;
                return if is_fit { Ok(Some(end + 1)) } else { Err(Fault::HeadTooLarge) };
            }
            *line = end + 1;
        }
        if bytes.len() > self.sizes.head {
            return Err(Fault::HeadTooLarge);
        }
        let is_worth = bytes.len() > *parsed * 2;
        if is_worth {
            *parsed = bytes.len();
        }
        Ok(is_worth.then_some(bytes.len()))
    }

    fn advance(&mut self, limit: usize, keep: bool) -> Result<bool, Fault> {
        if let Reading::Start { head, framing } = self.reading {
            self.bytes.copy_within(head..self.arrived, 0);
            self.arrived -= head;
            self.reading = Reading::Body { body: Body::new(framing), kept: 0 };
        }
        let Reading::Body { body, kept } = &mut self.reading else { return Ok(false) };
        if !keep {
            // What was kept until now is not wanted any more.
            self.bytes.copy_within(*kept..self.arrived, 0);
            self.arrived -= *kept;
            *kept = 0;
        }
        let mut read = *kept;
        let result = loop {
            match body.next(&self.bytes[read..self.arrived], limit as u64) {
                Ok(Part::Payload(count)) => {
                    if keep {
                        if read > *kept {
                            self.bytes.copy_within(read..read + count, *kept);
                        }
                        *kept += count;
                    }
                    read += count;
                }
                Ok(Part::Frame(count)) => read += count,
                Ok(Part::Missing) => break Ok(false),
                Ok(Part::End) => break Ok(true),
                Err(fault) => break Err(fault),
            }
        };
        if read > *kept {
            self.bytes.copy_within(read..self.arrived, *kept);
            self.arrived -= read - *kept;
        }
        result
    }
}
