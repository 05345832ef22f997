//! A small HTTP client that can say what no proper one would.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use easyhttp::{DeviceId, Value};
use serde_json::json;
use socket2::{Domain, Socket, Type};

use super::{PATIENCE, local};

/// One connection to a device.
pub(crate) struct Client {
    stream: TcpStream,
    /// What was read and belongs to the next answer.
    ahead: Vec<u8>,
}

impl Client {
    pub(crate) fn connect(port: u16) -> Self {
        Self::of(TcpStream::connect(local(port)).unwrap())
    }

    fn of(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, ahead: Vec::new() }
    }

    /// From this address, which is one of the loopback interface.
    pub(crate) fn connect_from(address: Ipv4Addr, port: u16) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from((address, 0)).into()).unwrap();
        socket.connect(&local(port).into()).unwrap();
        Self::of(socket.into())
    }

    /// Sends bytes. That a device no longer wants them shows in its answer.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Sends a request and reads its answer.
    #[track_caller]
    pub(crate) fn ask(&mut self, request: &Request) -> Answer {
        self.send(request.encode());
        let has_body = request.method != "HEAD";
        self.read(has_body).unwrap_or_else(|| panic!("no answer to {request:?}"))
    }

    /// The next answer.
    #[track_caller]
    pub(crate) fn answer(&mut self) -> Answer {
        self.try_answer().expect("the connection was closed without an answer")
    }

    /// The next answer. None if the connection was closed instead.
    pub(crate) fn try_answer(&mut self) -> Option<Answer> {
        self.read(true)
    }

    /// Asks the device to share the connection.
    #[track_caller]
    pub(crate) fn share(&mut self) {
        let answer = self.ask(&share());
        assert_eq!(answer.status, 101, "{answer}");
        assert_eq!(answer.header("upgrade"), Some("easyhttp-shared"), "{answer}");
        assert_eq!(answer.header("connection"), Some("upgrade"), "{answer}");
    }

    /// The number before the next answer on a connection that is shared, and the answer.
    /// None if the connection was closed instead.
    pub(crate) fn numbered(&mut self) -> Option<(u32, Answer)> {
        while self.ahead.len() < 10 {
            if self.fill() == 0 {
                assert!(self.ahead.is_empty(), "half a number: {:?}", self.ahead);
                return None;
            }
        }
        let line: Vec<u8> = self.ahead.drain(..10).collect();
        let line = String::from_utf8(line).unwrap();
        let digits = line.strip_suffix("\r\n").unwrap_or_else(|| panic!("no number: {line:?}"));
        Some((u32::from_str_radix(digits, 16).unwrap(), self.answer()))
    }

    /// Asserts that the connection still serves.
    #[track_caller]
    pub(crate) fn assert_works(&mut self, device: DeviceId) {
        let answer = self.ask(&ping());
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.json()["type"], 2, "{answer}");
        assert_eq!(answer.json()["header"]["sender_id"], device.as_str(), "{answer}");
    }

    /// Waits until the device closes the connection, with nothing more to read.
    #[track_caller]
    pub(crate) fn assert_closes(&mut self) {
        match self.fill() {
            0 => {}
            _ => panic!("more came: {:?}", String::from_utf8_lossy(&self.ahead)),
        }
    }

    /// The same; an answer to HEAD has no body.
    pub(crate) fn read(&mut self, has_body: bool) -> Option<Answer> {
        let end = loop {
            match self.ahead.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end,
                None if self.fill() == 0 => {
                    let read = String::from_utf8_lossy(&self.ahead);
                    assert!(read.is_empty(), "half an answer: {read:?}");
                    return None;
                }
                None => {}
            }
        };
        let head: Vec<u8> = self.ahead.drain(..end + 4).collect();
        let mut answer = Answer::read(std::str::from_utf8(&head).unwrap());
        if has_body {
            let length = answer.header("content-length").map_or(0, |text| text.parse().unwrap());
            while self.ahead.len() < length {
                assert_ne!(self.fill(), 0, "half a body: {answer}");
            }
            answer.body = self.ahead.drain(..length).collect();
        }
        Some(answer)
    }

    /// Reads more. 0: the device has closed the connection.
    fn fill(&mut self) -> usize {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(length) => {
                self.ahead.extend_from_slice(&buffer[..length]);
                length
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => 0,
            Err(error) => panic!("nothing came: {error}"),
        }
    }
}

/// A request, by default one that a device takes.
#[derive(Clone)]
pub(crate) struct Request {
    method: String,
    path: String,
    version: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// A POST of a body.
pub(crate) fn post(body: impl AsRef<[u8]>) -> Request {
    let body = body.as_ref().to_vec();
    Request {
        method: "POST".to_owned(),
        path: "/easyhttp/api".to_owned(),
        version: "HTTP/1.1",
        headers: Vec::new(),
        body,
    }
    .header("Host", "127.0.0.1")
    .header("Content-Type", "application/json")
}

/// What a device asks of another one that is to share a connection.
pub(crate) fn share() -> Request {
    let mut request = post("").method("GET").path("/easyhttp/shared");
    request = request.without("Content-Type").header("Connection", "upgrade");
    request.header("Upgrade", "easyhttp-shared")
}

/// A PING from nobody in particular.
pub(crate) fn ping() -> Request {
    post(json!({"type": 1}).to_string())
}

/// A command from nobody in particular, with data.
pub(crate) fn command(number: u8, data: impl Into<Value>) -> Request {
    post(json!({"type": number, "data": data.into()}).to_string())
}

impl Request {
    pub(crate) fn method(mut self, method: &str) -> Self {
        self.method = method.to_owned();
        self
    }

    pub(crate) fn path(mut self, path: &str) -> Self {
        self.path = path.to_owned();
        self
    }

    pub(crate) fn version(mut self, version: &'static str) -> Self {
        self.version = version;
        self
    }

    /// Adds a header, beside those of the same name.
    pub(crate) fn header(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    /// Leaves a header out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    /// Replaces a header.
    pub(crate) fn with(self, name: &str, value: impl ToString) -> Self {
        self.without(name).header(name, value)
    }

    /// The request as it travels on a connection that is shared.
    pub(crate) fn numbered(&self, number: u32) -> Vec<u8> {
        [format!("{number:08x}\r\n").into_bytes(), self.encode()].concat()
    }

    /// The request as it travels. Its body has a length unless a header says
    /// how it is framed.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut bytes = self.encode_head();
        bytes.extend_from_slice(&self.body);
        bytes
    }

    pub(crate) fn encode_head(&self) -> Vec<u8> {
        let mut head = format!("{} {} {}\r\n", self.method, self.path, self.version);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        let is_framed = |(name, _): &(String, String)| {
            name.eq_ignore_ascii_case("content-length")
                || name.eq_ignore_ascii_case("transfer-encoding")
        };
        if !self.headers.iter().any(is_framed) {
            head += &format!("Content-Length: {}\r\n", self.body.len());
        }
        (head + "\r\n").into_bytes()
    }

    /// The same in chunks of a transfer encoding.
    pub(crate) fn chunked(mut self) -> Self {
        let mut chunked = Vec::new();
        for chunk in self.body.chunks(64 * 1024) {
            chunked.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            chunked.extend_from_slice(chunk);
            chunked.extend_from_slice(b"\r\n");
        }
        chunked.extend_from_slice(b"0\r\n\r\n");
        self.body = chunked;
        self.header("Transfer-Encoding", "chunked")
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.encode();
        let shown = &bytes[..bytes.len().min(300)];
        write!(f, "{:?}", String::from_utf8_lossy(shown))
    }
}

/// What a device answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    fn read(head: &str) -> Self {
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap();
        let status = status.strip_prefix("HTTP/1.").unwrap_or_else(|| panic!("{head:?}"));
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        Self {
            status: status[2..5].parse().unwrap(),
            headers: headers.map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned())).collect(),
            body: Vec::new(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| other == name).map(|(_, value)| &**value)
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The text of `{"error": …}`.
    #[track_caller]
    pub(crate) fn error(&self) -> String {
        match &self.json()["error"] {
            Value::String(text) => text.clone(),
            _ => panic!("no error: {self}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body } = self;
        write!(f, "{status} {headers:?} {}", String::from_utf8_lossy(body))
    }
}
