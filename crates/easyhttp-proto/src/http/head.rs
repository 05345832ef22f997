//! The heads of what is sent.

use alloc::string::String;

use crate::API_PATH;

/// What messages on one connection say before them that differ in their length alone.
#[derive(Debug, Clone)]
pub struct Alike {
    text: String,
    same: usize,
}

impl Alike {
    /// Requests that post a message to this host and port.
    pub fn posts(host: &str) -> Self {
        Self::new(alloc::format!(
            "POST {API_PATH} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n"
        ))
    }

    /// Answers of this status, which can have a body, with these fields.
    pub fn answers<'a>(status: u16, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut text = String::new();
        begin(&mut text, status, fields);
        Self::new(text)
    }

    fn new(mut text: String) -> Self {
        text.push_str(LENGTH);
        Self { same: text.len(), text }
    }

    /// Before a message of so many bytes. `fields` are lines that it has besides,
    /// each with its CRLF.
    pub fn of_length(&mut self, length: usize, fields: &str) -> &[u8] {
        self.text.truncate(self.same);
        end(&mut self.text, length, fields);
        self.text.as_bytes()
    }
}

/// A request for what is at a path, of this host and port. `fields` are lines that it
/// has besides, each with its CRLF.
pub fn get(path: &str, host: &str, fields: &str) -> String {
    alloc::format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{fields}\r\n")
}

/// A request that posts JSON of so many bytes to a path, with `fields` as above, and
/// wants no other answer on its connection.
pub fn post(path: &str, host: &str, fields: &str, length: usize) -> String {
    alloc::format!(
        "POST {path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
         connection: close\r\n{fields}content-length: {length}\r\n\r\n"
    )
}

/// Tells the sender of a request that it may send the body (RFC 9110, 10.1.1).
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Writes the head of an answer: its status, these fields, lines that it has
/// besides, each with its CRLF, and that it has a body of so many bytes.
pub fn answer<'a>(
    head: &mut String,
    status: u16,
    fields: impl IntoIterator<Item = (&'a str, &'a str)>,
    lines: &str,
    length: usize,
) {
    head.clear();
    begin(head, status, fields);
    // It cannot have a body (RFC 9110, 8.6).
    if matches!(status, 101 | 204) {
        head.push_str(lines);
        head.push_str("\r\n");
    } else {
        head.push_str(LENGTH);
        end(head, length, lines);
    }
}

const LENGTH: &str = "content-length: ";

fn begin<'a>(head: &mut String, status: u16, fields: impl IntoIterator<Item = (&'a str, &'a str)>) {
    head.push_str(status_line(status));
    for (name, value) in fields {
        for part in [name, ": ", value, "\r\n"] {
            head.push_str(part);
        }
    }
}

fn end(head: &mut String, length: usize, lines: &str) {
    head.push_str(itoa::Buffer::new().format(length));
    head.push_str("\r\n");
    head.push_str(lines);
    head.push_str("\r\n");
}

fn status_line(status: u16) -> &'static str {
    match status {
        101 => "HTTP/1.1 101 Switching Protocols\r\n",
        200 => "HTTP/1.1 200 OK\r\n",
        204 => "HTTP/1.1 204 No Content\r\n",
        400 => "HTTP/1.1 400 Bad Request\r\n",
        401 => "HTTP/1.1 401 Unauthorized\r\n",
        403 => "HTTP/1.1 403 Forbidden\r\n",
        404 => "HTTP/1.1 404 Not Found\r\n",
        405 => "HTTP/1.1 405 Method Not Allowed\r\n",
        408 => "HTTP/1.1 408 Request Timeout\r\n",
        409 => "HTTP/1.1 409 Conflict\r\n",
        412 => "HTTP/1.1 412 Precondition Failed\r\n",
        413 => "HTTP/1.1 413 Content Too Large\r\n",
        415 => "HTTP/1.1 415 Unsupported Media Type\r\n",
        417 => "HTTP/1.1 417 Expectation Failed\r\n",
        421 => "HTTP/1.1 421 Misdirected Request\r\n",
        422 => "HTTP/1.1 422 Unprocessable Content\r\n",
        426 => "HTTP/1.1 426 Upgrade Required\r\n",
        431 => "HTTP/1.1 431 Request Header Fields Too Large\r\n",
        503 => "HTTP/1.1 503 Service Unavailable\r\n",
        _ => "HTTP/1.1 500 Internal Server Error\r\n",
    }
}
