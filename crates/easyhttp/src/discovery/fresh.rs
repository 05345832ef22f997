//! An id that was just drawn is looked for once before it is kept.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use easyhttp_proto::DeviceId;
use easyhttp_proto::datagram::Datagram;
use easyhttp_proto::discovery::FreshId;
use easyhttp_proto::exchange::Speaker;
use easyhttp_proto::limits;
use tokio::runtime::Handle;
use tokio::time::{Instant, timeout, timeout_at};

use super::network::Network;
use super::pings::who_is_at;
use super::proofs::Proofs;
use super::sockets::Sockets;
use crate::client::Client;
use crate::counters::Counters;
use crate::error::StartError;
use crate::secure::Secure;
use crate::settings::Settings;
use crate::tasks::Tasks;

/// When the question goes out: twice, as packets get lost.
const QUESTIONS: [Duration; 2] = [Duration::ZERO, Duration::from_millis(100)];

/// How long answers are waited for in all. Devices answer within milliseconds.
const WAIT: Duration = Duration::from_millis(250);

/// Whether a device on this network has the id, and answers to it. A network
/// on which one cannot ask has none.
pub(crate) async fn is_taken(
    id: DeviceId,
    settings: &Settings,
    secure: &Option<Arc<Secure>>,
    answers_at: Option<IpAddr>,
) -> Result<bool, StartError> {
    let fresh = FreshId::new(id, getrandom::u64().map_err(StartError::Randomness)?);
    // Of what is refused before there is a device, nobody asks.
    let counters = Arc::new(Counters::new());
    let Ok(mut sockets) = Sockets::open(Network::of(settings, answers_at), counters) else {
        return Ok(false);
    };
    let asking = ask(&fresh, id, &mut sockets, settings, secure);
    // Somebody who claims it again and again must not keep a device from starting.
    Ok(timeout(WAIT + limits::CHECK, asking).await.unwrap_or(false))
}

async fn ask(
    fresh: &FreshId,
    id: DeviceId,
    sockets: &mut Sockets,
    settings: &Settings,
    secure: &Option<Arc<Secure>>,
) -> bool {
    let client = Client::new(&settings.limits, secure.clone());
    let tasks = Tasks::new(Handle::current());
    let mut proofs = Proofs::new(secure.clone());
    let start = Instant::now();
    let mut buffer = [0; limits::DATAGRAM_READ];
    for end in QUESTIONS.iter().skip(1).chain([&WAIT]) {
        sockets.announce(&proofs.prove(fresh.question(), None));
        while let Ok((length, from)) = timeout_at(start + *end, sockets.receive(&mut buffer)).await
        {
            let Ok(datagram) = Datagram::decode(&buffer[..length]) else { continue };
            if !proofs.admit(from, &datagram) {
                continue;
            }
            let Some(at) = fresh.taken(from, &datagram) else { continue };
            // A datagram is a claim.
            let speaker = Speaker::new(id, None, 0);
            let answered = who_is_at(&client, &tasks, &speaker, at, limits::CHECK).await;
            if answered.is_some_and(|here| here.id == id) {
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener, UdpSocket};
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use easyhttp_proto::datagram::{GROUP, Kind};
    use socket2::SockRef;

    use super::*;
    use crate::EasyHttpAsync;

    #[tokio::test]
    async fn an_id_is_taken_when_its_device_answers() {
        let port = 20_000 + u16::try_from(std::process::id() % 40_000).unwrap();
        let builder = || EasyHttpAsync::builder().port(0).discovery_port(port).random_id();
        let device = builder().start().await.unwrap();
        let (settings, _) = builder().finish().unwrap();
        assert!(is_taken(device.id(), &settings, &None, None).await.unwrap());
        let free = crate::lifecycle::new_id().unwrap();
        assert!(!is_taken(free, &settings, &None, None).await.unwrap());
    }
    #[tokio::test(flavor = "multi_thread")]
    async fn who_claims_every_id_keeps_no_device_from_starting() {
        let port = 20_001 + u16::try_from(std::process::id() % 40_000).unwrap();
        // It takes connections, and answers nobody.
        let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let id = crate::lifecycle::new_id().unwrap();
        let there = Some(silent.local_addr().unwrap().port());
        let claim = Datagram::new(Kind::Announce, id, there, Some(7)).encode();
        let has_ended = AtomicBool::new(false);
        let (settings, _) = EasyHttpAsync::builder().port(0).discovery_port(port).finish().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| {
                let liar = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
                SockRef::from(&liar).set_multicast_if_v4(&Ipv4Addr::LOCALHOST).unwrap();
                while !has_ended.load(Ordering::Relaxed) {
                    let _ = liar.send_to(&claim, (GROUP, port));
                }
            });
            let is_taken = timeout(Duration::from_secs(30), is_taken(id, &settings, &None, None));
            let is_taken = tokio::task::block_in_place(|| Handle::current().block_on(is_taken));
            has_ended.store(true, Ordering::Relaxed);
            assert!(!is_taken.expect("it takes for ever").unwrap());
        });
    }
}
