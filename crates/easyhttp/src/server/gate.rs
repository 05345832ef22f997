//! What may come in at all: the checks that keep a web page from driving a
//! device, and those of path and method.
//!
//! A page in a browser on the same network can send requests anywhere. It
//! cannot choose these three things: a form post has no JSON content type, a
//! script's request has an `Origin`, and a rebound name stands in `Host`.

use easyhttp_proto::API_PATH;
use easyhttp_proto::exchange::Answer;
use easyhttp_proto::introduction::{ABOUT_PATH, PEERS_PATH};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, ORIGIN};
use hyper::http::request::Parts;
use hyper::http::uri::Authority;
use hyper::{HeaderMap, Method};

use crate::settings::Settings;

/// What to do with a request, by its head alone.
pub(super) enum Verdict {
    /// Read the body and do what it says.
    Enter,
    /// Say who is here.
    About,
    /// Say who else is known.
    Introduce,
    /// A browser asks whether a page of an allowed origin may send a command.
    Preflight,
    /// Answer this, whatever the body says.
    Refuse(Answer),
}

pub(super) fn check(head: &Parts, settings: &Settings) -> Verdict {
    let refuse = |status, text: &str| Verdict::Refuse(Answer::error(status, text));
    if let Err((status, text)) = check_host(head, settings) {
        return refuse(status, &text);
    }
    if let Err(text) = check_origin(head, settings) {
        return refuse(403, &text);
    }
    let path = head.uri.path();
    let Some(method) = method_of(path) else {
        return refuse(404, &format!("there is nothing here: commands go to {API_PATH}"));
    };
    if head.method == Method::OPTIONS && allowed_origin(&head.headers, settings).is_some() {
        return Verdict::Preflight;
    }
    if head.method.as_str() != method {
        return refuse(405, &format!("{path} takes {method}, not {}", head.method));
    }
    match path {
        ABOUT_PATH => return Verdict::About,
        PEERS_PATH => return Verdict::Introduce,
        _ => {}
    }
    if !is_json(&head.headers) {
        return refuse(
            415,
            "Content-Type must be application/json (curl: -H 'Content-Type: application/json')",
        );
    }
    Verdict::Enter
}

/// The one method that a path takes.
pub(super) fn method_of(path: &str) -> Option<&'static str> {
    match path {
        API_PATH => Some("POST"),
        ABOUT_PATH | PEERS_PATH => Some("GET"),
        _ => None,
    }
}

/// The origin of the request, if it is one that the user allows.
pub(super) fn allowed_origin<'a>(
    headers: &'a HeaderMap,
    settings: &Settings,
) -> Option<&'a HeaderValue> {
    let origin = headers.get(ORIGIN)?;
    settings
        .allowed_origins
        .iter()
        .any(|allowed| allowed.as_bytes() == origin.as_bytes())
        .then_some(origin)
}

/// Browsers say where a script came from; devices, curl and programs do not.
fn check_origin(head: &Parts, settings: &Settings) -> Result<(), String> {
    let headers = &head.headers;
    if allowed_origin(headers, settings).is_some() {
        return Ok(());
    }
    match headers.get(ORIGIN) {
        Some(origin) => Err(format!(
            "web pages of {:?} may not send commands to this device; its owner can allow the origin",
            String::from_utf8_lossy(origin.as_bytes())
        )),
        // Somebody typed the address into a browser. It changes nothing.
        None if head.method == Method::GET && is_typed(headers) => Ok(()),
        None if headers.contains_key("sec-fetch-site") => {
            Err("web pages may not send commands to this device".to_owned())
        }
        None => Ok(()),
    }
}

fn is_typed(headers: &HeaderMap) -> bool {
    headers.get_all("sec-fetch-site").iter().all(|site| site == "none")
}

/// A name in `Host` that is not ours was made to point here by its owner (DNS
/// rebinding); for the browser its page and this device are then one site.
fn check_host(head: &Parts, settings: &Settings) -> Result<(), (u16, String)> {
    let mut hosts = head.headers.get_all(HOST).iter();
    let authority = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        _ => None,
    };
    let Some(authority) = authority else {
        return Err((400, "there must be one Host header, with a host and a port".to_owned()));
    };
    // A request for a whole URL names the host twice.
    for host in [Some(authority.host()), head.uri.host()].into_iter().flatten() {
        if !is_own_host(host, settings) {
            return Err((
                403,
                format!(
                    "{host:?} is no name of this device: use its IP address, or have its owner \
                     allow the name"
                ),
            ));
        }
    }
    Ok(())
}

fn is_own_host(host: &str, settings: &Settings) -> bool {
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    literal.parse::<std::net::IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || settings.host_names.iter().any(|name| name.eq_ignore_ascii_case(host))
}

fn is_json(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(only), None) = (types.next(), types.next()) else { return false };
    let essence = only.to_str().ok().and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}
