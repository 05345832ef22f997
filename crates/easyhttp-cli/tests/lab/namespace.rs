//! Network namespaces: networks of the system that know nothing of each other.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::support::skip;

/// A network namespace without a name: it ends with the process that holds it.
pub(crate) struct Namespace {
    holder: Held,
}

impl Namespace {
    /// One whose loopback interface is up.
    pub(crate) fn new() -> io::Result<Self> {
        let script = "ip link set lo up && echo ready && exec cat";
        let holder = Held::start(Command::new("unshare").args(["--net", "sh", "-c", script]))?;
        Ok(Self { holder })
    }

    /// The process that `ip` knows it by.
    pub(crate) fn holder(&self) -> u32 {
        self.holder.0.id()
    }

    fn path(&self) -> String {
        format!("/proc/{}/ns/net", self.holder())
    }

    /// A program that is in this network.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path())).arg(program);
        command
    }

    /// Brings this thread, and those that it starts, into this network.
    pub(crate) fn enter(&self) {
        let network = File::open(self.path()).unwrap();
        move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    /// Configures this network, as root does by `ip`.
    pub(crate) fn ip(&self, arguments: &str) {
        run(self.command("ip").args(arguments.split(' '))).unwrap();
    }
}

/// A process that ends when its standard input does: so it is never left
/// behind, however we end.
pub(crate) struct Held(Child);

impl Held {
    /// Starts it, and waits until it says that it is ready.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut process = Self(command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
        let mut line = String::new();
        BufReader::new(process.0.stdout.take().unwrap()).read_line(&mut line)?;
        match line.as_str() {
            "ready\n" => Ok(process),
            _ => Err(io::Error::other(format!("{command:?}: {}", process.0.wait()?))),
        }
    }

    /// Writes a line to its standard input, at once.
    pub(crate) fn tell(&mut self, line: &str) {
        let mut input = self.0.stdin.as_ref().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).unwrap();
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Whether the lab can be set up here; if not it is said once, aloud.
pub(crate) fn is_possible() -> bool {
    static IS_POSSIBLE: OnceLock<bool> = OnceLock::new();
    *IS_POSSIBLE.get_or_init(|| match try_out() {
        Ok(()) => true,
        Err(error) => {
            let why = format!(
                "{error}\nIt takes root, and the commands ip, bridge, unshare, nsenter and \
                 setpriv (on Debian: apt-get install iproute2 util-linux)."
            );
            skip("the network lab", &why);
            false
        }
    })
}

fn try_out() -> io::Result<()> {
    let namespace = Namespace::new()?;
    run(namespace.command("ip").args(["link", "add", "lan", "type", "bridge"]))?;
    run(namespace.command("bridge").arg("link"))?;
    run(namespace.command("setpriv").args(["--pdeathsig", "KILL", "true"]))?;
    run(namespace.command("ip").args(["link", "add", "one", "type", "veth", "peer", "two"]))?;
    Ok(())
}

/// Runs a command to its end, and gives what it printed.
pub(crate) fn run(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{command:?}: {output:?}")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
