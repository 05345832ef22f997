//! Peers that do what no device would.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use easyhttp::{DeviceId, Value, json};

use super::local;

/// A server that gives each request to a closure, which says how to go on.
pub(crate) struct FakePeer {
    pub(crate) at: SocketAddr,
    /// What it saw.
    pub(crate) seen: Receiver<Seen>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Seen {
    /// A request's `type`, and the connection on which it came.
    Request(usize, Value),
    /// This connection is closed, by either side.
    Closed(usize),
}

/// What a fake peer does with a request.
pub(crate) enum Then {
    /// Writes these bytes, and waits for the next request.
    Write(Vec<u8>),
    /// Writes these bytes, and closes the connection.
    Close(Vec<u8>),
    /// Says nothing, and keeps the connection open.
    Wait,
}

impl FakePeer {
    pub(crate) fn new(then: impl Fn(&Value) -> Then + Send + Sync + 'static) -> Self {
        Self::on(0, then)
    }

    /// One on this port.
    pub(crate) fn on(port: u16, then: impl Fn(&Value) -> Then + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(local(port)).unwrap();
        let at = listener.local_addr().unwrap();
        let (saw, seen) = channel();
        let then = Arc::new(then);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().flatten().enumerate() {
                let (saw, then) = (saw.clone(), Arc::clone(&then));
                thread::spawn(move || {
                    serve(&stream, |request| {
                        let _ = saw.send(Seen::Request(number, request["type"].clone()));
                        then(request)
                    });
                    // Closing alone does not, while another test starts a process.
                    let _ = stream.shutdown(Shutdown::Both);
                    let _ = saw.send(Seen::Closed(number));
                });
            }
        });
        Self { at, seen }
    }

    /// One that always writes these bytes.
    pub(crate) fn answering(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self::new(move |_| Then::Write(bytes.clone()))
    }

    /// One that answers everything by the PONG of this device.
    pub(crate) fn ponging(id: DeviceId) -> Self {
        Self::answering(pong(id))
    }
}

/// The answer of a device to a PING.
pub(crate) fn pong(id: DeviceId) -> Vec<u8> {
    answer(200, json!({"type": 2, "header": {"sender_id": id.as_str()}}))
}

/// An HTTP answer with a body.
pub(crate) fn answer(status: u16, body: impl ToString) -> Vec<u8> {
    let body = body.to_string();
    format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

fn serve(mut stream: &TcpStream, then: impl Fn(&Value) -> Then) {
    let mut bytes = Vec::new();
    loop {
        let Some(request) = take_request(&mut bytes) else {
            let mut buffer = [0; 4096];
            match stream.read(&mut buffer) {
                Ok(length @ 1..) => bytes.extend_from_slice(&buffer[..length]),
                _ => return,
            }
            continue;
        };
        match then(&request) {
            Then::Write(bytes) => _ = stream.write_all(&bytes),
            Then::Close(bytes) => {
                let _ = stream.write_all(&bytes);
                return;
            }
            Then::Wait => {}
        }
    }
}

/// The body of the first request, if it is all there.
fn take_request(bytes: &mut Vec<u8>) -> Option<Value> {
    let head_end = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&bytes[..head_end]).to_ascii_lowercase();
    let (_, length) = head.split_once("content-length: ")?;
    let length: usize = length.split_once("\r\n")?.0.parse().ok()?;
    let body = bytes.get(head_end..head_end + length)?;
    let request = serde_json::from_slice(body).ok();
    bytes.drain(..head_end + length);
    request
}
