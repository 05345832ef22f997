//! Somebody on the path between two devices.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use super::local;

/// Passes on what it is given, as it likes: one read of it is one message.
pub(crate) struct Proxy {
    pub(crate) at: SocketAddr,
}

/// From whom a message is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum From {
    Asker,
    Device,
}

impl Proxy {
    /// In front of a device. `change` gives what is passed on.
    pub(crate) fn new(
        to: SocketAddr,
        change: impl Fn(From, Vec<u8>) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(local(0)).unwrap();
        let at = listener.local_addr().unwrap();
        let change = Arc::new(change);
        thread::spawn(move || {
            for asker in listener.incoming().flatten() {
                let Ok(device) = TcpStream::connect(to) else { continue };
                for (from, input, output) in
                    [(From::Asker, &asker, &device), (From::Device, &device, &asker)]
                {
                    let (input, output) = (input.try_clone().unwrap(), output.try_clone().unwrap());
                    let change = Arc::clone(&change);
                    thread::spawn(move || pass(input, output, |bytes| change(from, bytes)));
                }
            }
        });
        Self { at }
    }
}

fn pass(mut input: TcpStream, mut output: TcpStream, change: impl Fn(Vec<u8>) -> Vec<u8>) {
    let mut buffer = vec![0; 1 << 20];
    while let Ok(count @ 1..) = input.read(&mut buffer) {
        if output.write_all(&change(buffer[..count].to_vec())).is_err() {
            break;
        }
    }
    let _ = output.shutdown(std::net::Shutdown::Both);
}
