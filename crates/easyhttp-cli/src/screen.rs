//! The terminal while something live is on it.
//!
//! It is drawn on the other screen that terminals have for this, so that
//! whatever stood on the first one is back afterwards.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::ColorChoice;
use terminal_size::{Height, Width, terminal_size_of};

use crate::failure::Failure;
use crate::text::Shown;

/// To the other screen, and no cursor.
const ENTER: &str = "\x1b[?1049h\x1b[?25l";
const LEAVE: &str = "\x1b[?25h\x1b[?1049l";

const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Whether a screen is open, for those who would write on it.
static IS_OPEN: AtomicBool = AtomicBool::new(false);

pub(crate) fn is_open() -> bool {
    IS_OPEN.load(Ordering::Relaxed)
}

/// The screen. Dropping it gives the terminal back.
#[derive(Debug)]
pub(crate) struct Screen {
    has_colours: bool,
}

impl Screen {
    pub(crate) fn is_possible() -> bool {
        let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        io::stdout().is_terminal() && !is_dumb
    }

    pub(crate) fn open() -> Result<Self, Failure> {
        let choice = anstream::AutoStream::choice(&io::stdout());
        write(ENTER)?;
        IS_OPEN.store(true, Ordering::Relaxed);
        Ok(Self { has_colours: choice != ColorChoice::Never })
    }

    /// Shows what `content` makes of a width and a height.
    pub(crate) fn draw(
        &self,
        content: impl FnOnce(usize, usize) -> Vec<Shown>,
    ) -> Result<(), Failure> {
        let (Width(width), Height(height)) =
            terminal_size_of(io::stdout()).unwrap_or((Width(80), Height(24)));
        let lines = content(usize::from(width), usize::from(height));
        let mut frame = String::from(HOME);
        for (number, line) in lines.iter().enumerate() {
            match self.has_colours {
                true => frame.push_str(&line.text),
                false => frame.push_str(&anstream::adapter::strip_str(&line.text).to_string()),
            }
            // Behind a full line the cursor still stands on its last column.
            if line.columns < usize::from(width) {
                frame.push_str(CLEAR_LINE);
            }
            // A break behind the last one would scroll.
            if !line.goes_on && number + 1 < lines.len() {
                frame.push_str("\r\n");
            }
        }
        if lines.len() < usize::from(height) {
            frame.push_str(CLEAR_BELOW);
        }
        Ok(write(&frame)?)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to give back.
        let _ = write(LEAVE);
        IS_OPEN.store(false, Ordering::Relaxed);
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
