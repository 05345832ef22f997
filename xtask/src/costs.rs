//! `cargo xtask costs`: what a call costs, beside what was accepted: the page
//! `docs/costs.md`.
//!
//! Not in time, which says more about the machine than about the code, but in
//! instructions and system calls, which are the same on every run. So a change
//! that makes them more is noticed while it is being made.

mod instructions;
mod page;
mod system_calls;
mod table;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::Context;
use crate::build::{REMEDY, cargo};
use crate::failure::{Failure, Outcome, try_out};
use crate::network::in_ci;

use page::Page;

/// Programs that this needs, and others do not.
const TOOLS: [&str; 2] = ["valgrind", "strace"];

/// `cargo xtask costs [--accept]`.
pub(crate) fn command(root: PathBuf, arguments: &[String]) -> Outcome {
    let context = Context { root, test_arguments: Vec::new() };
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => check(&context),
        ["--accept"] => accept(&context),
        _ => Err(Failure::new(
            "it was not understood what to do with the costs",
            format!("given was: {}", arguments.join(" ")),
            "`cargo xtask costs` compares them, `cargo xtask costs --accept` writes them down",
        )),
    }
}

/// Measures, shows it beside the page, and fails where they differ too much.
pub(crate) fn check(context: &Context) -> Outcome {
    if let Err(cause) = try_tools() {
        return skipped(cause);
    }
    let accepted = Page::read(&context.root)?;
    let measured = measure(context)?;
    let mut causes = Vec::new();
    for (accepted, measured) in accepted.tables().into_iter().zip(measured.tables()) {
        eprintln!("{}", measured.beside(accepted));
        causes.extend(measured.differences(accepted));
    }
    if causes.is_empty() {
        return Ok(());
    }
    if accepted.compiler != measured.compiler {
        causes.push(format!(
            "perhaps by the compiler alone: accepted with {}, counted with {}",
            accepted.compiler, measured.compiler
        ));
    }
    Err(Failure::new(
        "the costs of a call are not those that were accepted",
        causes.join("\n       "),
        format!(
            "where there are more, see what it is ({} says where to look), and correct it;\n       \
             where that is not possible, or there are fewer, run `cargo xtask costs --accept`, \
             and\n       say why in the commit",
            page::PATH
        ),
    ))
}

/// Measures, and writes the page.
fn accept(context: &Context) -> Outcome {
    try_tools().map_err(missing)?;
    measure(context)?.write(&context.root)
}

fn measure(context: &Context) -> Result<Page, Failure> {
    let core = program(context, "core", &["--package", "easyhttp-proto", "--profile", "bench"])?;
    // A system call is the same in any build, and this one the tests need as well.
    let calls = program(context, "calls", &["--workspace"])?;
    let finds = context.root.join("target/costs");
    fs::create_dir_all(&finds).map_err(|error| {
        Failure::new(
            format!("{} could not be made", finds.display()),
            error.to_string(),
            "see that target/ can be written to",
        )
    })?;
    Ok(Page {
        compiler: compiler(),
        instructions: instructions::measure(&core, &finds)?,
        system_calls: system_calls::measure(&calls, &finds)?,
    })
}

/// Builds a benchmark, and says where it is.
fn program(context: &Context, name: &str, arguments: &[&str]) -> Result<PathBuf, Failure> {
    let failed = |cause: String| {
        Failure::new(format!("the benchmark `{name}` was not built"), cause, REMEDY)
    };
    let output = cargo(context)
        .args(["build", "--message-format", "json-render-diagnostics", "--bench", name])
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        return Err(failed(format!("{}; what it printed is above", output.status)));
    }
    let messages = String::from_utf8_lossy(&output.stdout);
    let mut paths = messages.lines().filter_map(|message| {
        let (_, path) = message.split_once(r#""executable":""#)?;
        Some(PathBuf::from(path.split_once('"')?.0))
    });
    // Programs of other packages may be built for it, but it is built last.
    paths.next_back().ok_or_else(|| failed("cargo does not say where it is".to_owned()))
}

/// Where the instructions are counted, and what made them.
fn compiler() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let said = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    // Without the commit and its date.
    let version = said.as_deref().unwrap_or("rustc").split(" (").next().unwrap_or_default();
    format!("{version} for {}", std::env::consts::ARCH)
}

fn try_tools() -> Result<(), String> {
    TOOLS.into_iter().try_for_each(|tool| {
        try_out(Command::new(tool).arg("--version")).map_err(|cause| format!("{tool}: {cause}"))
    })
}

fn missing(cause: String) -> Failure {
    let remedy = format!("on Debian: apt-get install {}", TOOLS.join(" "));
    Failure::new("the costs of a call cannot be measured", cause, remedy)
}

fn skipped(cause: String) -> Outcome {
    if in_ci() {
        return Err(missing(cause));
    }
    eprintln!("\nWARNING: nobody looks at the costs of a call.\n{}\n", missing(cause));
    Ok(())
}
