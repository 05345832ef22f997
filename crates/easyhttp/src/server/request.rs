//! One message in, one answer out.

use std::net::SocketAddr;
use std::sync::Arc;

use easyhttp_proto::exchange::{self, Answer, Event, Outcome};
use easyhttp_proto::pushes::PushKey;
use easyhttp_proto::secure::Refusal;

use crate::counters::Count;
use crate::node::Node;
use crate::pushes::Keyed;
use crate::request::{Data, Request};
use crate::secure::{Sender, answer_of, count_of};
use crate::text::Text;

/// Does what a message says.
pub(super) async fn execute(
    node: &Arc<Node>,
    from: SocketAddr,
    sender: &Sender,
    key: Option<PushKey>,
    text: &Text,
) -> Answer {
    let request = match exchange::Request::read_text(text) {
        Ok(request) => request,
        Err(malformed) => {
            node.counters.refuse(Count::MessageMalformed, from);
            return malformed.into();
        }
    };
    // One of our own, sent back to us.
    if sender.is_member() && request.header.sender_id == Some(node.id) {
        node.counters.refuse(Count::Replayed, from);
        return Answer::error(403, "not accepted");
    }
    if let (Some(secure), Some(id)) = (&node.secure, request.header.sender_id) {
        match secure.key_of(sender) {
            Ok(shown) if node.is_impostor(id, from, shown) => {
                return answer_of(Refusal::Device);
            }
            Ok(_) => {}
            Err(refusal) => {
                node.counters.refuse(count_of(refusal), from);
                return answer_of(refusal);
            }
        }
    }
    node.learn(&request.header, from);
    let answer = |outcome: Outcome| {
        let says_mark = match request.event {
            Event::Ping => true,
            Event::Push => !matches!(outcome, Outcome::Misdirected),
            _ => false,
        };
        let mut answer = request.answer(&node.speaker(), outcome);
        answer.memory = says_mark.then(|| node.pushes.mark());
        answer
    };
    if !request.is_for(node.id) {
        // A PING is answered to whoever asks.
        if request.event != Event::Ping {
            node.counters.refuse(Count::WrongRecipient, from);
        }
        return answer(Outcome::Misdirected);
    }
    // A large text is not there twice.
    let data = || match text {
        Text::Small(_) => Data::copied(request.data),
        Text::Large(_) => Data::within(text, request.data),
    };
    let argument = || Request::new(request.header, data(), from);
    if let (Event::Push, Some(key)) = (request.event, key) {
        let push = Keyed::new(from, request.header.sender_id, key, request.data);
        return answer(node.push_once(push, argument).await);
    }
    if node.tasks.is_stopping() {
        return answer(Outcome::Busy);
    }
    let handler = node.handlers.on(request.event);
    match handler {
        None => answer(Outcome::NoHandler),
        // A device that is busy is still there.
        Some(_) if request.event == Event::Ping => {
            node.notify(handler, argument());
            answer(Outcome::Done)
        }
        Some(handler) => match node.run(handler, argument()).await {
            Some(returned) => answer(returned.told(request.event).into_outcome()),
            None => {
                node.counters.refuse(Count::HandlersBusy, from);
                answer(Outcome::Busy)
            }
        },
    }
}
