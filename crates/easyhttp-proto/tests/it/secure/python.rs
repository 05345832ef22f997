//! Another implementation of RFC 9421, in both directions: the Python library
//! http-message-signatures, and the HKDF and Ed25519 of its own.
//!
//! `cargo xtask test` installs it and names the interpreter in `EASYHTTP_TEST_PYTHON`.
//! Without that the test is skipped, and says so.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Map, Value, json};

use super::*;

const MESSAGES: usize = 1000;

#[test]
fn another_library_accepts_what_we_sign_and_we_what_it_signs() {
    let Some(interpreter) = interpreter() else { return };
    let mut child = Command::new(interpreter)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/secure/rfc9421.py"))
        .arg("07".repeat(NetworkKey::LEN))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let ring = ring();
    let mut random = Random(6);
    for number in 0..MESSAGES {
        let pair = Pair::new(&ring, &mut random);
        writeln!(input, "{}", pair.line(&ring, &mut random)).unwrap();
        let line = output.next().unwrap_or_else(|| panic!("Python refused message {number}"));
        let theirs: Value = serde_json::from_str(&line.unwrap()).unwrap();

        let fields = replaced(pair.asked.fields(), &theirs["request"]);
        let bytes = request_bytes(&pair.request(), &fields, &pair.body);
        assert!(check_request(&ring, &bytes).is_ok(), "{}", String::from_utf8_lossy(&bytes));
        let fields = replaced(&pair.answer_fields, &theirs["answer"]);
        let bytes = answer_bytes(&pair.answer(), &fields, &pair.answer_body);
        let checked = check_answer(&ring, &pair.asked, &bytes);
        assert!(checked.is_ok(), "{}", String::from_utf8_lossy(&bytes));
    }
    drop(input);
    assert!(child.wait().unwrap().success());
}

/// A request and its answer, all of it at random.
struct Pair {
    path: String,
    encoding: Option<&'static str>,
    idempotency_key: Option<String>,
    status: u16,
    body: Vec<u8>,
    answer_body: Vec<u8>,
    created: u64,
    nonce: [u8; NONCE],
    device: Option<DeviceKey>,
    asked: SignedRequest,
    answer_fields: String,
}

impl Pair {
    fn new(ring: &Keyring, random: &mut Random) -> Self {
        let is_sealed = random.below(2) == 0;
        let mut body = || {
            let length = random.place(300);
            let plain: Vec<u8> = (0..length).map(|_| random.next() as u8).collect();
            match is_sealed {
                true => ring.signing().seal(random.bytes(), &plain),
                false => plain,
            }
        };
        let (body, answer_body) = (body(), body());
        let device = (random.below(2) == 0).then(|| DeviceKey::from_seed(&random.bytes()));
        let key = random.next();
        let mut pair = Self {
            path: format!("/easyhttp/{:x}", random.next()),
            encoding: is_sealed.then_some(AES128GCM),
            idempotency_key: key.is_multiple_of(2).then(|| format!("\"{key:x}\"")),
            status: [200, 400, 401, 403, 409, 421, 503][random.place(7)],
            body,
            answer_body,
            // Long ago: the library refuses what was made in its future.
            created: random.next() % 1_700_000_000,
            nonce: random.bytes(),
            device,
            asked: ring.signing().sign_request(&post(b""), None),
            answer_fields: String::new(),
        };
        pair.asked = ring.signing().sign_request(&pair.request(), pair.device.as_ref());
        let bytes = request_bytes(&pair.request(), pair.asked.fields(), &pair.body);
        let claim = check_request(ring, &bytes).unwrap().claim;
        pair.answer_fields = ring.sign_answer(&claim, &pair.answer(), pair.device.as_ref());
        pair
    }

    fn request(&self) -> Request<'_> {
        Request {
            path: &self.path,
            content_encoding: self.encoding,
            idempotency_key: self.idempotency_key.as_deref(),
            nonce: self.nonce,
            created: self.created,
            ..post(&self.body)
        }
    }

    fn answer(&self) -> Answer<'_> {
        Answer {
            status: self.status,
            content_encoding: self.encoding,
            note: None,
            memory: None,
            created: self.created,
            ..ok(&self.answer_body)
        }
    }

    fn line(&self, ring: &Keyring, random: &mut Random) -> Value {
        let more = ["host", "content-length"];
        let more = &more[..random.place(3)];
        let nonce = self.asked.fields().split("nonce=\"").nth(1).unwrap();
        let public = self.device.as_ref().map(DeviceKey::public);
        let bytes = request_bytes(&self.request(), self.asked.fields(), &self.body);
        let answer = answer_bytes(&self.answer(), &self.answer_fields, &self.answer_body);
        json!({
            "request": {
                "method": "POST",
                "url": format!("http://192.168.1.23:5000{}", self.path),
                "fields": fields(&bytes),
                "body": base64(&self.body),
            },
            "answer": {
                "status": self.status,
                "fields": fields(&answer),
                "body": base64(&self.answer_body),
            },
            "device": public.map(|it| it.to_string()),
            "device_id": public.map(|it| it.id().to_string()),
            "key": ring.signing().id().to_string(),
            "nonce": nonce.split('"').next().unwrap(),
            "created": self.created,
            "more": more,
        })
    }
}

/// The fields of a message.
fn fields(bytes: &[u8]) -> Map<String, Value> {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let head = text.split("\r\n\r\n").next().unwrap();
    let fields = head.lines().skip(1).map(|line| line.split_once(": ").unwrap());
    fields.map(|(name, value)| (name.to_owned(), value.into())).collect()
}

/// These fields with the signatures of others; they know nothing of our devices.
fn replaced(fields: &str, theirs: &Value) -> String {
    let is_kept = |line: &&str| !line.starts_with("signature") && !line.starts_with("easyhttp-key");
    let mut replaced: String = fields.split_inclusive("\r\n").filter(is_kept).collect();
    for name in ["Signature-Input", "Signature"] {
        replaced.push_str(&format!("{name}: {}\r\n", theirs[name].as_str().unwrap()));
    }
    replaced
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let held = group.iter().fold(0_u32, |held, byte| held << 8 | u32::from(*byte));
        let held = held << (8 * (3 - group.len()));
        for place in 0..4 {
            let letter = char::from(LETTERS[(held >> (18 - 6 * place) & 63) as usize]);
            text.push(if place <= group.len() { letter } else { '=' });
        }
    }
    text
}

/// The interpreter that has the library. None: skip the test, and say so.
fn interpreter() -> Option<std::ffi::OsString> {
    const VARIABLE: &str = "EASYHTTP_TEST_PYTHON";
    let found = env::var_os(VARIABLE);
    if found.is_none() {
        let in_ci = env::var_os("CI").is_some_and(|value| !value.is_empty());
        assert!(!in_ci, "{VARIABLE} is not set, and CI must not skip this test");
        // Written past the test harness, which would swallow it.
        let _ = writeln!(
            std::io::stderr(),
            "\nSKIPPED: signatures of another library, because {VARIABLE} is not set.\n\
             `cargo xtask test` installs the library and sets it.\n"
        );
    }
    found
}
