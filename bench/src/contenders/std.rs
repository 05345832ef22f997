//! A client by hand, over plain sockets: what a blocking call costs at least. Every caller is
//! a thread. Its server is one of the others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use easyhttp_bench::payload::{self, PATH};
use easyhttp_bench::{Caller, Load, Result, contend};

fn main() -> Result<()> {
    contend(|_, _| Err("this is a client".into()), call)
}

fn call(load: &'static Load) -> Result<()> {
    thread::scope(|scope| {
        let call = || call_until_over(load.caller(), load);
        let others: Vec<_> = (1..load.task().in_flight).map(|_| scope.spawn(call)).collect();
        call()?;
        others.into_iter().try_for_each(|other| other.join().map_err(|_| "a caller panicked")?)
    })
}

fn call_until_over(mut caller: Caller, load: &'static Load) -> Result<()> {
    let task = load.task();
    let mut connection = Connection::open(&task.address)?;
    while caller.asks() {
        connection.fetch(task.bytes)?;
        caller.answered();
    }
    Ok(())
}

struct Connection<'a> {
    host: &'a str,
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl<'a> Connection<'a> {
    fn open(host: &'a str) -> Result<Self> {
        let stream = TcpStream::connect(host)?;
        stream.set_nodelay(true)?;
        Ok(Self { host, stream, buffer: Vec::new() })
    }

    fn fetch(&mut self, bytes: usize) -> Result<()> {
        let body = payload::request(bytes)?;
        self.buffer.clear();
        write!(
            self.buffer,
            "POST {PATH} HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.host,
            body.len()
        )?;
        self.buffer.extend_from_slice(&body);
        self.stream.write_all(&self.buffer)?;
        self.buffer.clear();
        let (head, length) = loop {
            self.read()?;
            if let Some(found) = head(&self.buffer)? {
                break found;
            }
        };
        while self.buffer.len() < head + length {
            self.read()?;
        }
        payload::check_answer(&self.buffer[head..head + length], bytes)
    }

    fn read(&mut self) -> Result<()> {
        let filled = self.buffer.len();
        self.buffer.resize(filled + 4096, 0);
        let read = self.stream.read(&mut self.buffer[filled..])?;
        self.buffer.truncate(filled + read);
        if read == 0 { Err("the server hung up".into()) } else { Ok(()) }
    }
}

/// How long the head of an answer is, and its body, once the head is there.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(bytes)? else { return Ok(None) };
    if answer.code != Some(200) {
        return Err(format!("the server says {:?}", answer.code).into());
    }
    let is_length =
        |header: &&httparse::Header<'_>| header.name.eq_ignore_ascii_case("content-length");
    let length = answer.headers.iter().find(is_length).ok_or("no length")?.value;
    Ok(Some((head, str::from_utf8(length)?.parse()?)))
}
