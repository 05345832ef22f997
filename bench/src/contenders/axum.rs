//! A server that is axum, with one route. Its client is reqwest.

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use axum::serve::ListenerExt;
use axum::{Router, http::StatusCode};
use bytes::Bytes;
use easyhttp_bench::payload::{self, PATH};
use easyhttp_bench::runtime::one_thread;
use easyhttp_bench::{Result, contend};
use tokio::net::TcpListener;

fn main() -> Result<()> {
    contend(|_, told| one_thread()?.block_on(serve(told)), |_| Err("this is a server".into()))
}

async fn serve(told: fn(&str)) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    told(&listener.local_addr()?.to_string());
    let listener = listener.tap_io(|stream| {
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, Router::new().route(PATH, post(respond))).await?)
}

async fn respond(body: Bytes) -> impl IntoResponse {
    match payload::answer(&body) {
        Ok(answer) => Ok(([(CONTENT_TYPE, "application/json")], answer)),
        Err(_) => Err(StatusCode::BAD_REQUEST),
    }
}
