//! What holds for any message, any datagram, any bytes and any history.

mod table;

use std::time::Duration;

use easyhttp_proto::datagram::{Datagram, Kind};
use easyhttp_proto::discovery::{Action, Discovery, Pinged};
use easyhttp_proto::exchange::{Outcome, Reply, Request, Speaker};
use easyhttp_proto::json::Json;
use easyhttp_proto::peers::PeerTable;
use easyhttp_proto::{Command, DeviceId, Header, Message, limits};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use table::any_address;

proptest! {
    #[test]
    fn a_message_arrives_as_it_was_sent(sent in any_message()) {
        let bytes = sent.message().encode();
        let received = Message::decode(&bytes).unwrap();
        prop_assert_eq!(fields(&received), fields(&sent.message()));
        prop_assert!(serde_json::from_slice::<Value>(&bytes).is_ok());
    }

    #[test]
    fn a_datagram_arrives_as_it_was_sent_and_fits(sent in any_datagram()) {
        let bytes = sent.encode();
        prop_assert!(bytes.len() <= limits::DATAGRAM_SENT);
        prop_assert_eq!(Datagram::decode(&bytes), Ok(sent));
    }

    #[test]
    fn a_damaged_message_is_refused_or_means_one_thing(
        sent in any_message(),
        damage in vec(any_damage(), 1..4),
    ) {
        let bytes = damaged(sent.message().encode(), &damage);
        if let Ok(received) = Message::decode(&bytes) {
            let again = received.encode();
            let again = Message::decode(&again).unwrap();
            prop_assert_eq!(fields(&again), fields(&received));
        }
        take_anywhere(&bytes);
    }

    #[test]
    fn a_damaged_datagram_is_refused_or_means_one_thing(
        sent in any_datagram(),
        damage in vec(any_damage(), 1..4),
    ) {
        let bytes = damaged(sent.encode(), &damage);
        if let Ok(received) = Datagram::decode(&bytes) {
            prop_assert_eq!(Datagram::decode(&received.encode()), Ok(received));
        }
        take_anywhere(&bytes);
    }

    #[test]
    fn no_bytes_cause_a_panic(bytes in vec(any::<u8>(), 0..128), json in "[]\\[{}:,\"0-9a-z.\\\\ -]{0,64}") {
        take_anywhere(&bytes);
        take_anywhere(json.as_bytes());
    }

    #[test]
    fn an_id_is_the_same_in_any_case_and_through_json(text in "[0-9A-Za-z]{6}") {
        let id: DeviceId = text.parse().unwrap();
        prop_assert_eq!(id.as_str(), text.to_ascii_uppercase());
        prop_assert_eq!(text.to_ascii_lowercase().parse(), Ok(id));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(serde_json::from_str::<DeviceId>(&json).unwrap(), id);
    }

    #[test]
    fn a_text_is_an_id_only_if_it_has_six_letters_or_digits(text in ".{0,8}|[0-9A-Za-z!-]{5,7}") {
        let is_id = text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        prop_assert_eq!(text.parse::<DeviceId>().is_ok(), is_id);
    }

    #[test]
    fn a_new_id_uses_the_alphabet_only(entropy in any::<[u8; 6]>()) {
        let id = DeviceId::from_entropy(entropy);
        prop_assert!(id.as_str().chars().all(|c| "23456789ABCDEFGHJKLMNPQRSTUVWXYZ".contains(c)));
        prop_assert_eq!(id.as_str().parse(), Ok(id));
    }

    #[test]
    fn discovery_never_stands_still_nor_spins_whatever_it_hears(
        datagrams in vec((any_datagram(), vec(any_damage(), 0..2), any_address(), 0_u64..3000), 0..40),
        entropy in any::<u64>(),
    ) {
        let mut now = Duration::ZERO;
        let mut peers = PeerTable::new(own_id(), 4);
        let mut discovery = Discovery::new(own_id(), Some(5000), entropy, now);
        for (datagram, damage, from, pause) in datagrams {
            now += Duration::from_millis(pause);
            let bytes = damaged(datagram.encode(), &damage);
            if let Ok(datagram) = Datagram::decode(&bytes) {
                discovery.receive(now, from, &datagram, &mut peers);
            }
            let mut greeted = Vec::new();
            while let Some(action) = discovery.poll(now, &mut peers) {
                if let Action::Ping(id) = action {
                    greeted.push(id);
                }
            }
            prop_assert!(discovery.next_wakeup() > now);
            prop_assert!(discovery.next_wakeup() < now + Duration::from_secs(10));
            prop_assert!(peers.len() <= 4);
            for id in greeted {
                let outcomes = [Pinged::Answered, Pinged::Refused, Pinged::Silent];
                let outcome = outcomes[usize::try_from(pause).unwrap() % 3];
                discovery.pinged(now, id, outcome, &mut peers);
            }
        }
    }
}

/// What a message is made of; a [`Message`] itself only borrows its data.
#[derive(Debug, Clone)]
struct Parts {
    command: Command,
    header: Header,
    data: Option<Box<RawValue>>,
    error: Option<(String, String)>,
}

impl Parts {
    fn message(&self) -> Message<'_> {
        let message =
            Message::new(self.command, self.header).with_data(self.data.as_deref().map(Json::from));
        match &self.error {
            Some((code, text)) => message.with_error(code, text),
            None => message,
        }
    }
}

/// All that a message says, in a form that can be compared.
fn fields(message: &Message<'_>) -> impl PartialEq + std::fmt::Debug + use<> {
    let error = message.error.as_ref();
    (
        message.version.as_deref().map(str::to_owned),
        message.command,
        message.header,
        message.data.map(|data| data.get().to_owned()),
        error.map(|reason| (reason.code.to_string(), reason.message.to_string())),
    )
}

fn any_message() -> impl Strategy<Value = Parts> {
    let error = option::of((".{0,8}", ".{0,24}"));
    (select(&Command::ALL[..]), any_header(), option::of(any_data()), error)
        .prop_map(|(command, header, data, error)| Parts { command, header, data, error })
}

fn any_header() -> impl Strategy<Value = Header> {
    let ids = (option::of(any_id()), option::of(any_id()));
    // JSON promises no integers beyond these (RFC 8259, 6).
    let timestamp = -(1_i64 << 53)..1 << 53;
    let numbers = (option::of(1..=u16::MAX), option::of(timestamp));
    (ids, numbers).prop_map(|((sender_id, recipient_id), (sender_port, timestamp))| {
        let mut header = Header::default();
        header.sender_id = sender_id;
        header.sender_port = sender_port;
        header.recipient_id = recipient_id;
        header.timestamp = timestamp;
        header
    })
}

/// Any JSON, with and without spaces.
fn any_data() -> impl Strategy<Value = Box<RawValue>> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let json = scalar.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((".{0,6}", inner), 0..4).prop_map(|fields| fields.into_iter().collect()),
        ]
    });
    (json, any::<bool>()).prop_map(|(json, is_spaced)| match is_spaced {
        true => RawValue::from_string(format!("{json:#}")).unwrap(),
        false => to_raw_value(&json).unwrap(),
    })
}

fn any_datagram() -> impl Strategy<Value = Datagram> {
    let kind = select(&[Kind::Announce, Kind::Answer, Kind::Bye][..]);
    (kind, any_id(), option::of(1..=u16::MAX), option::of(any::<u32>()))
        .prop_map(|(kind, id, port, boot)| Datagram::new(kind, id, port, boot))
}

fn any_id() -> impl Strategy<Value = DeviceId> {
    "[0-9A-Z]{6}".prop_map(|text| text.parse().unwrap())
}

/// What can happen to bytes on their way.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    Truncate(Index),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    // Bytes that mean something to a parser reach deeper than arbitrary ones.
    let byte = prop_oneof![any::<u8>(), select(&br#"[]{}:,"\0159-.enult "#[..])];
    prop_oneof![
        (at(), 0_u8..8).prop_map(|(at, bit)| Damage::Flip(at, 1 << bit)),
        (at(), vec(byte, 1..4)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        (at(), 1_usize..8).prop_map(|(at, count)| Damage::Remove(at, count)),
        (at(), 1_usize..16).prop_map(|(at, count)| Damage::Repeat(at, count)),
        at().prop_map(Damage::Truncate),
    ]
}

fn damaged(mut bytes: Vec<u8>, damage: &[Damage]) -> Vec<u8> {
    for damage in damage {
        let range = |at: &Index, count: usize| {
            let start = at.index(bytes.len() + 1);
            start..bytes.len().min(start + count)
        };
        match damage {
            Damage::Flip(at, bit) => {
                let range = range(at, 1);
                bytes[range].iter_mut().for_each(|byte| *byte ^= bit);
            }
            Damage::Insert(at, new) => {
                let start = range(at, 0);
                bytes.splice(start, new.iter().copied());
            }
            Damage::Remove(at, count) => {
                let range = range(at, *count);
                bytes.drain(range);
            }
            Damage::Repeat(at, count) => {
                let range = range(at, *count);
                let piece = bytes[range.clone()].to_vec();
                bytes.splice(range.end..range.end, piece);
            }
            Damage::Truncate(at) => {
                let length = range(at, 0).start;
                bytes.truncate(length);
            }
        }
    }
    bytes
}

/// Gives the bytes to everything that takes some from a peer.
fn take_anywhere(bytes: &[u8]) {
    let _ = Message::decode(bytes);
    let _ = Datagram::decode(bytes);
    for status in [200, 400, 421, 500, 503] {
        let _ = Reply::read(own_id(), status, None, bytes);
    }
    if let Ok(request) = Request::read(bytes) {
        let own = Speaker::new(own_id(), Some(5000), 0);
        for outcome in [Outcome::NoHandler, Outcome::Done, Outcome::Failed("\0\"".into())] {
            let answer = request.answer(&own, outcome);
            assert!(serde_json::from_slice::<Value>(&answer.body.to_vec()).is_ok());
        }
    }
}

fn own_id() -> DeviceId {
    "SELF22".parse().unwrap()
}
