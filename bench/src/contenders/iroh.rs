//! iroh: QUIC between keys instead of addresses, encrypted. Relays and look-ups are off, the
//! address is named; every call is a stream of the same connection.

use std::net::SocketAddr;

use easyhttp_bench::runtime::{callers, one_thread};
use easyhttp_bench::{Caller, Load, Result, contend, payload};
use iroh::endpoint::{Builder, Connection, Incoming, presets};
use iroh::{Endpoint, EndpointAddr, RelayMode};

const PROTOCOL: &[u8] = b"easyhttp-bench";

/// More than any answer has.
const LARGEST: usize = 2 << 20;

fn main() -> Result<()> {
    contend(
        |_, told| one_thread()?.block_on(serve(told)),
        |load| one_thread()?.block_on(call(load)),
    )
}

fn endpoint() -> Result<Builder> {
    let builder = Endpoint::builder(presets::Minimal).relay_mode(RelayMode::Disabled);
    Ok(builder.clear_ip_transports().bind_addr("127.0.0.1:0")?)
}

async fn serve(told: fn(&str)) -> Result<()> {
    let endpoint = endpoint()?.alpns(vec![PROTOCOL.to_vec()]).bind().await?;
    told(&format!("{} {}", endpoint.id(), endpoint.bound_sockets()[0]));
    while let Some(incoming) = endpoint.accept().await {
        tokio::spawn(answer_connection(incoming));
    }
    Ok(())
}

async fn answer_connection(incoming: Incoming) -> Result<()> {
    let connection = incoming.await?;
    loop {
        let (mut send, mut receive) = connection.accept_bi().await?;
        tokio::spawn(async move {
            let request = receive.read_to_end(LARGEST).await?;
            send.write_all(&payload::answer(&request)?).await?;
            send.finish()?;
            Result::Ok(())
        });
    }
}

async fn call(load: &'static Load) -> Result<()> {
    let (id, address) = load.task().address.split_once(' ').ok_or("no address")?;
    let address = EndpointAddr::new(id.parse()?).with_ip_addr(address.parse::<SocketAddr>()?);
    let endpoint = endpoint()?.bind().await?;
    let connection = endpoint.connect(address, PROTOCOL).await?;
    callers(load, |caller| call_until_over(connection.clone(), caller, load)).await
}

async fn call_until_over(
    connection: Connection,
    mut caller: Caller,
    load: &'static Load,
) -> Result<()> {
    let bytes = load.task().bytes;
    while caller.asks() {
        let (mut send, mut receive) = connection.open_bi().await?;
        send.write_all(&payload::request(bytes)?).await?;
        send.finish()?;
        payload::check_answer(&receive.read_to_end(LARGEST).await?, bytes)?;
        caller.answered();
    }
    Ok(())
}
