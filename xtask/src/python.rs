//! The virtual environment of the tests: the Python devices that they talk to, from
//! their package registry, and this repository's own package.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Context;
use crate::failure::{Failure, Outcome, run, try_out};

/// The release that devices in the field run. It is a pre-release, which pip
/// installs only when the exact version is named.
const PACKAGE: &str = "easyhttp-python==0.4.0a6";

/// What the tests of our package need, a pip that builds it where it is, and another
/// implementation of the signatures of secure mode.
const TOOLS: [&str; 4] =
    ["pip>=21.3", "pytest>=7,<10", "mypy>=1.8,<3", "http-message-signatures>=3,<4"];

/// Fails if one of them, or of what it depends on, is broken.
const IMPORT: &str = "import easyhttp_python, pytest, mypy, http_message_signatures";

/// The interpreter that has the package.
pub(crate) fn interpreter(root: &Path) -> PathBuf {
    environment(root).join("bin/python")
}

/// Our own package.
pub(crate) fn package(root: &Path) -> PathBuf {
    root.join("crates/easyhttp-python")
}

/// Installs the peers into a virtual environment, unless they are there.
pub(crate) fn install_peers(context: &Context) -> Outcome {
    let root = &context.root;
    if is_installed(root) {
        eprintln!("{PACKAGE} is already there");
        return Ok(());
    }
    check_python()?;
    create_environment(root)?;
    install_tools(root)?;
    check_import(root)?;
    leave_stamp(root)
}

/// Builds our package and installs it, as users do.
pub(crate) fn install_package(context: &Context) -> Outcome {
    run(
        pip_install(&context.root)
            .args(["--no-deps", "--force-reinstall"])
            .arg(package(&context.root)),
        "correct what the compiler says; or see that pip reaches its package registry from here",
    )
}

fn environment(root: &Path) -> PathBuf {
    root.join("target/python-peers")
}

/// A file that says what was installed. It is written last, so that an
/// installation that was interrupted does not count.
fn stamp(root: &Path) -> PathBuf {
    environment(root).join("installed")
}

fn wanted() -> String {
    format!("{PACKAGE} {}", TOOLS.join(" "))
}

/// The import is tried as well, because an upgrade of the system's Python
/// leaves an environment behind that no longer starts.
fn is_installed(root: &Path) -> bool {
    fs::read_to_string(stamp(root)).is_ok_and(|installed| installed == wanted())
        && try_out(Command::new(interpreter(root)).args(["-c", IMPORT])).is_ok()
}

fn check_python() -> Outcome {
    try_out(Command::new("python3").arg("--version")).map_err(|cause| {
        Failure::new(
            "Python 3 is missing: the tests run real Python devices as peers",
            format!("python3: {cause}"),
            "install Python 3 so that `python3` is on the PATH; \
             on Debian: apt-get install python3 python3-venv",
        )
    })?;
    // Debian ships `venv` with Python but puts `ensurepip`, without which it
    // does not work, into a package of its own.
    try_out(Command::new("python3").args(["-c", "import venv, ensurepip"])).map_err(|cause| {
        Failure::new(
            "Python cannot make virtual environments",
            cause,
            "install Python's modules `venv` and `ensurepip`; \
             on Debian: apt-get install python3-venv",
        )
    })
}

fn create_environment(root: &Path) -> Outcome {
    run(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(environment(root)),
        "see that target/ can be written to and that the disk is not full; \
         on Debian: apt-get install python3-venv",
    )
}

/// Tries twice: a package registry is the one thing here that fails by chance.
fn install_tools(root: &Path) -> Outcome {
    let mut pip = pip_install(root);
    pip.arg(PACKAGE).args(TOOLS);
    let remedy = "see that pip reaches its package registry from here (a proxy or a mirror is \
                  pip's own configuration: `pip config list`), then try again";
    run(&mut pip, remedy).or_else(|_| {
        eprintln!("pip failed; trying once more");
        run(&mut pip, remedy)
    })
}

fn pip_install(root: &Path) -> Command {
    let mut pip = Command::new(interpreter(root));
    pip.args(["-m", "pip", "--disable-pip-version-check", "install", "--quiet"]);
    pip
}

fn check_import(root: &Path) -> Outcome {
    try_out(Command::new(interpreter(root)).args(["-c", IMPORT])).map_err(|cause| {
        Failure::new(
            format!("{PACKAGE} or a tool was installed but does not start"),
            cause,
            "probably a package that it depends on has a release that breaks it, or this Python \
             is too new or too old for it: try another `python3`",
        )
    })
}

fn leave_stamp(root: &Path) -> Outcome {
    fs::write(stamp(root), wanted()).map_err(|error| {
        Failure::new(
            format!("{} could not be written", stamp(root).display()),
            error.to_string(),
            "see that target/ can be written to and that the disk is not full",
        )
    })
}
