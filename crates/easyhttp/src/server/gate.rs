//! What may come in at all: the checks that keep a web page from driving a
//! device, and those of path and method.
//!
//! A page in a browser on the same network can send requests anywhere. It
//! cannot choose these three things: a form post has no JSON content type, a
//! script's request has an `Origin`, and a rebound name stands in `Host`.

use crate::counters::Count;
use crate::node::Node;
use crate::settings::Settings;
use easyhttp_proto::API_PATH;
use easyhttp_proto::exchange::Answer;
use easyhttp_proto::http::shared::{SHARED, SHARED_PATH};
use easyhttp_proto::http::{Fields, RequestHead};
use easyhttp_proto::introduction::{ABOUT_PATH, PEERS_PATH, STATS_PATH};
use easyhttp_proto::outbox::{OUTBOX_PATH, TOKEN_HEADER};
use easyhttp_proto::pushes::{InvalidPushKey, KEY_HEADER, PushKey};

/// What to do with a request, by its head alone.
pub(super) enum Verdict {
    /// Read the body and do what it says; once, if it is a PUSH and has a key.
    Enter(Option<PushKey>),
    /// Say who is here.
    About,
    /// Say who else is known.
    Introduce,
    /// Have the connection shared.
    Share,
    /// A browser asks whether a page of an allowed origin may send a command.
    Preflight,
    /// Say what was counted, to a program of this machine.
    Stats,
    /// Read the body and do with the outbox what it says, if the program that asks is one
    /// of this machine: it knows the token.
    Outbox,
    /// Answer this, whatever the body says, and count it.
    Refuse(Count, Answer),
}

/// What a request is refused for, and what it gets.
pub(super) type Refusal = (Count, Answer);

fn refuse<T>(count: Count, status: u16, text: &str) -> Result<T, Refusal> {
    Err((count, Answer::error(status, text)))
}

/// What to do with a request, and the origin of the page that asks, if the user
/// allows it.
pub(super) fn check<'a>(head: &RequestHead<'_>, node: &'a Node) -> (Verdict, Option<&'a str>) {
    let settings = &node.settings;
    let asker = Asker::read(head.fields);
    let mut allowed = settings.allowed_origins.iter().map(String::as_str);
    let origin = match asker.origin {
        Seen::Once(origin) => allowed.find(|allowed| allowed.as_bytes() == origin),
        _ => None,
    };
    let verdict = judge(head, &asker, origin.is_some(), node);
    (verdict.unwrap_or_else(|(count, answer)| Verdict::Refuse(count, answer)), origin)
}

fn judge(
    head: &RequestHead<'_>,
    asker: &Asker<'_>,
    is_allowed: bool,
    node: &Node,
) -> Result<Verdict, Refusal> {
    check_host(head, asker, &node.settings)?;
    let path = head.path();
    // What other programs of the machine may do, no page may.
    if !is_allowed || path == OUTBOX_PATH {
        check_origin(head, asker)?;
    }
    let Some(method) = method_of(path) else {
        let text = format!("there is nothing here: commands go to {API_PATH}");
        return refuse(Count::WrongPath, 404, &text);
    };
    if head.method == "OPTIONS" && is_allowed {
        return Ok(Verdict::Preflight);
    }
    if head.method != method {
        let text = format!("{path} takes {method}, not {}", head.method);
        return refuse(Count::WrongMethod, 405, &text);
    }
    match path {
        ABOUT_PATH => Ok(Verdict::About),
        PEERS_PATH => Ok(Verdict::Introduce),
        STATS_PATH => Ok(Verdict::Stats),
        SHARED_PATH if node.secure.is_some() => {
            refuse(Count::WrongPath, 404, "a device with a network key shares no connections")
        }
        SHARED_PATH => match head.fields.only("upgrade") {
            Some(to) if to.eq_ignore_ascii_case(SHARED.as_bytes()) => Ok(Verdict::Share),
            _ => refuse(Count::WrongMethod, 426, "only a device asks for this, by an Upgrade"),
        },
        OUTBOX_PATH if asker.sends_json() => match asker.token {
            Seen::Once(token) if node.outbox.knows(token) => Ok(Verdict::Outbox),
            _ => Err(no_outbox()),
        },
        _ if asker.sends_json() => asker.push_key().map(Verdict::Enter),
        _ => refuse(
            Count::WrongType,
            415,
            "Content-Type must be application/json (curl: -H 'Content-Type: application/json')",
        ),
    }
}

/// What those get who may not see to the outbox.
pub(super) fn no_outbox() -> Refusal {
    let text = "only programs of the device's own machine that have its token may do this";
    (Count::OutboxRefused, Answer::error(403, text))
}

/// The one method that a path takes.
pub(super) fn method_of(path: &str) -> Option<&'static str> {
    match path {
        API_PATH | OUTBOX_PATH => Some("POST"),
        ABOUT_PATH | PEERS_PATH | STATS_PATH | SHARED_PATH => Some("GET"),
        _ => None,
    }
}

/// The fields that tell a device from a page in a browser.
#[derive(Default)]
struct Asker<'a> {
    host: Seen<'a>,
    origin: Seen<'a>,
    site: Seen<'a>,
    content_type: Seen<'a>,
    key: Seen<'a>,
    token: Seen<'a>,
}

/// A field that may be there once.
#[derive(Default, Clone, Copy)]
enum Seen<'a> {
    #[default]
    Never,
    Once(&'a [u8]),
    Often,
}

impl<'a> Asker<'a> {
    fn read(fields: Fields<'a>) -> Self {
        let mut read = Self::default();
        for (name, value) in fields.iter() {
            let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
            let seen = match name.len() {
                4 if is("host") => &mut read.host,
                6 if is("origin") => &mut read.origin,
                12 if is("content-type") => &mut read.content_type,
                15 if is(KEY_HEADER) => &mut read.key,
                14 if is("sec-fetch-site") => &mut read.site,
                14 if is(TOKEN_HEADER) => &mut read.token,
                _ => continue,
            };
            *seen = match seen {
                Seen::Never => Seen::Once(value),
                _ => Seen::Often,
            };
        }
        read
    }

    fn sends_json(&self) -> bool {
        let Seen::Once(value) = self.content_type else { return false };
        let essence = value.split(|byte| *byte == b';').next().unwrap_or_default();
        essence.trim_ascii().eq_ignore_ascii_case(b"application/json")
    }

    /// What is no key would be taken for none, and its sender would rely on it.
    fn push_key(&self) -> Result<Option<PushKey>, Refusal> {
        let key = match self.key {
            Seen::Never => return Ok(None),
            Seen::Once(field) => PushKey::read(field),
            Seen::Often => Err(InvalidPushKey),
        };
        key.map(Some).or_else(|invalid| refuse(Count::KeyMalformed, 400, &invalid.to_string()))
    }
}

/// Browsers say where a script came from; devices, curl and programs do not.
fn check_origin(head: &RequestHead<'_>, asker: &Asker<'_>) -> Result<(), Refusal> {
    let refusal = match (asker.origin, asker.site) {
        (Seen::Never, Seen::Never) => return Ok(()),
        // Somebody typed the address into a browser. It changes nothing.
        (Seen::Never, Seen::Once(b"none")) if head.method == "GET" => return Ok(()),
        (Seen::Once(origin), _) => &format!(
            "web pages of {:?} may not send commands to this device; its owner can allow the origin",
            String::from_utf8_lossy(origin)
        ),
        _ => "web pages may not send commands to this device",
    };
    refuse(Count::WrongOrigin, 403, refusal)
}

/// A name in `Host` that is not ours was made to point here by its owner (DNS
/// rebinding); for the browser its page and this device are then one site.
fn check_host(
    head: &RequestHead<'_>,
    asker: &Asker<'_>,
    settings: &Settings,
) -> Result<(), Refusal> {
    let named = match asker.host {
        Seen::Once(host) => host_of(host),
        _ => None,
    };
    let Some(named) = named else {
        let text = "there must be one Host header, with a host and a port";
        return refuse(Count::HeadMalformed, 400, text);
    };
    // A request for a whole URL names the host twice.
    let in_url = head.authority().map(|authority| host_of(authority.as_bytes()).unwrap_or(""));
    match [Some(named), in_url].into_iter().flatten().find(|host| !is_own_host(host, settings)) {
        None => Ok(()),
        Some(host) => {
            let text = format!(
                "{host:?} is no name of this device: use its IP address, or have its owner allow \
                 the name"
            );
            refuse(Count::WrongHost, 403, &text)
        }
    }
}

/// The host in `host:port`, where the port may be missing (RFC 3986, 3.2.2).
fn host_of(authority: &[u8]) -> Option<&str> {
    let authority = std::str::from_utf8(authority).ok()?;
    let after_literal = authority.starts_with('[').then(|| authority.find(']')).flatten();
    let end = match after_literal {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at(end);
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte);
    let has_host = after_literal.is_some() || (!host.is_empty() && host.bytes().all(is_name));
    (has_host && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))).then_some(host)
}

fn is_own_host(host: &str, settings: &Settings) -> bool {
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    literal.parse::<std::net::IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || settings.host_names.iter().any(|name| name.eq_ignore_ascii_case(host))
}
