//! The heads of requests and answers: what a device does with HTTP besides
//! carrying messages.

use std::time::{Duration, SystemTime};

use easyhttp_proto::exchange::{Answer, ERROR_HEADER};
use easyhttp_proto::http::shared::SHARED;
use easyhttp_proto::http::{RequestHead, head};
use easyhttp_proto::limits;
use easyhttp_proto::pushes::MEMORY_HEADER;

use super::gate::{self, Verdict};
use crate::node::Node;
use crate::secure::{Sender, answer_of, count_of};

/// What matters of the head of a request once it has gone.
pub(super) struct Asked<'a> {
    /// The origin of the page that asks, if the user allows it.
    pub(super) origin: Option<&'a str>,
    pub(super) keeps_alive: bool,
    pub(super) expects_continue: bool,
    is_old: bool,
    pub(super) is_head: bool,
    /// What its sender has proved.
    pub(super) sender: Sender,
    method: Option<&'static str>,
    /// Method and path, for those who want to see them.
    pub(super) line: Option<String>,
}

impl<'a> Asked<'a> {
    /// What to do with a request, and what its answer needs to know of it.
    pub(super) fn read(head: &RequestHead<'_>, node: &'a Node) -> (Verdict, Self) {
        let (mut verdict, origin) = gate::check(head, node);
        let mut sender = Sender::Anybody;
        let is_public = !matches!(verdict, Verdict::Enter(_) | Verdict::Introduce | Verdict::Stats);
        if let (Some(secure), false) = (&node.secure, is_public) {
            match (&verdict, secure.who_asks(head)) {
                // Every program of this machine may know, and a member wants it signed.
                (Verdict::Stats, (Sender::Stranger(_), _)) => {}
                (_, (who, None)) => sender = who,
                (_, (who, Some(refusal))) => {
                    sender = who;
                    verdict = Verdict::Refuse(count_of(refusal), answer_of(refusal));
                }
            }
        }
        let asked = Self {
            origin,
            keeps_alive: head.keeps_alive,
            expects_continue: head.expects_continue,
            is_old: head.is_old,
            is_head: head.method == "HEAD",
            sender,
            method: gate::method_of(head.path()),
            line: node.is_watched().then(|| format!("{} {:?}", head.method, head.path())),
        };
        (verdict, asked)
    }

    /// The same of a request with the same head, which proves nothing and is shown to
    /// nobody.
    pub(super) fn again(&self) -> Self {
        Self { sender: Sender::Anybody, line: None, ..*self }
    }
}

/// Writes the heads of the answers on one connection.
#[derive(Default)]
pub(super) struct Heads {
    text: String,
    /// Of those that say no more than most, in this second.
    usual: Option<head::Alike>,
    date: String,
    /// Of which second the date is, since 1970.
    second: u64,
}

impl Heads {
    /// The head of an answer with a body of so many bytes. `asked` is None if there is
    /// nothing to know of the request: it had no head, or no page can have sent it.
    /// `memory` is what the answer says of PUSHes, and `lines` are what it has besides.
    pub(super) fn of(
        &mut self,
        answer: &Answer,
        asked: Option<&Asked<'_>>,
        memory: Option<&str>,
        lines: &str,
        length: usize,
        keeps_alive: bool,
    ) -> &[u8] {
        self.tell_time();
        let is_usual = (answer.status, answer.note, keeps_alive) == (200, None, true)
            && !answer.body.is_empty()
            && memory.is_none()
            && asked.is_none_or(|asked| asked.origin.is_none() && !asked.is_old);
        if is_usual {
            let fields = || [("content-type", "application/json"), ("date", &*self.date)];
            let usual = self.usual.get_or_insert_with(|| head::Alike::answers(200, fields()));
            return usual.of_length(length, lines);
        }
        let origin = asked.and_then(|asked| asked.origin);
        let changes = matches!(answer.status, 101 | 426);
        let connection = match keeps_alive {
            false => Some("close"),
            true if changes => Some("upgrade"),
            true if asked.is_some_and(|asked| asked.is_old) => Some("keep-alive"),
            true => None,
        };
        // The other 409 is of a request that somebody repeats.
        let may_come_again = answer.status == 503 || (answer.status == 409 && memory.is_some());
        let fields = [
            ("content-type", (!answer.body.is_empty()).then_some("application/json")),
            ("date", Some(&*self.date)),
            (ERROR_HEADER, answer.note),
            (MEMORY_HEADER, memory),
            ("allow", asked.and_then(|asked| asked.method).filter(|_| answer.status == 405)),
            ("retry-after", may_come_again.then_some(limits::RETRY_AFTER)),
            ("connection", connection),
            ("upgrade", changes.then_some(SHARED)),
            ("access-control-allow-origin", origin),
            ("access-control-allow-methods", origin.map(|_| "POST")),
            ("access-control-allow-headers", origin.map(|_| "content-type, idempotency-key")),
            ("access-control-expose-headers", origin.map(|_| "*")),
            ("vary", origin.map(|_| "origin")),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        head::answer(&mut self.text, answer.status, fields, lines, length);
        self.text.as_bytes()
    }

    fn tell_time(&mut self) {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        if now.as_secs() != self.second || self.date.is_empty() {
            self.second = now.as_secs();
            self.usual = None;
            // It can say no year beyond 9999.
            let now = now.min(Duration::from_secs(LATEST));
            self.date = httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + now);
        }
    }
}

/// The last second of the year 9999, since 1970.
const LATEST: u64 = 253_402_300_799;
