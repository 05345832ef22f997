//! Where we refuse on purpose what hyper takes. Each is a way in which two
//! programs on one connection may see different messages.

use easyhttp_proto::http::Fault;
use easyhttp_proto::limits;

/// Whether there is a reason to refuse these bytes for this although hyper does
/// not; no other difference is allowed. They begin where the message does.
pub fn may_refuse(fault: Fault, bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    let count = |what: &str| text.matches(what).count();
    let lengths = count("content-length") + count("transfer-encoding");
    match fault {
        // hyper takes a line that ends in LF alone, some take CR alone.
        Fault::Head("a line does not end in CRLF")
        | Fault::Chunk("a line does not end in CRLF") => has_bare_lf(bytes),
        // Only before a request an empty line means nothing (RFC 9112, 2.2).
        Fault::Head("its first line is empty") => bytes.starts_with(b"\r\n"),
        // hyper takes hosts without a path, users, fragments, any scheme, and
        // characters that RFC 3986 does not know.
        Fault::Head("what is asked for is no path and no URL") => !has_plain_target(&text),
        // Where we ask for one, the answer is read by `Incoming::shares`.
        Fault::Head("it changes to a protocol that nobody asked for") => count(" 101") > 0,
        // Equal lengths, or a length and chunks: the classics of smuggling.
        Fault::Length("Content-Length or Transfer-Encoding is there twice") => lengths > 1,
        // `gzip, chunked`: hyper hands the compressed body on.
        Fault::Length("Transfer-Encoding can only be chunked") => count("transfer-encoding") > 0,
        // hyper looks at neither if the status says that there is no body, nor at
        // a length beside chunks, and takes the list `5, 5` in an answer.
        Fault::Length("HTTP/1.0 has no chunks") => count("transfer-encoding") > 0,
        Fault::Length("Content-Length is not a number") => count("content-length") > 0,
        // hyper ignores what it cannot do (RFC 9110, 10.1.1 allows both).
        Fault::Expectation => count("expect") > 0,
        // hyper skips any byte of an extension but LF, a lone CR never means a
        // line for it; for some it does.
        Fault::Chunk("the size of a chunk is not a number") => count(";") > 0 && has_control(bytes),
        // What chunks say besides their bytes has one limit, and a field counts
        // much; hyper has several limits.
        Fault::Chunk("there is too much besides the chunks") => count("\r\n") > limits::HEADERS / 2,
        _ => false,
    }
}

/// Whether there is a reason to end the connection although hyper does not: it
/// overlooks `close` beside bytes that are not ASCII.
pub fn may_close(bytes: &[u8]) -> bool {
    String::from_utf8_lossy(bytes).to_lowercase().contains("connection") && !bytes.is_ascii()
}

fn has_bare_lf(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\n") || bytes.windows(2).any(|pair| pair[1] == b'\n' && pair[0] != b'\r')
}

fn has_control(bytes: &[u8]) -> bool {
    bytes.iter().any(|byte| byte.is_ascii_control() && !b"\r\n\t".contains(byte))
        || bytes.windows(2).any(|pair| pair[0] == b'\r' && pair[1] != b'\n')
}

fn has_plain_target(text: &str) -> bool {
    let target = text.split_whitespace().nth(1).unwrap_or_default();
    let is_odd = |char: char| !char.is_ascii() || "\"<>\\^`{|}#".contains(char);
    (target.starts_with('/') || target == "*") && !target.contains(is_odd)
}
