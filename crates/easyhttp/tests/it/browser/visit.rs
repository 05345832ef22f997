//! The web site that the browser visits: it gives the pages, and gets to know
//! what they saw.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use easyhttp::Value;

use super::chromium::Chromium;
use super::listen;
use super::server::{self, Asked};

/// How long a page may take, with the start of the browser on a machine that is
/// busy with other tests.
const PATIENCE: Duration = Duration::from_secs(120);

/// A server of pages, by whatever host name.
pub(super) struct Site {
    port: u16,
    reports: Receiver<Value>,
    next: Sender<String>,
}

impl Site {
    pub(super) fn new() -> Self {
        let (listener, port) = listen();
        let (report, reports) = channel();
        let (next, nexts) = channel();
        let nexts = Mutex::new(nexts);
        server::serve(listener, move |asked| match asked.path() {
            "/report" => {
                let _ = report.send(serde_json::from_slice(&asked.body).unwrap());
                server::answer(204, "", "")
            }
            "/next" => match nexts.lock().unwrap().recv() {
                Ok(url) => server::answer(200, "Content-Type: text/plain\r\n", url),
                Err(_) => server::answer(404, "", ""),
            },
            // Body and method stay (RFC 9110, 15.4.8).
            "/redirect" => {
                server::answer(307, &format!("Location: {}\r\n", decode(asked.query())), "")
            }
            _ => page(&asked),
        });
        Self { port, reports, next }
    }

    pub(super) fn url(&self, host: &str, rest: &str) -> String {
        format!("http://{host}:{}{rest}", self.port)
    }

    /// What a page saw.
    pub(super) fn report(&self, browser: &mut Chromium) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.reports.recv_timeout(Duration::from_millis(200)) {
                Ok(report) => return report,
                Err(RecvTimeoutError::Timeout) if Instant::now() < deadline && browser.runs() => {}
                Err(_) => panic!("no page reported; the browser said:\n{}", browser.said()),
            }
        }
    }

    /// Where the page that waits for it goes.
    pub(super) fn send_on(&self, url: String) {
        self.next.send(url).unwrap();
    }
}

fn page(asked: &Asked) -> Vec<u8> {
    let html = "Content-Type: text/html\r\n";
    let script = "Content-Type: text/javascript\r\n";
    match asked.path() {
        "/hostile.html" => {
            // The browser posts reports of what breaks this rule.
            let told = |name| {
                let parameter = asked.query().split('&').find_map(|part| part.strip_prefix(name));
                parameter.unwrap_or_default()
            };
            let head = format!(
                "{html}Content-Security-Policy-Report-Only: font-src 'none'; img-src 'none'; \
                 report-uri http://127.0.0.1:{}/easyhttp/api?{}-report-only\r\n",
                told("device="),
                told("page=")
            );
            server::answer(200, &head, include_str!("hostile.html"))
        }
        "/panel.html" => server::answer(200, html, include_str!("panel.html")),
        "/hostile.js" => server::answer(200, script, include_str!("hostile.js")),
        "/worker.js" => server::answer(200, script, include_str!("worker.js")),
        "/empty" => server::answer(200, html, ""),
        _ => server::answer(404, "", ""),
    }
}

/// What `encodeURIComponent` made of a text.
fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |decoded, part| {
        let (code, rest) = part.split_at(2);
        let byte = u8::from_str_radix(code, 16).unwrap();
        decoded + &char::from(byte).to_string() + rest
    })
}
