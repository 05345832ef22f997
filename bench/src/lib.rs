//! What all contenders share: the exchange, the load, and how their processes are told
//! what to do.
//!
//! A contender is one file in `contenders`, and one program with two roles. The server
//! answers FETCH with a reading. The client asks for it, over and over, for as long as
//! the [`Load`] says. [`contend`] is its `main`.

mod histogram;
mod load;
pub mod payload;
pub mod process;
#[cfg(feature = "tokio")]
pub mod runtime;
mod task;

use std::io::Write;

pub use load::{Caller, Figures, Load};
pub use task::{ClientTask, ServerTask, Until};

/// Anything that ends a measurement.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What may fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// Is the process of a server (`serve TASK`) or of a client (`call TASK`). The first says
/// its address, the second its figures, each in one line.
///
/// `serve` answers until it is killed. As soon as it can be reached, it tells its address, in
/// words that the contender's own client understands. `call` asks until the load is over.
///
/// # Errors
///
/// Those of the contender, and arguments that are not a task.
pub fn contend(
    serve: impl Fn(&ServerTask, fn(&str)) -> Result<()>,
    call: impl Fn(&'static Load) -> Result<()>,
) -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &*arguments.iter().map(String::as_str).collect::<Vec<_>>() {
        ["serve", task] => {
            let task: ServerTask = serde_json::from_str(task)?;
            process::stay_on(None, task.core)?;
            serve(&task, say)
        }
        ["call", task] => {
            let task: ClientTask = serde_json::from_str(task)?;
            process::stay_on(None, task.core)?;
            say(&serde_json::to_string(&Load::run(task, call)?)?);
            Ok(())
        }
        _ => Err("usage: serve TASK | call TASK; easyhttp-bench starts this".into()),
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    // Nobody listens any more: this process is about to be killed.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}
