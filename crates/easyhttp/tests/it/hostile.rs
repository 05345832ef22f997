//! Others that are slow, silent, broken or many: they cost little, and honest
//! ones are served meanwhile.

mod connections;
mod log;
mod memory;
mod strangers;

use std::io::Write;
use std::net::{TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use easyhttp::{EasyHttp, Limits, json};

use crate::support::http::{Client, command, ping, post};
use crate::support::{PATIENCE, device, eventually, id, limits, local, own_port, quickly, udp};

/// A device with these limits, and its port.
fn limited(change: impl FnOnce(&mut Limits)) -> (EasyHttp, u16) {
    let device = device().limits(limits(change)).on_fetch(|_| 1).start().unwrap();
    let port = device.port().unwrap();
    (device, port)
}

const SHORT: Duration = Duration::from_millis(200);

// ---- silence ----

#[test]
fn a_connection_that_says_nothing_is_closed() {
    let (_device, port) = limited(|limits| limits.header_read = SHORT);
    let started = Instant::now();
    Client::connect(port).assert_closes();
    assert!(started.elapsed() >= SHORT);
}

#[test]
fn a_connection_that_says_nothing_more_is_closed() {
    let (device, port) = limited(|limits| limits.idle = SHORT);
    let mut client = Client::connect(port);
    client.assert_works(device.id());
    client.assert_works(device.id());
    client.assert_closes();
}

#[test]
fn headers_that_trickle_in_are_not_waited_for() {
    let (_device, port) = limited(|limits| limits.header_read = SHORT);
    let mut stream = TcpStream::connect(local(port)).unwrap();
    stream.write_all(b"POST /easyhttp/api HTTP/1.1\r\nX-Slow: ").unwrap();
    // Each byte comes in time, all of them never.
    eventually("the connection is closed", || {
        thread::sleep(Duration::from_millis(5));
        stream.write_all(b"x").is_err()
    });
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let (device, port) = limited(|limits| limits.body_read = SHORT);
    let times_out = |sent: &str| {
        let mut client = Client::connect(port);
        let started = Instant::now();
        client.send(post(sent).header("Content-Length", 100).encode());
        let answer = client.answer();
        let took = started.elapsed();
        assert_eq!(answer.status, 408, "{answer}");
        assert!(answer.error().contains("200ms"), "{answer}");
        client.assert_closes();
        took
    };
    assert!(times_out("{\"type\"") >= SHORT);
    // More often than once only where the machine stalls.
    eventually("it takes as long as it may, not twice", || times_out("") < SHORT * 2);
    Client::connect(port).assert_works(device.id());
}

#[test]
fn a_body_that_trickles_in_is_not_waited_for() {
    let (_device, port) = limited(|limits| limits.body_read = SHORT);
    let mut stream = TcpStream::connect(local(port)).unwrap();
    stream.write_all(&post("").header("Content-Length", 1_000_000).encode_head()).unwrap();
    eventually("the connection is closed", || {
        thread::sleep(Duration::from_millis(5));
        stream.write_all(b" ").is_err()
    });
}

#[test]
fn a_refused_body_that_does_not_come_is_not_waited_for() {
    let (device, port) = limited(|limits| limits.body_read = SHORT);
    let mut client = Client::connect(port);
    client.send(post("").path("/elsewhere").header("Content-Length", 100).encode());
    assert_eq!(client.answer().status, 404);
    client.assert_closes();
    Client::connect(port).assert_works(device.id());
}

// ---- crowds ----

#[test]
fn an_honest_asker_is_served_among_silent_connections() {
    let (device, port) = limited(|limits| {
        limits.connections = 16;
        limits.header_read = 10 * PATIENCE;
    });
    let mut early = Client::connect(port);
    early.assert_works(device.id());
    let asking = crate::support::device().start().unwrap();
    asking.add(device.id(), local(port)).unwrap();
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(TcpStream::connect(local(port)).unwrap());
        if silent.len() % 50 == 0 {
            Client::connect(port).assert_works(device.id());
            assert_eq!(asking.fetch(device.id(), ()).unwrap(), 1);
        }
    }
    // One that has shown to be honest keeps its connection.
    early.assert_works(device.id());
    // The others were closed, all but as many as may be open.
    let is_closed = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let looked = stream.peek(&mut [0]);
        !looked.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    };
    eventually("the oldest have made way", || {
        silent.iter().filter(|stream| is_closed(stream)).count() >= 300 - 16
    });
}

#[test]
fn idle_connections_make_way_when_all_are_honest() {
    let (device, port) = limited(|limits| limits.connections = 8);
    let mut clients: Vec<_> = (0..50).map(|_| Client::connect(port)).collect();
    for _ in 0..2 {
        for client in &mut clients {
            // The ones that were closed connect again, as our client does.
            client.send(ping().encode());
            if client.try_answer().is_none() {
                *client = Client::connect(port);
                client.assert_works(device.id());
            }
        }
    }
}

#[test]
fn a_crowd_of_learned_ids_stays_within_the_limit() {
    let (device, port) = limited(|limits| limits.peers = 50);
    device.add("FRND22", local(own_port())).unwrap();
    let mut client = Client::connect(port);
    for number in 0..500 {
        let header = json!({"sender_id": format!("X{number:05}"), "sender_port": 5000});
        assert_eq!(client.ask(&post(json!({"type": 1, "header": header}).to_string())).status, 200);
        assert!(device.devices().len() <= 50);
    }
    assert!(device.devices().iter().any(|peer| peer.id == id("FRND22")));
}

#[test]
fn more_requests_than_handlers_may_run_leave_the_device_well() {
    let (device, port) = limited(|limits| limits.handlers = 2);
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let mut client = Client::connect(port);
                for _ in 0..20 {
                    let answer = client.ask(&command(3, 1));
                    assert!(matches!(answer.status, 200 | 503), "{answer}");
                }
            });
        }
    });
    Client::connect(port).assert_works(device.id());
}

// ---- stopping ----

/// What may be on a connection when a device stops.
fn assert_stops_quickly(prepare: impl Fn(u16) -> TcpStream) {
    let (device, port) = limited(|limits| limits.stop = PATIENCE);
    let _connections: Vec<_> = (0..10).map(|_| prepare(port)).collect();
    Client::connect(port).assert_works(device.id());
    quickly(PATIENCE / 4, || device.stop());
}

fn connected(port: u16, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(local(port)).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

#[test]
fn stopping_does_not_wait_for_silent_connections() {
    assert_stops_quickly(|port| connected(port, b""));
    assert_stops_quickly(|port| connected(port, &ping().encode()));
}

#[test]
fn stopping_does_not_wait_for_half_a_request() {
    assert_stops_quickly(|port| connected(port, b"POST /easyhttp/api HT"));
    let half = post("{\"type\"").header("Content-Length", 100);
    assert_stops_quickly(|port| connected(port, &half.encode()));
    let refused = half.path("/elsewhere");
    assert_stops_quickly(|port| connected(port, &refused.encode()));
}

#[test]
fn stopping_does_not_wait_for_askers_that_do_not_read() {
    let device = device()
        .limits(limits(|limits| limits.stop = PATIENCE))
        .on_fetch(|_| "x".repeat(1_000_000))
        .start()
        .unwrap();
    let port = device.port().unwrap();
    let many = command(3, 1).encode().repeat(50);
    let _connections: Vec<_> = (0..3).map(|_| connected(port, &many)).collect();
    Client::connect(port).assert_works(device.id());
    quickly(PATIENCE / 4, || device.stop());
}

// ---- garbage ----

/// Bytes without sense, the same in each run.
fn noise(seed: u64) -> impl Iterator<Item = u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    })
}

#[test]
fn garbage_on_connections_hurts_nobody() {
    let (device, port) = limited(|_| ());
    for seed in 0..100 {
        let bytes: Vec<_> = noise(seed).take(seed as usize * 20).collect();
        let mut client = Client::connect(port);
        client.send(bytes);
    }
    for seed in 0..100 {
        let mut request = ping().encode();
        for (at, byte) in noise(seed).take(8).enumerate() {
            let at = (at * 31 + usize::from(byte)) % request.len();
            request[at] = byte;
        }
        Client::connect(port).send(request);
    }
    Client::connect(port).assert_works(device.id());
}

/// A device that finds others, and its discovery port.
fn seeking(limits: Limits) -> (EasyHttp, u16) {
    let port = own_port();
    let builder = device().discovery(true).interfaces(["lo"]).discovery_port(port).limits(limits);
    (builder.start().unwrap(), port)
}

/// Asserts that a device still finds a newcomer.
fn assert_finds(device: &EasyHttp, discovery_port: u16) {
    let newcomer = crate::support::device()
        .discovery(true)
        .interfaces(["lo"])
        .discovery_port(discovery_port)
        .start()
        .unwrap();
    device.find(newcomer.id(), PATIENCE).unwrap();
    device.ping(newcomer.id()).unwrap();
}

/// Sends a datagram to the group, and one to the device alone.
fn tell(socket: &UdpSocket, discovery_port: u16, datagram: &[u8]) {
    let _ = socket.send_to(datagram, (udp::GROUP, discovery_port));
    let _ = socket.send_to(datagram, local(discovery_port));
}

#[test]
fn garbage_in_datagrams_hurts_nobody() {
    let (device, port) = seeking(Limits::default());
    let own = device.id();
    let socket = udp::speaker();
    let good = json!({"type": 8, "id": "AB3F9Z", "port": 0}).to_string();
    let mut datagrams: Vec<Vec<u8>> = vec![
        Vec::new(),
        b"{}".to_vec(),
        b"null".to_vec(),
        b"[8]".to_vec(),
        vec![b'['; 1400],
        vec![b' '; 60_000],
        json!({"type": 8, "id": own.as_str(), "port": 1}).to_string().into_bytes(),
        json!({"type": "bye", "id": own.as_str()}).to_string().into_bytes(),
        json!({"type": 8, "id": "AB3F9Z", "port": "x"}).to_string().into_bytes(),
        json!({"type": 8, "id": {"a": []}, "port": 5000}).to_string().into_bytes(),
        json!({"type": 42, "id": "AB3F9Z", "port": 5000}).to_string().into_bytes(),
    ];
    datagrams.extend((0..good.len()).map(|length| good.as_bytes()[..length].to_vec()));
    datagrams.extend((0..200).map(|seed| noise(seed).take(seed as usize * 7).collect()));
    for datagram in datagrams {
        tell(&socket, port, &datagram);
    }
    assert_finds(&device, port);
    assert!(!device.devices().iter().any(|peer| peer.id == id("AB3F9Z")));
}

#[test]
fn a_crowd_of_announced_ids_stays_within_the_limit() {
    let (device, port) = seeking(limits(|limits| limits.peers = 50));
    device.add("FRND22", local(own_port())).unwrap();
    let socket = udp::speaker();
    // Nobody answers there: what is announced cannot be checked.
    let nobody = own_port();
    for number in 0..2000 {
        let id = format!("X{number:05}");
        // Every other one claims to be a Python device, which is greeted.
        let datagram = match number % 2 {
            0 => json!({"type": 8, "id": id, "port": nobody}),
            _ => json!({"type": 8, "id": id, "port": nobody, "boot": number}),
        };
        tell(&socket, port, datagram.to_string().as_bytes());
    }
    quickly(PATIENCE / 4, || Client::connect(device.port().unwrap()).assert_works(device.id()));
    assert_finds(&device, port);
    assert!(device.devices().len() <= 50);
    assert!(device.devices().iter().any(|peer| peer.id == id("FRND22")));
    quickly(PATIENCE / 4, || device.stop());
}
