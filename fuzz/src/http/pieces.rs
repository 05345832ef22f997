//! Inputs are HTTP that one can read. One byte that is not ASCII stands for a
//! whole piece of it, so that the fuzzer adds and swaps pieces as easily as
//! letters. 0xFF stands for the byte that follows it, with its highest bit set.

/// What 0x80, 0x81 … stand for.
const PIECES: &[&str] = &[
    "POST /easyhttp/api HTTP/1.1\r\n",
    "GET / HTTP/1.1\r\n",
    "GET /peers?x=1 HTTP/1.0\r\n",
    "OPTIONS * HTTP/1.1\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "GET http://10.0.0.1:5000/easyhttp/api HTTP/1.1\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 200 OK\r\n",
    "HTTP/1.1 100 Continue\r\n",
    "HTTP/1.1 204 No Content\r\n",
    "HTTP/1.1 304 Not Modified\r\n",
    "HTTP/1.1 503\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n",
    "host: 10.0.0.1:5000\r\n",
    "content-length: ",
    "content-length: 0\r\n",
    "content-length: 5\r\n",
    "Content-Length:5\r\n",
    "content-length: 5, 5\r\n",
    "content-length: +5\r\n",
    "content-length: 0005\r\n",
    "content-length: 18446744073709551615\r\n",
    "content-length: 18446744073709551621\r\n",
    "content-length : 5\r\n",
    "transfer-encoding: ",
    "transfer-encoding: chunked\r\n",
    "Transfer-Encoding:\tCHUNKED \r\n",
    "transfer-encoding: gzip, chunked\r\n",
    "transfer-encoding: chunked, identity\r\n",
    "transfer-encoding: identity\r\n",
    "transfer-encoding:\r\n chunked\r\n",
    "transfer-encoding\x00: chunked\r\n",
    "transfer-encoding: \x0bchunked\r\n",
    " transfer-encoding: chunked\r\n",
    "transfer-encoding\r\n: chunked\r\n",
    "x: y\rtransfer-encoding: chunked\r\n",
    "x: y\ntransfer-encoding: chunked\r\n",
    "connection: ",
    "connection: close\r\n",
    "connection: keep-alive\r\n",
    "connection: x , Close,keep-alive\r\n",
    "connection: upgrade\r\nupgrade: h2c\r\n",
    "expect: 100-continue\r\n",
    "expect: 100-Continue, x\r\n",
    "x:\r\n",
    "x: y\r\n",
    "x: y\r\n z\r\n",
    ": y\r\n",
    "x y\r\n",
    "trailer: x\r\n",
    "content-length: 5\r\n\r\nhello",
    "\r\n",
    "\r\n\r\n",
    "\n\n",
    "\r\r\n",
    "\n\r\n",
    "5\r\nhello\r\n",
    "5;x=\"\r\"\r\nhello\r\n",
    "5;x\nhello\r\n",
    "5 \t;x=y\r\nhello\r\n",
    "5 \r\nhello\r\n",
    " 5\r\nhello\r\n",
    "0x5\r\nhello\r\n",
    "+5\r\nhello\r\n",
    "-5\r\nhello\r\n",
    "05\r\nhello\r\n",
    "00000000000000005\r\nhello\r\n",
    "10000000000000005\r\nhello\r\n",
    "FFFFFFFFFFFFFFFF\r\n",
    "A\r\nhellohello\r\n",
    "5\r\nhelloXX",
    "5\r\nhello\n",
    "5\nhello\r\n",
    "0\r\n\r\n",
    "0\r\nx: y\r\n\r\n",
    "0\r\ncontent-length: 5\r\nx:\r\n\r\n",
    "0\r\nx\r\n\r\n",
    "0\r\n x: y\r\n\r\n",
    "0\r\nx: y\nz: w\r\n\r\n",
    "000;x\r\n\r\n",
    "0\r\n\n",
    "hello",
    "http://",
    " HTTP/1.1\r\n",
    " HTTP/1.2\r\n",
    " HTTP/2.0\r\n",
    "://",
    "\t",
    "\x00",
    "\x7f",
];

/// An input is longer than libFuzzer's 4 KiB once it is spelled out. Below the
/// limits of both sides nothing depends on their numbers.
const LONGEST: usize = 8 * 1024;

/// The bytes that an input stands for. None if they are too many.
pub fn spelled_out(input: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut input = input.iter();
    while let Some(&byte) = input.next() {
        match byte {
            0xFF => bytes.extend(input.next().map(|byte| byte | 0x80)),
            ..0x80 => bytes.push(byte),
            _ => match PIECES.get(usize::from(byte - 0x80)) {
                Some(piece) => bytes.extend(piece.as_bytes()),
                None => bytes.push(byte),
            },
        }
    }
    (bytes.len() <= LONGEST).then_some(bytes)
}
