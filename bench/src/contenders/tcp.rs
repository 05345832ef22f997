//! The same messages over TCP alone: epoll, one thread at each end, no runtime and no HTTP. A
//! message is preceded by its length in four bytes. What the machine can do.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use easyhttp_bench::{Caller, Load, Result, contend, payload};
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::{AsFd, OwnedFd};

fn main() -> Result<()> {
    contend(|_, told| serve(told), call)
}

fn serve(told: fn(&str)) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut poll = Poll::new()?;
    poll.add(&listener, 0)?;
    told(&listener.local_addr()?.to_string());
    let mut connections: Vec<Option<Connection>> = vec![None];
    loop {
        for number in poll.wait()? {
            if number == 0 {
                let connection = Connection::new(listener.accept()?.0)?;
                poll.add(&connection.stream, connections.len() as u64)?;
                connections.push(Some(connection));
                continue;
            }
            let Some(connection) = &mut connections[number as usize] else { continue };
            match connection.read() {
                Ok(true) => {
                    let answer = payload::answer(connection.message())?;
                    connection.write(&answer)?;
                }
                Ok(false) => {}
                // The client has what it wants.
                Err(_) => connections[number as usize] = None,
            }
        }
    }
}

fn call(load: &'static Load) -> Result<()> {
    let task = load.task();
    let mut poll = Poll::new()?;
    let mut connections = Vec::new();
    for number in 0..task.in_flight {
        let connection = Connection::open(&task.address)?;
        poll.add(&connection.stream, number as u64)?;
        connections.push((connection, load.caller()));
    }
    let ask = |connection: &mut Connection, caller: &mut Caller| match caller.asks() {
        true => connection.write(&payload::request(task.bytes)?).map(|()| true),
        false => Ok(false),
    };
    let mut under_way = 0;
    for (connection, caller) in &mut connections {
        under_way += usize::from(ask(connection, caller)?);
    }
    while under_way > 0 {
        for number in poll.wait()? {
            let (connection, caller) = &mut connections[number as usize];
            if connection.read()? {
                payload::check_answer(connection.message(), task.bytes)?;
                caller.answered();
                if task.connects {
                    *connection = Connection::open(&task.address)?;
                    poll.add(&connection.stream, number)?;
                }
                under_way -= usize::from(!ask(connection, caller)?);
            }
        }
    }
    Ok(())
}

/// One message at a time goes each way.
struct Connection {
    stream: TcpStream,
    incoming: Vec<u8>,
    filled: usize,
    outgoing: Vec<u8>,
}

const LENGTH: usize = 4;

impl Connection {
    fn open(address: &str) -> Result<Self> {
        Self::new(TcpStream::connect(address)?)
    }

    fn new(stream: TcpStream) -> Result<Self> {
        stream.set_nodelay(true)?;
        Ok(Self { stream, incoming: vec![0; 4096], filled: 0, outgoing: Vec::new() })
    }

    /// Reads what is there, and says whether the message is.
    fn read(&mut self) -> Result<bool> {
        let read = self.stream.read(&mut self.incoming[self.filled..])?;
        if read == 0 {
            return Err("the other side hung up".into());
        }
        self.filled += read;
        let Some(length) = self.incoming[..self.filled].first_chunk::<LENGTH>() else {
            return Ok(false);
        };
        let whole = LENGTH + u32::from_le_bytes(*length) as usize;
        if self.incoming.len() < whole {
            self.incoming.resize(whole, 0);
        }
        Ok(self.filled == whole)
    }

    /// The message that has just been read.
    fn message(&mut self) -> &[u8] {
        &self.incoming[LENGTH..std::mem::take(&mut self.filled)]
    }

    fn write(&mut self, message: &[u8]) -> Result<()> {
        self.outgoing.clear();
        self.outgoing.extend_from_slice(&(message.len() as u32).to_le_bytes());
        self.outgoing.extend_from_slice(message);
        Ok(self.stream.write_all(&self.outgoing)?)
    }
}

/// Which of many sockets can be read.
struct Poll {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Poll {
    fn new() -> Result<Self> {
        Ok(Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, events: Vec::with_capacity(256) })
    }

    fn add(&self, socket: &impl AsFd, number: u64) -> Result<()> {
        Ok(epoll::add(&self.epoll, socket, EventData::new_u64(number), EventFlags::IN)?)
    }

    fn wait(&mut self) -> Result<Vec<u64>> {
        self.events.clear();
        epoll::wait(&self.epoll, spare_capacity(&mut self.events), None)?;
        Ok(self.events.iter().map(|event| event.data.u64()).collect())
    }
}
