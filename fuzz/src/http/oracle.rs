//! What hyper makes of bytes.

use std::cell::RefCell;
use std::convert::Infallible;
use std::pin::pin;

use easyhttp_proto::limits;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Version, client, server};

use super::wire::{Wire, drive};
use super::{End, Heard, Message};

/// The requests that a server gets.
pub fn requests(bytes: &[u8]) -> Heard {
    let messages = RefCell::new(Vec::new());
    let has_bad_body = RefCell::new(false);
    let service = service_fn(async |request: Request<Incoming>| {
        let (head, body) = request.into_parts();
        let start =
            format!("{} {} {}", head.method, head.uri.path(), head.version == Version::HTTP_10);
        messages.borrow_mut().push(Message::of_hyper(start, &head.headers));
        match body.collect().await {
            Ok(body) => {
                let mut messages = messages.borrow_mut();
                let last = messages.last_mut().expect("was just put there");
                last.body = Some(body.to_bytes().into());
            }
            Err(_) => *has_bad_body.borrow_mut() = true,
        }
        // So that CONNECT is nothing special.
        let mut response = Response::new(Empty::<Bytes>::new());
        *response.status_mut() = StatusCode::NOT_FOUND;
        Ok::<_, Infallible>(response)
    });
    let mut builder = server::conn::http1::Builder::new();
    builder.max_headers(limits::HEADERS).header_read_timeout(None);
    let result = drive(pin!(builder.serve_connection(Wire::of_asker(bytes), service)));
    let end = match result {
        _ if *has_bad_body.borrow() => End::Refused(None),
        None => End::Waits,
        Some(Ok(())) => End::Closed,
        Some(Err(_)) => End::Refused(None),
    };
    Heard { messages: messages.into_inner(), end }
}

/// The answer that a client gets to a GET. `ends`: the connection, after these
/// bytes.
pub fn answer(bytes: &[u8], ends: bool) -> Heard {
    let mut builder = client::conn::http1::Builder::new();
    builder.max_headers(limits::HEADERS);
    let handshake = builder.handshake::<_, Empty<Bytes>>(Wire::of_answerer(bytes, ends));
    let (mut sender, connection) = drive(pin!(handshake))
        .expect("it waits for nothing")
        .expect("it does nothing that could fail");
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = "/".parse().expect("a path");

    let messages = RefCell::new(Vec::new());
    let result = RefCell::new(None);
    let call = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        let start = head.status.as_u16().to_string();
        messages.borrow_mut().push(Message::of_hyper(start, &head.headers));
        let body = body.collect().await?.to_bytes();
        let mut messages = messages.borrow_mut();
        let last = messages.last_mut().expect("was just put there");
        last.body = Some(body.into());
        Ok::<_, hyper::Error>(())
    };
    let call = async { *result.borrow_mut() = Some(call.await) };
    let closed = RefCell::new(false);
    let connection = async {
        let _ = connection.await;
        *closed.borrow_mut() = true;
    };
    drive(pin!(both(call, connection)));
    let end = match &*result.borrow() {
        Some(Err(_)) => End::Refused(None),
        _ if *closed.borrow() => End::Closed,
        _ => End::Waits,
    };
    Heard { messages: messages.into_inner(), end }
}

async fn both(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let (mut one_done, mut other_done) = (false, false);
    std::future::poll_fn(|context| {
        other_done = other_done || other.as_mut().poll(context).is_ready();
        one_done = one_done || one.as_mut().poll(context).is_ready();
        match one_done && other_done {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
}
