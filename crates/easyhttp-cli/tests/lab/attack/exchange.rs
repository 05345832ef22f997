//! A request to the device and its answer, as the honest and the attacker make it.

use std::io::{Read, Write};
use std::net::TcpStream;

use super::{PATIENCE, place};

/// One request. A connection that was kept and has ended is replaced, as devices do.
pub(super) fn exchange(connection: &mut Option<TcpStream>, body: &str) -> std::io::Result<()> {
    if let Some(stream) = connection
        && try_exchange(stream, body).is_ok()
    {
        return Ok(());
    }
    let stream = TcpStream::connect_timeout(&place(), PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    try_exchange(connection.insert(stream), body).inspect_err(|_| *connection = None)
}

fn try_exchange(stream: &mut TcpStream, body: &str) -> std::io::Result<()> {
    let head = "POST /easyhttp/api HTTP/1.1\r\nHost: 10.0.1.1\r\nContent-Type: application/json";
    let request = format!("{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        answer.extend_from_slice(&buffer[..count]);
        let text = String::from_utf8_lossy(&answer);
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            length.is_some_and(|length| body.len() >= length.parse().unwrap())
        });
        match (whole, count) {
            (true, _) => return Ok(()),
            (false, 0) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            _ => {}
        }
    }
}
