//! The messages of the job, for contenders that do not know EasyHTTP: the same
//! JSON, rendered and parsed with serde.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Result;

/// Who asks, and who is asked.
pub(crate) const CLIENT: &str = "AB3F9Z";
pub(crate) const SERVER: &str = "7H8G2K";

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

/// What is asked.
pub(crate) fn query() -> Value {
    json!({"sensor": "temperature"})
}

/// What is answered.
pub(crate) fn reading(query: &Value) -> Value {
    json!({"sensor": query["sensor"], "value": 23.5, "unit": "C"})
}

/// The asker's message, about 156 bytes.
pub(crate) fn request() -> Result<Vec<u8>> {
    render(3, CLIENT, SERVER, query())
}

/// The answer to a message, about 180 bytes.
pub(crate) fn answer(request: &[u8]) -> Result<Vec<u8>> {
    let request: Message<'_> = serde_json::from_slice(request)?;
    render(4, request.header.recipient_id, request.header.sender_id, reading(&request.data))
}

/// What the asker wanted to know.
pub(crate) fn data(answer: &[u8]) -> Result<Value> {
    let answer: Message<'_> = serde_json::from_slice(answer)?;
    Ok(answer.data)
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
