//! One message in, one answer out.

use std::net::SocketAddr;
use std::sync::Arc;

use easyhttp_proto::exchange::{self, Answer, Event, Outcome};

use crate::answer::Returned;
use crate::node::Node;
use crate::request::{Data, Request};
use crate::secure::Sender;
use crate::text::Text;

/// Does what a message says.
pub(super) async fn execute(
    node: &Arc<Node>,
    from: SocketAddr,
    sender: &Sender,
    text: &Text,
) -> Answer {
    let request = match exchange::Request::read_text(text) {
        Ok(request) => request,
        Err(malformed) => return malformed.into(),
    };
    // One of our own, sent back to us.
    if sender.is_member() && request.header.sender_id == Some(node.id) {
        return Answer::error(403, "not accepted");
    }
    node.learn(&request.header, from);
    let answer = |outcome: Outcome| request.answer(&node.speaker(), outcome);
    if !request.is_for(node.id) {
        return answer(Outcome::Misdirected);
    }
    if node.tasks.is_stopping() {
        return answer(Outcome::Busy);
    }
    let handler = node.handlers.on(request.event);
    let argument = || Request::new(request.header, Data::copied(request.data), from);
    match handler {
        None => answer(Outcome::NoHandler),
        // A device that is busy is still there.
        Some(_) if request.event == Event::Ping => {
            node.notify(handler, argument());
            answer(Outcome::Done)
        }
        Some(handler) => match node.run(handler, argument()).await {
            Some(returned) => {
                let returned = returned.within(node.settings.limits.body);
                if let Returned::Failed(error) = &returned {
                    tracing::warn!(event = ?request.event, error, "a handler failed");
                }
                answer(returned.into_outcome())
            }
            None => answer(Outcome::Busy),
        },
    }
}
