//! A line between two devices that breaks after any number of bytes.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::{TcpListener, TcpStream};

use super::local;

/// In which direction bytes go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Way {
    Request,
    Answer,
}

/// Breaks a connection as soon as so many bytes have passed, and another one wants to or
/// that was the last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut {
    pub(crate) way: Way,
    pub(crate) after: usize,
}

/// The line of one asker, until it is dropped.
pub(crate) struct Line {
    pub(crate) at: SocketAddr,
    state: Arc<Mutex<State>>,
    serving: tokio::task::JoinHandle<()>,
}

struct State {
    to: SocketAddr,
    /// Those to come.
    cuts: VecDeque<Cut>,
    /// How much has passed in either direction since the last one.
    passed: [usize; 2],
    /// What the asker has sent, by connection.
    asked: Vec<Vec<u8>>,
    /// How many connections there are.
    open: usize,
}

impl Line {
    pub(crate) async fn new(to: SocketAddr) -> Self {
        let listener = TcpListener::bind(local(0)).await.unwrap();
        let at = listener.local_addr().unwrap();
        let (cuts, asked) = (VecDeque::new(), Vec::new());
        let state = Arc::new(Mutex::new(State { to, cuts, passed: [0; 2], asked, open: 0 }));
        let shared = Arc::clone(&state);
        let serving = tokio::spawn(async move {
            while let Ok((asker, _)) = listener.accept().await {
                let state = Arc::clone(&shared);
                tokio::spawn(async move {
                    state.lock().unwrap().open += 1;
                    serve(asker, &state).await;
                    state.lock().unwrap().open -= 1;
                });
            }
        });
        Self { at, state, serving }
    }

    /// From now on it breaks so.
    pub(crate) fn cut(&self, cuts: impl IntoIterator<Item = Cut>) {
        let mut state = self.state.lock().unwrap();
        state.cuts = cuts.into_iter().collect();
        state.passed = [0; 2];
        state.asked.iter_mut().for_each(Vec::clear);
    }

    /// From now on it leads to another place.
    pub(crate) fn lead_to(&self, to: SocketAddr) {
        self.state.lock().unwrap().to = to;
    }

    pub(crate) fn open(&self) -> usize {
        self.state.lock().unwrap().open
    }

    /// How many bytes of requests and of answers have passed since the last cut.
    pub(crate) fn passed(&self) -> [usize; 2] {
        self.state.lock().unwrap().passed
    }

    /// What was sent on each connection since it was last said how to cut.
    pub(crate) fn asked(&self) -> Vec<Vec<u8>> {
        self.state.lock().unwrap().asked.clone()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// What one connection has to do now.
enum Next {
    /// Pass on what was read.
    Pass(usize),
    /// Pass on so much of it, and break.
    Break(usize),
}

impl State {
    fn next(&mut self, way: Way, count: usize) -> Next {
        let passed = &mut self.passed[way as usize];
        match self.cuts.front() {
            Some(cut) if cut.way == way && *passed + count >= cut.after => {
                let last = cut.after - *passed;
                self.cuts.pop_front();
                self.passed = [0; 2];
                Next::Break(last)
            }
            _ => {
                *passed += count;
                Next::Pass(count)
            }
        }
    }
}

async fn serve(asker: TcpStream, state: &Mutex<State>) {
    let (to, number) = {
        let mut state = state.lock().unwrap();
        state.asked.push(Vec::new());
        (state.to, state.asked.len() - 1)
    };
    let Ok(device) = TcpStream::connect(to).await else { return };
    let _ = (asker.set_nodelay(true), device.set_nodelay(true));
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let way = tokio::select! {
            _ = asker.readable() => Way::Request,
            _ = device.readable() => Way::Answer,
        };
        let (input, output) = match way {
            Way::Request => (&asker, &device),
            Way::Answer => (&device, &asker),
        };
        let count = match input.try_read(&mut buffer) {
            Ok(count @ 1..) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            _ => return,
        };
        let next = {
            let mut state = state.lock().unwrap();
            if way == Way::Request {
                state.asked[number].extend_from_slice(&buffer[..count]);
            }
            state.next(way, count)
        };
        match next {
            Next::Pass(count) => {
                if write(output, &buffer[..count]).await.is_err() {
                    return;
                }
            }
            Next::Break(last) => {
                let _ = write(output, &buffer[..last]).await;
                // Half of them are broken off, the others end.
                if last % 2 == 0 {
                    let _ = SockRef::from(&asker).set_linger(Some(Duration::ZERO));
                }
                return;
            }
        }
    }
}

async fn write(output: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        output.writable().await?;
        match output.try_write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
