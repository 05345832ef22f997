//! Somebody tries to keep a device from answering: by connections, by what it would
//! have to remember, by work.

mod connections;
mod exchange;
mod honest;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::device::Device;
use crate::network::{Host, Lan};
use crate::process::{clear_peak_memory, memory, peak_memory, processor_time};
use crate::support::{crowd, has_python, in_full_or, report, since};

use connections::Attack;
use exchange::exchange;
use honest::Honest;

/// How long an honest asker waits, who would have given up by then.
const PATIENCE: Duration = Duration::from_secs(3);

const SORTS: [&str; 4] = ["silent", "head", "body", "idle"];

/// The deadline of each of them, and a second.
const CLOSED: f64 = 21.0;

const MIB: f64 = 1024.0 * 1024.0;

/// The device is at 10.0.1.1, and may have so many files open. All addresses from
/// 10.0.1.128 on are the attacker's.
fn scene(descriptors: u32, options: &[&str]) -> Option<(Lan, Device, Host)> {
    if !has_python("attacks in the network lab") {
        return None;
    }
    let lan = Lan::new(1)?;
    let device = Device::start_limited(&lan.host(1), descriptors, options);
    let attacker = lan.host(3);
    attacker.ip("route add local 10.0.1.128/25 dev lo");
    Some((lan, device, attacker))
}

fn place() -> SocketAddr {
    ([10, 0, 1, 1], 5000).into()
}

#[test]
fn crowds_of_connections_keep_nobody_from_being_answered() {
    let _crowd = crowd();
    let (seconds, count) = in_full_or((60, 2000), (4, 600));
    for sort in SORTS {
        let Some((lan, device, attacker)) = scene(1024, &[]) else { return };
        let honest = lan.host(2);
        let before = Honest::ask(&honest, Duration::from_secs(in_full_or(10, 2)));
        let attack = Attack::start(&attacker, sort, count, true);
        thread::sleep(Duration::from_secs(1));
        let busy = Busy::of(&device);
        let during = Honest::ask(&honest, Duration::from_secs(seconds));
        let busy = busy.share();
        let attack = attack.stop();
        report(
            &format!("{count} connections, {sort}: 200 honest requests a second meanwhile"),
            "none fails, p99 ≤ max(2 × before, 10 ms)",
            format!("{during}; before: {before}"),
        );
        report(
            "… connections opened, and share of a core",
            "–",
            format!("{}, {:.1} %", attack.opened, 100.0 * busy),
        );
        assert_eq!(during.failed, 0, "{sort}");
    }
}

#[test]
fn each_sort_of_slow_connection_is_closed_in_time() {
    for sort in SORTS {
        let Some((_lan, _device, attacker)) = scene(1024, &[]) else { return };
        let attack = Attack::start(&attacker, sort, 32, false);
        let attack = attack.end();
        report(
            &format!("slow connections, {sort}: closed after"),
            "≤ 21 s",
            format!("{:.1} to {:.1} s", attack.shortest, attack.longest),
        );
        assert_eq!(attack.closed, 32, "{sort}");
        assert!(attack.longest < CLOSED + 1.0, "{sort}: {} s", attack.longest);
    }
}

#[test]
fn few_descriptors_are_enough() {
    let _crowd = crowd();
    let Some((lan, device, attacker)) = scene(64, &[]) else { return };
    let attack = Attack::start(&attacker, "silent", in_full_or(2000, 600), true);
    thread::sleep(Duration::from_secs(2));
    let busy = Busy::of(&device);
    thread::sleep(Duration::from_secs(in_full_or(10, 3)));
    let busy = busy.share();
    attack.stop();
    let end = Instant::now();
    let honest = lan.host(2);
    let answers = Honest::ask(&honest, Duration::from_millis(100));
    report("64 descriptors, a flood: it answers again after", "≤ 1 s", since(end));
    report("… share of a core meanwhile", "≤ 20 %", format!("{:.1} %", 100.0 * busy));
    assert_eq!(answers.failed, 0);
}

#[test]
fn the_worst_json_takes_little_memory() {
    let _crowd = crowd();
    let Some((_lan, device, attacker)) = scene(1024, &[]) else { return };
    let list = |item: &str| {
        format!("[{0}{item}]", format!("{item},").repeat(1_000_000 / (item.len() + 1)))
    };
    let deep = list(&format!("{}{}", "[".repeat(120), "]".repeat(120)));
    let names: Vec<_> = (0..80_000).map(|number| format!("\"{number}\":0")).collect();
    let many = format!("{{{}}}", names.join(","));
    let bodies = [list("{\"\":0}"), deep, many, format!("\"{}\"", "x".repeat(1_000_000))];
    let process = device.process();
    let before = memory(process);
    clear_peak_memory(process);
    let rounds = in_full_or(4, 1);
    let senders: Vec<_> = (0..256)
        .map(|number| {
            let body = format!("{{\"type\":5,\"data\":{}}}", bodies[number % bodies.len()]);
            let host = attacker.clone();
            thread::spawn(move || {
                host.enter();
                for _ in 0..rounds {
                    let _ = exchange(&mut None, &body);
                }
            })
        })
        .collect();
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let growth = (peak_memory(process) - before) as f64 / MIB;
    report(
        "the worst JSON, 256 senders at once: memory grows by",
        "≤ 64 MB",
        format!("{growth:.0} MB"),
    );
    assert!(growth <= 128.0, "{growth} MB");
}

#[test]
fn forged_ids_take_little_memory_and_push_out_nobody() {
    let _crowd = crowd();
    let Some(lan) = Lan::new(1) else { return };
    let friends = lan.host(2);
    let places: Vec<_> = (6001..6021).map(|port| (friends.clone(), port)).collect();
    let (friends, _) = Device::start_together(&places);
    let named: Vec<_> = (6001..6021).map(|port| format!("10.0.1.2:{port}")).collect();
    let mut options = Vec::new();
    named.iter().for_each(|peer| options.extend(["--peer", peer]));
    let mut device = Device::start_with(&lan.host(1), &options);
    friends.iter().for_each(|friend| device.sees(friend, Duration::from_secs(30)));
    let process = device.process();
    let count = in_full_or(100_000, 10_000);
    let attacker = lan.host(3);
    let before = memory(process);
    clear_peak_memory(process);
    forge(&attacker, 0..count);
    let growth = (peak_memory(process).saturating_sub(before)) as f64 / MIB;
    let host = attacker.clone();
    let peers = thread::spawn(move || {
        host.enter();
        get("/easyhttp/peers")
    });
    let peers = peers.join().unwrap();
    let kept = friends.iter().filter(|friend| peers.contains(&friend.id)).count();
    report(&format!("{count} forged ids: memory grows by"), "≤ 5 MB", format!("{growth:.1} MB"));
    report("… of 20 peers that have answered, it keeps", "20", kept);
    assert_eq!(kept, 20, "{peers}");
    assert!(growth <= 10.0, "{growth} MB");
}

#[test]
fn handlers_that_sleep_do_not_hold_up_a_ping() {
    let _crowd = crowd();
    let Some((lan, _device, attacker)) = scene(1024, &["--push-exec", "sleep 1"]) else {
        return;
    };
    let stop = Arc::new(AtomicBool::new(false));
    let askers: Vec<_> = (0..40)
        .map(|_| {
            let (host, stop) = (attacker.clone(), Arc::clone(&stop));
            thread::spawn(move || {
                host.enter();
                let mut connection = None;
                while !stop.load(Ordering::Relaxed) {
                    let _ = exchange(&mut connection, "{\"type\":5}");
                }
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(500));
    let answers = Honest::ask(&lan.host(2), Duration::from_secs(in_full_or(10, 3)));
    stop.store(true, Ordering::Relaxed);
    askers.into_iter().for_each(|asker| asker.join().unwrap());
    report("40 handlers of 1 s: 200 PINGs a second meanwhile", "p99 ≤ 10 ms", &answers);
    assert_eq!(answers.failed, 0);
}

#[test]
fn only_its_own_machine_reads_what_a_device_counts() {
    let Some(lan) = Lan::new(1) else { return };
    let device = Device::start(&lan.host(1));
    let asked_from = |host: Host| {
        thread::spawn(move || {
            host.enter();
            get("/easyhttp/stats")
        })
        .join()
        .unwrap()
    };
    assert!(asked_from(lan.host(2)).starts_with("HTTP/1.1 403"));
    let own = asked_from(device.host.clone());
    assert!(own.starts_with("HTTP/1.1 200") && own.contains("\"stats_refused\":1"), "{own}");
}

#[test]
fn only_its_own_machine_gives_a_device_something_to_deliver() {
    let Some(lan) = Lan::new(1) else { return };
    let device = Device::start(&lan.host(1));
    // Somebody has got hold of the token.
    let file = device.host.command("cat").arg(".5000.json.token").output().unwrap().stdout;
    let token = serde_json::from_slice::<Value>(&file).unwrap()["token"].clone();
    let push = r#"{"push":{"to":"7H8G2K","data":1,"seconds":60}}"#;
    let request = format!(
        "POST /easyhttp/outbox HTTP/1.1\r\nHost: 10.0.1.1\r\nConnection: close\r\n\
         Content-Type: application/json\r\neasyhttp-token: {}\r\nContent-Length: {}\r\n\r\n{push}",
        token.as_str().unwrap(),
        push.len()
    );
    let asked_from = |host: Host| {
        let request = request.clone();
        let ask = move || {
            host.enter();
            [ask(&request), get("/easyhttp/stats")]
        };
        thread::spawn(ask).join().unwrap()
    };
    let [pushed, _] = asked_from(lan.host(2));
    assert!(pushed.starts_with("HTTP/1.1 403"), "{pushed}");
    let [pushed, stats] = asked_from(device.host.clone());
    assert!(pushed.starts_with("HTTP/1.1 200") && pushed.ends_with("{\"kept\":1}"), "{pushed}");
    assert!(stats.contains("\"outbox_refused\":1"), "{stats}");
}

/// Claims to be these, by requests and by datagrams.
fn forge(host: &Host, numbers: std::ops::Range<u32>) {
    let host = host.clone();
    let forging = thread::spawn(move || {
        host.enter();
        let group = UdpSocket::bind("10.0.1.3:0").unwrap();
        let mut connection = None;
        for number in numbers {
            let id = format!("{}{:05}", ["F", "G"][number as usize / 100_000], number % 100_000);
            if number % 2 == 0 {
                let header = json!({"sender_id": id, "sender_port": 9});
                let body = json!({"type": 1, "header": header}).to_string();
                exchange(&mut connection, &body).unwrap();
            } else {
                let version = "x".repeat(32);
                let datagram =
                    json!({"type": 8, "id": &id, "port": 9, "boot": number, "version": version});
                let _ = group.send_to(datagram.to_string().as_bytes(), "224.0.0.106:37020");
            }
        }
    });
    forging.join().unwrap();
}

fn get(path: &str) -> String {
    ask(&format!("GET {path} HTTP/1.1\r\nHost: 10.0.1.1\r\nConnection: close\r\n\r\n"))
}

fn ask(request: &str) -> String {
    let mut stream = TcpStream::connect(place()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

/// How much of a core a device takes, from now on.
struct Busy(u32, Duration, Instant);

impl Busy {
    fn of(device: &Device) -> Self {
        Self(device.process(), processor_time(device.process()), Instant::now())
    }

    fn share(self) -> f64 {
        (processor_time(self.0) - self.1).as_secs_f64() / self.2.elapsed().as_secs_f64()
    }
}
