//! Asking a device whom it knows.

use std::net::SocketAddr;

use easyhttp_proto::introduction::{self, PEERS_PATH};
use easyhttp_proto::{DeviceId, limits};
use tokio::time::timeout;

use crate::node::Node;

impl Node {
    /// The devices that the one at this address knows, and where: hints, each
    /// to be PINGed before it is believed. Empty if it does not say.
    pub(crate) async fn introduced_by(&self, at: SocketAddr) -> Vec<(DeviceId, SocketAddr)> {
        let limit = self.settings.limits.connect.min(limits::INTRODUCTION);
        let most = limits::INTRODUCTION_BODY;
        let answer = self.client.get(at, PEERS_PATH, most, limit);
        match timeout(limits::INTRODUCTION, answer).await {
            Ok(Ok(answer)) if answer.said.status == 200 => {
                introduction::read(answer.text.as_bytes()).unwrap_or_default()
            }
            _ => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;

    use tokio::runtime::Runtime;

    use super::*;
    use crate::EasyHttpAsync;

    const BODY: &str = r#"{"peers":[{"id":"7H8G2K","address":"192.168.1.23:5000"}]}"#;

    /// What is made of this answer, and what was asked.
    fn read_from(answer: Vec<u8>) -> (Vec<(DeviceId, SocketAddr)>, String) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let at = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.extend(byte);
            }
            let _ = stream.write_all(&answer);
            String::from_utf8(request).unwrap()
        });
        let introduced = Runtime::new().unwrap().block_on(async {
            let asking = EasyHttpAsync::builder().random_id().ask_only().discovery(false);
            asking.start().await.unwrap().node.introduced_by(at).await
        });
        (introduced, serving.join().unwrap())
    }

    fn answer(status: u16, body: &str) -> Vec<u8> {
        format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    #[test]
    fn a_device_is_asked_by_get_and_believed_in_what_it_hints() {
        let (introduced, request) = read_from(answer(200, BODY));
        let expected = ("7H8G2K".parse().unwrap(), "192.168.1.23:5000".parse().unwrap());
        assert_eq!(introduced, [expected]);
        assert!(
            request.starts_with("GET /easyhttp/peers HTTP/1.1\r\nhost: 127.0.0.1:"),
            "{request}"
        );
        assert!(!request.contains("content-"), "{request}");
    }

    #[test]
    fn whatever_else_comes_introduces_nobody() {
        for strange in [
            Vec::new(),
            b"SSH-2.0-OpenSSH_9.2p1\r\n".to_vec(),
            answer(404, BODY),
            answer(200, "<html>a router</html>"),
            answer(200, r#"{"peers":7}"#),
            answer(200, &(BODY.to_owned() + &" ".repeat(limits::INTRODUCTION_BODY))),
            b"HTTP/1.1 200 X\r\nContent-Length: 1000\r\n\r\n{\"peers\":[".to_vec(),
        ] {
            assert_eq!(read_from(strange.clone()).0, [], "{:?}", String::from_utf8_lossy(&strange));
        }
    }
}
