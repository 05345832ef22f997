//! What is being waited for, on the terminal of whoever waits.

use std::io::{IsTerminal, Write};
use std::pin::pin;
use std::time::Duration;

/// Work that is done before this shows nothing: a flicker helps nobody.
const DELAY: Duration = Duration::from_millis(300);

/// Between two frames.
const PAUSE: Duration = Duration::from_millis(100);

const FRAMES: [char; 10] = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/// Waits for `work`, and says `text` on standard error if that is a terminal.
pub(crate) async fn show<T>(text: impl Fn() -> String, work: impl Future<Output = T>) -> T {
    if !is_shown() {
        return work.await;
    }
    let mut work = pin!(work);
    if let Ok(done) = tokio::time::timeout(DELAY, &mut work).await {
        return done;
    }
    let line = Line;
    for frame in FRAMES.iter().cycle() {
        line.write(&format!("{frame} {}", text()));
        if let Ok(done) = tokio::time::timeout(PAUSE, &mut work).await {
            return done;
        }
    }
    work.await
}

/// Makes room for a line of output, where progress may be shown just now.
pub(crate) fn clear() {
    if is_shown() {
        drop(Line);
    }
}

fn is_shown() -> bool {
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stderr().is_terminal() && !is_dumb
}

/// The line on the terminal, which is cleared when this is dropped.
struct Line;

impl Line {
    fn write(&self, text: &str) {
        let width = terminal_size::terminal_size_of(std::io::stderr()).map_or(80, |(w, _)| w.0);
        let text = crate::style::shortened(text, usize::from(width).saturating_sub(1));
        // Back to the start, the text, and clear what is left of the last one.
        let _ = write!(std::io::stderr().lock(), "\r{text}\x1b[K");
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = write!(std::io::stderr().lock(), "\r\x1b[K");
    }
}
