//! The messages of the exchange, for contenders that do not know EasyHTTP: the same JSON,
//! rendered and parsed with serde. 156 bytes are asked, 180 answered.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Result;

/// Who asks.
pub const CLIENT: &str = "AB3F9Z";

/// Who is asked.
pub const SERVER: &str = "7H8G2K";

/// The path at which HTTP contenders answer.
pub const PATH: &str = "/easyhttp/api";

#[derive(Serialize, Deserialize)]
struct Message<'a> {
    version: &'a str,
    r#type: u8,
    #[serde(borrow)]
    header: Header<'a>,
    data: Value,
}

#[derive(Serialize, Deserialize)]
struct Header<'a> {
    sender_id: &'a str,
    sender_port: u16,
    recipient_id: &'a str,
    timestamp: u64,
}

/// What is asked: a reading, and beside it so many bytes.
pub fn query(bytes: usize) -> Value {
    match bytes {
        0 => json!({"sensor": "humidity"}),
        _ => json!({"sensor": "humidity", "bytes": bytes}),
    }
}

/// What the callback answers.
pub fn reading(query: &Value) -> Value {
    let mut reading = json!({"sensor": query["sensor"], "value": 23.5, "unit": "%"});
    if let Some(bytes) = query["bytes"].as_u64() {
        reading["trace"] = "x".repeat(bytes as usize).into();
    }
    reading
}

/// Insists that the answer to a query is right.
///
/// # Errors
///
/// It is not.
pub fn check(data: &Value, bytes: usize) -> Result<()> {
    let trace = data["trace"].as_str().map_or(0, str::len);
    match data["value"] == 23.5 && trace == bytes {
        true => Ok(()),
        false => Err(format!("a wrong answer: {data}").into()),
    }
}

/// The asker's message.
///
/// # Errors
///
/// The system's clock is wrong.
pub fn request(bytes: usize) -> Result<Vec<u8>> {
    render(3, CLIENT, SERVER, query(bytes))
}

/// The answer to a message, by the callback.
///
/// # Errors
///
/// It is no message.
pub fn answer(request: &[u8]) -> Result<Vec<u8>> {
    let request: Message<'_> = serde_json::from_slice(request)?;
    render(4, request.header.recipient_id, request.header.sender_id, reading(&request.data))
}

/// Insists that an answer is right.
///
/// # Errors
///
/// It is no message, or not the right one.
pub fn check_answer(answer: &[u8], bytes: usize) -> Result<()> {
    let answer: Message<'_> = serde_json::from_slice(answer)?;
    check(&answer.data, bytes)
}

fn render(r#type: u8, sender: &str, recipient: &str, data: Value) -> Result<Vec<u8>> {
    let header = Header {
        sender_id: sender,
        sender_port: 50000,
        recipient_id: recipient,
        timestamp: SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs(),
    };
    Ok(serde_json::to_vec(&Message { version: "0.4.0", r#type, header, data })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exchange_is_as_small_as_the_report_says() -> Result<()> {
        let asked = request(0)?;
        assert_eq!(asked.len(), 156);
        let answered = answer(&asked)?;
        assert_eq!(answered.len(), 180);
        check_answer(&answered, 0)
    }
}
