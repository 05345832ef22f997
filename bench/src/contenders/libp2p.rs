//! libp2p request-response: TCP, Noise and Yamux, so it is encrypted. All callers share one
//! connection, and the task that drives it.

use std::collections::HashMap;
use std::io;

use easyhttp_bench::runtime::one_thread;
use easyhttp_bench::{Load, Result, contend, payload};
use futures_util::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, StreamExt};
use libp2p::request_response::{Behaviour, Codec, Config, Event, Message, ProtocolSupport};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};

fn main() -> Result<()> {
    contend(
        |_, told| one_thread()?.block_on(serve(told)),
        |load| one_thread()?.block_on(call(load)),
    )
}

fn swarm() -> Result<Swarm<Behaviour<Bytes>>> {
    let protocols = [(StreamProtocol::new("/easyhttp-bench"), ProtocolSupport::Full)];
    Ok(SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|_| Behaviour::new(protocols, Config::default()))?
        .with_swarm_config(|config| config.with_idle_connection_timeout(LONG))
        .build())
}

const LONG: std::time::Duration = std::time::Duration::from_secs(3600);

async fn serve(told: fn(&str)) -> Result<()> {
    let mut swarm = swarm()?;
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    loop {
        match swarm.select_next_some().await {
            SwarmEvent::NewListenAddr { address, .. } => {
                told(&format!("{} {address}", swarm.local_peer_id()));
            }
            SwarmEvent::Behaviour(Event::Message {
                message: Message::Request { request, channel, .. },
                ..
            }) => {
                let answer = payload::answer(&request)?;
                let _ = swarm.behaviour_mut().send_response(channel, answer);
            }
            _ => {}
        }
    }
}

async fn call(load: &'static Load) -> Result<()> {
    let task = load.task();
    let (peer, address) = task.address.split_once(' ').ok_or("no address")?;
    let peer: PeerId = peer.parse()?;
    let mut swarm = swarm()?;
    swarm.dial(address.parse::<Multiaddr>()?)?;
    while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionEstablished { .. }) {}

    let mut waiting = HashMap::new();
    for _ in 0..task.in_flight {
        let mut caller = load.caller();
        if caller.asks() {
            let request = payload::request(task.bytes)?;
            waiting.insert(swarm.behaviour_mut().send_request(&peer, request), caller);
        }
    }
    while !waiting.is_empty() {
        match swarm.select_next_some().await {
            SwarmEvent::Behaviour(Event::Message {
                message: Message::Response { request_id, response },
                ..
            }) => {
                payload::check_answer(&response, task.bytes)?;
                let mut caller = waiting.remove(&request_id).ok_or("whose answer?")?;
                caller.answered();
                if caller.asks() {
                    let request = payload::request(task.bytes)?;
                    waiting.insert(swarm.behaviour_mut().send_request(&peer, request), caller);
                }
            }
            SwarmEvent::Behaviour(Event::OutboundFailure { error, .. }) => {
                return Err(error.into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Messages as they are, up to the end of the stream.
#[derive(Clone, Default)]
struct Bytes;

impl Codec for Bytes {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = Vec<u8>;

    async fn read_request<T>(&mut self, _: &Self::Protocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn read_response<T>(&mut self, _: &Self::Protocol, io: &mut T) -> io::Result<Vec<u8>>
    where
        T: AsyncRead + Unpin + Send,
    {
        read(io).await
    }

    async fn write_request<T>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
        request: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&request).await
    }

    async fn write_response<T>(
        &mut self,
        _: &Self::Protocol,
        io: &mut T,
        response: Vec<u8>,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&response).await
    }
}

async fn read(io: &mut (impl AsyncRead + Unpin + Send)) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    io.read_to_end(&mut message).await?;
    Ok(message)
}
