//! hyper at both ends and nothing around it: no checks, no limits, no peers. What the
//! others are compared with.

use bytes::Bytes;
use easyhttp_bench::payload::{self, PATH};
use easyhttp_bench::runtime::{callers, one_thread};
use easyhttp_bench::{Caller, Load, Result, ServerTask, contend};
use futures_util::future::try_join_all;
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

fn main() -> Result<()> {
    contend_on(one_thread)
}

/// On the runtime of one thread, or on that of `hyper_main.rs`.
pub(crate) fn contend_on(runtime: fn() -> Result<Runtime>) -> Result<()> {
    contend(
        move |task, told| runtime()?.block_on(serve(task, told)),
        move |load| runtime()?.block_on(call(load)),
    )
}

async fn serve(task: &ServerTask, told: fn(&str)) -> Result<()> {
    let mut addresses = Vec::new();
    let mut accepting = Vec::new();
    for _ in 0..task.devices.max(1) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        addresses.push(listener.local_addr()?.to_string());
        accepting.push(accept(listener));
    }
    told(&addresses.join(","));
    try_join_all(accepting).await?;
    Ok(())
}

async fn accept(listener: TcpListener) -> Result<()> {
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

async fn call(load: &'static Load) -> Result<()> {
    let task = load.task();
    match task.way.as_str() {
        "crowd" => call_crowd(load).await,
        _ if task.connects => callers(load, |caller| call_connecting(caller, load)).await,
        _ => callers(load, |caller| call_kept(caller, load)).await,
    }
}

async fn call_kept(mut caller: Caller, load: &'static Load) -> Result<()> {
    let mut connection = Connection::open(&load.task().address).await?;
    while caller.asks() {
        connection.fetch(load.task().bytes).await?;
        caller.answered();
    }
    Ok(())
}

async fn call_connecting(mut caller: Caller, load: &'static Load) -> Result<()> {
    while caller.asks() {
        Connection::open(&load.task().address).await?.fetch(load.task().bytes).await?;
        caller.answered();
    }
    Ok(())
}

/// Asks many at once; all of them together are one call.
async fn call_crowd(load: &'static Load) -> Result<()> {
    let mut caller = load.caller();
    let addresses = load.task().address.split(',');
    let mut crowd = try_join_all(addresses.map(Connection::open)).await?;
    while caller.asks() {
        try_join_all(crowd.iter_mut().map(|connection| connection.fetch(0))).await?;
        caller.answered();
    }
    Ok(())
}

struct Connection {
    host: String,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { host: address.to_owned(), sender })
    }

    async fn fetch(&mut self, bytes: usize) -> Result<()> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(PATH)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(payload::request(bytes)?.into()))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        payload::check_answer(&answer.into_body().collect().await?.to_bytes(), bytes)
    }
}
