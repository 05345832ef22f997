//! The answers that arrive on one connection.

use std::sync::Mutex;
use std::time::Instant;

use easyhttp_proto::http::{Fault, Incoming, Known, Sizes};
use easyhttp_proto::limits;

use super::{Answer, Failure, Idle, Said};
use crate::lock::lock;
use crate::secure::{Outgoing, Worth};
use crate::text::{self, Text};

/// Where an answer may go.
#[derive(Clone, Copy)]
pub(super) struct Room<'a> {
    /// How many bytes its body may have.
    pub(super) most: usize,
    pub(super) idle: &'a Mutex<Idle>,
}

/// What has arrived on a connection, and how far it is read.
pub(super) struct Answers {
    pub(super) incoming: Incoming,
    /// The last head that said no more than that an answer comes, and the connection stays.
    usual: Known<Said>,
    /// The head of the answer whose body is being read.
    head: Option<Head>,
}

/// What the head of an answer says, and what it is worth.
struct Head {
    said: Said,
    worth: Worth,
    keeps_alive: bool,
    is_large: bool,
}

/// An answer that is whole.
pub(super) struct Whole {
    pub(super) answer: Answer,
    pub(super) worth: Worth,
    /// Whether it leaves the connection as it should be for another one.
    pub(super) keeps_alive: bool,
}

impl Answers {
    pub(super) fn new() -> Self {
        let sizes = Sizes { head: limits::HEADER_BLOCK, fields: limits::HEADERS };
        Self { incoming: Incoming::new(sizes), usual: Known::default(), head: None }
    }

    /// The next answer, once all of it has arrived. `proof`: what was asked, if it was
    /// signed.
    pub(super) fn next(
        &mut self,
        proof: Option<&Outgoing<'_>>,
        Room { most, idle }: Room<'_>,
    ) -> Result<Option<Whole>, Failure> {
        let head = match self.head.take() {
            Some(head) => head,
            None => match self.next_head(proof).map_err(Failure::Fault)? {
                Some(head) => {
                    if head.is_large
                        && let Some(room) = lock(idle).spare.take()
                    {
                        self.incoming.move_to(room);
                    }
                    head
                }
                None => return Ok(None),
            },
        };
        if !self.incoming.read_body(most).map_err(Failure::Fault)? {
            self.head = Some(head);
            return Ok(None);
        }
        let Head { said, worth, keeps_alive, is_large } = head;
        let (opened, shown) = match (&worth, proof) {
            (Worth::Proved(claim), Some(proof)) => {
                proof.open(claim, self.incoming.body()).map_err(Failure::Distrusted)?
            }
            _ => (None, None),
        };
        let text = match opened {
            Some(opened) => String::from_utf8(opened).ok().map(Text::from),
            None => Text::of_body(&mut self.incoming),
        };
        let text = text.unwrap_or_else(|| "".into());
        if is_large {
            lock(idle).spare.remember(&text);
        }
        self.incoming.finish();
        let keeps_alive = keeps_alive && said.status >= 200;
        let arrived = Instant::now();
        Ok(Some(Whole { answer: Answer { said, text, shown, arrived }, worth, keeps_alive }))
    }

    fn next_head(&mut self, proof: Option<&Outgoing<'_>>) -> Result<Option<Head>, Fault> {
        loop {
            let known = match proof {
                None => self.incoming.again(&self.usual),
                Some(_) => None,
            };
            let (said, keeps_alive, worth) = match known {
                Some(said) => (said.clone(), true, Worth::Open),
                None => match self.incoming.answer()? {
                    // A word on the way to the answer.
                    Some(head) if matches!(head.status, 100 | 102..200) => {
                        self.incoming.finish();
                        continue;
                    }
                    Some(head) => {
                        let (said, keeps_alive) = (Said::read(&head), head.keeps_alive);
                        let worth =
                            proof.map_or_else(|| Worth::open(&head), |proof| proof.weigh(&head));
                        // For a device without a key it is worth what its status says.
                        if said.status == 200 && keeps_alive && proof.is_none() {
                            self.incoming.know(&mut self.usual, said.clone());
                        }
                        (said, keeps_alive, worth)
                    }
                    None => return Ok(None),
                },
            };
            let is_large = self.incoming.expected() > text::SMALL as u64;
            return Ok(Some(Head { said, worth, keeps_alive, is_large }));
        }
    }
}
