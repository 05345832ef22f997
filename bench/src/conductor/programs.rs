//! The programs that take part: how they are built, and where they are.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use easyhttp_bench::Result;
use serde_json::Value;

use crate::contenders::{Broker, Contender, Kind, Program, Role};

const MANIFEST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml");
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/contenders/python.py");
const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/easyhttp-python");

/// The release that devices in the field run. It is a pre-release, which pip installs only
/// when the exact version is named.
const PEERS: &str = "easyhttp-python==0.4.0a6";

/// What has been built.
#[derive(Default)]
pub(crate) struct Programs {
    binaries: BTreeMap<Program, PathBuf>,
    python: Option<PathBuf>,
    /// The program `easyhttp`.
    pub(crate) easyhttp: Option<PathBuf>,
    /// A device that is made to be small.
    pub(crate) smallest: Option<PathBuf>,
}

impl Programs {
    /// Builds all that these contenders need. What cannot be built is left out: gives the
    /// reasons, by the names of the contenders.
    pub(crate) fn build(contenders: &[&Contender]) -> Result<(Self, BTreeMap<String, String>)> {
        let mut programs = Self::default();
        let mut left_out = BTreeMap::new();
        let roles = contenders.iter().flat_map(|contender| [contender.server, contender.client]);
        let wanted: BTreeSet<_> = roles.map(|role| role.program).collect();
        for program in wanted {
            eprintln!("building {}", name(program));
            let built = match program {
                Program::Binary { name, feature } => {
                    bench_binary(&format!("bench-{name}"), feature)
                        .map(|binary| drop(programs.binaries.insert(program, binary)))
                }
                Program::Python => {
                    python_environment().map(|python| programs.python = Some(python))
                }
            };
            let Err(error) = built else { continue };
            for contender in contenders {
                if [contender.server, contender.client].iter().any(|role| role.program == program) {
                    left_out.insert(contender.name.to_owned(), format!("{error}"));
                }
            }
        }
        for contender in contenders {
            if let Some(broker) =
                contender.broker.filter(|broker| broker_program(*broker).is_none())
            {
                let reason =
                    format!("{} is not installed; `bench/install` installs it", broker.file_name());
                left_out.insert(contender.name.to_owned(), reason);
            }
        }
        if contenders.iter().any(|contender| contender.kind == Kind::Ours) {
            eprintln!("building easyhttp, and the smallest device");
            programs.easyhttp = Some(cargo(&["--package", "easyhttp-cli"], WORKSPACE, "release")?);
            let smallest =
                ["--package", "easyhttp", "--no-default-features", "--example", "smallest"];
            programs.smallest = Some(cargo(&smallest, WORKSPACE, "small")?);
        }
        Ok((programs, left_out))
    }

    /// The command that is a server (`serve`) or a client (`call`).
    pub(crate) fn command(&self, role: Role, part: &str, task: &str) -> Result<Vec<String>> {
        let mut command = match role.program {
            Program::Binary { .. } => vec![text(self.binary(role).ok_or("it was not built")?)],
            Program::Python => {
                vec![text(self.python.as_deref().ok_or("no Python")?), PYTHON.to_owned()]
            }
        };
        command.extend([part.to_owned(), task.to_owned()]);
        Ok(command)
    }

    /// Where the program of a role is. None for those that are a script.
    pub(crate) fn binary(&self, role: Role) -> Option<&Path> {
        self.binaries.get(&role.program).map(PathBuf::as_path)
    }
}

fn name(program: Program) -> &'static str {
    match program {
        Program::Binary { name, .. } => name,
        Program::Python => "the Python packages",
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn bench_binary(name: &str, feature: &str) -> Result<PathBuf> {
    cargo(&["--bin", name, "--features", feature], MANIFEST, "release")
}

/// Builds a program, and says where it is.
fn cargo(what: &[&str], manifest: &str, profile: &str) -> Result<PathBuf> {
    let output = Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
        .args(["build", "--profile", profile, "--manifest-path", manifest])
        .args(what)
        .args(["--quiet", "--message-format", "json-render-diagnostics"])
        .stderr(Stdio::inherit())
        .output()?;
    let messages = output.stdout.split(|byte| *byte == b'\n');
    messages
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
        .ok_or_else(|| format!("cargo cannot build {}", what[1]).into())
}

/// The folder for what is made while measuring: cargo's own.
pub(crate) fn target() -> Result<PathBuf> {
    let program = env::current_exe()?;
    Ok(program.ancestors().nth(2).ok_or("no target folder")?.to_owned())
}

/// A virtual environment with the real Python package, and with ours as it is now.
fn python_environment() -> Result<PathBuf> {
    let folder = target()?.join("python");
    let python = folder.join("bin/python");
    let stamp = folder.join(PEERS);
    if !stamp.exists() {
        run("python3", ["-m".as_ref(), "venv".as_ref(), "--clear".as_ref(), folder.as_os_str()])?;
        run(&python, pip(["--upgrade", "pip>=21.3", "maturin>=1.9.4,<2", PEERS]))?;
        fs::write(stamp, "")?;
    }
    // With what is installed, so that it needs no network once it has been done.
    run(&python, pip(["--no-build-isolation", "--no-deps", "--force-reinstall", PACKAGE]))?;
    Ok(python)
}

fn pip<const N: usize>(what: [&str; N]) -> impl Iterator<Item = &str> {
    ["-m", "pip", "--disable-pip-version-check", "install", "--quiet"].into_iter().chain(what)
}

fn run(
    program: impl AsRef<OsStr>,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<()> {
    let mut command = Command::new(program);
    // Standard output is the report's. Its programs are found first: pip calls maturin.
    command.args(arguments).stdout(Stdio::null()).stdin(Stdio::null());
    if let Some(folder) = Path::new(command.get_program()).parent().map(Path::to_owned) {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = [folder].into_iter().chain(env::split_paths(&path));
        command.env("PATH", env::join_paths(folders)?);
    }
    match command.status()?.success() {
        true => Ok(()),
        false => Err(format!("{command:?} failed").into()),
    }
}

impl Broker {
    fn file_name(self) -> &'static str {
        match self {
            Self::Mosquitto => "mosquitto",
            Self::Nats => "nats-server",
        }
    }
}

/// Where the broker is, if it is installed.
pub(crate) fn broker_program(broker: Broker) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Where Debian puts servers, which is not on everybody's path.
    let folders = env::split_paths(&path).chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join(broker.file_name())).find(|program| program.is_file())
}
