//! CoAP, by the crate of this name: confirmable messages over UDP, every caller a client.

use std::net::SocketAddr;

use coap::request::RequestBuilder;
use coap::server::UdpCoapListener;
use coap::{Server, UdpCoAPClient};
use coap_lite::{CoapRequest, RequestType};
use easyhttp_bench::runtime::{callers, one_thread};
use easyhttp_bench::{Caller, Load, Result, contend, payload};
use tokio::net::UdpSocket;

fn main() -> Result<()> {
    contend(
        |_, told| one_thread()?.block_on(serve(told)),
        |load| one_thread()?.block_on(callers(load, |caller| call_until_over(caller, load))),
    )
}

async fn serve(told: fn(&str)) -> Result<()> {
    let socket = UdpSocket::bind(("127.0.0.1", 0)).await?;
    told(&socket.local_addr()?.to_string());
    let listener = UdpCoapListener::from_socket(socket);
    Ok(Server::from_listeners(vec![Box::new(listener)]).run(respond).await?)
}

async fn respond(mut request: Box<CoapRequest<SocketAddr>>) -> Box<CoapRequest<SocketAddr>> {
    if let (Some(response), Ok(answer)) =
        (&mut request.response, payload::answer(&request.message.payload))
    {
        response.message.payload = answer;
    }
    request
}

async fn call_until_over(mut caller: Caller, load: &'static Load) -> Result<()> {
    let task = load.task();
    let client = UdpCoAPClient::new(task.address.as_str()).await?;
    while caller.asks() {
        let request = RequestBuilder::new(payload::PATH, RequestType::Post)
            .data(Some(payload::request(task.bytes)?))
            .build();
        let response = client.send(request).await?;
        payload::check_answer(&response.message.payload, task.bytes)?;
        caller.answered();
    }
    Ok(())
}
