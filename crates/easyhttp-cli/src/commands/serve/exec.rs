//! A command of the user's that answers a request.

use std::fmt;
use std::io::{self, Write};
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use easyhttp::{Limits, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// How long what a command said may take to arrive once it has ended. Only if
/// it left a process behind that holds the pipe, this is waited for.
const GRACE: Duration = Duration::from_millis(50);

/// How much of its standard error is told to others: the end of it, where the
/// reason stands.
const REASON: usize = 1000;

/// A command for the shell, and how long it may take.
#[derive(Debug, Clone)]
pub(super) struct Exec {
    command: String,
    time: Duration,
}

/// A command that ended by itself.
pub(super) enum Finished {
    /// With exit code 0.
    Done { output: String },
    /// With another one.
    Refused { because: String },
}

impl Exec {
    pub(super) fn new(command: &str, time: Duration) -> Self {
        Self { command: command.to_owned(), time }
    }

    /// Runs the command with the request's data on its standard input. An
    /// error if it could not be run, or did not end by itself and in time.
    pub(super) async fn run(&self, request: &Request) -> Result<Finished, String> {
        let mut child = self.spawn(request).map_err(|error| format!("cannot run it: {error}"))?;
        let limit = Limits::default().body;
        let (mut output, mut errors) = (Vec::new(), Vec::new());
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let input = feed(child.stdin.take(), request);
        let pipes = async {
            // At the same time: a command may print before it has read all.
            tokio::join!(input, read(out, &mut output, limit), listen(err, &mut errors));
        };
        let status = self.attend(child, pipes).await?;
        finished(status, output, &errors, limit)
    }

    /// Waits for the end of the command, and stops it when its time is over.
    async fn attend(
        &self,
        mut child: Child,
        pipes: impl Future<Output = ()>,
    ) -> Result<ExitStatus, String> {
        let group = Group::of(&child);
        let mut pipes = pin!(pipes);
        let mut is_read = false;
        let ended = timeout(self.time, async {
            loop {
                tokio::select! {
                    status = child.wait() => return status,
                    () = &mut pipes, if !is_read => is_read = true,
                }
            }
        });
        let Ok(status) = ended.await else {
            drop(group);
            let _ = child.kill().await;
            return Err(format!("the command did not end within {:?}: stopped", self.time));
        };
        group.leave();
        if !is_read {
            // What it said is in the pipes already.
            let _ = timeout(GRACE, pipes).await;
        }
        status.map_err(|error| format!("cannot wait for the command: {error}"))
    }

    fn spawn(&self, request: &Request) -> io::Result<Child> {
        let mut command = shell(&self.command);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .env("EASYHTTP_FROM", request.from.to_string())
            // Those of whoever started us are not about this request.
            .env_remove("EASYHTTP_SENDER")
            .env_remove("EASYHTTP_TIMESTAMP");
        if let Some(sender) = request.sender {
            command.env("EASYHTTP_SENDER", sender.as_str());
        }
        if let Some(timestamp) = request.timestamp {
            command.env("EASYHTTP_TIMESTAMP", timestamp.to_string());
        }
        command.spawn()
    }
}

#[cfg(unix)]
fn shell(text: &str) -> Command {
    let mut command = Command::new("sh");
    // A group of its own, so that all it starts can be stopped with it.
    command.arg("-c").arg(text).process_group(0);
    command
}

#[cfg(windows)]
fn shell(text: &str) -> Command {
    let mut command = Command::new("cmd");
    // Its quoting is its own: it gets the text as it is.
    command.arg("/C").raw_arg(text);
    command
}

async fn feed(input: Option<ChildStdin>, request: &Request) {
    if let Some(mut input) = input {
        // It need not read it.
        let _ = input.write_all(request.data.raw().as_bytes()).await;
    }
}

/// Reads one byte more than `limit` at most; then the pipe is closed, which
/// ends whoever writes on.
async fn read(pipe: Option<ChildStdout>, into: &mut Vec<u8>, limit: usize) {
    if let Some(pipe) = pipe {
        let _ = pipe.take(limit as u64 + 1).read_to_end(into).await;
    }
}

/// Reads all that a command says, and keeps the end of it.
async fn listen(pipe: Option<ChildStderr>, into: &mut Vec<u8>) {
    let Some(mut pipe) = pipe else { return };
    while pipe.read_buf(into).await.is_ok_and(|length| length > 0) {
        // A character has four bytes at most.
        let surplus = into.len().saturating_sub(4 * (REASON + 1));
        into.drain(..surplus);
    }
}

fn finished(
    status: ExitStatus,
    output: Vec<u8>,
    errors: &[u8],
    limit: usize,
) -> Result<Finished, String> {
    let said = said(errors);
    if output.len() > limit {
        return Err(format!("the command printed more than {limit} bytes"));
    }
    match status.code() {
        Some(0) => {
            // Nobody else is told, so it goes where the command's user looks.
            if !said.is_empty() {
                let _ = writeln!(io::stderr(), "{said}");
            }
            let output = String::from_utf8(output);
            let output = output.map_err(|_| "the command printed what is not UTF-8".to_owned())?;
            Ok(Finished::Done { output })
        }
        // The shell's own: it could not run the command.
        Some(code @ (126 | 127)) if cfg!(unix) => Err(because(code, said)),
        Some(code) => Ok(Finished::Refused { because: because(code, said) }),
        None => Err(format!("the command was ended: {status}")),
    }
}

/// Why a command refuses: in its words, if it said any.
fn because(code: i32, said: String) -> String {
    if said.is_empty() { format!("the command ended with exit code {code}") } else { said }
}

/// The end of what a command said.
fn said(errors: &[u8]) -> String {
    let text = String::from_utf8_lossy(errors);
    let text = text.trim();
    match text.char_indices().rev().nth(REASON) {
        Some((start, _)) => format!("…{}", &text[start..]),
        None => text.to_owned(),
    }
}

/// The processes that a command started. Dropped before the command has ended,
/// it ends them all.
struct Group {
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

impl Group {
    #[cfg(unix)]
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self { leader: id.and_then(rustix::process::Pid::from_raw) }
    }

    #[cfg(unix)]
    fn kill(&self) {
        if let Some(leader) = self.leader {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }

    /// The command has ended: what it left running was meant to run on.
    #[cfg(unix)]
    fn leave(mut self) {
        self.leader = None;
    }
}

#[cfg(not(unix))]
impl Group {
    fn of(_: &Child) -> Self {
        Self {}
    }

    fn kill(&self) {}

    fn leave(self) {}
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

impl fmt::Display for Exec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "runs `{}`", self.command)
    }
}
