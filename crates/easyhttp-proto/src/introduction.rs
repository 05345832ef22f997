//! What a device says to whoever looks at it by GET: who it is, and whom it
//! knows.
//!
//! Whom it knows is a hint, as all that is heard of others: whoever reads it
//! PINGs before believing.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use serde::Serialize;

use crate::exchange::Answer;
use crate::json::{self, Json};
use crate::peers::{Address, PeerTable, Source};
use crate::{API_PATH, DeviceId, Malformed, VERSION, limits};

/// The HTTP path that says who is here.
pub const ABOUT_PATH: &str = "/";

/// The HTTP path that says which peers the device knows.
pub const PEERS_PATH: &str = "/easyhttp/peers";

/// The HTTP path that says what the device has done and refused, to programs of its
/// own machine.
pub const STATS_PATH: &str = "/easyhttp/stats";

/// What the device `own` says of itself.
pub fn about(own: DeviceId) -> Answer {
    #[derive(Serialize)]
    struct About {
        device: String,
        version: &'static str,
        api: &'static str,
    }
    Answer::json(&About { device: own.to_string(), version: VERSION, api: API_PATH })
}

/// What a device has counted, as an object of numbers.
pub fn stats(counted: &impl Serialize) -> Answer {
    Answer::json(counted)
}

/// The peers that are told to somebody at `asker`: those that are here, each
/// where it has answered, or from where it has asked. What only a datagram says
/// is not passed on.
pub fn introduce(peers: &PeerTable, asker: IpAddr) -> Answer {
    let is_sure = |address: &Address| address.verified || address.source == Source::Learned;
    let is_told = |address: &Address| is_sure(address) && address.at.ip() != asker.to_canonical();
    let mut told: Vec<_> = present(peers, is_told).collect();
    // Who only asks, by many ids, takes the place of nobody who answers.
    told.sort_by_key(|(_, address)| !address.verified);
    let entries: Vec<_> = told.into_iter().map(|(id, address)| (id, address.at)).collect();
    Answer { body: write(&entries).into(), ..Answer::empty(200) }
}

/// The peers that are here, each with the first of its addresses that is `meant`, and
/// means the same host to everybody.
pub fn present(
    peers: &PeerTable,
    meant: impl Fn(&Address) -> bool,
) -> impl Iterator<Item = (DeviceId, &Address)> {
    peers.iter().filter(|peer| peer.is_present).filter_map(move |peer| {
        let is_told = |address: &&Address| is_elsewhere(address.at.ip()) && meant(address);
        Some((peer.id, peer.addresses().iter().find(is_told)?))
    })
}

/// Writes a list of peers, [`limits::INTRODUCED`] at the most.
pub fn write(peers: &[(DeviceId, SocketAddr)]) -> Vec<u8> {
    #[derive(Serialize)]
    struct Introduction {
        peers: Vec<Entry>,
    }
    #[derive(Serialize)]
    struct Entry {
        id: DeviceId,
        address: String,
    }
    let entry = |&(id, at): &(DeviceId, SocketAddr)| Entry { id, address: at.to_string() };
    let peers = peers.iter().take(limits::INTRODUCED).map(entry).collect();
    serde_json::to_vec(&Introduction { peers }).expect("ids and texts can always be written")
}

/// Reads what [`write`](write()) writes. An entry that cannot be one is skipped, and
/// what stands behind the first [`limits::INTRODUCED`] is not read.
///
/// # Errors
///
/// [`Malformed`] if the body is not an object with a list `peers`.
pub fn read(body: &[u8]) -> Result<Vec<(DeviceId, SocketAddr)>, Malformed> {
    let text = core::str::from_utf8(body).map_err(|_| Malformed::NotJson)?;
    let [peers] = json::object(text, ["peers"])?;
    let entries = peers.map(|peers| json::list(peers, limits::INTRODUCED));
    let entries = entries.and_then(Result::ok).ok_or(Malformed::Peers)?;
    Ok(entries.into_iter().filter_map(read_entry).collect())
}

fn read_entry(entry: Json<'_>) -> Option<(DeviceId, SocketAddr)> {
    let [id, address] = json::section(entry, ["id", "address"], Malformed::Peers).ok()?;
    let id = json::text(id)?.parse().ok()?;
    let address: SocketAddr = json::text(address)?.parse().ok()?;
    (is_elsewhere(address.ip()) && address.port() != 0).then_some((id, address))
}

/// Whether an address means the same host to everybody on the network.
fn is_elsewhere(ip: IpAddr) -> bool {
    let is_link_local = match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_link_local() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    };
    let ip = ip.to_canonical();
    !(is_link_local || ip.is_loopback() || ip.is_unspecified() || ip.is_multicast())
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use core::time::Duration;

    use super::*;
    use crate::peers::Source;

    const NOW: Duration = Duration::from_secs(1);

    fn id(text: &str) -> DeviceId {
        text.parse().unwrap()
    }

    fn at(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    fn asker() -> IpAddr {
        "192.168.1.7".parse().unwrap()
    }

    fn told(peers: &PeerTable) -> Vec<(DeviceId, SocketAddr)> {
        read(&introduce(peers, asker()).body.to_vec()).unwrap()
    }

    #[test]
    fn a_device_says_who_it_is() {
        let answer = about(id("7H8G2K"));
        let expected = r#"{"device":"7H8G2K","version":"0.4.0","api":"/easyhttp/api"}"#;
        assert_eq!((answer.status, &*answer.body.to_vec()), (200, expected.as_bytes()));
    }

    #[test]
    fn those_that_answered_are_told_where_they_did() {
        let mut peers = PeerTable::new(id("SELF22"), 9);
        peers.hear(NOW, id("7H8G2K"), at("192.168.1.66:5000"), Source::Found);
        peers.hear(NOW, id("7H8G2K"), at("192.168.1.23:5000"), Source::Found);
        assert_eq!(told(&peers), [], "only claimed");
        peers.confirm(NOW, id("7H8G2K"), at("192.168.1.23:5000"));
        assert_eq!(told(&peers), [(id("7H8G2K"), at("192.168.1.23:5000"))]);
        let expected = r#"{"peers":[{"id":"7H8G2K","address":"192.168.1.23:5000"}]}"#;
        assert_eq!(introduce(&peers, asker()).body.to_vec(), expected.as_bytes());
        peers.add(NOW, id("ADDED2"), at("192.168.1.24:5000"));
        assert_eq!(told(&peers).len(), 1, "one that was only added");
        peers.lose(id("7H8G2K"));
        assert_eq!(told(&peers), []);
        assert_eq!(introduce(&peers, asker()).body.to_vec(), br#"{"peers":[]}"#);
    }

    #[test]
    fn of_several_addresses_the_one_that_is_sure_is_told() {
        let mut peers = PeerTable::new(id("SELF22"), 9);
        peers.hear(NOW, id("7H8G2K"), at("192.168.1.66:5000"), Source::Found);
        peers.hear(NOW, id("7H8G2K"), at("[fd00::23]:5000"), Source::Learned);
        assert_eq!(told(&peers), [(id("7H8G2K"), at("[fd00::23]:5000"))]);
    }

    #[test]
    fn who_only_asks_by_many_ids_takes_the_place_of_nobody_who_answers() {
        let mut peers = PeerTable::new(id("SELF22"), 1000);
        for n in 0..200 {
            let stranger = format!("A{n:05}").parse().unwrap();
            peers.hear(NOW, stranger, at("192.168.1.66:5000"), Source::Learned);
        }
        peers.hear(NOW, id("ZZZZZZ"), at("192.168.1.23:5000"), Source::Found);
        peers.confirm(NOW, id("ZZZZZZ"), at("192.168.1.23:5000"));
        assert_eq!(told(&peers)[0], (id("ZZZZZZ"), at("192.168.1.23:5000")));
    }

    #[test]
    fn addresses_that_mean_something_else_elsewhere_are_neither_told_nor_read() {
        let cases = [
            ("192.168.1.23:5000", true),
            ("[2001:db8::23]:5000", true),
            ("[fd00::23]:5000", true),
            ("127.0.0.1:5000", false),
            ("169.254.3.4:5000", false),
            ("[::1]:5000", false),
            ("[::ffff:127.0.0.1]:5000", false),
            ("[fe80::23]:5000", false),
        ];
        for (address, is_told) in cases {
            let mut peers = PeerTable::new(id("SELF22"), 9);
            peers.hear(NOW, id("7H8G2K"), at(address), Source::Found);
            peers.confirm(NOW, id("7H8G2K"), at(address));
            assert_eq!(told(&peers).len(), usize::from(is_told), "{address}");
            let body = format!(r#"{{"peers":[{{"id":"7H8G2K","address":"{address}"}}]}}"#);
            assert_eq!(read(body.as_bytes()).unwrap().len(), usize::from(is_told), "{address}");
        }
        let mut peers = PeerTable::new(id("SELF22"), 9);
        let own = SocketAddr::new(asker(), 5000);
        peers.hear(NOW, id("7H8G2K"), own, Source::Found);
        peers.confirm(NOW, id("7H8G2K"), own);
        assert_eq!(told(&peers), [], "the asker itself");
    }

    #[test]
    fn both_sides_keep_to_the_limit() {
        let mut peers = PeerTable::new(id("SELF22"), 1000);
        let entry = |n: u8| {
            let (id, at) =
                (DeviceId::from_entropy([n; 6]), SocketAddr::from(([10, 0, 0, n], 5000)));
            format!(r#"{{"id":"{id}","address":"{at}"}}"#)
        };
        for n in 1..=100 {
            let (id, at) =
                (DeviceId::from_entropy([n; 6]), SocketAddr::from(([10, 0, 0, n], 5000)));
            peers.hear(NOW, id, at, Source::Found);
            peers.confirm(NOW, id, at);
        }
        // Ids of equal letters repeat after 32.
        assert_eq!(told(&peers).len(), peers.len().min(limits::INTRODUCED));
        let entries: Vec<_> = (1..=100).map(entry).collect();
        let body = format!(r#"{{"peers":[{}]}}"#, entries.join(","));
        assert_eq!(read(body.as_bytes()).unwrap().len(), limits::INTRODUCED);
        let body = format!(r#"{{"peers":[{}1]}}"#, "1,".repeat(400_000));
        assert_eq!(read(body.as_bytes()), Ok(Vec::new()));
    }

    #[test]
    fn bad_entries_are_skipped_and_bad_bodies_refused() {
        let good = r#"{"id":"7h8g2k","address":"192.168.1.23:5000","new":1}"#;
        for bad in [
            "1",
            "null",
            "[]",
            "{}",
            r#"["7H8G2K","192.168.1.24:5000"]"#,
            r#"{"id":"7H8G2K"}"#,
            r#"{"id":1,"address":"192.168.1.24:5000"}"#,
            r#"{"id":"7H8","address":"192.168.1.24:5000"}"#,
            r#"{"id":"7H8G2K","address":"printer.local:5000"}"#,
            r#"{"id":"7H8G2K","address":"192.168.1.24"}"#,
            r#"{"id":"7H8G2K","address":"192.168.1.24:0"}"#,
            r#"{"id":"7H8G2K","address":"0.0.0.0:5000"}"#,
            r#"{"id":"7H8G2K","address":"224.0.0.106:5000"}"#,
            r#"{"id":"7H8G2K","id":"7H8G2K","address":"192.168.1.24:5000"}"#,
        ] {
            let body = format!(r#"{{"peers":[{bad},{good}],"new":1}}"#);
            let read = read(body.as_bytes());
            assert_eq!(read, Ok(alloc::vec![(id("7H8G2K"), at("192.168.1.23:5000"))]), "{bad}");
        }
        for bad in ["", "[]", "{", "null", r#"{"x":1}"#, r#"{"peers":{}}"#, r#"{"peers":null}"#] {
            assert!(read(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(read(br#"{"peers":1}"#).unwrap_err().to_string(), "peers must be a list");
        assert_eq!(
            read(format!(r#"{{"peers":{}"#, "[".repeat(999)).as_bytes()),
            Err(Malformed::TooDeep)
        );
    }
}
