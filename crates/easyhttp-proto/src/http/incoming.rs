//! What arrives on one connection, in one buffer that is kept from message to
//! message.

use alloc::vec;
use alloc::vec::Vec;

use super::body::{Body, Part};
use super::fault::Fault;
use super::fields::Framing;
use super::known::Known;
use super::shared;
use super::start::{AnswerHead, RequestHead};

/// The room of a connection that has little to say, in bytes: some messages
/// with their heads.
const ROOM: usize = 2 * 1024;

/// The largest body for which there is room at once, in bytes. With that of its head it is
/// kept for the next message.
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
/// there. [`finish`](Self::finish) makes way for the next message. After a
/// fault there is none, but for a body that was only too large.
#[derive(Debug)]
pub struct Incoming {
    /// All of the room. What has not arrived yet is zero, or left over.
    bytes: Vec<u8>,
    /// Where the message begins that is being read; once its head is, its body.
    begin: usize,
    /// Where what has arrived ends.
    arrived: usize,
    sizes: Sizes,
    reading: Reading,
}

/// What is being read. Places are counted from where it begins.
#[derive(Debug)]
enum Reading {
    /// A head: where its last line begins that is not whole, and how much there
    /// was when it was last parsed.
    Head { line: usize, parsed: usize },
    /// A body, after a head of so many bytes.
    Start { head: usize, framing: Framing },
    /// A body: so many of its bytes are kept, and it is read to there.
    Body { body: Body, kept: usize, read: usize },
    /// Nothing: a message was left before its end, which is not known now.
    Lost,
}

const NEXT: Reading = Reading::Head { line: 0, parsed: 0 };

impl Incoming {
    /// Of a new connection.
    pub fn new(sizes: Sizes) -> Self {
        Self { bytes: vec![0; ROOM], begin: 0, arrived: 0, sizes, reading: NEXT }
    }

    /// Where the next bytes go; never empty. It grows with what has arrived and
    /// is not read yet, so all that can be is read first.
    pub fn space(&mut self) -> &mut [u8] {
        self.close_gaps();
        let length = self.bytes.len();
        if self.arrived == length {
            self.bytes.resize(length + self.growth(), 0);
        }
        &mut self.bytes[self.arrived..]
    }

    /// How many bytes of the body are certain to come.
    pub fn expected(&self) -> u64 {
        match &self.reading {
            Reading::Start { framing: Framing::Length(length), .. } => *length,
            Reading::Body { body, .. } => body.expected(),
            _ => 0,
        }
    }

    /// Moves what has arrived to this room, if it is larger. What is in it does not
    /// matter.
    pub fn move_to(&mut self, mut room: Vec<u8>) {
        if room.len() > self.bytes.len() {
            room[..self.arrived].copy_from_slice(&self.bytes[..self.arrived]);
            self.bytes = room;
        }
    }

    /// How many bytes the room has once there is [`space`](Self::space) in it.
    pub fn room(&self) -> usize {
        let length = self.bytes.len();
        if self.arrived < length { length } else { length + self.growth() }
    }

    /// How many more bytes the room gets when it is full. Not at once what somebody
    /// only says that it will send. The next message of this size has a head, too, and
    /// comes in one piece if there is room for that.
    fn growth(&self) -> usize {
        let length = self.bytes.len();
        let expected = usize::try_from(self.expected()).unwrap_or(length);
        expected.saturating_add(ROOM).min(length.max(KEPT))
    }

    /// So many bytes have arrived, at the beginning of [`space`](Self::space).
    pub fn arrived(&mut self, count: usize) {
        self.arrived = self.arrived.saturating_add(count).min(self.bytes.len());
    }

    /// Whether nothing has arrived of the next message.
    pub fn is_empty(&self) -> bool {
        self.arrived == self.begin
    }

    /// The head of a request, once it is whole.
    ///
    /// # Errors
    ///
    /// What arrived cannot be or become one.
    pub fn request(&mut self) -> Result<Option<RequestHead<'_>>, Fault> {
        self.skip_empty_lines();
        self.head(RequestHead::read)
    }

    /// The head of an answer, once it is whole. One with a status below 200 has
    /// no body, and comes before the answer itself.
    ///
    /// # Errors
    ///
    /// What arrived cannot be or become one.
    pub fn answer(&mut self) -> Result<Option<AnswerHead<'_>>, Fault> {
        match self.head(AnswerHead::read)? {
            Some(head) if head.status == 101 => {
                Err(Fault::Head("it changes to a protocol that nobody asked for"))
            }
            answer => Ok(answer),
        }
    }

    /// Whether the connection is [`shared`] from here on, as was asked, once the answer to
    /// that is there. If not, it is an answer as any other.
    ///
    /// # Errors
    ///
    /// What arrived cannot be or become an answer.
    pub fn shares(&mut self) -> Result<Option<bool>, Fault> {
        let Some(head) = self.head(AnswerHead::read)? else { return Ok(None) };
        let changes_to = head.fields.only("upgrade").filter(|_| head.status == 101);
        let is_shared =
            changes_to.is_some_and(|to| to.eq_ignore_ascii_case(shared::SHARED.as_bytes()));
        if is_shared {
            self.finish();
        }
        Ok(Some(is_shared))
    }

    /// The number of the next message on a connection that is [`shared`], once it is there.
    ///
    /// # Errors
    ///
    /// What arrived is none.
    pub fn number(&mut self) -> Result<Option<u32>, Fault> {
        let unread = &self.bytes[self.begin..self.arrived];
        let (Reading::Head { .. }, Some(line)) = (&self.reading, unread.first_chunk()) else {
            return Ok(None);
        };
        let number = shared::number(*line)?;
        self.begin += shared::LINE;
        Ok(Some(number))
    }

    /// What the next head means, if it is byte for byte one that is known. It then counts
    /// as read; otherwise nothing has happened, and it is to be read as any other.
    pub fn again<'k, T>(&mut self, known: &'k Known<T>) -> Option<&'k T> {
        let meaning = known.meaning.as_ref()?;
        let is_next = matches!(self.reading, Reading::Head { .. });
        if !is_next || !self.bytes[self.begin..self.arrived].starts_with(&known.head) {
            return None;
        }
        self.reading = Reading::Start { head: known.head.len(), framing: known.framing };
        Some(meaning)
    }

    /// Remembers what the head means that has just been read, for when it comes
    /// [`again`](Self::again) on this connection.
    pub fn know<T>(&self, known: &mut Known<T>, meaning: T) {
        if let Reading::Start { head, framing } = self.reading {
            known.is(&self.bytes[self.begin..self.begin + head], framing, meaning);
        }
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
    /// The limit is for all of the body, with what was read before.
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
        self.begin_body();
        match &mut self.reading {
            Reading::Body { body, read, .. } => body.end(self.arrived - self.begin - *read),
            _ => Err(Fault::Cut),
        }
    }

    /// What has been read of the body.
    pub fn body(&self) -> &[u8] {
        match self.reading {
            Reading::Body { kept, .. } => &self.bytes[self.begin..self.begin + kept],
            _ => &[],
        }
    }

    /// Takes the body out. A large one is not copied.
    pub fn take_body(&mut self) -> Vec<u8> {
        let Reading::Body { kept, read, .. } = &mut self.reading else { return Vec::new() };
        let (begin, unread) = (self.begin, self.begin + *read..self.arrived);
        let kept = core::mem::take(kept);
        if kept <= KEPT {
            return self.bytes[begin..begin + kept].to_vec();
        }
        let mut room = vec![0; ROOM.max(unread.len())];
        room[..unread.len()].copy_from_slice(&self.bytes[unread.clone()]);
        let mut body = core::mem::replace(&mut self.bytes, room);
        *read = 0;
        (self.begin, self.arrived) = (0, unread.len());
        body.truncate(begin + kept);
        body.drain(..begin);
        body
    }

    /// Forgets the message that was read. What came after it is the beginning of
    /// the next one; there is none if its body was not read to the end.
    pub fn finish(&mut self) {
        self.begin += match &self.reading {
            Reading::Head { .. } => return,
            Reading::Start { head, framing: Framing::Length(0) } => *head,
            Reading::Body { body, read, .. } if body.is_whole() => *read,
            _ => {
                self.reading = Reading::Lost;
                return;
            }
        };
        self.reading = NEXT;
        if self.bytes.len() > KEPT + ROOM && self.arrived - self.begin <= ROOM {
            self.close_gaps();
            self.bytes.truncate(ROOM);
            self.bytes.shrink_to_fit();
        }
    }

    /// Some send an empty line after a body (RFC 9112, 2.2).
    fn skip_empty_lines(&mut self) {
        if matches!(self.reading, Reading::Head { .. }) {
            while self.bytes[self.begin..self.arrived].starts_with(b"\r\n") {
                self.begin += 2;
                self.reading = NEXT;
            }
        }
    }

    fn head<'a, T: 'a>(
        &'a mut self,
        read: impl FnOnce(&'a [u8], usize) -> Result<Option<(T, Framing)>, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some((length, is_whole)) = self.find_head()? else { return Ok(None) };
        match read(&self.bytes[self.begin..self.begin + length], self.sizes.fields)? {
            Some((head, framing)) => {
                self.reading = Reading::Start { head: length, framing };
                Ok(Some(head))
            }
            None if is_whole => Err(Fault::Head("its first line is empty")),
            None => Ok(None),
        }
    }

    /// The length of the head, and whether that is all of it. Its beginning may
    /// be worth a look, too: what is no HTTP is told so at once, but not for each
    /// byte of a slow one.
    fn find_head(&mut self) -> Result<Option<(usize, bool)>, Fault> {
        let (line, parsed) = match &mut self.reading {
            Reading::Head { line, parsed } => (line, parsed),
            Reading::Lost => return Err(Fault::Length("the message before it was not read")),
            _ => return Ok(None),
        };
        let bytes = &self.bytes[self.begin..self.arrived];
        let from = *line;
        for end in memchr::memchr_iter(b'\n', &bytes[from..]).map(|end| from + end) {
            if !bytes[..end].ends_with(b"\r") {
                return Err(Fault::Head("a line does not end in CRLF"));
            }
            if end == *line + 1 {
                let is_fit = end < self.sizes.head;
                return if is_fit { Ok(Some((end + 1, true))) } else { Err(Fault::HeadTooLarge) };
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
        Ok(is_worth.then_some((bytes.len(), false)))
    }

    fn begin_body(&mut self) {
        if let Reading::Start { head, framing } = self.reading {
            self.begin += head;
            self.reading = Reading::Body { body: Body::new(framing), kept: 0, read: 0 };
        }
    }

    fn advance(&mut self, limit: usize, keep: bool) -> Result<bool, Fault> {
        self.begin_body();
        let Reading::Body { body, kept, read } = &mut self.reading else { return Ok(false) };
        let bytes = &mut self.bytes[self.begin..self.arrived];
        if !keep {
            // What was kept until now is not wanted any more.
            *kept = 0;
        }
        loop {
            match body.next(&bytes[*read..], limit as u64)? {
                Part::Payload(count) => {
                    if keep {
                        if *read > *kept {
                            bytes.copy_within(*read..*read + count, *kept);
                        }
                        *kept += count;
                    }
                    *read += count;
                }
                Part::Frame(count) => *read += count,
                Part::Missing => return Ok(false),
                Part::End => return Ok(true),
            }
        }
    }

    /// Moves together what is still wanted. It is little: at most the message
    /// that is not whole yet, once, and then what is missing of a line.
    fn close_gaps(&mut self) {
        let mut end = 0;
        let mut from = self.begin;
        if let Reading::Body { kept, read, .. } = &mut self.reading {
            if from > 0 {
                self.bytes.copy_within(from..from + *kept, 0);
            }
            (end, from) = (*kept, from + *read);
            *read = *kept;
        }
        if from > end {
            self.bytes.copy_within(from..self.arrived, end);
            self.arrived -= from - end;
        }
        self.begin = 0;
    }
}
