//! A connection that many requests share.
//!
//! On a connection of HTTP/1.1 an answer waits for those before it. Where many are asked
//! for at once, each request would need a connection of its own, and each message a system
//! call. So a device can ask another one to change to this (RFC 9110, 7.8): before each
//! message there is a line with a number, and answers come in whatever order they are
//! ready, each with the number of its request. The messages are the same.

use super::fault::Fault;

/// Where a device asks to share a connection, by a GET.
pub const SHARED_PATH: &str = "/easyhttp/shared";

/// What it asks to change to, in the header `Upgrade`.
pub const SHARED: &str = "easyhttp-shared";

/// The header fields of that GET.
pub const ASKS_TO_SHARE: &str = "connection: upgrade\r\nupgrade: easyhttp-shared\r\n";

/// The room for what arrives on such a connection, in bytes: that of as many messages as
/// one device asks for at once, if they are as small as most.
pub const ROOM: usize = 32 * 1024;

/// The bytes of a line with a number.
pub(super) const LINE: usize = 10;

/// The line before the message with this number: eight hexadecimal digits and CRLF.
pub fn number_line(number: u32) -> [u8; LINE] {
    let mut line = *b"00000000\r\n";
    for (place, digit) in line[..8].iter_mut().enumerate() {
        *digit = b"0123456789abcdef"[(number >> (28 - 4 * place)) as usize & 15];
    }
    line
}

/// The number on such a line.
pub(super) fn number(line: [u8; LINE]) -> Result<u32, Fault> {
    let mut number = 0;
    for digit in &line[..8] {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return Err(Fault::Number),
        };
        number = number << 4 | u32::from(value);
    }
    if line.ends_with(b"\r\n") { Ok(number) } else { Err(Fault::Number) }
}
