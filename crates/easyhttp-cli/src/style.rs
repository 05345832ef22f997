//! How things look: colours, times, and texts of others, which are made safe
//! for a terminal.
//!
//! Colours are always written; the stream takes them out where they do not
//! belong (a pipe, `NO_COLOR`).

use std::fmt;

use anstyle::{AnsiColor, Style};
use clap::builder::Styles;
use easyhttp::Source;

pub(crate) const ID: Style = AnsiColor::Cyan.on_default().bold();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const DOUBTFUL: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
pub(crate) const TITLE: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// The same for clap's help and errors.
pub(crate) const HELP: Styles = Styles::styled()
    .header(TITLE)
    .usage(TITLE)
    .literal(AnsiColor::Cyan.on_default())
    .error(BAD)
    .invalid(DOUBTFUL)
    .valid(GOOD);

/// `what` in a style.
pub(crate) fn styled<T: fmt::Display>(style: Style, what: T) -> Styled<T> {
    Styled { style, what }
}

/// Something in a style.
#[derive(Debug)]
pub(crate) struct Styled<T> {
    style: Style,
    what: T,
}

impl<T: fmt::Display> fmt::Display for Styled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { style, what } = self;
        // Padding counts what is seen, not the codes around it.
        write!(f, "{style}")?;
        what.fmt(f)?;
        write!(f, "{style:#}")
    }
}

/// A text of another device without what a terminal would obey.
pub(crate) fn printable(text: &str) -> String {
    let is_safe = |char: char| !char.is_control() || matches!(char, '\n' | '\t');
    let mut safe = String::with_capacity(text.len());
    for char in text.chars() {
        if is_safe(char) { safe.push(char) } else { safe.extend(char.escape_default()) }
    }
    safe
}

/// At most `limit` characters of a text, on one line.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    let mut chars = text.chars().map(|char| if char == '\n' { ' ' } else { char });
    let mut short: String = chars.by_ref().take(limit).collect();
    if chars.next().is_some() {
        short.pop();
        short.push('…');
    }
    short
}

/// How a device became known, in one word.
pub(crate) fn how(source: Source) -> &'static str {
    match source {
        Source::Found => "multicast",
        Source::Learned => "request",
        Source::Added => "named",
        Source::Advertised => "DNS-SD",
        Source::Remembered => "last run",
        Source::Introduced => "introduction",
        Source::Swept => "sweep",
        _ => "other",
    }
}

/// A time as people read it: `87 µs`, `1.24 ms`, `3.00 s`.
pub(crate) fn duration(time: std::time::Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        ..0.001 => format!("{:.0} µs", seconds * 1e6),
        ..1.0 => format!("{:.2} ms", seconds * 1e3),
        _ => format!("{seconds:.2} s"),
    }
}

/// How long ago something was, as people read it: `now`, `12 s`, `3 min`.
pub(crate) fn age(time: std::time::Duration) -> String {
    match time.as_secs() {
        0 => "now".to_owned(),
        seconds @ ..120 => format!("{seconds} s"),
        seconds @ ..7200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3600),
    }
}

/// A time as programs read it: milliseconds.
pub(crate) fn milliseconds(time: std::time::Duration) -> f64 {
    // To the microsecond: more digits are noise.
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_another_device_cannot_drive_the_terminal() {
        assert_eq!(printable("a\x1b[2Jb\u{9b}c\td"), "a\\u{1b}[2Jb\\u{9b}c\td");
    }

    #[test]
    fn long_texts_are_cut() {
        assert_eq!(shortened("äöü", 3), "äöü");
        assert_eq!(shortened("äö\nü", 3), "äö…");
    }
}
