//! Texts that have to fit into a number of columns.

use anstyle::Style;

use crate::style::styled;

/// A piece of text in one style.
pub(crate) type Part = (Style, String);

/// What stands side by side.
pub(crate) type Line = Vec<Part>;

pub(crate) const PLAIN: Style = Style::new();

/// A line as it goes to the terminal.
#[derive(Debug, Clone, Default)]
pub(crate) struct Shown {
    /// With the codes for its colours.
    pub(crate) text: String,
    /// How much of the width it takes.
    pub(crate) columns: usize,
    /// Whether it is full and goes on in the next one, so that it is one line
    /// for somebody who copies it.
    pub(crate) goes_on: bool,
}

/// A line of at most `width` columns.
pub(crate) fn fit(line: &[Part], width: usize) -> Shown {
    let needed: usize = line.iter().map(|(_, text)| columns_of(text)).sum();
    // One column tells that there is more.
    let mut left = if needed > width { width.saturating_sub(1) } else { width };
    let mut shown = Shown::default();
    for (style, text) in line {
        let text = take(text, left);
        left -= columns_of(&text);
        shown.columns += columns_of(&text);
        shown.text.push_str(&styled(*style, text).to_string());
    }
    if needed > width && width > 0 {
        shown.text.push('…');
        shown.columns += 1;
    }
    shown
}

/// A text of exactly `width` columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    let Shown { text, columns, .. } = fit(&[(PLAIN, text.to_owned())], width);
    text + &" ".repeat(width - columns)
}

/// A text in lines of at most `width` columns.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<Shown> {
    let mut lines = vec![Shown::default()];
    for char in text.chars() {
        let columns = columns_of_char(char);
        if let Some(line) = lines.last_mut().filter(|line| line.columns + columns > width) {
            line.goes_on = true;
            lines.push(Shown::default());
        }
        if let Some(line) = lines.last_mut() {
            line.text.push(char);
            line.columns += columns;
        }
    }
    lines
}

pub(crate) fn columns_of(text: &str) -> usize {
    text.chars().map(columns_of_char).sum()
}

/// The beginning of a text, on one line.
fn take(text: &str, columns: usize) -> String {
    let mut left = columns;
    let mut taken = String::new();
    for char in text.chars() {
        let needed = columns_of_char(char);
        if needed > left {
            break;
        }
        left -= needed;
        taken.push(if matches!(char, '\n' | '\t') { ' ' } else { char });
    }
    taken
}

/// Those of East Asia and the pictures are two columns wide; it is near enough
/// for a table.
fn columns_of_char(char: char) -> usize {
    match u32::from(char) {
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff => 2,
        _ => 1,
    }
}
