//! One HTTP request in, one answer out.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use easyhttp_proto::exchange::{self, Answer, ERROR_HEADER, Event, Outcome};
use easyhttp_proto::{introduction, limits};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::{Body, Incoming};
use hyper::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, ORIGIN,
    RETRY_AFTER, VARY,
};
use hyper::{Response, StatusCode};
use tokio::time::timeout;

use super::gate::{self, Verdict};
use crate::body::{BodyError, read_within};
use crate::node::Node;
use crate::request::{Data, Request};

/// Answers one request. Whatever the request is, there is an answer.
pub(super) async fn respond(
    node: &Arc<Node>,
    from: SocketAddr,
    request: hyper::Request<Incoming>,
) -> Response<Full<Bytes>> {
    let (head, mut body) = request.into_parts();
    let (answer, is_read) = match gate::check(&head, &node.settings) {
        Verdict::Enter => match read(&mut body, node).await {
            Ok(bytes) => (execute(node, from, &bytes).await, true),
            // It had its time.
            Err(refusal) if refusal.status == 408 => (refusal, false),
            Err(refusal) => (refusal, discard(body, node).await),
        },
        Verdict::About => (introduction::about(node.id), discard(body, node).await),
        Verdict::Introduce => {
            let answer = introduction::introduce(&node.peers(), from.ip());
            (answer, discard(body, node).await)
        }
        Verdict::Preflight => (Answer::empty(204), discard(body, node).await),
        Verdict::Refuse(refusal) => (refusal, discard(body, node).await),
    };
    node.debug(|| format!("{} {:?} from {from}: {}", head.method, head.uri.path(), answer.status));
    let is_wrong_method = answer.status == 405;
    let mut response = render(answer);
    let headers = response.headers_mut();
    if let Some(method) = gate::method_of(head.uri.path()).filter(|_| is_wrong_method) {
        headers.insert(ALLOW, HeaderValue::from_static(method));
    }
    if !is_read {
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let Some(origin) = gate::allowed_origin(&head.headers, &node.settings) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("POST"));
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static("*"));
        headers.insert(VARY, HeaderValue::from(ORIGIN));
    }
    response
}

/// Does what a message says.
async fn execute(node: &Arc<Node>, from: SocketAddr, body: &[u8]) -> Answer {
    let request = match exchange::Request::read(body) {
        Ok(request) => request,
        Err(malformed) => return malformed.into(),
    };
    node.learn(&request.header, from);
    let answer = |outcome: Outcome<'_>| request.answer(&node.speaker(), outcome);
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
                if let Outcome::Failed(error) = returned.outcome() {
                    tracing::warn!(event = ?request.event, error, "a handler failed");
                }
                answer(returned.outcome())
            }
            None => answer(Outcome::Busy),
        },
    }
}

/// Reads the body, or says why it is not taken.
async fn read(body: &mut Incoming, node: &Node) -> Result<Bytes, Answer> {
    let limits = &node.settings.limits;
    let too_large =
        || Answer::error(413, &format!("the body is larger than {} bytes", limits.body));
    if body.size_hint().lower() > limits.body as u64 {
        return Err(too_large());
    }
    let read = timeout(limits.body_read, read_within(body, limits.body));
    let read = tokio::select! {
        biased;
        read = read => read,
        () = node.tasks.stopping() => return Err(Answer::error(503, "the device is stopping")),
    };
    match read {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(BodyError::TooLarge)) => Err(too_large()),
        Ok(Err(BodyError::Broken(error))) => {
            Err(Answer::error(400, &format!("the body is not whole: {error}")))
        }
        Err(_) => {
            let text = format!("the body did not arrive within {:?}", limits.body_read);
            Err(Answer::error(408, &text))
        }
    }
}

/// Throws away what is left of a body, within limits, so that its sender can
/// finish, read the answer and use the connection again. Says whether it could.
async fn discard(body: Incoming, node: &Node) -> bool {
    if body.size_hint().lower() > limits::DISCARD as u64 {
        return false;
    }
    let mut body = Limited::new(body, limits::DISCARD);
    let all = async {
        while let Some(frame) = body.frame().await {
            if frame.is_err() {
                return false;
            }
        }
        true
    };
    tokio::select! {
        biased;
        all = timeout(node.settings.limits.body_read, all) => all.unwrap_or(false),
        () = node.tasks.stopping() => false,
    }
}

fn render(answer: Answer) -> Response<Full<Bytes>> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let has_body = !answer.body.is_empty();
    let mut response = Response::new(Full::new(answer.body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if has_body {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    if let Some(note) = answer.note {
        headers.insert(ERROR_HEADER, HeaderValue::from_static(note));
    }
    if status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, limits::RETRY_AFTER_SECS.into());
    }
    response
}
