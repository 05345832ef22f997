//! What travels over UDP multicast: decode and encode.
//!
//! A datagram is a small JSON object:
//!
//! ```json
//! {"version": "0.4.0", "type": 8, "id": "7H8G2K", "port": 5000, "boot": 3735928559, "every": 5,
//!  "ask": true}
//! ```
//!
//! `type` is 8 (DISCOVERY), 9 (DISCOVERY_ACK) or, since older devices ignore a
//! string there, `"bye"`. `boot` is drawn at each start and is what tells our
//! devices from older ones, and a restart from a repetition. A DISCOVERY with
//! `ask` wants to be answered; one without `port` comes from somebody who only
//! looks around.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;

use crate::secure::Proof;
use crate::{Command, DeviceId, Malformed, VERSION, json};

/// The multicast group of the devices in the field. IANA lists it as
/// All-Snoopers (RFC 4286); it is link-local, so it never crosses a router.
pub const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 106);

/// The same for IPv6. It is ours alone, as the older devices speak only IPv4:
/// transient and link-local (RFC 4291, 2.7: flag T, scope 2), its number from the
/// range for dynamic use (RFC 3307, 4.3), and with the last byte of [`GROUP`].
pub const GROUP_V6: Ipv6Addr = Ipv6Addr::new(0xff12, 0, 0, 0, 0, 0, 0x8000, 0x006a);

/// The UDP port that goes with [`GROUP`] and [`GROUP_V6`].
pub const PORT: u16 = 37020;

/// One datagram.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Datagram {
    /// Which version of the protocol the sender speaks, if it says so in up to
    /// [`crate::limits::VERSION`] printable ASCII characters.
    pub version: Option<String>,
    /// What it says.
    pub kind: Kind,
    /// Who says it.
    pub id: DeviceId,
    /// The TCP port on which the sender answers; none if it only looks around.
    pub port: Option<u16>,
    /// Drawn by the sender at its start. Older devices have none.
    pub boot: Option<u32>,
    /// How often the sender announces itself, in seconds. Older devices do not
    /// say it.
    pub every: Option<u16>,
    /// Whether whoever hears it should answer.
    pub asks: bool,
    /// What shows that a member of a secure network sent it.
    pub proof: Option<Proof>,
}

/// What a datagram says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// DISCOVERY: I exist; who else does?
    Announce,
    /// DISCOVERY_ACK: I exist too.
    Answer,
    /// I am leaving.
    Bye,
}

impl Datagram {
    /// A datagram that does not ask.
    pub fn new(kind: Kind, id: DeviceId, port: Option<u16>, boot: Option<u32>) -> Self {
        let version = Some(VERSION.to_owned());
        Self { version, kind, id, port, boot, every: None, asks: false, proof: None }
    }

    /// The same datagram, with the interval of the announcements in seconds.
    pub fn every(mut self, seconds: u16) -> Self {
        self.every = Some(seconds);
        self
    }

    /// The same datagram, asking or not.
    pub fn asking(mut self, asks: bool) -> Self {
        self.asks = asks;
        self
    }

    /// Reads a datagram. Total: any bytes give a datagram or the reason why not.
    ///
    /// # Errors
    ///
    /// [`Malformed`] names the field that is wrong. The group is shared with
    /// others, so a listener expects bytes that mean nothing to it.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let text = core::str::from_utf8(bytes).map_err(|_| Malformed::NotJson)?;
        let names = ["version", "type", "id", "port", "boot", "every", "ask", "es"];
        let [version, kind, id, port, boot, every, ask, es] = json::object(text, names)?;
        let kind = match json::unsigned(kind).and_then(Command::from_number) {
            Some(Command::Discovery) => Kind::Announce,
            Some(Command::DiscoveryAck) => Kind::Answer,
            None if json::text(kind).is_some_and(|text| text == "bye") => Kind::Bye,
            _ => return Err(Malformed::UnknownCommand),
        };
        Ok(Self {
            version: json::version(version).map(Cow::into_owned),
            kind,
            id: json::id(id, "id")?.ok_or(Malformed::Id { field: "id" })?,
            port: json::port(port, "port")?,
            // What we cannot have written counts as absent.
            boot: json::unsigned(boot).and_then(|boot| u32::try_from(boot).ok()),
            every: json::unsigned(every).and_then(|every| u16::try_from(every).ok()),
            asks: ask.is_some_and(|ask| ask.get() == "true"),
            proof: json::text(es).and_then(|es| es.parse().ok()),
        })
    }

    /// Writes the datagram, well below [`crate::limits::DATAGRAM_SENT`].
    pub fn encode(&self) -> Vec<u8> {
        let wire = Encoded {
            version: self.version.as_deref(),
            kind: match self.kind {
                Kind::Announce => EncodedKind::Number(Command::Discovery.number()),
                Kind::Answer => EncodedKind::Number(Command::DiscoveryAck.number()),
                Kind::Bye => EncodedKind::Text("bye"),
            },
            id: self.id,
            port: self.port,
            boot: self.boot,
            every: self.every,
            ask: self.asks,
            es: self.proof.map(|proof| proof.to_string()),
        };
        serde_json::to_vec(&wire).expect("texts and numbers can always be written")
    }
}

#[derive(Serialize)]
struct Encoded<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
    #[serde(rename = "type")]
    kind: EncodedKind,
    id: DeviceId,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    boot: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<u16>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    ask: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    es: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum EncodedKind {
    Number(u8),
    Text(&'static str),
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;
    use crate::limits;

    #[test]
    fn what_is_written_can_be_read() {
        for kind in [Kind::Announce, Kind::Answer, Kind::Bye] {
            for (port, boot, asks) in [(Some(65535), Some(u32::MAX), true), (None, None, false)] {
                let id = "7H8G2K".parse().unwrap();
                let datagram = Datagram::new(kind, id, port, boot).asking(asks);
                let bytes = datagram.encode();
                assert!(bytes.len() <= limits::DATAGRAM_SENT);
                assert_eq!(Datagram::decode(&bytes), Ok(datagram));
            }
        }
    }

    #[test]
    fn a_python_device_is_understood() {
        let bytes = br#"{"version": "0.4.0-alpha.6", "type": 8, "id": "AB3F9Z", "port": 5000}"#;
        let id = "AB3F9Z".parse().unwrap();
        let version = Some("0.4.0-alpha.6".to_owned());
        let expected = Datagram { version, ..Datagram::new(Kind::Announce, id, Some(5000), None) };
        assert_eq!(Datagram::decode(bytes), Ok(expected));
    }

    #[test]
    fn a_version_that_cannot_be_shown_counts_as_absent() {
        for version in ["0.4", r#""""#, "null", r#"["0.4"]"#, r#""0.4\u001b[2J""#, r#""0.4é""#] {
            let bytes = format!(r#"{{"version":{version},"type":8,"id":"AB3F9Z"}}"#);
            let shown = Datagram::decode(bytes.as_bytes()).unwrap().version;
            assert_eq!(shown, None, "{version}");
        }
        for (length, is_shown) in [(32, true), (33, false)] {
            let bytes = format!(r#"{{"version":"{:1<length$}","type":8,"id":"AB3F9Z"}}"#, "");
            let datagram = Datagram::decode(bytes.as_bytes()).unwrap();
            assert_eq!(datagram.version.is_some(), is_shown);
        }
    }

    #[test]
    fn what_others_say_in_the_group_is_refused() {
        for bytes in [
            &b""[..],
            b"\x00\x01\xff",
            b"{}",
            b"[8]",
            br#"{"type":8}"#,
            br#"{"type":8,"id":null,"port":5000}"#,
            br#"{"type":8,"id":"AB3F9Z","port":0}"#,
            br#"{"type":8,"id":"AB3F9Z","port":"5000"}"#,
            br#"{"type":"hello","id":"AB3F9Z","port":5000}"#,
            br#"{"type":1,"id":"AB3F9Z","port":5000}"#,
        ] {
            assert!(Datagram::decode(bytes).is_err(), "{bytes:?}");
        }
    }
}
