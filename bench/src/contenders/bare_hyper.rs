//! hyper at both ends and nothing around it: no checks, no limits, no peers.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use super::{Contender, one_thread};
use crate::load::Load;
use crate::{Result, payload};

pub(super) const ONE_THREAD: Contender = Contender {
    name: "bare hyper",
    serve: |told| one_thread()?.block_on(serve(told)),
    call: |port, load| one_thread()?.block_on(call(port, load)),
};

pub(super) const TOKIO_MAIN: Contender = Contender {
    name: "bare hyper, `#[tokio::main]`",
    serve: |told| Runtime::new()?.block_on(serve(told)),
    call: |port, load| Runtime::new()?.block_on(call(port, load)),
};

async fn serve(told: fn(u16)) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    told(listener.local_addr()?.port());
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let connection =
            http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(respond));
        tokio::spawn(connection);
    }
}

async fn respond(request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await?.to_bytes();
    let answer = payload::answer(&body)?;
    Ok(Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(answer.into()))?)
}

async fn call(port: u16, load: &'static Load) -> Result<()> {
    // A single caller needs no task of its own.
    let others: Vec<_> =
        (1..load.in_flight).map(|_| tokio::spawn(call_until_over(port, load))).collect();
    call_until_over(port, load).await?;
    for other in others {
        other.await??;
    }
    Ok(())
}

async fn call_until_over(port: u16, load: &Load) -> Result<()> {
    let stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.set_nodelay(true)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let host = format!("127.0.0.1:{port}");
    let mut caller = load.caller();
    while caller.asks() {
        fetch(&mut sender, &host).await?;
        caller.answered();
    }
    Ok(())
}

async fn fetch(sender: &mut SendRequest<Full<Bytes>>, host: &str) -> Result<()> {
    let request = Request::builder()
        .method(Method::POST)
        .uri("/easyhttp/api")
        .header(HOST, host)
        .header(CONTENT_TYPE, "application/json")
        .body(Full::new(payload::request()?.into()))?;
    sender.ready().await?;
    let body = sender.send_request(request).await?.into_body().collect().await?.to_bytes();
    assert_eq!(payload::data(&body)?["value"], 23.5);
    Ok(())
}
