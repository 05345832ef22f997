//! A web server in a few lines, one request a connection.

use std::fmt;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

/// A request of a browser.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// With the empty line at its end.
    head: String,
    pub(super) body: Vec<u8>,
}

/// Answers each request by the bytes that a closure gives.
pub(super) fn serve(
    listener: TcpListener,
    answer: impl Fn(Asked) -> Vec<u8> + Send + Sync + 'static,
) {
    let answer = Arc::new(answer);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            thread::spawn(move || {
                // A browser opens connections that it does not use.
                let Some(asked) = Asked::read(&stream) else { return };
                let _ = stream.write_all(&answer(asked));
            });
        }
    });
}

/// The bytes of an answer, with more lines of its head.
pub(super) fn answer(status: u16, head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let lines = format!("Content-Length: {length}\r\nConnection: close\r\n{head}");
    [format!("HTTP/1.1 {status} X\r\n{lines}\r\n").as_bytes(), body].concat()
}

impl Asked {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let mut asked = Self { head, body: Vec::new() };
        let length = asked.header("content-length").map_or(0, |text| text.parse().unwrap());
        asked.body = vec![0; length];
        reader.read_exact(&mut asked.body).ok()?;
        Some(asked)
    }

    pub(super) fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    pub(super) fn path(&self) -> &str {
        self.target().split('?').next().unwrap_or_default()
    }

    pub(super) fn query(&self) -> &str {
        self.target().split_once('?').map_or("", |(_, query)| query)
    }

    fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields
            .into_iter()
            .find(|(other, _)| other.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// The request as it came, without some fields.
    pub(super) fn without(&self, names: &[&str]) -> Vec<u8> {
        let is_left = |line: &&str| {
            let name = line.split(':').next().unwrap_or_default();
            !names.iter().any(|other| other.eq_ignore_ascii_case(name))
        };
        let head: String = self.head.split_inclusive("\r\n").filter(is_left).collect();
        [head.as_bytes(), &self.body].concat()
    }
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.head, String::from_utf8_lossy(&self.body))
    }
}
