//! An address where nothing answers, not even by a refusal.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use super::local;

/// A port whose queue of connections is full: the system drops what comes.
pub(crate) struct BlackHole {
    pub(crate) at: SocketAddr,
    listener: Socket,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    pub(crate) fn new() -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&local(0).into()).unwrap();
        listener.listen(0).unwrap();
        let at = listener.local_addr().unwrap().as_socket().unwrap();
        let fill = || TcpStream::connect_timeout(&at, Duration::from_millis(200)).ok();
        let waiting: Vec<_> = std::iter::from_fn(fill).collect();
        Self { at, listener, _waiting: waiting }
    }

    /// Makes room for connections, and hands them to a closure.
    pub(crate) fn open(self, serve: impl Fn(TcpStream) + Send + 'static) {
        std::thread::spawn(move || {
            while let Ok((stream, _)) = self.listener.accept() {
                serve(stream.into());
            }
        });
    }
}
